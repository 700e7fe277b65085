"""`superpose report`: the page about a saved model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from superpose.cli.options import Json, ModelFile

__all__ = ["report"]


def report(
    model: ModelFile,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the page goes.")] = Path(
        "report.html"
    ),
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", help="Rows that fit has not seen, with their target, to measure on."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Write one self-contained HTML page about a model."""
    from superpose.cli.predictions import columns_of_fit
    from superpose.cli.words import print_json
    from superpose.datasets.files import read_table
    from superpose.estimators import load

    fitted = load(model)
    out.parent.mkdir(parents=True, exist_ok=True)
    if data is None:
        fitted.report(out)
    else:
        X, y = read_table(data, fitted.target_name_)
        fitted.report(out, columns_of_fit(X, fitted), y)
    if json:
        print_json({"report": str(out)})
    else:
        print(f"Report: {out}")
