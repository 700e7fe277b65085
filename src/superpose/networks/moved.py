"""What of an interaction is additive: curves that stand in the main curves and are taken off it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import torch
from torch import nn

from superpose.networks.axis_rows import AxisRows
from superpose.networks.main_curve import MainCurve


class Moved(nn.Module):
    """Σ_p m_p(x_p): curves that moved from a pair or a term to the main curves.

    Each is written in the basis of the main curve that took it, so a move changes the heights of
    the one and is taken off the other, and no prediction changes.

    Parameters
    ----------
    curves : sequence of MainCurve
        None where nothing moved.

    Examples
    --------
    >>> import torch
    >>> from superpose.networks import Attribute, InputBasis
    >>> colour = Attribute("colour", "category", None, ("blue", "red"))
    >>> curve = MainCurve(0, InputBasis(colour), torch.tensor([[-1.0, 1.0]]).double())
    >>> Moved([curve])(torch.tensor([[0.0], [1.0]]).double()).squeeze(1).tolist()
    [-1.0, 1.0]
    """

    def __init__(self, curves: Sequence[MainCurve] = ()) -> None:
        super().__init__()
        self._curves = nn.ModuleList(curves)

    def __iter__(self) -> Iterator[MainCurve]:
        return (cast(MainCurve, curve) for curve in self._curves)

    def __len__(self) -> int:
        return len(self._curves)

    def forward(self, axis_units: torch.Tensor | AxisRows) -> torch.Tensor:
        """Return the sum of the curves [N, K] at rows [N, n] in axis units; 0 without any."""
        rows = AxisRows.of(axis_units)
        none = rows.units.new_zeros(len(rows), 1)
        return sum((curve(rows) for curve in self), start=none)
