"""The handwritten digits, read from the IDX files of a folder, and a small network for them."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import torch
from torch import nn

SIDE = 28


def load(folder: Path) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Images [N, 1, 28, 28] in 0 to 1 and labels [N]: of training, then of the test."""
    train = [_images(path) for path in sorted(folder.glob("train-images*idx3-ubyte.gz"))]
    labels = _labels(folder / "train-labels-idx1-ubyte.gz")
    test = _images(folder / "t10k-images-idx3-ubyte.gz")
    return torch.cat(train), labels, test, _labels(folder / "t10k-labels-idx1-ubyte.gz")


def _images(path: Path) -> torch.Tensor:
    raw = np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=16)
    return torch.from_numpy(raw.copy()).reshape(-1, 1, SIDE, SIDE).float() / 255


def _labels(path: Path) -> torch.Tensor:
    raw = np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=8)
    return torch.from_numpy(raw.copy()).long()


def trunk(n_features: int) -> nn.Sequential:
    """Two convolutions and two linear maps to a few learned features."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 49, 64),
        nn.ReLU(),
        nn.Linear(64, n_features),
    )
