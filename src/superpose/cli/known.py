"""Columns of a table that say what is known of the sum already: offset and exposure."""

from __future__ import annotations

from typing import Any

import pandas as pd

from superpose.datasets.files import pop_column
from superpose.errors import InputError

__all__ = ["known_columns", "taken_columns"]

ROLES = ("offset", "exposure")


def taken_columns(
    frame: pd.DataFrame, offset: str | None, exposure: str | None
) -> dict[str, pd.Series]:
    """Take the columns that were named out of a table; they are no attributes.

    Examples
    --------
    >>> import pandas as pd
    >>> from superpose.cli.known import taken_columns
    >>> table = pd.DataFrame({"age": [30, 40], "years": [1.0, 2.5]})
    >>> found = taken_columns(table, None, "years")
    >>> found["exposure"].tolist(), list(table.columns)
    ([1.0, 2.5], ['age'])
    """
    named = zip(ROLES, (offset, exposure), strict=True)
    return {role: pop_column(frame, name, f"--{role}") for role, name in named if name}


def known_columns(
    model: Any, frame: pd.DataFrame, offset: str | None = None, exposure: str | None = None
) -> dict[str, pd.Series]:
    """Choose the columns that were the offset and the exposure of fit, or those named instead.

    Raises
    ------
    InputError
        Where the model was fitted with one, and the table has no such column.
    """
    given = {
        role: name for role, name in zip(ROLES, (offset, exposure), strict=True) if name is not None
    }
    names = model.known_names_ | given
    for role, name in names.items():
        if name not in frame.columns:
            raise InputError(
                f"the table must have the {role} of each row, in the column {name!r}",
                "found no such column",
                f"add it, or name another with --{role}",
            )
    return {role: frame[name] for role, name in names.items()}
