"""From a fitted model to a file that another program reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from superpose.atomic import written_whole
from superpose.errors import InputError
from superpose.export.onnx_model import to_onnx
from superpose.export.sql import to_sql
from superpose.export.tables import csv_of, to_tables

__all__ = ["FORMATS", "write_export"]

FORMATS = ("onnx", "json", "csv", "sql")


def write_export(
    model: Any,
    path: str | PathLike[str],
    to: str | None = None,
    *,
    table: str = "data",
    keep: Sequence[str] = (),
) -> Path:
    """Write a fitted model in a form that needs no superpose to be scored.

    Parameters
    ----------
    model : KSTClassifier or KSTRegressor
        Fitted.
    path : str or path
        Where the file goes; it appears there whole or not at all.
    to : {"onnx", "json", "csv", "sql"}, optional
        What to write; by the ending of the path if not given. See `to_onnx`, `to_tables` (JSON and
        CSV hold the same tables) and `to_sql`.
    table, keep : str, sequence of str
        For SQL: the table that is read, and more columns to return.

    Returns
    -------
    pathlib.Path
        Where the file is.

    Raises
    ------
    InputError
        For another form; where there is no such folder; where SQL cannot hold the model.
    MissingExtraError
        For ONNX, where the package onnx is not installed.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from superpose import KSTRegressor
    >>> from superpose.export import write_export
    >>> model = KSTRegressor(pairs=0, terms=0).fit([[1.0], [2.0], [4.0]], [1.0, 2.0, 3.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(write_export(model, pathlib.Path(folder, "model.sql")).read_text()[:22])
    WITH superpose_rows AS
    """
    path = Path(path)
    to = path.suffix[1:].lower() if to is None else to
    if to not in FORMATS:
        raise InputError(
            f"an export must be one of {', '.join(FORMATS)}",
            f"found {to!r}",
            'pass to="onnx", or a path that ends in .onnx',
        )
    if not path.parent.is_dir():
        raise InputError(
            "an export is written into a folder that exists",
            f"found none at {str(path.parent)!r}",
            "make the folder, or pass another path",
        )
    content = _content(model, to, table, keep)
    with written_whole(path) as draft:
        draft.write_bytes(content)
    return path


def _content(model: Any, to: str, table: str, keep: Sequence[str]) -> bytes:
    if to == "onnx":
        return bytes(to_onnx(model).SerializeToString())
    if to == "sql":
        return to_sql(model, table, keep).encode()
    tables = to_tables(model)
    text = csv_of(tables) if to == "csv" else json.dumps(tables, allow_nan=False, indent=1)
    return f"{text}\n".encode()
