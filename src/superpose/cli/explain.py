"""`superpose explain`: what a saved model found, or why it predicts what it predicts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from superpose.cli.options import Exposure, Json, ModelFile, Offset
from superpose.errors import InputError

__all__ = ["explain"]


def explain(
    model: ModelFile,
    table: Annotated[
        Path | None, typer.Argument(help="Rows to explain; without it the model is described.")
    ] = None,
    row: Annotated[
        list[int] | None,
        typer.Option("--row", min=0, help="Which row, from 0; may be repeated. The first if none."),
    ] = None,
    offset: Offset = None,
    exposure: Exposure = None,
    json: Json = False,
) -> None:
    """Say what every curve contributes to a prediction, or describe the model."""
    from superpose.cli.known import known_columns
    from superpose.cli.predictions import columns_of_fit
    from superpose.cli.printing import print_model
    from superpose.cli.words import model_to_dict, print_json
    from superpose.datasets.files import read_frame
    from superpose.estimators import load

    fitted = load(model)
    if table is None:
        if json:
            print_json(model_to_dict(fitted))
        else:
            print_model(fitted)
        return
    whole = read_frame(table)
    frame = columns_of_fit(whole, fitted)
    rows = row or [0]
    if max(rows) >= len(frame):
        raise InputError(
            f"--row must be below {len(frame)}, the number of rows",
            f"found {max(rows)}",
            "count rows from 0, without the header",
        )
    known = known_columns(fitted, whole.iloc[rows], offset, exposure)
    explanation = fitted.explain(frame.iloc[rows], **known)
    if json:
        print_json({"rows": rows, **explanation.to_dict()})
    else:
        print(explanation)
