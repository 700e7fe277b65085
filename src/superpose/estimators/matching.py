"""Whether a table, or the names in a parameter, match the columns a model knows."""

from __future__ import annotations

import warnings
from itertools import pairwise
from numbers import Integral
from typing import Any

from superpose.errors import InputError
from superpose.estimators.schema import Schema
from superpose.estimators.table import Table

__all__ = ["check_columns", "positions", "term_positions"]


def check_columns(table: Table, schema: Schema, owner: str) -> None:
    """Check that a table has the columns of fit, in the same order.

    Parameters
    ----------
    table : Table
        The new rows.
    schema : Schema
        The columns of fit.
    owner : str
        Name of the estimator, for messages.

    Raises
    ------
    InputError
        Where number, names or order of the columns differ.

    Warns
    -----
    UserWarning
        Where only one of the two has names, so that the order cannot be checked.
    """
    if len(table.columns) != len(schema.columns):
        raise InputError(
            f"a table must have the columns of fit: {_listed(schema.names)}",
            f"X has {len(table.columns)} features, but {owner} is expecting "
            f"{len(schema.columns)} features as input",
            "pass these columns in this order",
        )
    if table.named != schema.named:
        given, fitted = ("has", "without") if table.named else ("does not have valid", "with")
        warnings.warn(
            f"X {given} feature names, but {owner} was fitted {fitted} feature names",
            UserWarning,
            stacklevel=4,
        )
        return
    if table.named and table.names != schema.names:
        _refuse_names(table.names, schema.names)


def positions(pairs: str | int | list[tuple[str | int, str | int]], names: tuple[str, ...]) -> Any:
    """Turn the pairs that a user chose by name or position into positions.

    Parameters
    ----------
    pairs : "auto", int, or list of pairs
        As given to the estimator; only a list is changed.
    names : tuple of str
        Names of the columns.

    Returns
    -------
    "auto", int, or list of (int, int)
        Every pair with the smaller position first.

    Examples
    --------
    >>> from superpose.estimators.matching import positions
    >>> positions([("bmi", "age"), (0, 2)], ("age", "sex", "bmi"))
    [(0, 2)]
    """
    if isinstance(pairs, str):
        return pairs
    if isinstance(pairs, (int, Integral)):
        return int(pairs)
    return sorted({_pair(pair, names) for pair in pairs})


def term_positions(terms: Any, names: tuple[str, ...]) -> Any:
    """Turn the terms that a user chose by the columns they read into positions.

    Parameters
    ----------
    terms : "auto", int, or list of tuples of columns
        As given to the estimator; only a list is changed. Two terms may read the same columns.
    names : tuple of str
        Names of the columns.

    Returns
    -------
    "auto", int, or list of tuple of int
        Each with its positions in order.

    Raises
    ------
    InputError
        Where an entry is not two different columns of the table or more.

    Examples
    --------
    >>> from superpose.estimators.matching import term_positions
    >>> term_positions([("bmi", "age"), (0, 1, 2)], ("age", "sex", "bmi"))
    [(0, 2), (0, 1, 2)]
    """
    if isinstance(terms, (str, Integral)):
        return terms if isinstance(terms, str) else int(terms)
    return [_term(term, names) for term in terms]


def _term(term: Any, names: tuple[str, ...]) -> tuple[int, ...]:
    if not isinstance(term, (tuple, list)) or len(term) < 2:
        raise InputError(
            "every entry of terms must be the columns that a term reads, two or more",
            f"found {term!r}",
            'write terms=[("age", "bmi", "sex")]',
        )
    found = sorted(_position(column, names, "terms") for column in term)
    for first, second in pairwise(found):
        if first == second:
            raise InputError(
                "a term must read different columns",
                f"found {names[first]!r} twice in {tuple(term)!r}",
                "name each column once",
            )
    return tuple(found)


def _pair(pair: Any, names: tuple[str, ...]) -> tuple[int, int]:
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise InputError(
            "every entry of pairs must be two columns", f"found {pair!r}", 'write ("age", "bmi")'
        )
    first, second = sorted(_position(column, names, "pairs") for column in pair)
    if first == second:
        raise InputError(
            "a pair must be two different columns",
            f"found {names[first]!r} twice",
            "main curves are always there and need no entry in pairs",
        )
    return first, second


def _position(column: Any, names: tuple[str, ...], parameter: str) -> int:
    if column in names:
        return names.index(column)
    if isinstance(column, int) and 0 <= column < len(names):
        return column
    raise InputError(
        f"{parameter} must name columns of the table: {_listed(names)}",
        f"found {column!r}",
        "correct the name, or give the position from 0",
    )


def _refuse_names(found: tuple[str, ...], wanted: tuple[str, ...]) -> None:
    unseen = [name for name in found if name not in wanted]
    missing = [name for name in wanted if name not in found]
    parts = [f"unseen at fit: {_listed(unseen)}"] if unseen else []
    parts += [f"missing now: {_listed(missing)}"] if missing else []
    raise InputError(
        f"the feature names should match those of fit: {_listed(wanted)}",
        "found " + (", ".join(parts) or "the same names in another order"),
        "pass X[list(model.feature_names_in_)]",
    )


def _listed(names: Any, most: int = 8) -> str:
    shown = ", ".join(repr(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown}, ... ({len(names)} in all)"
