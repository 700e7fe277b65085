"""Is a target a class or a measurement? And what else a glance at the columns tells."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_integer_dtype, is_numeric_dtype

from superpose.errors import InputError

__all__ = ["MANY_CLASSES", "chosen_task", "looks_like_row_number", "task_of"]

FEW_NUMBERS = 10
"""Whole numbers with at most this many different values are classes."""

MANY_CLASSES = 100
"""More labels than this are more likely text than classes."""

Kind = Literal["classification", "regression"]

OF_ONE_TASK: dict[str, Kind] = {"loss": "regression", "class_weight": "classification"}
"""Options that only one of the tasks has."""


def chosen_task(task: str, target: pd.Series, **asked: str | None) -> tuple[Kind, str]:
    """Take the user's word for the task, or look at the target where it is "auto".

    An option of one task alone is such a word: ``loss`` of regression, ``class_weight`` of
    classification.

    Examples
    --------
    >>> import pandas as pd
    >>> from superpose.cli.task import chosen_task
    >>> chosen_task("auto", pd.Series([0, 1, 3]), loss="poisson", class_weight=None)
    ('regression', '--loss is of regression alone')
    """
    told = [name for name in OF_ONE_TASK if asked.get(name) is not None]
    tasks = {OF_ONE_TASK[name] for name in told} | ({task} - {"auto"})
    if len(tasks) > 1:
        raise InputError(
            "--loss is of regression alone, --class-weight of classification",
            f"found {' and '.join(_option(name) for name in told)}, and --task {task}",
            "leave one of them out",
        )
    if told and task == "auto":
        kind = OF_ONE_TASK[told[0]]
        return kind, f"{_option(told[0])} is of {kind} alone"
    if task == "classification":
        return "classification", "--task says so"
    if task == "regression":
        return "regression", "--task says so"
    return task_of(target)


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def task_of(target: pd.Series) -> tuple[Kind, str]:
    """Choose between classification and regression, and say why.

    Parameters
    ----------
    target : Series
        The column to predict.

    Returns
    -------
    task : {"classification", "regression"}
        What was chosen.
    reason : str
        Why, in a few words.

    Examples
    --------
    >>> import pandas as pd
    >>> from superpose.cli.task import task_of
    >>> task_of(pd.Series([1.5, 2.25, 3.0]))
    ('regression', 'its values are numbers with fractions')
    >>> task_of(pd.Series([0, 1, 1]))
    ('classification', 'it has 2 different whole numbers')
    """
    known = target.dropna()
    distinct = known.nunique()
    if is_numeric_dtype(known) and not is_bool_dtype(known):
        numbers = known.to_numpy(dtype=np.float64)
        if not np.all(numbers == np.round(numbers)):
            return "regression", "its values are numbers with fractions"
        if distinct > FEW_NUMBERS:
            return "regression", f"it has {distinct} different whole numbers"
        return "classification", f"it has {distinct} different whole numbers"
    if distinct > MANY_CLASSES:
        raise InputError(
            "a target of text must be a class label",
            f"found {distinct} different texts in {target.name!r}",
            "choose another target, or pass --task classification",
        )
    return "classification", f"it has {distinct} different labels"


def looks_like_row_number(column: pd.Series) -> bool:
    """Whether a column only numbers the rows, or names every row by itself.

    Examples
    --------
    >>> import pandas as pd
    >>> from superpose.cli.task import looks_like_row_number
    >>> [looks_like_row_number(pd.Series(v)) for v in ([1, 2, 3], ["a", "b", "c"], [3.5, 1.5, 2.5])]
    [True, True, False]
    """
    if len(column) < 3 or column.isna().any() or column.nunique() < len(column):
        return False
    if is_integer_dtype(column):
        return int(column.max()) - int(column.min()) == len(column) - 1
    return not is_numeric_dtype(column) and not np.issubdtype(_kind(column), np.datetime64)


def _kind(column: pd.Series) -> np.dtype:
    return column.dtype if isinstance(column.dtype, np.dtype) else np.dtype(object)
