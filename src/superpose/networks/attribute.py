"""What a network knows about one column of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from superpose.curves import Axis
from superpose.errors import InputError


@dataclass(frozen=True)
class Attribute:
    """One column: a number with its axis, or a category with its levels.

    Parameters
    ----------
    name : str
        The column's name, as the reader knows it.
    kind : {"number", "category"}
        Numbers are read on an axis; categories by their level codes 0, 1, .., L - 1.
    axis : Axis, optional
        For a number: the monotone map from units to the axis, and the knots on it.
    levels : tuple of str, optional
        For a category: the names of its levels, in the order of their codes.
    missing : bool, default False
        Whether missing values were seen, so that the main curve has an offset for them.
    shape : tuple of str, default ()
        For a number: what is known of its main curve, in words of `superpose.curves.SHAPES`.
    shape_of : tuple of int, default ()
        With several outputs: the one whose curve has the shape against that of each other one, and
        after it the one that has the opposite shape, if any.

    Raises
    ------
    InputError
        Where a number has no axis or a category no levels.

    Examples
    --------
    >>> Attribute("colour", "category", None, ("blue", "red")).n_levels
    2
    """

    name: str
    kind: Literal["number", "category"]
    axis: Axis | None = None
    levels: tuple[str, ...] | None = None
    missing: bool = False
    shape: tuple[str, ...] = ()
    shape_of: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        needed = self.axis if self.kind == "number" else self.levels
        if needed is None:
            raise InputError(
                "a number needs an axis and a category needs levels",
                f"attribute {self.name!r} of kind {self.kind!r} has neither",
                "pass axis=Axis.from_data(column) or levels=(...)",
            )

    @property
    def n_levels(self) -> int:
        """Number of levels of a category; 0 for a number."""
        return len(self.levels) if self.levels is not None else 0

    def encode(self, column: torch.Tensor) -> torch.Tensor:
        """Map a column in units to the axis; codes and NaN stay as they are."""
        return column if self.axis is None else self.axis.to_axis(column)
