"""Rows by the group they belong to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from superpose.errors import InputError

__all__ = ["rows_where"]


def rows_where(group: Any, n_rows: int) -> tuple[list[str], list[NDArray[np.bool_]]]:
    """Names of the groups, sorted, and the rows of each; a missing group is one of its own.

    Parameters
    ----------
    group : array-like of shape (n_rows,)
    n_rows : int

    Raises
    ------
    InputError
        If there is not one value a row.

    Examples
    --------
    >>> names, rows = rows_where(["b", None, "a", "b"], 4)
    >>> names, [it.tolist().count(True) for it in rows]
    (['a', 'b', 'missing'], [1, 2, 1])
    """
    values = np.asarray(group, dtype=object).ravel()
    if len(values) != n_rows:
        raise InputError(
            f"group must have one value for each of the {n_rows} rows",
            f"found {len(values)}",
            "pass a column of the table, or cut a number into a few ranges",
        )
    gone = np.asarray(pd.isna(values))
    known = sorted(set(values[~gone].tolist()), key=lambda it: (isinstance(it, str), it))
    rows = [np.array([value == it for value in values]) & ~gone for it in known]
    names = [str(it) for it in known]
    return ([*names, "missing"], [*rows, gone]) if gone.any() else (names, rows)
