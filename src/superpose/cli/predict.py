"""`superpose predict`: predictions of a saved model for the rows of a table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from superpose.cli.options import Json, ModelFile
from superpose.cli.words import print_json
from superpose.datasets.files import read_frame, write_frame
from superpose.errors import InputError
from superpose.estimators import KSTClassifier, load
from superpose.estimators.atomic import written_whole

__all__ = ["columns_of_fit", "predict", "predictions"]


def predict(
    model: ModelFile,
    table: Annotated[
        Path, typer.Argument(help="CSV (.gz too) or Parquet with the columns of fit.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write CSV or Parquet here; to the screen if not given."),
    ] = None,
    json: Json = False,
) -> None:
    """Predict every row of a table.

    A classifier gives a label and the probability of each class; a regressor gives a number and its
    standard deviation, noise included.
    """
    fitted = load(model)
    found = predictions(fitted, columns_of_fit(read_frame(table), fitted))
    if out is not None:
        with written_whole(out) as draft:
            write_frame(found, draft, like=out)
    if json:
        rows = found.to_dict(orient="records") if out is None else None
        print_json(
            {"rows": len(found), "out": None if out is None else str(out), "predictions": rows}
        )
    elif out is None:
        found.to_csv(sys.stdout, index=False)
    else:
        print(f"{len(found)} predictions: {out}", file=sys.stderr)


def predictions(model: Any, X: pd.DataFrame) -> pd.DataFrame:
    """Predictions as a table, one row a row of `X`."""
    name = model.target_name_
    if not isinstance(model, KSTClassifier):
        mean, std = model.predict(X, return_std=True)
        return pd.DataFrame({name: mean, "std": std})
    probabilities = model.predict_proba(X)
    labels = model.classes_[probabilities.argmax(axis=1)]
    shares = {
        f"probability of {label}": probabilities[:, k] for k, label in enumerate(model.classes_)
    }
    return pd.DataFrame({name: labels, **shares})


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
