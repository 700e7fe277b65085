"""What a model remembers of the columns it was fitted on, and how new tables are read by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from superpose.errors import InputError
from superpose.estimators.columns import Column, level_name
from superpose.estimators.table import Table

__all__ = ["MAX_LEVELS", "ColumnPlan", "Schema", "as_category"]

MAX_LEVELS = 100
"""A category keeps at most this many levels; the rarer ones are read as one, called "other"."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ColumnPlan:
    """How one column is read.

    Parameters
    ----------
    name : str
        Name of the column.
    kind : {"number", "category"}
        Numbers in their own units, or codes of levels.
    levels : tuple of str
        Names of the levels; code i stands for ``levels[i]``. Empty for numbers.
    pooled : bool
        Whether the last level stands for all levels that have none of their own. Without it a
        level that was not seen in fit has the code -1.
    missing : bool
        Whether values were missing in fit.

    Examples
    --------
    >>> from superpose.estimators.schema import ColumnPlan
    >>> ColumnPlan("colour", "category", ("blue", "red")).codes(("red", "green")).tolist()
    [1.0, -1.0]
    """

    name: str
    kind: Literal["number", "category"]
    levels: tuple[str, ...] = ()
    pooled: bool = False
    missing: bool = False

    def codes(self, names: tuple[str, ...]) -> Floats:
        """Give the code of each of these level names."""
        own = self.levels[:-1] if self.pooled else self.levels
        known = {level: float(code) for code, level in enumerate(own)}
        unknown = float(len(own)) if self.pooled else -1.0
        return np.array([known.get(name, unknown) for name in names], dtype=np.float64)

    def encode(self, column: Column) -> Floats:
        """Read a column of a table as this plan says.

        Parameters
        ----------
        column : Column
            A column with the same meaning, perhaps of another type.

        Returns
        -------
        ndarray of shape (n_rows,)
            Numbers or codes; NaN where missing.

        Raises
        ------
        InputError
            For text in a column of numbers.
        """
        if self.kind == column.kind == "number":
            return column.values
        if self.kind == "number":
            return _spread(_numbers(self.name, column), column.values)
        if column.kind == "number":
            column = as_category(column)
        return _spread(self.codes(column.levels), column.values)


@dataclass(frozen=True)
class Schema:
    """The columns of a table, as a model reads them.

    Parameters
    ----------
    columns : tuple of ColumnPlan
        In the order of the table.
    named : bool
        Whether the names came with the table.

    Examples
    --------
    >>> from superpose.estimators.schema import Schema
    >>> from superpose.estimators.table import read_table
    >>> schema = Schema.from_table(read_table([[1, "a"], [2, "b"]]))
    >>> schema.encode(read_table([[3, "b"], [None, "c"]])).tolist()
    [[3.0, 1.0], [nan, -1.0]]
    """

    columns: tuple[ColumnPlan, ...]
    named: bool

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    @classmethod
    def from_table(cls, table: Table, weight: Floats | None = None) -> Schema:
        """Plan how to read tables like this one.

        Parameters
        ----------
        table : Table
            The training rows.
        weight : ndarray of shape (n_rows,), optional
            How many rows each row stands for; counts decide which levels are pooled.
        """
        weight = np.ones(table.n_rows) if weight is None else weight
        return cls(tuple(_plan(column, weight) for column in table.columns), table.named)

    def encode(self, table: Table) -> Floats:
        """Read a table into the numbers that the model works on.

        Returns
        -------
        ndarray of shape (n_rows, n_columns)
            Numbers in their own units, codes of levels, NaN where missing.
        """
        pairs = zip(self.columns, table.columns, strict=True)
        return np.column_stack([plan.encode(column) for plan, column in pairs])

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, strings and numbers, for JSON."""
        return {
            "named": self.named,
            "columns": [{**vars(plan), "levels": list(plan.levels)} for plan in self.columns],
        }

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Schema:
        """Undo `to_dict`.

        Raises
        ------
        ValueError, KeyError, TypeError
            Where `state` describes no columns: files are not taken on trust.
        """
        schema = cls(tuple(_plan_from(plan) for plan in state["columns"]), state["named"])
        if not isinstance(schema.named, bool):
            raise TypeError("a table has names or has none")
        if not schema.names or len(set(schema.names)) < len(schema.names):
            raise ValueError("every column has a name of its own")
        return schema


def _plan_from(words: dict[str, Any]) -> ColumnPlan:
    plan = ColumnPlan(**{**words, "levels": tuple(words["levels"])})
    if not all(isinstance(it, str) for it in (plan.name, *plan.levels)):
        raise TypeError("names of columns and levels are text")
    if not all(isinstance(it, bool) for it in (plan.pooled, plan.missing)):
        raise TypeError("levels are pooled or not, values missing or not")
    if plan.kind not in ("number", "category") or (plan.kind == "category") != bool(plan.levels):
        raise ValueError("a column is a number, or a category with levels")
    if len(set(plan.levels)) < len(plan.levels):
        raise ValueError("every level has a name of its own")
    return plan


def _plan(column: Column, weight: Floats) -> ColumnPlan:
    known = ~np.isnan(column.values)
    missing = not known.all()
    if column.kind == "number":
        return ColumnPlan(column.name, "number", missing=missing)
    codes = column.values[known].astype(np.intp)
    counts = np.zeros(len(column.levels))
    np.add.at(counts, codes, weight[known])
    levels, pooled = _common_levels(column.levels, counts)
    return ColumnPlan(column.name, "category", levels, pooled, missing)


def _common_levels(levels: tuple[str, ...], counts: Floats) -> tuple[tuple[str, ...], bool]:
    """Keep levels by a threshold on their counts, so that names have no part in the choice."""
    present = tuple(level for level, count in zip(levels, counts, strict=True) if count > 0)
    if not present:
        return ("none seen",), False
    if len(present) <= MAX_LEVELS:
        return present, False
    threshold = np.sort(counts)[-MAX_LEVELS]
    kept = tuple(lv for lv, count in zip(levels, counts, strict=True) if count > threshold)
    return (*kept, f"other ({len(present) - len(kept)} levels)"), True


def _numbers(name: str, column: Column) -> Floats:
    """Read levels as numbers, where they spell some."""
    numbers = np.empty(len(column.levels))
    for code, level in enumerate(column.levels):
        try:
            numbers[code] = float(level)
        except ValueError:
            row = int(np.flatnonzero(column.values == code)[0])
            raise InputError(
                f"column {name!r} must hold numbers, as it did in fit",
                f"found the text {level!r} in row {row}",
                "correct the cell, or leave it empty if the value is not known",
            ) from None
    return numbers


def as_category(column: Column) -> Column:
    """Read a column of numbers as levels, where a model expects a category."""
    known = ~np.isnan(column.values)
    distinct, codes = np.unique(column.values[known], return_inverse=True)
    values = np.full(column.values.shape, np.nan)
    values[known] = codes
    return Column(column.name, "category", values, tuple(level_name(it) for it in distinct))


def _spread(meaning: Floats, codes: Floats) -> Floats:
    """Look up codes, and keep missing values missing."""
    positions = np.where(np.isnan(codes), len(meaning), codes).astype(np.intp)
    return np.append(meaning, np.nan)[positions]
