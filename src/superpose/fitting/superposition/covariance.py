"""The covariance of every main curve, chosen by the evidence: length scale, and whether it jumps.

One curve at a time, on its partial working response at the present fit (all other parts held):
with information A and score r of its columns, and prior precision Λ,

    L(l, λ) = ½ rᵀ (A + Λ)⁻¹ r - ½ log det(A + Λ) + ½ log det Λ,

maximised over the smoothness λ for each length scale l (MacKay, 1992). A curve that jumps is as
good as any under a Matérn 1/2 covariance over more knots, which asks for continuity alone.
"""

from __future__ import annotations

import torch

from superpose.fitting.superposition.columns import Block
from superpose.fitting.superposition.gram import gram
from superpose.fitting.superposition.growth import LENGTH_SCALE, Growth

LENGTH_SCALES = (0.1, 1.0)
FEWEST_KNOTS = 6
WORTH = 2.0
STRENGTHS = torch.linspace(-6.0, 14.0, 11, dtype=torch.float64)


def choose_covariances(growth: Growth) -> bool:
    """Give every main curve the covariance with the most evidence; return whether any moved."""
    residual, information = growth.working(growth.outputs())
    blocks, coefficients = list(growth.design.blocks), list(growth.own_coefficients())
    slope = float(growth.state.rho[0].exp()) / growth.state.noise
    for i, block in enumerate(blocks):
        if block.kind != "curve" or block.labels.count("smooth") < FEWEST_KNOTS - 2:
            continue
        attribute = growth.rows.attributes[block.attributes[0]]
        if attribute.kind != "number" or attribute.shape:  # of a spline it is a unit, no choice
            continue
        response = information * (block.columns @ coefficients[i].mT) + residual
        better = _better(growth, block, response, information, slope)
        if better is not None:
            blocks[i] = better
            width = better.columns.shape[1]
            coefficients[i] = coefficients[i].new_zeros(len(coefficients[i]), width)
    if all(new is old for new, old in zip(blocks, growth.design.blocks, strict=True)):
        return False
    growth.design, growth.state = growth.over(blocks, coefficients)
    return True


def _better(
    growth: Growth,
    block: Block,
    response: torch.Tensor,
    information: torch.Tensor,
    slope: float,
) -> Block | None:
    """Return the block at the best other covariance, or None where the present one stays."""
    best, found = partial_evidence(block, response, information, slope) + WORTH, None
    for length_scale in LENGTH_SCALES:
        if length_scale == LENGTH_SCALE:
            continue
        other = growth.rows.main(block.attributes[0], length_scale)
        evidence = partial_evidence(other, response, information, slope)
        if evidence > best:
            best, found = evidence, other
    if growth.rows.kernel != "auto":
        return found
    rough = growth.rows.rough(block.attributes[0])
    if partial_evidence(rough, response, information, slope) > best + WORTH:
        return rough
    return found


def partial_evidence(
    block: Block, response: torch.Tensor, information: torch.Tensor, slope: float
) -> float:
    """Return max over λ of L(l, λ), summed over the outputs."""
    columns = block.columns
    score = columns.mT @ response  # [m, K]
    matrix = torch.stack([gram(columns, own) for own in information.mT])  # [K, m, m]
    smooth = torch.tensor([label == "smooth" for label in block.labels])
    precision = torch.where(smooth, STRENGTHS.exp()[:, None], slope)  # [S, m]
    full = matrix[:, None] + torch.diag_embed(precision)  # [K, S, m, m]
    factor, failed = torch.linalg.cholesky_ex(full)
    white = torch.linalg.solve_triangular(factor, score.mT[:, None, :, None], upper=False)
    log_determinant = 2 * factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    value = 0.5 * (white[..., 0] ** 2).sum(-1) - 0.5 * log_determinant
    value = value + 0.5 * precision.log().sum(-1)
    value = value.masked_fill(failed > 0, -torch.inf)  # the prior is lost in rounding: no noise
    return float(value.sum(0).max())
