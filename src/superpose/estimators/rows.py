"""Training rows in an order of their own, equal rows as one.

A fit must not depend on the order of the rows, and a row of weight 2 must count as the row
written twice. Both hold by construction when equal rows are merged and the rest are put into an
order that only their values decide: two tables that say the same become one and the same input.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["merge_rows"]

Floats = NDArray[np.float64]
Hashes = NDArray[np.uint64]


def merge_rows(x: Floats, y: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Merge equal rows, adding their weights, and order them by a hash of their values.

    The order looks random, so a split of it into runs is as good as a shuffled one; it is the
    same for any order of the rows, and for any order of the columns.

    Parameters
    ----------
    x : ndarray of shape (n_rows, n_columns)
        Attributes; NaN is a value like any other here.
    y : ndarray of shape (n_rows,)
        Target.
    weight : ndarray of shape (n_rows,)
        Weights; a row of weight 0 is left out.

    Returns
    -------
    x, y, weight : ndarray
        The merged rows.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.estimators.rows import merge_rows
    >>> x, y, weight = merge_rows(np.array([[1.0], [2.0], [1.0], [3.0]]), np.zeros(4),
    ...                           np.array([1.0, 1.0, 2.0, 0.0]))
    >>> sorted(zip(x[:, 0].tolist(), weight.tolist()))
    [(1.0, 3.0), (2.0, 1.0)]
    """
    seen = weight > 0
    x, y, weight = x[seen], y[seen], weight[seen]
    columns = [_mixed(column) for column in x.T]
    place = np.zeros(len(y), dtype=np.uint64)
    identity = _mixed(y)
    for column in columns:
        place += column
        identity = _mixed_bits(identity * np.uint64(3) + column)
    order = np.lexsort((weight, identity, place))
    first = np.ones(len(order), dtype=bool)
    first[1:] = (np.diff(place[order]) != 0) | (np.diff(identity[order]) != 0)
    starts = np.flatnonzero(first)
    return x[order[starts]], y[order[starts]], np.add.reduceat(weight[order], starts)


def _mixed(values: Floats) -> Hashes:
    """Hash each value; all NaN alike, -0.0 as 0.0."""
    values = np.where(np.isnan(values), np.nan, values + 0.0)
    return _mixed_bits(np.ascontiguousarray(values).view(np.uint64))


def _mixed_bits(bits: Hashes) -> Hashes:
    """Finish a hash as splitmix64 does (Steele, Lea and Flood 2014), so that every bit counts."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
