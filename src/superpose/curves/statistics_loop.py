"""Lowest, highest, mean and variance of columns, in one pass over the rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from superpose.curves.machine_code import compiled


def _columns(x: Any, found: Any) -> None:
    """Write lowest, highest, mean and variance of the columns of x [N, I] to found [4, I]."""
    total, squares = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    shift = x[0].astype(np.float64)
    for i in range(x.shape[1]):
        found[0, i] = found[1, i] = x[0, i]
    for n in range(len(x)):
        for i in range(x.shape[1]):
            value = x[n, i]
            found[0, i] = value if value < found[0, i] else found[0, i]
            found[1, i] = value if value > found[1, i] else found[1, i]
            away = value - shift[i]
            total[i] += away
            squares[i] += away * away
    for i in range(x.shape[1]):
        mean = total[i] / len(x)
        found[2, i] = shift[i] + mean
        found[3, i] = (squares[i] - total[i] * mean) / len(x)


def column_statistics(x: np.ndarray) -> np.ndarray:
    """Return lowest, highest, mean and variance of the columns of x [N, I], [4, I], N >= 1."""
    found = np.empty((4, x.shape[1]), x.dtype)
    compiled(_columns)(x, found)
    return found
