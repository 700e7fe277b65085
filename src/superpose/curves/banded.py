"""Solves and determinants of banded matrices, in O(M) per column."""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack


class BandedLU:
    """The LU factorisation, with pivoting, of a matrix that is zero outside a band.

    Parameters
    ----------
    matrix : ndarray [M, M]
        Zero where abs(i - j) > ``half_bandwidth``.
    half_bandwidth : int
        Number of diagonals on either side.

    Examples
    --------
    >>> import numpy as np
    >>> lu = BandedLU(np.array([[2.0, 1.0, 0.0], [1.0, 2.0, 1.0], [0.0, 1.0, 2.0]]), 1)
    >>> lu.solve(np.array([[3.0], [4.0], [3.0]])).ravel().round(12)
    array([1., 1., 1.])
    >>> round(lu.log_abs_determinant(), 6)
    1.386294
    """

    def __init__(self, matrix: np.ndarray, half_bandwidth: int) -> None:
        size, b = len(matrix), half_bandwidth
        rows = np.zeros((3 * b + 1, size))
        for offset in range(-b, b + 1):  # LAPACK keeps A[i, j] in row 2b + i - j, column j
            diagonal = np.diagonal(matrix, offset)
            start = max(0, offset)
            rows[2 * b - offset, start : start + len(diagonal)] = diagonal
        self.half_bandwidth = b
        self._lu, self._pivots, _ = lapack.dgbtrf(rows, b, b)

    def solve(self, right: np.ndarray) -> np.ndarray:
        """Return the solution X [M, C] of matrix @ X = right [M, C]."""
        b = self.half_bandwidth
        return lapack.dgbtrs(self._lu, b, b, right, self._pivots)[0]

    def log_abs_determinant(self) -> float:
        """Return log abs det of the matrix."""
        return float(np.log(np.abs(self._lu[2 * self.half_bandwidth])).sum())
