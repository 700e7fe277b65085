"""Numbers or categories? For peers that have to be told."""

from __future__ import annotations

import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

__all__ = ["categories_of", "is_number", "numbers_of"]


def is_number(column: pd.Series) -> bool:
    """Whether a column was read as numbers; codes such as 1, 2, 3 are numbers too."""
    return is_numeric_dtype(column) and not is_bool_dtype(column)


def numbers_of(X: pd.DataFrame) -> list[str]:
    """Names of the columns that are numbers."""
    return [name for name in X if is_number(X[name])]


def categories_of(X: pd.DataFrame) -> list[str]:
    """Names of the columns that are not numbers."""
    return [name for name in X if not is_number(X[name])]
