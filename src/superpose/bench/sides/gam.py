"""Additive models of pyGAM: a spline a number, a factor a category, no search for smoothness."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from superpose.bench.registry import BenchTable
from superpose.bench.sides.columns import is_number
from superpose.bench.sides.side import Side

__all__ = ["PYGAM", "PenalisedSplines"]

Floats = NDArray[np.float64]

MISSING = "missing"


class PenalisedSplines(BaseEstimator):
    """LinearGAM or LogisticGAM at its defaults, on columns it can take.

    Missing numbers become the median; a missing category is a level of its own; a level that was
    not seen becomes the most frequent one; a column with one value is left out.

    Parameters
    ----------
    classes : int
        2, or 0 where the target is a number.
    """

    def __init__(self, classes: int) -> None:
        self.classes = classes

    def fit(self, X: pd.DataFrame, y: pd.Series) -> Self:
        """Encode the columns, then fit one term each."""
        from pygam import LinearGAM, LogisticGAM, f, s

        kept = [name for name in X if X[name].nunique(dropna=False) > 1]
        self.codes_ = {name: _codes(X[name]) for name in kept}
        factors = [isinstance(code, list) for code in self.codes_.values()]
        terms = reduce(add, [f(i) if factor else s(i) for i, factor in enumerate(factors)])
        target = y.to_numpy(dtype=np.float64) if not self.classes else self._codes_of_labels(y)
        self.model_ = (LogisticGAM if self.classes else LinearGAM)(terms)
        self.model_.fit(self._encode(X), target)
        return self

    def predict(self, X: pd.DataFrame) -> Floats:
        return self.model_.predict(self._encode(X))

    def predict_proba(self, X: pd.DataFrame) -> Floats:
        p = self.model_.predict_proba(self._encode(X))
        return np.column_stack([1 - p, p])

    def _codes_of_labels(self, y: pd.Series) -> Floats:
        self.classes_, codes = np.unique(y.to_numpy(), return_inverse=True)
        return codes.astype(np.float64)

    def _encode(self, X: pd.DataFrame) -> Floats:
        return np.column_stack([_encoded(X[name], code) for name, code in self.codes_.items()])


def _codes(column: pd.Series) -> float | list[str]:
    """The median of numbers; the levels of a category, the most frequent one first."""
    if is_number(column):
        return float(column.median())
    return list(_text(column).value_counts().index)


def _encoded(column: pd.Series, code: float | list[str]) -> Floats:
    if not isinstance(code, list):
        return column.fillna(code).to_numpy(dtype=np.float64)
    place = {level: i for i, level in enumerate(code)}
    return _text(column).map(place).fillna(0).to_numpy(dtype=np.float64)


def _text(column: pd.Series) -> pd.Series:
    return column.astype(object).where(column.notna(), MISSING).astype(str)


def refuses(table: BenchTable) -> str | None:
    """It has no multinomial model."""
    return f"pyGAM has no model for {table.classes} classes" if table.classes > 2 else None


def parts(model: Any) -> dict[str, int]:
    return {"curves": sum(not term.isintercept for term in model.model_.terms)}


PYGAM = Side(
    "pygam",
    "pygam",
    "pygam",
    PenalisedSplines,
    "LinearGAM or LogisticGAM, s() a number, f() a category; medians for missing numbers",
    parts,
    refuses=refuses,
)
