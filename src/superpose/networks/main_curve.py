"""A main curve: what one attribute adds by itself."""

from __future__ import annotations

import torch
from torch import nn

from superpose.networks.axis_rows import AxisRows
from superpose.networks.input_basis import InputBasis


class MainCurve(nn.Module):
    """g_p(x_p): one curve per output over one attribute.

    Parameters
    ----------
    attribute : int
        Which column it reads.
    basis : InputBasis
        Its cardinal functions.
    heights : Tensor [K, H]
        The learned heights of each output's curve.
    """

    kind = "curve"

    def __init__(self, attribute: int, basis: InputBasis, heights: torch.Tensor) -> None:
        super().__init__()
        self.attributes = (attribute,)
        self.basis = basis
        self.heights = nn.Parameter(heights.clone())

    @property
    def n_curves(self) -> int:
        """How many curves a reader looks at, per output."""
        return 1

    def forward(self, axis_units: torch.Tensor | AxisRows) -> torch.Tensor:
        """Return the contribution [N, K] of rows [N, n] in axis units."""
        return AxisRows.of(axis_units).cardinal(self.basis, self.attributes[0]) @ self.heights.mT
