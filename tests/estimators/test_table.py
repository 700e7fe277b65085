"""Tables from every container, and what is refused, with the whole sentence."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp

from superpose.errors import InputError
from superpose.estimators.columns import CellTypeError
from superpose.estimators.table import read_table

CELLS: dict[str, list[Any]] = {
    "number": [1.5, None, 2.0],
    "whole": [3, 1, 2],
    "bool": [True, None, False],
    "text": ["b", None, "a"],
    "date": [dt.date(2024, 1, 1), None, dt.date(2024, 7, 2)],
    "time": [dt.datetime(2024, 1, 1, 12), None, dt.datetime(2024, 7, 2)],
    "span": [dt.timedelta(days=1), None, dt.timedelta(hours=12)],
}
MEANING = {
    "number": ("number", [1.5, np.nan, 2.0], ()),
    "whole": ("number", [3.0, 1.0, 2.0], ()),
    "bool": ("category", [1.0, np.nan, 0.0], ("False", "True")),
    "text": ("category", [1.0, np.nan, 0.0], ("a", "b")),
    "date": ("number", [2024.0, np.nan, 2024.5], ()),
    "time": ("number", [2024 + 0.5 / 366, np.nan, 2024.5], ()),
    "span": ("number", [1.0, np.nan, 0.5], ()),
}


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table], ids=lambda f: f.__module__)
def test_frames_of_every_kind_are_read_alike(make: Any) -> None:
    table = read_table(make(CELLS))
    assert table.named
    assert table.n_rows == 3
    for column in table.columns:
        kind, values, levels = MEANING[column.name]
        assert (column.kind, column.levels) == (kind, levels)
        np.testing.assert_allclose(column.values, values, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (pd.array([1, None], dtype="Int64"), "number", [1.0, np.nan]),
        (pd.array([1.5, None], dtype="Float64"), "number", [1.5, np.nan]),
        (pd.array([True, None], dtype="boolean"), "category", [0.0, np.nan]),
        (pd.array(["u", None], dtype="string"), "category", [0.0, np.nan]),
        (pd.Categorical([7, None]), "category", [0.0, np.nan]),
        (pd.Series([1, 2.5], dtype=object), "number", [1.0, 2.5]),
        (pd.Series([Decimal("1.5"), None], dtype=object), "number", [1.5, np.nan]),
        (pd.Series([None, None], dtype=object), "number", [np.nan, np.nan]),
        (pd.Series(["a", "  "]), "category", [0.0, np.nan]),
        (pd.to_datetime(pd.Series(["2024-01-01", None]), utc=True), "number", [2024.0, np.nan]),
    ],
    ids=str,
)
def test_pandas_types_keep_their_meaning(cells: Any, kind: str, values: list[float]) -> None:
    column = read_table(pd.DataFrame({"c": cells})).columns[0]
    assert column.kind == kind
    np.testing.assert_array_equal(column.values, values)


@pytest.mark.parametrize(
    ("array", "kinds"),
    [
        (np.arange(4).reshape(2, 2), ("number", "number")),
        (np.array([[True, False]]), ("category", "category")),
        (np.array([["1", "a"], ["2.5", "b"]]), ("number", "category")),
        ([[1, "a"], [None, "b"]], ("number", "category")),
        (np.array([[1, "a"], [2, None]], dtype=object), ("number", "category")),
        (np.array([["2024-01-01"]], dtype="datetime64[D]"), ("number",)),
        (np.array([[36]], dtype="timedelta64[h]"), ("number",)),
    ],
    ids=str,
)
def test_arrays_and_lists_of_rows(array: Any, kinds: tuple[str, ...]) -> None:
    table = read_table(array)
    assert not table.named
    assert table.names == tuple(f"x{i}" for i in range(len(kinds)))
    assert tuple(column.kind for column in table.columns) == kinds


def test_a_category_type_is_a_category_even_if_its_levels_look_like_numbers() -> None:
    codes = pd.Categorical([str(i) for i in range(30)] + ["?"])
    assert read_table(pd.DataFrame({"zip": codes})).columns[0].kind == "category"


NUMBERS_AND_A_MARK = [*(str(i) for i in range(30)), "?", "?"]

REFUSED: list[tuple[Any, str]] = [
    (
        np.zeros(3),
        "a table must have two dimensions, rows and columns; found an array of shape (3,); Reshape "
        "your data: X.reshape(-1, 1) for one column, X.reshape(1, -1) for one row",
    ),
    (
        np.zeros((0, 3)),
        "a table must have rows; found 0 sample(s) (shape=(0, 3)); pass at least one row",
    ),
    (
        np.zeros((3, 0)),
        "a table must have columns; found 0 feature(s) (shape=(3, 0)) while a minimum of 1 is "
        "required; pass at least one column",
    ),
    (
        [[1, 2], [3]],
        "a table must have rows of one length; found rows of 1 and of 2 values; pass as many "
        "values in every row",
    ),
    (
        sp.csr_array(np.eye(2)),
        "a table must be dense; sparse input is not supported; found a csr_array of shape (2, 2); "
        "pass X.toarray(), or fewer columns if that does not fit into memory",
    ),
    (
        np.eye(2) * 1j,
        "a table must hold real numbers; Complex data not supported; found an array of complex128; "
        "pass the real and the imaginary part as columns of their own",
    ),
    (
        np.array([[1j]], dtype=object),
        "a table must hold real numbers; Complex data not supported; found 1j in column 'x0', "
        "row 0; pass the real and the imaginary part as two columns",
    ),
    (
        np.array([[1.0], [-np.inf], [np.inf]]),
        "column 'x0' must hold finite numbers or missing values; found infinity (-inf) in row 1 "
        "and 1 more; replace it with a number, or with NaN if the value is not known",
    ),
    (
        pd.DataFrame({"age": NUMBERS_AND_A_MARK}),
        "column 'age' looks like numbers and must then hold numbers only; found the text '?' in "
        "row 30 and 1 more; correct the cell, or leave it empty if the value is not known; if "
        "every value is meant as a category, give the column a category type",
    ),
    (
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        "every column must have a name of its own; found 'a' 2 times; rename the columns",
    ),
    (
        pl.LazyFrame({"a": [1]}),
        "a table must be in memory; found a LazyFrame; call X.collect()",
    ),
]


@pytest.mark.parametrize(("X", "sentence"), REFUSED, ids=lambda it: str(it)[:30])
def test_a_table_that_cannot_be_used_is_refused(X: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        read_table(X)


@pytest.mark.parametrize("cell", [{"a": 1}, [1, 2], object])
def test_a_cell_that_is_neither_number_nor_text_is_refused(cell: Any) -> None:
    X = np.empty((2, 1), dtype=object)
    X[0, 0], X[1, 0] = 1.0, cell
    sentence = (
        "every cell of the argument must be a string or a number; "
        f"found a {type(cell).__name__} in column 'x0', row 1; "
        "replace the cell, or unpack the column into columns of numbers and text"
    )
    with pytest.raises(CellTypeError, match=f"^{re.escape(sentence)}$"):
        read_table(X)


def test_dates_do_not_mix_with_text() -> None:
    with pytest.raises(CellTypeError, match="found a date in column 'd', row 1"):
        read_table(pd.DataFrame({"d": ["soon", dt.date(2024, 1, 1)]}))
