"""pykan as its README runs it: its own defaults, no files, no prints."""

from __future__ import annotations

import contextlib
import io
import tempfile
from typing import Any

import numpy as np
import torch
from record import Stopwatch


class PykanSide:
    """A network [n, 5, 1] of pykan over rows of a table, in float32, its default.

    ``auto_save=False`` spares it the files it writes at every step.
    """

    def __init__(self, X: np.ndarray, y: np.ndarray, n_train: int, seed: int) -> None:
        from kan import KAN

        rows = torch.tensor(X, dtype=torch.float32)
        target = torch.tensor(y, dtype=torch.float32)[:, None]
        self.data = {
            "train_input": rows[:n_train],
            "train_label": target[:n_train],
            "test_input": rows[n_train:],
            "test_label": target[n_train:],
        }
        with quiet():
            self.model: Any = KAN(
                width=[X.shape[1], 5, 1],
                seed=seed,
                auto_save=False,
                ckpt_path=tempfile.mkdtemp(),  # pruning writes a line, whatever auto_save says
            )

    def fit(self, lamb: float = 0.0) -> float:
        """Take 50 steps of L-BFGS, with a penalty or without; return CPU-seconds."""
        with Stopwatch() as watch, quiet():
            self.model.fit(self.data, opt="LBFGS", steps=50, lamb=lamb)
        return watch.cpu

    def prune(self) -> float:
        """Leave out what its thresholds call unimportant; return CPU-seconds."""
        with Stopwatch() as watch, quiet():
            self.model = self.model.prune()
        return watch.cpu

    def refine(self, grid: int) -> float:
        """Refit the splines on a finer grid; return CPU-seconds."""
        with Stopwatch() as watch, quiet():
            self.model = self.model.refine(grid)
        return watch.cpu

    def rmse(self) -> float:
        """Return the root mean square error on the test rows; NaN if it diverged."""
        with torch.no_grad():
            error = self.model(self.data["test_input"]) - self.data["test_label"]
        return float(error.double().square().mean().sqrt())


@contextlib.contextmanager
def quiet():
    """Swallow prints and progress bars."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield
