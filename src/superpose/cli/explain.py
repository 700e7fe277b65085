"""`superpose explain`: what a saved model found, or why it predicts what it predicts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from superpose.cli.options import Json, ModelFile
from superpose.cli.predict import columns_of_fit
from superpose.cli.printing import dial, parts, quality
from superpose.cli.words import model_to_dict, print_json
from superpose.datasets.files import read_frame
from superpose.errors import InputError
from superpose.estimators import load

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
    json: Json = False,
) -> None:
    """Say what every curve contributes to a prediction, or describe the model."""
    fitted = load(model)
    if table is None:
        if json:
            print_json(model_to_dict(fitted))
            return
        console = Console()
        if fitted.summary_.held_out is not None:
            console.print(quality(fitted.summary_.held_out))
        console.print(dial(fitted.complexity_path_), parts(fitted))
        return
    frame = columns_of_fit(read_frame(table), fitted)
    rows = row or [0]
    if max(rows) >= len(frame):
        raise InputError(
            f"--row must be below {len(frame)}, the number of rows",
            f"found {max(rows)}",
            "count rows from 0, without the header",
        )
    explanation = fitted.explain(frame.iloc[rows])
    if json:
        print_json({"rows": rows, **explanation.to_dict()})
    else:
        print(explanation)
