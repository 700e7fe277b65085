"""A progress bar of plain text, for terminals and notebooks alike."""

from __future__ import annotations

import sys
import time

__all__ = ["ProgressLine"]

WIDTH, ROOM = 20, 60


class ProgressLine:
    """One line on the error stream, written over as a fit goes on.

    Examples
    --------
    >>> from superpose.fitting.progress_line import ProgressLine
    >>> line = ProgressLine()
    >>> line.text(1, 4, "pairs").rpartition("  ")[0]
    '[█████               ] pairs'
    """

    def __init__(self) -> None:
        self.start = time.monotonic()

    def __call__(self, done: int, total: int, what: str) -> None:
        end = "\n" if done == total else ""
        sys.stderr.write(f"\r{self.text(done, total, what):<{ROOM}}{end}")
        sys.stderr.flush()

    def text(self, done: int, total: int, what: str) -> str:
        """The line: how much is done, what is being done, and the seconds so far.

        Parameters
        ----------
        done, total : int
        what : str
        """
        full = round(WIDTH * done / total)
        seconds = time.monotonic() - self.start
        return f"[{'█' * full}{' ' * (WIDTH - full)}] {what}  {seconds:.1f} s"
