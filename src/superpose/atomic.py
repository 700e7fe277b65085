"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

__all__ = ["remove_drafts", "written_whole"]


@contextmanager
def written_whole(path: str | PathLike[str]) -> Iterator[Path]:
    """Give a path to write to; what is written there moves to `path` when all of it is.

    If the block raises, `path` stays as it was and nothing is left behind; if the process is killed
    within it, the draft is (`remove_drafts`).

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


def remove_drafts(path: str | PathLike[str]) -> None:
    """Remove what `written_whole` left beside a file where its process was killed.

    Nobody else may be writing the file.

    Parameters
    ----------
    path : str or path
        Where the file is, or was to be; it stays as it is.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from superpose.atomic import remove_drafts
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("a.txt", ".0123abcd-a.txt", ".0123abcd-b.txt"):
    ...         pathlib.Path(folder, name).touch()
    ...     remove_drafts(pathlib.Path(folder, "a.txt"))
    ...     print(sorted(file.name for file in pathlib.Path(folder).iterdir()))
    ['.0123abcd-b.txt', 'a.txt']
    """
    path = Path(path)
    draft = re.compile(r"\.[0-9a-f]{8}-" + re.escape(path.name))
    for file in path.parent.iterdir():
        if draft.fullmatch(file.name):
            file.unlink(missing_ok=True)
