"""`superpose export`: a saved model for programs that know nothing of superpose."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from superpose.cli.options import Json, ModelFile

__all__ = ["export"]


class Form(StrEnum):
    """What an export is written as."""

    onnx = "onnx"
    csv = "csv"
    json = "json"
    sql = "sql"


def export(
    model: ModelFile,
    out: Annotated[Path, typer.Argument(help="Where the export goes.")],
    to: Annotated[
        Form | None, typer.Option("--to", help="What to write; by the ending of OUT if not given.")
    ] = None,
    table: Annotated[
        str, typer.Option("--table", help="For SQL: name of the table that the query reads.")
    ] = "data",
    keep: Annotated[
        list[str] | None,
        typer.Option("--keep", help="For SQL: a column to return beside the score; repeatable."),
    ] = None,
    json: Json = False,
) -> None:
    """Write a model as an ONNX graph, as lookup tables (CSV or JSON), or as one SQL query.

    ONNX holds all of it; tables hold the main curves; SQL is for models without pairs and terms.
    """
    from superpose.cli.words import print_json
    from superpose.estimators import load

    fitted = load(model)
    out.parent.mkdir(parents=True, exist_ok=True)
    form = None if to is None else to.value
    fitted.export(out, form, table=table, keep=tuple(keep or ()))
    if json:
        print_json({"export": str(out)})
    else:
        print(f"Export: {out}")
