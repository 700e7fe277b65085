"""A slow oracle: the evidence gain of one pair, by direct loops over the formula.

max over s² of ½ Σ_ij [ g_ij² s² / (1 + s² d_ij) - log(1 + s² d_ij) ] with score
g_ij = Σ_n r_n a_ni b_nj and information d_ij = Σ_n w_n a_ni² b_nj².
"""

import math


def gain(first, second, residual, information, strengths):
    """Columns a [N, I] and b [N, J], residual and information [N, K], all as nested lists."""
    best = -math.inf
    for s2 in strengths:
        total = 0.0
        for k in range(len(residual[0])):
            for i in range(len(first[0])):
                for j in range(len(second[0])):
                    score = spread = 0.0
                    for n in range(len(first)):
                        product = first[n][i] * second[n][j]
                        score += residual[n][k] * product
                        spread += information[n][k] * product**2
                    total += score**2 * s2 / (1 + s2 * spread) - math.log(1 + s2 * spread)
        best = max(best, 0.5 * total)
    return best
