"""A slow oracle: f(x) of the superposition formula, number by number with loops.

f(x) = b + Σ_p g_p(x_p) + Σ_(p,r) s_pr(x_p, x_r) + Σ_q Φ_q(Σ_p ψ_qp(x_p)), every curve the universal
kriging interpolant of its heights with a Matérn-3/2 covariance (Rasmussen and Williams, 2006,
equations 2.25 and 2.41), a category one height a level.
"""

from __future__ import annotations

import math

import numpy as np


def matern32(distance, length_scale):
    t = math.sqrt(3.0) * abs(distance) / length_scale
    return (1.0 + t) * math.exp(-t)


def cardinal(u, knots, length_scale):
    """Return what each height adds to the curve at u: kriging weights with a linear mean."""
    m = len(knots)
    K = np.array([[matern32(a - b, length_scale) for b in knots] for a in knots])
    k = np.array([matern32(u - a, length_scale) for a in knots])
    H = np.array([[1.0, a][: min(m, 2)] for a in knots])
    h = np.array([1.0, u][: min(m, 2)])
    q = H.shape[1]
    system = np.block([[K, H], [H.T, np.zeros((q, q))]])  # the kriging equations with a drift
    return np.linalg.solve(system, np.concatenate([k, h]))[:m]


def levels(code, n_levels):
    return np.array([1.0 if code == level else 0.0 for level in range(n_levels)])


class Input:
    """One attribute: knots and length scale, or a number of levels; a height for missing values."""

    def __init__(self, knots=None, length_scale=None, n_levels=None, missing=False):
        self.knots, self.length_scale = knots, length_scale
        self.n_levels, self.missing = n_levels, missing

    def weights(self, u):
        n = self.n_levels or len(self.knots)
        if math.isnan(u):
            known = np.zeros(n)
        elif self.n_levels:
            known = levels(u, n)
        else:
            known = cardinal(u, self.knots, self.length_scale)
        return np.append(known, float(math.isnan(u))) if self.missing else known


def evaluate(row, bias, mains=(), pairs=(), terms=()):
    """Return f of one row in axis units, [K].

    Parameters
    ----------
    row : sequence of float
    bias : sequence of float [K]
    mains : sequence of (p, Input, heights [K, H])
    pairs : sequence of (p, r, Input, Input, heights [K, H1, H2])
    terms : sequence of (((p, Input, heights [H]), ..), outer knots, outer length scale,
        outer heights [K, M])
    """
    outputs = [float(b) for b in bias]
    for k in range(len(outputs)):
        for p, side, heights in mains:
            c = side.weights(row[p])
            for j in range(len(c)):
                outputs[k] += c[j] * heights[k][j]
        for p, r, first, second, heights in pairs:
            c, d = first.weights(row[p]), second.weights(row[r])
            for i in range(len(c)):
                for j in range(len(d)):
                    outputs[k] += c[i] * heights[k][i][j] * d[j]
        for inner, knots, length_scale, heights in terms:
            total = 0.0
            for p, side, z in inner:
                total += float(np.dot(side.weights(row[p]), z))
            c = cardinal(total, knots, length_scale)
            for j in range(len(c)):
                outputs[k] += c[j] * heights[k][j]
    return np.array(outputs)
