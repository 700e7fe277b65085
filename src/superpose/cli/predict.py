"""`superpose predict`: predictions of a saved model for the rows of a table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from superpose.cli.options import Exposure, Json, ModelFile, Offset

__all__ = ["predict"]


def predict(
    model: ModelFile,
    table: Annotated[
        Path, typer.Argument(help="CSV (.gz too) or Parquet with the columns of fit.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write CSV or Parquet here; to the screen if not given."),
    ] = None,
    offset: Offset = None,
    exposure: Exposure = None,
    json: Json = False,
) -> None:
    """Add predictions to a table.

    A classifier gives a label and the probability of each class; a regressor gives a number and its
    standard deviation, noise included. A model that was fitted with an offset or an exposure reads
    the columns of these names, or those given here.
    """
    from superpose.atomic import written_whole
    from superpose.cli.known import known_columns
    from superpose.cli.predictions import columns_of_fit, predictions
    from superpose.cli.words import print_json
    from superpose.datasets.files import read_frame, write_frame
    from superpose.estimators import load

    fitted = load(model)
    frame = read_frame(table)
    known = known_columns(fitted, frame, offset, exposure)
    found = predictions(fitted, columns_of_fit(frame, fitted), **known)
    both = frame.drop(columns=found.columns, errors="ignore").join(found)
    if out is not None:
        with written_whole(out) as draft:
            write_frame(both, draft, like=out)
    if json:
        rows = found.to_dict(orient="records") if out is None else None
        print_json(
            {"rows": len(found), "out": None if out is None else str(out), "predictions": rows}
        )
    elif out is None:
        both.to_csv(sys.stdout, index=False)
    else:
        print(f"{len(found)} predictions: {out}", file=sys.stderr)
