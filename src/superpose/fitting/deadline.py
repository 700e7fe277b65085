"""Until when a fit may go on: a limit of time, or the first interrupt.

A fit asks between Newton steps and between steps of the dial. From the moment the answer is yes,
every solve makes one step more and the dial grows no further, so that what is returned is whole:
coefficients, bands and all, at the best step of the dial that was finished.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

REASONS = ("time limit", "interrupted")


@dataclass(frozen=True)
class Stopped:
    """Why a fit ended early, and what it left undone.

    Attributes
    ----------
    reason : {"time limit", "interrupted"}
    undone : str
        What would have come next, in words.
    """

    reason: str
    undone: str

    def __str__(self) -> str:
        return f"{self.reason}; left undone: {self.undone}"


class Deadline:
    """Whether a fit should come to an end.

    Parameters
    ----------
    seconds : float, optional
        How long it may take from now; without end if not given.
    clock : callable, optional
        The time in seconds; `time.monotonic` if not given.

    Examples
    --------
    >>> from superpose.fitting import Deadline
    >>> time = iter([0.0, 4.0, 11.0])
    >>> deadline = Deadline(10.0, clock=lambda: next(time))
    >>> deadline.before("settling the main curves", "terms")
    >>> deadline.over(), deadline.over(), str(deadline.stopped)
    (False, True, 'time limit; left undone: settling the main curves, terms')
    """

    def __init__(
        self, seconds: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.clock = clock
        self.end = None if seconds is None else clock() + seconds
        self.undone = "nothing"
        self.stopped: Stopped | None = None

    def before(self, *undone: str) -> None:
        """Say what is left undone if the fit has to end from here on."""
        self.undone = ", ".join(it for it in undone if it) or "nothing"

    def over(self) -> bool:
        """Whether the time is over, or somebody interrupted."""
        if self.stopped is None and self.end is not None and self.clock() >= self.end:
            self.stop("time limit")
        return self.stopped is not None

    def stop(self, reason: str) -> None:
        """End the fit; the first reason counts."""
        self.stopped = self.stopped or Stopped(reason, self.undone)

    def leave(self, undone: str) -> None:
        """Say what else is left undone, now that the fit has to end."""
        if self.stopped is not None:
            self.stopped = replace(self.stopped, undone=f"{self.stopped.undone}, {undone}")

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the first interrupt (Ctrl-C) of the block as the end of the fit.

        A second one raises KeyboardInterrupt, as ever. Where the program handles interrupts in a
        way of its own, or the fit runs beside the main thread, they are left to it. What handled
        them before does so again afterwards.
        """
        usual = signal.getsignal(signal.SIGINT)
        if usual is not signal.default_int_handler or not _in_main_thread():
            yield
            return

        def first(*_: Any) -> None:
            signal.signal(signal.SIGINT, usual)
            self.stop("interrupted")

        signal.signal(signal.SIGINT, first)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, usual)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
