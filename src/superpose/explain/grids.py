"""The values of one attribute at which its curves are written down."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

__all__ = ["MARGIN", "attribute_grid", "label_grid", "rows_at", "with_places"]

#: How far a grid goes on beyond the data, as a share of the axis; shows how the curve goes on.
MARGIN = 0.04


def attribute_grid(attribute: Any, points: int) -> NDArray[np.float64]:
    """Values in original units, denser where the data are [G].

    They are `points` values evenly spaced on the axis, where the data are spread out, half as many
    evenly spaced in units, so that no gap is wide, the knots where these are fewer, and a few
    values beyond the data. A category has one value per level, its code.
    """
    if attribute.kind == "category":
        return np.arange(len(attribute.levels), dtype=np.float64)
    knots = np.asarray(attribute.axis.knots, dtype=np.float64)
    if len(knots) == 1:
        return _undo(attribute, knots)
    u = np.linspace(0.0, 1.0, points)
    inside = np.union1d(u, knots) if len(knots) < points else u
    margin = np.linspace(0.0, MARGIN, 4)[1:]
    on_axis = _undo(attribute, np.concatenate([-margin[::-1], inside, 1 + margin]))
    low, high = _undo(attribute, np.array([0.0, 1.0]))
    return _apart(np.union1d(on_axis, np.linspace(low, high, points // 2)))


def with_places(grid: NDArray[np.float64], part: Any) -> NDArray[np.float64]:
    """A grid with the places at which a curve was drawn by hand, and two beyond either end.

    The curve may step at the ends, and a line through the last two entries must be the curve's own.
    """
    basis: Any = getattr(part, "basis", None)
    found = [grid]
    while hasattr(basis, "places"):
        places = np.asarray(basis.places, dtype=np.float64)
        beyond = np.array([1e-6, 1e-2]) * (places[-1] - places[0])
        found += [places, places[0] - beyond, places[-1] + beyond]
        basis = basis.base
    return np.unique(np.concatenate(found))


def label_grid(attribute: Any, grid: NDArray[np.float64]) -> NDArray[Any]:
    """The grid as a person names it: numbers stay, codes become names of levels."""
    return grid if attribute.kind == "number" else np.asarray(attribute.levels, dtype=object)


def rows_at(columns: dict[int, NDArray[np.float64]], width: int) -> NDArray[np.float64]:
    """Rows that hold these columns and nothing else: all other attributes are missing [G, n]."""
    count = len(next(iter(columns.values())))
    rows = np.full((count, width), np.nan)
    for position, values in columns.items():
        rows[:, position] = values
    return rows


def _apart(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Drop values that rounding alone keeps apart from the one before."""
    nearest = 1e-9 * float(np.ptp(values))
    return values[np.concatenate([[True], np.diff(values) > nearest])]


def _undo(attribute: Any, u: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(attribute.axis.from_axis(torch.as_tensor(u)), dtype=np.float64)
