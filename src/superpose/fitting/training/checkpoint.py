"""Checkpoints: where a training stands, in a file from which it goes on as if never stopped."""

from __future__ import annotations

import hashlib
import time
from os import PathLike
from pathlib import Path
from typing import Any

from superpose.atomic import remove_drafts
from superpose.errors import InputError, ModelFileError
from superpose.fitting.training.state_file import read_state, write_state
from superpose.fitting.training.training_loop import Course, Task

FORMAT = "superpose training 1"


class Checkpoint:
    """The file of a training, written when so many seconds have passed.

    Parameters
    ----------
    path : str or path
    seconds : float
    course : Course
        What is written, and what goes on from what was read.
    """

    def __init__(self, path: str | PathLike[str], seconds: float, course: Course) -> None:
        self.path, self.seconds, self.course = Path(path), seconds, course
        self.settings = settings(course.task)
        self.written = time.monotonic()

    def resume(self) -> None:
        """Go on from the file, if there is one; drafts of it that a kill left are removed.

        Raises
        ------
        ModelFileError
            If it is damaged, or something else.
        InputError
            If it is that of another training, or cannot stand there.
        """
        if not self.path.parent.is_dir() or self.path.is_dir():
            raise InputError(
                "checkpoint must be a file in a folder that is there",
                f"got {str(self.path)!r}",
                "make the folder, or pass another path",
            )
        remove_drafts(self.path)
        if not self.path.exists():
            return
        state = read_state(self.path)
        if not isinstance(state, dict) or state.get("format") != FORMAT:
            raise ModelFileError(
                f"{str(self.path)!r} must be the checkpoint of a training",
                "found another state",
                "remove the file to train from the start, or use another one",
            )
        self._check(state["settings"])
        self.course.load(state["course"])

    def due(self) -> None:
        """Write if it is time."""
        if time.monotonic() - self.written >= self.seconds:
            self.write()

    def write(self) -> None:
        """Write where the training stands, whole or not at all."""
        state = {"format": FORMAT, "settings": self.settings, "course": self.course.state()}
        write_state(self.path, state)
        self.written = time.monotonic()

    def _check(self, before: dict[str, Any]) -> None:
        now = self.settings
        words = [
            f"{name} {before.get(name)} there and {now.get(name)} here"
            for name in sorted({*before, *now})
            if before.get(name) != now.get(name)
        ]
        if words:
            raise InputError(
                f"the checkpoint {str(self.path)!r} must be one of this training",
                f"got {'; '.join(words)}",
                "pass what it was begun with, or another path",
            )


def settings(task: Task) -> dict[str, Any]:
    """Return in words all that decides a training; two that differ give different results."""
    network = task.network
    numbers = sum(it.numel() for it in network.parameters())
    shapes = [(name, list(it.shape), str(it.dtype)) for name, it in network.state_dict().items()]
    return {
        "network": f"{type(network).__name__} of {numbers} numbers ({_word(network, shapes)})",
        "table": f"{task.source.n_rows} rows ({task.source.fingerprint()})",
        "validation": _held(task),
        "loss": task.loss.name,
        "optimizer": " ".join(repr(task.optimizer).split()),
        "schedule": f"{type(task.schedule).__name__} ({_word(task.schedule.state_dict())}), "
        f"every {task.schedule_every}",
        "epochs": task.epochs,
        "batch": max(task.sizes),
        "patience": task.patience,
        "prior": task.prior,
        "largest_gradient": task.largest_gradient,
        "random_state": task.seed,
    }


def _held(task: Task) -> str:
    if task.validation is None:
        return "none"
    return f"{len(task.validation[0])} rows ({_word(task.validation[1].tolist())})"


def _word(*things: Any) -> str:
    """Return a short word that differs where things do."""
    return hashlib.sha256(repr(things).encode()).hexdigest()[:8]
