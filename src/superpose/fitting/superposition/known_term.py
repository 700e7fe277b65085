"""A term of a fitted network as columns and coefficients again, over the rows of another table."""

from __future__ import annotations

import torch

from superpose.curves import GPBasis
from superpose.fitting.superposition.columns import side
from superpose.fitting.superposition.term_columns import TermColumns, narrowed, outer_directions
from superpose.networks import Term


@torch.no_grad()
def known_term(
    part: Term, axis_units: torch.Tensor, weight: torch.Tensor
) -> tuple[TermColumns, torch.Tensor, list[torch.Tensor]]:
    """Return the columns of a term, and the coefficients that make it what it is.

    Inner curves are centred over the rows, so the knots of the outer curve move by the mean of
    their sum. What an inner curve says where there are no rows is lost.

    Parameters
    ----------
    part : Term
    axis_units : Tensor [N, n]
    weight : Tensor [N]

    Returns
    -------
    columns : TermColumns
    outer : Tensor [K, m]
    inner : list of Tensor [m_p]
    """
    sides = tuple(
        narrowed(side(part.basis(i), axis_units[:, p], weight))
        for i, p in enumerate(part.attributes)
    )
    inner = [
        _coefficients(it.directions, z[:, None])[:, 0]
        for it, z in zip(sides, part.inner_heights, strict=True)
    ]
    centred = torch.stack([it.columns @ a for it, a in zip(sides, inner, strict=True)]).sum(0)
    moved = float(weight @ (part.inner_sum(axis_units) - centred) / weight.sum())
    length_scale = float(part.outer_basis.kernel.length_scale)
    outer = GPBasis(part.outer_basis.knots - moved, "matern32", length_scale=length_scale)
    directions = outer_directions(outer)
    columns = TermColumns(part.attributes, sides, outer, directions, weight)
    return columns, _coefficients(directions, part.heights.mT).mT, inner


def _coefficients(directions: torch.Tensor, heights: torch.Tensor) -> torch.Tensor:
    """Return the coefficients [m, C] that make heights [H, C], up to a level."""
    level = torch.ones(len(directions), 1, dtype=torch.float64)
    return torch.linalg.lstsq(torch.cat([directions, level], 1), heights).solution[:-1]
