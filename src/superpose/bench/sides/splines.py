"""Splines and a linear model, as scikit-learn's users build them."""

from __future__ import annotations

from typing import Any

from superpose.bench.sides.columns import categories_of, numbers_of
from superpose.bench.sides.side import Side

__all__ = ["SPLINES"]


def make(classes: int) -> Any:
    """Build the pipeline: median and indicator for missing numbers, one-hot categories."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import MissingIndicator, SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, SplineTransformer

    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), SplineTransformer()), numbers_of),
        (MissingIndicator(error_on_new=False), numbers_of),
        (OneHotEncoder(handle_unknown="ignore"), categories_of),
    )
    return make_pipeline(columns, LogisticRegression(max_iter=1_000) if classes else Ridge())


def parts(model: Any) -> dict[str, int]:
    """One curve an attribute."""
    return {"curves": int(model.n_features_in_)}


SPLINES = Side(
    "splines",
    "scikit-learn",
    "sklearn",
    make,
    "SplineTransformer() + Ridge() or LogisticRegression(max_iter=1000)",
    parts,
)
