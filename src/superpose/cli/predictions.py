"""Predictions of a model as a table, and a table as a model wants it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from superpose.errors import InputError
from superpose.estimators import KSTClassifier

__all__ = ["columns_of_fit", "predictions"]


def predictions(model: Any, X: pd.DataFrame, **known: Any) -> pd.DataFrame:
    """Predictions as a table, one row a row of `X`, with the same index.

    ``known`` is offset and exposure, where there are any.
    """
    name = f"predicted {model.target_name_}"
    if not isinstance(model, KSTClassifier):
        mean, std = model.predict(X, return_std=True, **known)
        return pd.DataFrame({name: mean, "standard deviation": std}, index=X.index)
    probabilities = model.predict_proba(X, **known)
    labels = model.classes_[probabilities.argmax(axis=1)]
    shares = {
        f"probability of {label}": probabilities[:, k] for k, label in enumerate(model.classes_)
    }
    return pd.DataFrame({name: labels, **shares}, index=X.index)


def columns_of_fit(frame: pd.DataFrame, model: Any) -> pd.DataFrame:
    """Choose the columns that the model reads, in its order; others are ignored."""
    names = list(model.schema_.names)
    missing = [name for name in names if name not in frame.columns]
    if missing:
        shown = ", ".join(repr(name) for name in missing[:8])
        raise InputError(
            f"the table must have the {len(names)} columns that the model was fitted on",
            f"found none named {shown}" + (" and more" if len(missing) > 8 else ""),
            "add the columns; leave cells empty where the value is not known",
        )
    return frame[names]
