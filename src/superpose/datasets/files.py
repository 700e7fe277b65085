"""Tables in files: CSV, with or without gzip, and Parquet."""

from __future__ import annotations

import difflib
import gzip
import re
import zlib
from os import PathLike
from pathlib import Path

import pandas as pd
from pandas.api.types import is_string_dtype

from superpose.errors import InputError

__all__ = ["read_frame", "read_table", "write_frame"]

TEXT = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
PARQUET = (".parquet", ".pq")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?")


def read_frame(path: str | PathLike[str]) -> pd.DataFrame:
    r"""Read a table from a file.

    CSV has a header; the separator (comma, semicolon, tab or bar) is the one that the header has
    most of. Empty cells and the usual codes (NA, NaN, null) are missing values. A column whose
    every text is a date or time such as 2024-07-02 or 2024-07-02 13:45 becomes one of dates.

    Parameters
    ----------
    path : str or path
        A name that ends in .csv, .tsv, .txt, one of these with .gz, .parquet or .pq.

    Returns
    -------
    DataFrame
        At least one row and one column.

    Raises
    ------
    InputError
        Where there is no such file, or no table in it.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from superpose.datasets import read_frame
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "table.csv")
    ...     _ = path.write_text("age;colour\n31;red\n;blue\n")
    ...     read_frame(path)
        age colour
    0  31.0    red
    1   NaN   blue
    """
    path = Path(path)
    if not path.is_file():
        found = "found a folder" if path.is_dir() else "found nothing there"
        raise InputError(f"{str(path)!r} must be a file with a table", found, "check the path")
    if not path.name.lower().endswith((*TEXT, *PARQUET)):
        raise InputError(
            f"the name of a table must end in one of {', '.join((*TEXT, *PARQUET))}",
            f"found {path.name!r}",
            "save the table as CSV or Parquet",
        )
    try:
        frame = _read_parquet(path) if path.name.lower().endswith(PARQUET) else _read_text(path)
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise InputError(
            f"{str(path)!r} must be a table that can be read",
            f"found that it cannot ({type(error).__name__}: {_first_line(error)})",
            "open it in an editor, or save it again",
        ) from error
    if frame.shape[0] == 0 or frame.shape[1] == 0:
        raise InputError(
            f"{str(path)!r} must have rows and columns",
            f"found {frame.shape[0]} rows and {frame.shape[1]} columns",
            "fill the table, or check that its first line is the header",
        )
    return frame


def read_table(path: str | PathLike[str], target: str) -> tuple[pd.DataFrame, pd.Series]:
    """Read a table from a file and split off the column to predict.

    Parameters
    ----------
    path : str or path
        See `read_frame`.
    target : str
        Name of the column to predict.

    Returns
    -------
    X : DataFrame
        All other columns.
    y : Series
        The target.

    Raises
    ------
    InputError
        Where there is no table, or no such column in it.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "table.csv"
    ...     write_frame(pd.DataFrame({"age": [31, 42], "y": [0, 1]}), file)
    ...     X, y = read_table(file, target="y")
    >>> X.columns.tolist(), y.tolist()
    (['age'], [0, 1])
    """
    frame = read_frame(path)
    if target not in frame.columns:
        raise missing_column(target, [str(name) for name in frame.columns], "the target")
    return frame.drop(columns=target), frame[target]


def missing_column(name: str, columns: list[str], role: str) -> InputError:
    """Say that a column is not there, and which one was perhaps meant."""
    close = difflib.get_close_matches(name, columns, n=1, cutoff=0.5)
    shown = ", ".join(columns[:12]) + (
        f", ... ({len(columns)} in all)" if len(columns) > 12 else ""
    )
    return InputError(
        f"{role} must be a column of the table: {shown}",
        f"found no column {name!r}",
        f"perhaps {close[0]!r} was meant" if close else "check the name",
    )


def pop_column(frame: pd.DataFrame, name: str, role: str) -> pd.Series:
    """Take a column out of a table, or say which one was perhaps meant."""
    if name not in frame.columns:
        raise missing_column(name, [str(it) for it in frame.columns], role)
    return frame.pop(name)


def write_frame(frame: pd.DataFrame, path: str | PathLike[str], like: Path | None = None) -> None:
    """Write a table as CSV or Parquet.

    Parameters
    ----------
    frame : DataFrame
        The table; its index is not written.
    path : str or path
        Where to write.
    like : path, optional
        The name whose ending decides the format; `path` itself if not given.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "table.tsv"
    ...     write_frame(pd.DataFrame({"age": [31], "y": [0]}), file)
    ...     print(file.read_text().split())
    ['age', 'y', '31', '0']
    """
    name = Path(like or path).name.lower()
    if name.endswith(PARQUET):
        frame.to_parquet(path, index=False)
    else:
        separator = "\t" if ".tsv" in name else ","
        zipped = "gzip" if name.endswith(".gz") else None
        frame.to_csv(path, index=False, sep=separator, compression=zipped)


def _read_parquet(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path)


def _read_text(path: Path) -> pd.DataFrame:
    zipped = path.name.lower().endswith(".gz")
    opened = gzip.open if zipped else open
    with opened(path, "rt", encoding="utf-8-sig", errors="replace") as file:
        header = file.readline()
    separator = max(",;\t|", key=header.count)
    frame = pd.read_csv(
        path,
        sep=separator,
        encoding="utf-8-sig",
        compression="gzip" if zipped else None,
        low_memory=False,
    )
    return frame.apply(_with_dates)


def _with_dates(column: pd.Series) -> pd.Series:
    """Read a column of texts as dates, if every one of them is a date."""
    if not is_string_dtype(column.dtype):
        return column
    texts = column.dropna().unique()
    if not len(texts) or not all(DATE.fullmatch(str(text)) for text in texts):
        return column
    dates = pd.to_datetime(column, format="ISO8601", errors="coerce")
    return dates if dates.notna().equals(column.notna()) else column


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else "no reason given"
