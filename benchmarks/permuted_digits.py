"""Permuted sequential digits: the 784 pixels of a digit, one a step, in one fixed random order.

Permutation and split are those of github.com/apsarath/NRU (`mnist_task.py`, `nru.yaml`), which
abr/neurips2019 uses, too: one generator, first the order of the 60,000 digits, then that of the
pixels. The zero step that NRU appends is dropped, as in abr/neurips2019.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import mnist
import numpy as np
import torch

STEPS, SEED, TRAIN = 784, 50, 50_000
PROTOCOL = "RandomState(50): permutation(60000), then permutation(784); 50,000 / 10,000 / 10,000"


class Digits(NamedTuple):
    """Pixels [N, 784] in 0 to 1, in the order in which they are seen, and labels [N]."""

    x: torch.Tensor
    y: torch.Tensor

    @property
    def sequences(self) -> torch.Tensor:
        """[N, 784, 1]: one pixel a step."""
        return self.x.unsqueeze(-1)

    def first(self, count: int) -> Digits:
        return Digits(self.x[:count], self.y[:count])


def load(folder: Path) -> tuple[Digits, Digits, Digits]:
    """Digits of training, of validation, and of the test."""
    images, labels, test, answers = mnist.load(folder / "sequences" / "mnist")
    generator = np.random.RandomState(SEED)
    digits = torch.from_numpy(generator.permutation(len(images)))
    pixels = torch.from_numpy(generator.permutation(STEPS))
    x, y = images.flatten(1)[digits][:, pixels], labels[digits]
    held = Digits(test.flatten(1)[:, pixels], answers)
    return Digits(x[:TRAIN], y[:TRAIN]), Digits(x[TRAIN:], y[TRAIN:]), held
