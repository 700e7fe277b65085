"""`superpose report`: the page about a saved model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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
    group: Annotated[
        str | None,
        typer.Option("--group", help="A column of --data; the page measures each of its groups."),
    ] = None,
    json: Json = False,
) -> None:
    """Write one self-contained HTML page about a model."""
    from superpose.cli.predictions import columns_of_fit
    from superpose.cli.words import print_json
    from superpose.datasets.files import read_table
    from superpose.estimators import load

    fitted = load(model)
    if group is not None and data is None:
        raise typer.BadParameter("groups are measured on rows; pass --data too")
    out.parent.mkdir(parents=True, exist_ok=True)
    if data is None:
        fitted.report(out)
    else:
        X, y = read_table(data, fitted.target_name_)
        rows = columns_of_fit(X, fitted)
        fitted.report(out, rows, y, groups=None if group is None else _groups(fitted, X, y, group))
    if json:
        print_json({"report": str(out)})
    else:
        print(f"Report: {out}")


def _groups(fitted: Any, X: Any, y: Any, column: str) -> Any:
    from superpose.cli.predictions import columns_of_fit
    from superpose.datasets.files import missing_column
    from superpose.explain import by_group

    if column not in X.columns:
        raise missing_column(column, [str(name) for name in X.columns], "--group")
    return by_group(fitted, columns_of_fit(X, fitted), y, X[column])
