"""A pair: a surface over two attributes, the tensor product of two bases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import nn

from superpose.networks.axis_rows import AxisRows
from superpose.networks.input_basis import InputBasis
from superpose.networks.main_curve import MainCurve
from superpose.networks.moved import Moved


class PairSurface(nn.Module):
    """s_pr(x_p, x_r) = Σ_ij c_i(x_p) Z_ij c_j(x_r) - m_p(x_p) - m_r(x_r).

    A surface through a lattice of control points, less what of it was additive and moved to the
    main curves. The lattice contributes 0 where either attribute is missing or an unseen level.

    Parameters
    ----------
    attributes : tuple of int
        The two columns it reads.
    sides : tuple of InputBasis
        The cardinal functions of each.
    heights : Tensor [K, H1, H2]
        The learned lattice of each output.
    moved : sequence of MainCurve, optional
        m: curves that stand in the main curves now.
    """

    kind = "pair"

    def __init__(
        self,
        attributes: tuple[int, int],
        sides: tuple[InputBasis, InputBasis],
        heights: torch.Tensor,
        moved: Sequence[MainCurve] = (),
    ) -> None:
        super().__init__()
        self.attributes = attributes
        self.moved = Moved(moved)
        self.sides = nn.ModuleList(sides)
        self.heights = nn.Parameter(heights.clone())

    @property
    def n_curves(self) -> int:
        """How many curves a reader looks at: a surface is read as one heat map."""
        return 1

    def side(self, i: int) -> InputBasis:
        """Return the cardinal functions of one side, 0 or 1."""
        return cast(InputBasis, self.sides[i])

    def forward(self, axis_units: torch.Tensor | AxisRows) -> torch.Tensor:
        """Return the contribution [N, K] of rows [N, n] in axis units."""
        rows = AxisRows.of(axis_units)
        return self.whole(rows) - self.moved(rows)

    def whole(self, axis_units: torch.Tensor | AxisRows) -> torch.Tensor:
        """Return the surface [N, K] with what moved to the main curves."""
        rows = AxisRows.of(axis_units)
        first, second = (rows.cardinal(self.side(i), p) for i, p in enumerate(self.attributes))
        return torch.stack([((first @ own) * second).sum(1) for own in self.heights], 1)
