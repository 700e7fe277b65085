"""One column of a table: what its values are, and how they become numbers.

The rules, in the order they are tried:

===========================================  ====================================================
the column holds                             it is read as
===========================================  ====================================================
numbers                                      numbers; missing values are NaN
dates and times                              numbers: the decimal year, 2024.5 is early July 2024
durations                                    numbers: days
True and False                               a category with the levels ``False`` and ``True``
text, categories                             a category; an empty text is a missing value
objects that are all numbers                 numbers
objects that mix numbers and text            a category, unless it looks like numbers with a typing
                                             error or a code for "missing" in it: then an error
===========================================  ====================================================
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from decimal import Decimal
from numbers import Complex, Real
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from superpose.errors import InputError

__all__ = ["CellTypeError", "Column", "column_from_numbers", "column_from_objects", "decimal_year"]

FEW_LEVELS = 20
"""Up to this many distinct texts a column is a category without further questions."""

MOSTLY = 0.8
"""With more than `FEW_LEVELS` texts, and this share of them numbers, numbers were meant."""

Floats = NDArray[np.float64]


class CellTypeError(InputError, TypeError):
    """A cell that is neither a number nor text; a ``TypeError`` too, as scikit-learn expects.

    Examples
    --------
    >>> from superpose.estimators.columns import CellTypeError
    >>> print(CellTypeError("a cell must be a number", "found a list", "unpack it"))
    a cell must be a number; found a list; unpack it
    """


@dataclass(frozen=True)
class Column:
    """One column of a table as float64: numbers, or codes into a list of level names.

    Parameters
    ----------
    name : str
        Name of the column.
    kind : {"number", "category"}
        Whether `values` are numbers in the units of the table, or codes.
    values : ndarray of shape (n_rows,)
        Numbers, or codes 0, 1, ... into `levels`; NaN where the value is missing.
    levels : tuple of str
        Names of the levels in alphabetical order; empty for numbers.

    Examples
    --------
    >>> from superpose.estimators.columns import column_from_objects
    >>> column = column_from_objects("colour", ["red", None, "blue"])
    >>> column.kind, column.levels, column.values.tolist()
    ('category', ('blue', 'red'), [1.0, nan, 0.0])
    """

    name: str
    kind: Literal["number", "category"]
    values: Floats
    levels: tuple[str, ...] = ()


def column_from_numbers(name: str, values: Floats) -> Column:
    """Check that numbers are finite or missing, and make a column of them.

    Parameters
    ----------
    name : str
        Name of the column.
    values : ndarray of shape (n_rows,)
        Numbers; NaN is a missing value.

    Returns
    -------
    Column
        With ``kind="number"``.

    Raises
    ------
    InputError
        Where a value is infinite.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.estimators.columns import column_from_numbers
    >>> column_from_numbers("age", np.array([1.0, np.inf]))
    Traceback (most recent call last):
    ...
    superpose.errors.InputError: column 'age' must hold finite numbers or missing values; found \
infinity (inf) in row 1; replace it with a number, or with NaN if the value is not known
    """
    bad = np.flatnonzero(np.isinf(values))
    if bad.size:
        raise InputError(
            f"column {name!r} must hold finite numbers or missing values",
            f"found infinity ({values[bad[0]]:g}) in row {bad[0]}{_and_more(bad.size)}",
            "replace it with a number, or with NaN if the value is not known",
        )
    return Column(name, "number", values + 0.0)  # + 0.0 turns -0.0 into 0.0


def column_from_objects(
    name: str, values: Any, *, reading: Literal["guess", "numbers", "category"] = "guess"
) -> Column:
    """Read a column of Python objects by the rules at the top of this file.

    Parameters
    ----------
    name : str
        Name of the column.
    values : sequence
        One object a row.
    reading : {"guess", "numbers", "category"}, default="guess"
        "numbers" reads text that spells a number as that number, if all of it does: for arrays
        of text, where NumPy has erased the types. "category" never asks whether text was meant
        as numbers: for columns of a category type.

    Returns
    -------
    Column
        Numbers or a category.

    Raises
    ------
    InputError
        Where a column of numbers has text in it.
    CellTypeError
        Where a cell is neither a number nor text.

    Examples
    --------
    >>> from superpose.estimators.columns import column_from_objects
    >>> column_from_objects("size", [3, 4.5, None]).values.tolist()
    [3.0, 4.5, nan]
    """
    cells = np.empty(len(values), dtype=object)
    cells[:] = values
    cells[_is_missing(cells)] = None
    try:
        codes, distinct = pd.factorize(cells)
    except TypeError:
        raise _cell_type_error(name, cells) from None
    kinds = {_kind_of_cell(cell) for cell in distinct}
    if "other" in kinds or ("date" in kinds and len(kinds) > 1):
        raise _cell_type_error(name, cells)
    if reading == "category":
        return _category(name, codes, distinct)
    if kinds == {"date"}:
        return column_from_numbers(name, decimal_year(_taken(distinct, codes)))
    if kinds <= {"number"}:
        return column_from_numbers(name, _taken(np.array(distinct, dtype=np.float64), codes))
    if reading == "numbers" and all(_spells_a_number(cell) for cell in distinct):
        return column_from_numbers(name, _taken(np.array(distinct, dtype=np.float64), codes))
    _refuse_numbers_with_text(name, cells, distinct)
    return _category(name, codes, distinct)


def decimal_year(dates: Any) -> Floats:
    """Turn dates into years with a fraction: the start of July 2023 is 2023.496.

    Parameters
    ----------
    dates : array-like of shape (n_rows,)
        Anything NumPy reads as ``datetime64``; missing dates become NaN.

    Returns
    -------
    ndarray of shape (n_rows,)
        Years.

    Examples
    --------
    >>> from superpose.estimators.columns import decimal_year
    >>> decimal_year(["2024-01-01", "2024-07-02"]).tolist()
    [2024.0, 2024.5]
    """
    index = pd.to_datetime(pd.Series(dates, dtype=object), utc=True).dt.tz_localize(None)
    moments = index.to_numpy().astype("datetime64[us]")
    years = moments.astype("datetime64[Y]")
    start = years.astype("datetime64[us]")
    end = (years + 1).astype("datetime64[us]")
    whole = np.where(np.isnat(moments), np.nan, years.astype(np.int64) + 1970.0)
    with np.errstate(invalid="ignore"):
        return whole + (moments - start) / (end - start)


def level_name(cell: object) -> str:
    """Spell a level; whole numbers are spelt alike whether they came as 1, 1.0 or "1".

    Examples
    --------
    >>> from superpose.estimators.columns import level_name
    >>> [level_name(cell) for cell in (1, 1.0, "1", True, 0.5)]
    ['1', '1', '1', 'True', '0.5']
    """
    if isinstance(cell, (bool, np.bool_)):
        return str(bool(cell))
    if isinstance(cell, (float, np.floating)) and float(cell).is_integer():
        return str(int(cell))
    return str(cell)


def _category(name: str, codes: NDArray[np.intp], distinct: NDArray[Any]) -> Column:
    names = np.array([level_name(cell) for cell in distinct], dtype=object)
    levels, merged = np.unique(names.astype(str), return_inverse=True)
    values = _taken(merged.astype(np.float64), codes)
    return Column(name, "category", values, tuple(str(level) for level in levels))


def _taken(distinct: Any, codes: NDArray[np.intp]) -> Any:
    """Spread distinct values over the rows; code -1 is a missing value."""
    padded = np.append(distinct, [None] if distinct.dtype == object else [np.nan])
    return padded[codes]


def _is_missing(cells: NDArray[Any]) -> NDArray[np.bool_]:
    blank = np.fromiter(
        (isinstance(cell, str) and not cell.strip() for cell in cells), np.bool_, len(cells)
    )
    return blank | pd.isna(cells)


def _kind_of_cell(cell: object) -> str:
    if isinstance(cell, (bool, np.bool_, str)):
        return "text"
    if isinstance(cell, (Real, Decimal)):
        return "number"
    if isinstance(cell, (datetime.date, np.datetime64)):
        return "date"
    return "other"


def _spells_a_number(cell: object) -> bool:
    if isinstance(cell, (bool, np.bool_)):
        return False
    try:
        float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return True


def _refuse_numbers_with_text(name: str, cells: NDArray[Any], distinct: NDArray[Any]) -> None:
    spelt = np.array([_spells_a_number(cell) for cell in distinct], dtype=bool)
    if len(distinct) <= FEW_LEVELS or spelt.all() or spelt.mean() < MOSTLY:
        return
    culprits = set(distinct[~spelt])
    rows = [row for row, cell in enumerate(cells) if cell is not None and cell in culprits]
    raise InputError(
        f"column {name!r} looks like numbers and must then hold numbers only",
        f"found the text {cells[rows[0]]!r} in row {rows[0]}{_and_more(len(rows))}",
        "correct the cell, or leave it empty if the value is not known; if every value is meant "
        "as a category, give the column a category type",
    )


def _cell_type_error(name: str, cells: NDArray[Any]) -> InputError:
    kinds = ["missing" if cell is None else _kind_of_cell(cell) for cell in cells]
    row = kinds.index("other" if "other" in kinds else "date")
    cell = cells[row]
    if isinstance(cell, Complex):
        return InputError(
            "a table must hold real numbers; Complex data not supported",
            f"found {cell!r} in column {name!r}, row {row}",
            "pass the real and the imaginary part as two columns",
        )
    return CellTypeError(
        "every cell of the argument must be a string or a number",
        f"found a {type(cell).__name__} in column {name!r}, row {row}",
        "replace the cell, or unpack the column into columns of numbers and text",
    )


def _and_more(count: int) -> str:
    return "" if count == 1 else f" and {count - 1} more"
