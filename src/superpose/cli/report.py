"""`superpose report`: the page about a saved model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from superpose.cli.options import Exposure, Json, ModelFile, Offset

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
    compare: Annotated[
        Path | None,
        typer.Option("--compare", help="Another model of the same columns, to put beside it."),
    ] = None,
    offset: Offset = None,
    exposure: Exposure = None,
    json: Json = False,
) -> None:
    """Write one self-contained HTML page about a model."""
    from superpose.cli.known import known_columns
    from superpose.cli.predictions import columns_of_fit
    from superpose.cli.words import print_json
    from superpose.datasets.files import read_table
    from superpose.estimators import load

    fitted = load(model)
    if group is not None and data is None:
        raise typer.BadParameter("groups are measured on rows; pass --data too")
    out.parent.mkdir(parents=True, exist_ok=True)
    rows, asked = None, {}
    if data is not None:
        X, y = read_table(data, fitted.target_name_)
        rows, known = columns_of_fit(X, fitted), known_columns(fitted, X, offset, exposure)
        asked = {"X": rows, "y": y, **known}
        if group is not None:
            asked["groups"] = _groups(fitted, X, y, group, known)
    if compare is not None:
        asked["comparison"] = _comparison(fitted, model, compare, rows)
    fitted.report(out, **asked)
    if json:
        print_json({"report": str(out)})
    else:
        print(f"Report: {out}")


def _comparison(fitted: Any, model: Path, other: Path, rows: Any) -> Any:
    from superpose.estimators import load
    from superpose.explain import compare

    names = (model.stem, other.stem) if model.stem != other.stem else (str(model), str(other))
    return compare(fitted, load(other), rows, names=names)


def _groups(fitted: Any, X: Any, y: Any, column: str, known: dict[str, Any]) -> Any:
    from superpose.cli.predictions import columns_of_fit
    from superpose.datasets.files import missing_column
    from superpose.explain import by_group

    if column not in X.columns:
        raise missing_column(column, [str(name) for name in X.columns], "--group")
    return by_group(fitted, columns_of_fit(X, fitted), y, X[column], **known)
