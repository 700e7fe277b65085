"""A table as the library sees it: named columns of float64, whatever container they came in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import narwhals as nw
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from superpose.errors import InputError
from superpose.estimators.columns import (
    Column,
    column_from_numbers,
    column_from_objects,
    decimal_year,
)

__all__ = ["Table", "read_table"]


@dataclass(frozen=True)
class Table:
    """Named columns of equal length.

    Parameters
    ----------
    columns : tuple of Column
        In the order of the table.
    n_rows : int
        Number of rows.
    named : bool
        Whether the names came with the table; an array has none and gets x0, x1, ...

    Examples
    --------
    >>> import pandas as pd
    >>> from superpose.estimators.table import read_table
    >>> table = read_table(pd.DataFrame({"age": [31, 45], "smokes": [True, False]}))
    >>> [(column.name, column.kind) for column in table.columns]
    [('age', 'number'), ('smokes', 'category')]
    """

    columns: tuple[Column, ...]
    n_rows: int
    named: bool

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    def take(self, rows: NDArray[Any]) -> Table:
        """Keep these rows, given as a mask or as positions."""
        columns = [replace(column, values=column.values[rows]) for column in self.columns]
        return Table(tuple(columns), len(columns[0].values), self.named)


def read_table(X: Any) -> Table:
    """Read an array, a list of rows, or a pandas, polars or Arrow table.

    Parameters
    ----------
    X : array-like or dataframe of shape (n_rows, n_columns)
        Numbers, categories (text, booleans, category types), dates, missing values.

    Returns
    -------
    Table
        The same rows and columns, each a `Column`.

    Raises
    ------
    InputError
        For no rows, no columns, one dimension, sparse matrices, repeated names, infinite
        values, and text among numbers. The message says where.

    Examples
    --------
    >>> from superpose.estimators.table import read_table
    >>> read_table([[1.5, "a"], [2.5, None]]).columns[1].levels
    ('a',)
    """
    if sp.issparse(X):
        raise InputError(
            "a table must be dense; sparse input is not supported",
            f"found a {type(X).__name__} of shape {X.shape}",
            "pass X.toarray(), or fewer columns if that does not fit into memory",
        )
    if isinstance(X, Table):
        return X
    if nw.dependencies.is_polars_lazyframe(X):
        raise InputError("a table must be in memory", "found a LazyFrame", "call X.collect()")
    if nw.dependencies.is_into_dataframe(X):
        return _from_frame(X)
    return _from_array(_as_array(X))


def _as_array(X: Any) -> NDArray[Any]:
    """Make an array that keeps the types of the cells of a list of rows."""
    if hasattr(X, "__array__"):
        return np.asarray(X)
    lengths = {len(row) for row in X} if _is_list_of_rows(X) else {0}
    if len(lengths) > 1:
        raise InputError(
            "a table must have rows of one length",
            f"found rows of {min(lengths)} and of {max(lengths)} values",
            "pass as many values in every row",
        )
    return np.array(X, dtype=object)


def _is_list_of_rows(X: Any) -> bool:
    return isinstance(X, (list, tuple)) and all(isinstance(row, (list, tuple)) for row in X)


def _from_array(array: NDArray[Any]) -> Table:
    if array.dtype.kind == "c":
        raise InputError(
            "a table must hold real numbers; Complex data not supported",
            f"found an array of {array.dtype}",
            "pass the real and the imaginary part as columns of their own",
        )
    _check_shape(array.shape)
    names = [f"x{i}" for i in range(array.shape[1])]
    columns = [_column_of_array(name, array[:, i]) for i, name in enumerate(names)]
    return Table(tuple(columns), array.shape[0], named=False)


def _column_of_array(name: str, values: NDArray[Any]) -> Column:
    if values.dtype.kind in "fiu":
        return column_from_numbers(name, values.astype(np.float64))
    if values.dtype.kind == "M":
        return column_from_numbers(name, decimal_year(values))
    if values.dtype.kind == "m":
        return column_from_numbers(name, values / np.timedelta64(1, "D"))
    return column_from_objects(
        name, values, reading="numbers" if values.dtype.kind == "U" else "guess"
    )


def _from_frame(native: Any) -> Table:
    labels = list(getattr(native, "column_names", native.columns))
    names = [str(label) for label in labels]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InputError(
            "every column must have a name of its own",
            f"found {repeated[0]!r} {names.count(repeated[0])} times",
            "rename the columns",
        )
    frame = nw.from_native(native, eager_only=True)
    _check_shape((len(frame), len(names)))
    columns = [_column_of_series(name, frame[:, i]) for i, name in enumerate(names)]
    return Table(tuple(columns), len(frame), named=all(isinstance(it, str) for it in labels))


def _column_of_series(name: str, series: Any) -> Column:
    kind = series.dtype
    if kind.is_numeric():
        return column_from_numbers(name, series.cast(nw.Float64).to_numpy().astype(np.float64))
    if isinstance(kind, (nw.Datetime, nw.Date)):
        return column_from_numbers(name, decimal_year(series.to_list()))
    if isinstance(kind, nw.Duration):
        days = series.dt.total_microseconds().cast(nw.Float64) / 86_400e6
        return column_from_numbers(name, days.to_numpy().astype(np.float64))
    is_category = isinstance(kind, (nw.Categorical, nw.Enum))
    return column_from_objects(
        name, series.to_list(), reading="category" if is_category else "guess"
    )


def _check_shape(shape: tuple[int, ...]) -> None:
    if len(shape) != 2:
        raise InputError(
            "a table must have two dimensions, rows and columns",
            f"found an array of shape {shape}",
            "Reshape your data: X.reshape(-1, 1) for one column, X.reshape(1, -1) for one row",
        )
    if shape[0] == 0:
        raise InputError(
            "a table must have rows",
            f"found 0 sample(s) (shape={shape})",
            "pass at least one row",
        )
    if shape[1] == 0:
        raise InputError(
            "a table must have columns",
            f"found 0 feature(s) (shape={shape}) while a minimum of 1 is required",
            "pass at least one column",
        )
