"""Weighted functional ANOVA of one function over rows, by dummy variables and least squares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def additive_part(values: Array, codes: NDArray[np.intp], weight: Array) -> Array:
    """The sum of functions of one column each that is nearest to values [N], at the rows [N].

    Every distinct code of every column has a dummy of its own; the solution is the projection, so
    it does not matter which of the many coefficient vectors the solver picks.
    """
    columns = [np.ones(len(values))]
    for column in codes.T:
        for code in np.unique(column):
            columns.append((column == code).astype(np.float64))
    design = np.stack(columns, axis=1)
    root = np.sqrt(weight)
    found, *_ = np.linalg.lstsq(design * root[:, None], values * root, rcond=None)
    return design @ found


def grid_interaction(table: Array) -> Array:
    """What is left of a full table [A, B] of equally likely cells: less row and column means."""
    rows, columns = table.mean(axis=1, keepdims=True), table.mean(axis=0, keepdims=True)
    return table - rows - columns + table.mean()
