"""Small tables with everything in them, and models of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from superpose import KSTClassifier, KSTRegressor

HOSTILE = 'it\'s "x"; DROP TABLE data; --'


def made_table(n: int = 120) -> pd.DataFrame:
    """Numbers, categories and booleans under names that mean harm, with holes."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "label": rng.normal(size=n),
            HOSTILE: rng.choice(["n'", 's"', "w;\n--", "1"], n),
            "größe": rng.integers(20, 60, n).astype(float),
            "ok": rng.random(n) < 0.5,
            "x0": np.exp(3 * rng.normal(size=n)),
        }
    )
    X.loc[::9, "label"] = np.nan
    X.loc[::7, HOSTILE] = None
    return X


def made_target(X: pd.DataFrame) -> np.ndarray:
    rng = np.random.default_rng(1)
    y = X["label"].fillna(0.0) * X["größe"] / 40 + (X[HOSTILE] == "n'") + X["ok"]
    return y.to_numpy() + 0.2 * rng.normal(size=len(X))


def new_rows() -> pd.DataFrame:
    """Rows inside, between and far beyond the training rows, unseen levels, holes everywhere."""
    X = made_table()
    axis = np.sort(X["größe"].unique())
    X.loc[: len(axis) - 1, "größe"] = axis  # on the knots
    X.loc[50:55, "label"] = [1e3, -1e3, 1e9, -1e300, 3.0, -3.0]
    X.loc[56:60, "größe"] = [np.nan, 19.999, 1e6, -1e6, 40.5]
    X.loc[61:63, HOSTILE] = ["never seen", "n", "N'"]
    X.loc[64:66, "x0"] = [np.nan, -5.0, 1e12]
    X["ok"] = X["ok"].astype(object)
    X.loc[67, "ok"] = None
    return X


def made_model(kind: str) -> Any:
    X = made_table()
    y = made_target(X)
    if kind == "regression":
        return KSTRegressor(pairs=0, terms=0, knots=8).fit(X, y)
    if kind == "two classes":
        labels = np.where(y > 1, "yes", "no's")
        return KSTClassifier(pairs=0, terms=0, kernel="matern52", knots=8).fit(X, labels)
    if kind == "three classes":
        three = KSTClassifier(pairs=0, terms=0, kernel="matern12", knots=8)
        return three.fit(X, np.digitize(y, [0, 2]))
    pairs = [("label", "größe"), (HOSTILE, "größe"), ("ok", HOSTILE)]
    return KSTRegressor(pairs=pairs, terms=1, knots=8).fit(X, y)


ADDITIVE = ["regression", "two classes", "three classes"]


@pytest.fixture(scope="session", params=ADDITIVE)
def additive(request: pytest.FixtureRequest) -> Any:
    """A model of main curves."""
    return made_model(request.param)


@pytest.fixture(scope="session", params=[*ADDITIVE, "pairs and terms"])
def model(request: pytest.FixtureRequest) -> Any:
    """A model of main curves, or of every kind of part."""
    return made_model(request.param)


@pytest.fixture(scope="session")
def rows() -> pd.DataFrame:
    return new_rows()
