"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

__all__ = ["written_whole"]


@contextmanager
def written_whole(path: str | PathLike[str]) -> Iterator[Path]:
    """Give a path to write to; what is written there moves to `path` when all of it is.

    If the block raises, `path` stays as it was and nothing is left behind.

    Parameters
    ----------
    path : str or path
        Where the file shall be. An existing file is replaced.

    Yields
    ------
    pathlib.Path
        A new name in the same folder, with the same endings.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from superpose.atomic import written_whole
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with written_whole(pathlib.Path(folder, "a.txt")) as draft:
    ...         _ = draft.write_text("all of it")
    ...     print(pathlib.Path(folder, "a.txt").read_text())
    all of it
    """
    path = Path(path)
    draft = path.with_name(f".{secrets.token_hex(4)}-{path.name}")
    try:
        yield draft
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
