"""Boosted trees of LightGBM: accurate, fast, and nothing to read."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from superpose.bench.sides.columns import is_number
from superpose.bench.sides.side import Side

__all__ = ["LIGHTGBM", "BoostedTrees"]


class BoostedTrees(BaseEstimator):
    """LightGBM at its defaults; text columns become its categories, missing values stay.

    Parameters
    ----------
    classes : int
        How many classes the target has; 0 where it is a number.
    n_estimators : int, default=100
        Trees, as its own default.
    """

    def __init__(self, classes: int, n_estimators: int = 100) -> None:
        self.classes = classes
        self.n_estimators = n_estimators

    def fit(self, X: pd.DataFrame, y: pd.Series) -> Self:
        """Fit on one thread."""
        from lightgbm import LGBMClassifier, LGBMRegressor

        maker = LGBMClassifier if self.classes else LGBMRegressor
        self.model_ = maker(n_estimators=self.n_estimators, n_jobs=1, verbose=-1)
        self.model_.fit(_plain(X), y)
        if self.classes:
            self.classes_ = self.model_.classes_
        return self

    def predict(self, X: pd.DataFrame) -> NDArray[np.float64]:
        return np.asarray(self.model_.predict(_plain(X)), dtype=np.float64)

    def predict_proba(self, X: pd.DataFrame) -> NDArray[np.float64]:
        return np.asarray(self.model_.predict_proba(_plain(X)), dtype=np.float64)


def _plain(X: pd.DataFrame) -> pd.DataFrame:
    """Name columns by their place, because some characters are refused in names."""
    columns = [X[c] if is_number(X[c]) else X[c].astype("category") for c in X]
    return pd.concat(columns, axis=1).set_axis([f"c{i}" for i in range(X.shape[1])], axis=1)


LIGHTGBM = Side(
    "lightgbm",
    "lightgbm",
    "lightgbm",
    BoostedTrees,
    "defaults, n_jobs=1; text as its categories",
    brief={"n_estimators": 2},
)
