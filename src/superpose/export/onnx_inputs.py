"""What an exported network is fed: one named array a column."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from superpose.estimators.matching import check_columns
from superpose.estimators.schema import ColumnPlan, as_category
from superpose.estimators.table import Column, read_table
from superpose.export.onnx_graph import PREFIX

__all__ = ["OUTPUTS", "input_names", "onnx_inputs"]

OUTPUTS = ("label", "probabilities", "score", "prediction", "contributions")
"""Names that a column cannot have as an input."""


def input_names(columns: tuple[str, ...]) -> dict[str, str]:
    """Name of each column's input: its own, with underscores before it where that is taken.

    Examples
    --------
    >>> from superpose.export.onnx_inputs import input_names
    >>> input_names(("age", "label", ""))
    {'age': 'age', 'label': '_label', '': '_'}
    """
    names: dict[str, str] = {}
    for column in columns:
        name = column
        while name in ("", *OUTPUTS) or name.startswith(PREFIX) or _taken(name, column, columns):
            name = f"_{name}"
        names[column] = name
    return names


def _taken(name: str, column: str, columns: tuple[str, ...]) -> bool:
    return name != column and name in columns


def onnx_inputs(model: Any, X: Any) -> dict[str, NDArray[Any]]:
    """Turn a table into what an exported model is fed.

    Columns are read as `predict` reads them: a number becomes float64, NaN where it is missing (a
    date its decimal year); a category becomes text, empty where it is missing. Programs without
    superpose do the same to their rows.

    Parameters
    ----------
    model : KSTClassifier or KSTRegressor
        Fitted.
    X : array-like or dataframe of shape (n_rows, n_columns)
        Rows with the columns of fit.

    Returns
    -------
    dict of str to ndarray of shape (n_rows, 1)
        Arrays by name of the input.

    Raises
    ------
    InputError
        Where the table has other columns, or text among numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose import KSTRegressor
    >>> from superpose.export import onnx_inputs
    >>> model = KSTRegressor(pairs=0, terms=0).fit([[1, "a"], [2, "b"], [4, "a"]], [1, 2, 3])
    >>> onnx_inputs(model, [[3, None]])
    {'x0': array([[3.]]), 'x1': array([['']], dtype=object)}
    """
    table = read_table(X)
    check_columns(table, model.schema_, type(model).__name__)
    names = input_names(model.schema_.names)
    return {
        names[plan.name]: _fed(plan, column)[:, None]
        for plan, column in zip(model.schema_.columns, table.columns, strict=True)
    }


def _fed(plan: ColumnPlan, column: Column) -> NDArray[Any]:
    if plan.kind == "number":
        return plan.encode(column)
    column = as_category(column) if column.kind == "number" else column
    codes = np.where(np.isnan(column.values), len(column.levels), column.values).astype(np.intp)
    return np.array([*column.levels, ""], dtype=object)[codes]
