"""Small tables with numbers, a category and holes, for models that are fitted in a moment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from superpose import KSTClassifier, KSTRegressor


def made(count: int = 150, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """A table, and what is to be explained."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "age": rng.uniform(20, 90, count),
            "hue": rng.choice(["red", "blue", "green"], count),
            "bmi": rng.normal(25, 4, count),
        }
    )
    X.loc[::9, "age"] = np.nan
    signal = np.sin(X["age"].fillna(30.0) / 15) + (X["hue"] == "red") + 0.1 * X["bmi"]
    return X, (signal + rng.normal(0, 0.4, count)).to_numpy()


def fitted(kind: str, **dial: Any) -> tuple[Any, pd.DataFrame, Any]:
    """A model of numbers, of two or of three classes, with its table and target."""
    X, y = made()
    dial = {"pairs": 0, "terms": 0} | dial
    if kind == "numbers":
        return KSTRegressor(**dial).fit(X, y), X, y
    cut = np.array(["low", "high"]) if kind == "two classes" else np.array(["a", "b", "c"])
    if kind == "three classes":  # far from separable, so that halves of the rows are fitted too
        y = y + np.random.default_rng(1).logistic(size=len(y))
    edges = [2.7] if kind == "two classes" else [1.7, 3.7]
    labels = cut[np.digitize(y, edges)]
    return KSTClassifier(**dial).fit(X, labels), X, labels
