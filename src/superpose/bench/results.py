"""The file of what was measured: one JSON document, a cell for each table, fold and side.

The file is the only memory of a run. It is read again before each cell is added, under a lock, so
that two runs can fill one file, and replaced whole, so that a run that dies leaves what it had.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from superpose.atomic import written_whole
from superpose.errors import InputError

__all__ = ["Results", "key_of"]

QUESTION = "How good, how fast and how readable is each side on public tables?"

Cell = dict[str, Any]
Key = tuple[str, int, str]


def key_of(cell: Cell) -> Key:
    """Which fit a cell is of: table, fold, side."""
    return cell["table"], cell["fold"], cell["side"]


class Results:
    """Cells in a file.

    Parameters
    ----------
    path : path
        The file; it is made when the first cell comes.
    protocol : dict
        Which rows and folds were measured; a file has one protocol.

    Raises
    ------
    InputError
        Where the file is no such file, or was measured on other rows or folds.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from superpose.bench import Results
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     results = Results(Path(folder, "bench.json"), {"folds": 5, "most_rows": None})
    ...     for loss in (0.25, 0.2):  # the same fit, measured again
    ...         results.add({"table": "yacht", "fold": 0, "side": "splines", "loss": loss})
    ...     [cell["loss"] for cell in results.cells()]
    [0.2]
    """

    def __init__(self, path: Path, protocol: dict[str, Any]) -> None:
        self.path = path
        self.protocol = protocol
        there = self.document()["protocol"]
        for name, value in protocol.items():
            if there.get(name) != value:
                raise InputError(
                    f"one file holds fits of the same rows and folds; {path} has "
                    f"{name}={there.get(name)}",
                    f"found {name}={value}",
                    "run with the settings of the file, or write to another one with --out",
                )

    def cells(self) -> list[Cell]:
        """All cells, as they are in the file now."""
        return list(self.document()["cells"])

    def add(self, cell: Cell) -> None:
        """Put a cell into the file; it replaces an earlier one of the same fit."""
        with _alone(self.path):
            answer = self.document()
            kept = [there for there in answer["cells"] if key_of(there) != key_of(cell)]
            self._write({**answer, "cells": [*kept, cell]})

    def add_summary(self, summary: dict[str, Any]) -> None:
        """Put what the cells say together into the file."""
        with _alone(self.path):
            self._write({**self.document(), "summary": summary})

    def document(self) -> dict[str, Any]:
        """Everything in the file: ``question``, ``protocol``, ``summary`` and ``cells``."""
        if not self.path.exists():
            return {"question": QUESTION, "protocol": self.protocol, "summary": {}, "cells": []}
        try:
            answer = json.loads(self.path.read_text(encoding="utf-8"))
            return {name: answer[name] for name in ("question", "protocol", "summary", "cells")}
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(
                f"{self.path} must be a file of superpose bench tables",
                f"found {type(error).__name__}: {error}",
                "name another file with --out",
            ) from None

    def _write(self, answer: dict[str, Any]) -> None:
        text = json.dumps(answer, indent=1, allow_nan=False) + "\n"
        with written_whole(self.path) as draft:
            draft.write_text(text, encoding="utf-8")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep other runs from changing the file meanwhile: lock its folder."""
    import fcntl

    path.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
