"""Which rows of a table are learned from, and which are kept to be predicted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import KFold, StratifiedKFold

from superpose.bench.registry import BenchTable, find_table
from superpose.errors import InputError

__all__ = ["Fold", "read_fold"]


@dataclass(frozen=True)
class Fold:
    """Rows to learn from, and rows to predict.

    Parameters
    ----------
    X, y : DataFrame, Series
        Rows to learn from, and their target.
    X_test, y_test : DataFrame, Series
        Rows to predict.
    sd : float
        Standard deviation of the target over all rows that have one; 1 where it has classes.
    """

    X: pd.DataFrame
    y: pd.Series
    X_test: pd.DataFrame
    y_test: pd.Series
    sd: float


def read_fold(
    folder: Path, table: BenchTable, fold: int, folds: int, most_rows: int | None
) -> Fold:
    """Read a table, draw rows, and split them: the same rows for every side.

    Rows without a target are left out; of the others ``default_rng(0).permutation(n)[:most_rows]``
    are drawn. Folds are ``KFold`` or, where the target has classes, ``StratifiedKFold`` with
    ``shuffle=True, random_state=0``.

    Parameters
    ----------
    folder : path
        The folder of all tables.
    table : BenchTable
        Which one.
    fold, folds : int
        Which fold of how many.
    most_rows : int or None
        How many rows are drawn at most; None takes all rows in the order of the file.

    Raises
    ------
    InputError
        Where the file is not there, or its last column is not the target.
    """
    frame = pd.read_csv(find_table(folder, table.name))
    if frame.columns[-1] != table.target:
        raise InputError(
            f"the last column of {table.name} must be its target, {table.target}",
            f"found {frame.columns[-1]}",
            "take the file that benchmarks/README.md describes",
        )
    frame = frame.drop(columns=list(table.without)).dropna(subset=table.target)
    sd = 1.0 if table.classes else float(frame[table.target].std(ddof=0))
    if most_rows is not None:
        frame = frame.iloc[np.random.default_rng(0).permutation(len(frame))[:most_rows]]
    X, y = frame.iloc[:, :-1].reset_index(drop=True), frame.iloc[:, -1].reset_index(drop=True)
    train, test = _split(X, y, table, folds)[fold]
    return Fold(X.iloc[train], y.iloc[train], X.iloc[test], y.iloc[test], sd)


def _split(
    X: pd.DataFrame, y: pd.Series, table: BenchTable, folds: int
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    maker = StratifiedKFold if table.classes else KFold
    return list(maker(folds, shuffle=True, random_state=0).split(X, y))
