"""A progress bar on the error stream, only where a person watches it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

__all__ = ["watched"]


@contextmanager
def watched(what: str, quiet: bool = False) -> Iterator[Callable[..., None] | None]:
    """Show what a fit is doing while the block runs.

    Parameters
    ----------
    what : str
        What is done, in a few words.
    quiet : bool, default=False
        Show nothing.

    Yields
    ------
    callable or None
        To be passed on as ``progress``; None where nobody watches.
    """
    if quiet or not sys.stderr.isatty():
        yield None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)

        def tell(done: int, total: int, message: str) -> None:
            bar.update(task, description=f"{what}: {message}", completed=done, total=total)

        yield tell
