"""Lines of equal height on a lattice: marching squares (Lorensen and Cline 1987, in the plane)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["contour"]

Array = NDArray[np.float64]
Segment = tuple[tuple[float, float], tuple[float, float]]


def contour(x: Array, y: Array, z: Array, level: float) -> list[Segment]:
    """Straight pieces of the line where a surface has a height.

    Parameters
    ----------
    x, y : array [A], [B]
    z : array [A, B]
    level : float

    Returns
    -------
    list of ((x, y), (x, y))

    Examples
    --------
    >>> import numpy as np
    >>> grid = np.array([0.0, 1.0])
    >>> [[tuple(map(float, end)) for end in piece] for piece in
    ...  contour(grid, grid, np.array([[0.0, 0.0], [1.0, 1.0]]), 0.5)]
    [[(0.5, 0.0), (0.5, 1.0)]]
    """
    above = z > level
    mixed = above[:-1, :-1].astype(int) + above[1:, :-1] + above[1:, 1:] + above[:-1, 1:]
    pieces: list[Segment] = []
    for i, j in zip(*np.nonzero((mixed > 0) & (mixed < 4)), strict=True):
        corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]
        cuts = [
            _cut(x, y, z, level, a, b)
            for a, b in zip(corners, corners[1:] + corners[:1], strict=True)
            if above[a] != above[b]
        ]
        pieces += list(zip(cuts[::2], cuts[1::2], strict=True))
    return pieces


def _cut(
    x: Array, y: Array, z: Array, level: float, a: tuple[int, int], b: tuple[int, int]
) -> tuple[float, float]:
    """Where the level lies on the edge between two corners."""
    share = (level - z[a]) / (z[b] - z[a])
    return x[a[0]] + share * (x[b[0]] - x[a[0]]), y[a[1]] + share * (y[b[1]] - y[a[1]])
