"""Labelled sequences in files of the UEA and UCR archives: .ts, with or without gzip.

Source: the format of sktime, https://www.sktime.net/en/stable/api_reference/file_specifications/ts.html
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from superpose.errors import InputError

__all__ = ["read_series"]

UNREAD = {"timestamps": "times of their own", "targetlabel": "a number as target"}


def read_series(path: str | PathLike[str]) -> tuple[list[NDArray[np.float64]], NDArray[np.str_]]:
    r"""Read labelled sequences from a .ts file.

    Each line of the data is a sequence: its channels, separated by colons, then its label; the
    samples of a channel are separated by commas, and ``?`` is a missing one.

    Parameters
    ----------
    path : str or path
        A name that ends in .ts or .ts.gz.

    Returns
    -------
    sequences : list of ndarray [steps, channels]
        In the order of the file; NaN is a missing sample.
    labels : ndarray of str
        As the file spells them.

    Raises
    ------
    InputError
        Where there is no such file, or something in it that cannot be read; the message names the
        line.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from superpose.datasets import read_series
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "two.ts")
    ...     _ = path.write_text("@classLabel true up down\n@data\n1,2,3:0,0,?:up\n5,4:1,1:down\n")
    ...     sequences, labels = read_series(path)
    >>> [sequence.shape for sequence in sequences], labels.tolist()
    ([(3, 2), (2, 2)], ['up', 'down'])
    """
    path = Path(path)
    if not path.name.lower().endswith((".ts", ".ts.gz")):
        raise _refusal(path, "must be a .ts or a .ts.gz file", "found another name")
    if not path.is_file():
        raise _refusal(path, "must be a file", "found none there", "check the path")
    sequences, labels = [], []
    for line, text in _lines_of_data(path):
        *channels, label = text.split(":")
        sequences.append(_sequence(path, line, channels))
        labels.append(label.strip())
        if sequences[-1].shape[1] != sequences[0].shape[1]:
            found = f"found {len(channels)} instead of {sequences[0].shape[1]} in line {line}"
            raise _refusal(path, "must have as many channels in every line", found)
    if not sequences:
        raise _refusal(path, "must hold sequences after @data", "found none")
    return sequences, np.array(labels)


def _lines_of_data(path: Path) -> Iterator[tuple[int, str]]:
    """Lines after @data with their numbers; the header is checked on the way."""
    header: dict[str, str] = {}
    for line, text in enumerate(_text(path).splitlines(), 1):
        text = text.strip()
        if not text or text.startswith("#"):
            continue
        if "data" in header:
            yield line, text
        elif text.startswith("@"):
            word, _, value = text[1:].partition(" ")
            header[word.lower()] = value.strip().lower()
            _check_header(path, header)
        else:
            raise _refusal(
                path, "must have a header that ends in @data", f"found {text[:30]!r} in line {line}"
            )


def _check_header(path: Path, header: dict[str, str]) -> None:
    for word, meaning in UNREAD.items():
        if header.get(word, "false").startswith("true"):
            raise _refusal(
                path,
                f"must have no sequences with {meaning}",
                f"found @{word} true",
                "write evenly spaced sequences with a class at the end of each line",
            )
    if "data" in header and not header.get("classlabel", "").startswith("true"):
        raise _refusal(path, "must have labels: @classLabel true ...", "found none")


def _sequence(path: Path, line: int, channels: list[str]) -> NDArray[np.float64]:
    lengths = {channel.count(",") + 1 for channel in channels}
    if len(lengths) != 1:
        found = f"found {sorted(lengths) or 'no channel'} in line {line}"
        raise _refusal(path, "must have channels of one length in every line", found)
    try:
        rows = [[_sample(text) for text in channel.split(",")] for channel in channels]
    except ValueError as error:
        raise _refusal(
            path, "must hold numbers between commas", f"found in line {line} that {error}"
        ) from error
    return np.array(rows).T


def _sample(text: str) -> float:
    return np.nan if text.strip() == "?" else float(text)


def _text(path: Path) -> str:
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opened(path, "rt", encoding="utf-8") as file:
            return str(file.read())
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise _refusal(
            path, "must be a text that can be read", f"found that it cannot ({error})"
        ) from error


def _refusal(
    path: Path, must: str, found: str, do: str = "open it in an editor, or get it again"
) -> InputError:
    return InputError(f"{str(path)!r} {must}", found, do)
