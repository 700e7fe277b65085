"""The values of one attribute at which its curves are written down."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

__all__ = ["MARGIN", "attribute_grid", "label_grid", "rows_at"]

#: How far a grid goes on beyond the data, as a share of the axis; shows how the curve goes on.
MARGIN = 0.04


def attribute_grid(attribute: Any, points: int) -> NDArray[np.float64]:
    """Values in original units, evenly spaced on the axis and so denser where the data are [G].

    The knots are among them where they are fewer than the points, and the first and last few points
    lie beyond the data. A category has one value per level, its code.
    """
    if attribute.kind == "category":
        return np.arange(len(attribute.levels), dtype=np.float64)
    knots = np.asarray(attribute.axis.knots, dtype=np.float64)
    if len(knots) == 1:
        return _undo(attribute, knots)
    u = np.linspace(0.0, 1.0, points)
    inside = np.union1d(u, knots) if len(knots) < points else u
    margin = np.linspace(0.0, MARGIN, 4)[1:]
    return np.unique(_undo(attribute, np.concatenate([-margin[::-1], inside, 1 + margin])))


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


def _undo(attribute: Any, u: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(attribute.axis.from_axis(torch.as_tensor(u)), dtype=np.float64)
