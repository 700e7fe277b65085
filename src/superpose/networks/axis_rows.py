"""Rows on the axes, and what was worked out about them: every part reads it, none does it again."""

from __future__ import annotations

import torch

from superpose.networks.input_basis import InputBasis

BATCH = 8192
"""Rows that are read at a time where there may be many."""


class AxisRows:
    """Rows [N, n] in axis units that remember the cardinal functions they were asked for.

    Many parts read one attribute through one basis. They are held as long as these rows are, about
    40 numbers for each row and attribute, so long tables are read in batches of `BATCH`.

    Parameters
    ----------
    units : Tensor [N, n]

    Examples
    --------
    >>> import torch
    >>> from superpose.networks import Attribute
    >>> colour = InputBasis(Attribute("colour", "category", None, ("blue", "red")))
    >>> rows = AxisRows(torch.tensor([[0.0], [1.0]]))
    >>> rows.cardinal(colour, 0)
    tensor([[1., 0.],
            [0., 1.]])
    >>> rows.cardinal(colour, 0) is rows.cardinal(colour, 0)
    True
    """

    def __init__(self, units: torch.Tensor) -> None:
        self.units = units
        self._cardinal: dict[tuple[InputBasis, int], torch.Tensor] = {}
        self._open: dict[tuple[InputBasis, int], torch.Tensor] = {}

    @classmethod
    def of(cls, rows: torch.Tensor | AxisRows) -> AxisRows:
        """Return these rows, whether they remember already or not."""
        return rows if isinstance(rows, AxisRows) else cls(rows)

    def __len__(self) -> int:
        """Return the number N of rows."""
        return len(self.units)

    def batches(self) -> list[AxisRows]:
        """Return the rows in batches, which do not remember yet; themselves where they are few."""
        if len(self) <= BATCH:
            return [self]
        return [AxisRows(units) for units in self.units.split(BATCH)]

    def cardinal(self, basis: InputBasis, p: int) -> torch.Tensor:
        """Return the cardinal functions [N, H] of a basis of attribute p."""
        if (basis, p) not in self._cardinal:
            self._cardinal[basis, p] = basis.cardinal(self.units[:, p])
        return self._cardinal[basis, p]

    def conditional_variance(self, basis: InputBasis, p: int) -> torch.Tensor:
        """Return the prior variance [N] that the heights of attribute p leave open."""
        if (basis, p) not in self._open:
            self._open[basis, p] = basis.conditional_variance(self.units[:, p])
        return self._open[basis, p]
