"""A training to be killed: run as a script, with a checkpoint, where to die, and a file of results.

    python killed_training.py CHECKPOINT WHERE RESULT

WHERE is "step K" (after the K-th step of this process), "draft K" (while its K-th checkpoint
is written: its draft is there, half of it), or "nowhere".
"""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR

from superpose.fitting import AMP, train_network
from superpose.networks import KSTHead

EPOCHS, STEPS = 4, 9  # of an epoch: 180 rows in batches of 20


def made() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(200, 3, generator=generator)
    return x, torch.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2]


def network() -> nn.Module:
    """Dropout and batch statistics: all that a checkpoint could forget."""
    torch.manual_seed(4)
    trunk = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.2))
    return nn.Sequential(trunk, KSTHead(8, 1, 6))


def train(checkpoint: Path | None, progress=None, **changed):
    """Adam beside adversarially moved weights, one cycle of the rate, clipping, early stopping."""
    tell = {
        "optimizer": partial(AMP, base=torch.optim.Adam, epsilon=0.05, zeta=1.0, lr=0.01),
        "schedule": partial(OneCycleLR, max_lr=0.02, total_steps=EPOCHS * STEPS),
        "schedule_every": "step",
        "epochs": EPOCHS,
        "batch": 20,
        "largest_gradient": 5.0,
        "checkpoint_seconds": 0.0,
    } | changed
    return train_network(network(), *made(), checkpoint=checkpoint, progress=progress, **tell)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_after(steps: int):
    seen = []

    def tell(*_: object) -> None:
        seen.append(1)
        if len(seen) == steps:
            die()

    return tell


def die_while_writing(times: int) -> None:
    """Kill the process within a checkpoint, when half of its draft is on the disk."""
    whole, seen = Path.write_bytes, []

    def write(self: Path, content: bytes) -> int:
        seen.append(1)
        if len(seen) < times:
            return whole(self, content)
        with self.open("wb") as file:
            file.write(content[: len(content) // 2])
            file.flush()
            os.fsync(file.fileno())
        die()
        return 0

    Path.write_bytes = write


def main() -> None:
    checkpoint, where, result = sys.argv[1:]
    word, _, count = where.partition(" ")
    if word == "draft":
        die_while_writing(int(count))
    training = train(Path(checkpoint), die_after(int(count)) if word == "step" else None)
    state = {"weights": training.network.state_dict(), "history": str(training.history)}
    torch.save(state, result)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
