"""A term: an outer curve over a sum of inner curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import nn

from superpose.curves import GPBasis
from superpose.networks.axis_rows import AxisRows
from superpose.networks.input_basis import InputBasis
from superpose.networks.main_curve import MainCurve
from superpose.networks.moved import Moved


class Term(nn.Module):
    """Φ_q(Σ_p ψ_qp(x_p)) - Σ_p m_qp(x_p): inner curves, outer curves, and what moved away.

    One inner curve per attribute it reads, one outer curve per output; and for each attribute what
    of the term was additive and moved to the main curve.

    The gauge is fixed by `superpose.fitting`: inner curves are centred over the training rows and
    their sum has mean 0 and variance 1 there, so the outer curve's axis is in standard deviations.

    Parameters
    ----------
    attributes : tuple of int
        The columns it reads.
    bases : list of InputBasis
        The cardinal functions of each inner curve.
    inner_heights : list of Tensor [H_p]
        The learned heights of each inner curve.
    outer_basis : GPBasis
        Cardinal functions of the outer curve, knots in units of the inner sum.
    outer_heights : Tensor [K, M]
        The learned heights of the outer curve of each output.
    moved : sequence of MainCurve, optional
        m: curves that stand in the main curves now.
    """

    kind = "term"

    def __init__(
        self,
        attributes: tuple[int, ...],
        bases: list[InputBasis],
        inner_heights: list[torch.Tensor],
        outer_basis: GPBasis,
        outer_heights: torch.Tensor,
        moved: Sequence[MainCurve] = (),
    ) -> None:
        super().__init__()
        self.attributes = attributes
        self.moved = Moved(moved)
        self.bases = nn.ModuleList(bases)
        self.inner_heights = nn.ParameterList([nn.Parameter(z.clone()) for z in inner_heights])
        self.outer_basis = outer_basis
        self.heights = nn.Parameter(outer_heights.clone())

    @property
    def n_curves(self) -> int:
        """How many curves a reader looks at: the inner ones and the outer one."""
        return len(self.attributes) + 1

    @property
    def inner(self) -> dict[int, Callable[[torch.Tensor], torch.Tensor]]:
        """The inner curves ψ_qp by attribute, each from a column in axis units [N] to [N]."""
        return {p: self._inner_curve(i) for i, p in enumerate(self.attributes)}

    @property
    def outer_knots(self) -> torch.Tensor:
        """Knots of the outer curve, in units of the inner sum."""
        return self.outer_basis.knots

    def inner_sum(self, axis_units: torch.Tensor | AxisRows) -> torch.Tensor:
        """Return Σ_p ψ_qp(x_p), [N], of rows [N, n] in axis units."""
        rows, read = AxisRows.of(axis_units), enumerate(self.attributes)
        curves = [rows.cardinal(self.basis(i), p) @ self.inner_heights[i] for i, p in read]
        return torch.stack(curves).sum(0)

    def outer(self, inner_sum: torch.Tensor) -> torch.Tensor:
        """Return the outer curve Φ_q, [N, K], at sums of inner curves [N]."""
        return self.outer_basis.cardinal(inner_sum) @ self.heights.mT

    def forward(self, axis_units: torch.Tensor | AxisRows) -> torch.Tensor:
        """Return the contribution [N, K] of rows [N, n] in axis units."""
        rows = AxisRows.of(axis_units)
        return self.whole(rows) - self.moved(rows)

    def whole(self, axis_units: torch.Tensor | AxisRows) -> torch.Tensor:
        """Return the outer curve at the inner sum, [N, K], with what moved to the main curves."""
        return self.outer(self.inner_sum(axis_units))

    def _inner_curve(self, i: int) -> Callable[[torch.Tensor], torch.Tensor]:
        basis = self.basis(i)
        return lambda column: basis.cardinal(column) @ self.inner_heights[i]

    def basis(self, i: int) -> InputBasis:
        """Return the cardinal functions of the i-th inner curve."""
        return cast(InputBasis, self.bases[i])
