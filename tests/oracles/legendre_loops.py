"""The Legendre memory in loops, from the formulae of Voelker, Kajic and Eliasmith (2019)."""

from __future__ import annotations

import numpy as np
from scipy.signal import cont2discrete
from scipy.special import eval_legendre


def continuous(order: int) -> tuple[np.ndarray, np.ndarray]:
    A, B = np.zeros((order, order)), np.zeros(order)
    for i in range(order):
        B[i] = (2 * i + 1) * (-1) ** i
        for j in range(order):
            A[i, j] = (2 * i + 1) * (-1 if i < j else (-1) ** (i - j + 1))
    return A, B


def discrete(order: int, theta: float, method: str) -> tuple[np.ndarray, np.ndarray]:
    """Another library's way from A and B to steps."""
    A, B = continuous(order)
    everything = (A / theta, B[:, None] / theta, np.eye(order), np.zeros((order, 1)))
    Ad, Bd, *_ = cont2discrete(everything, 1.0, method=method)
    return Ad, Bd[:, 0]


def memories(order: int, theta: float, u: np.ndarray, start: np.ndarray) -> np.ndarray:
    """[T, q] of one channel u [T], step by step; NaN holds the sample before, 0 at first."""
    Ad, Bd = discrete(order, theta, "zoh")
    found, m, held = [], start, 0.0
    for sample in u:
        held = held if np.isnan(sample) else sample
        m = Ad @ m + Bd * held
        found.append(m)
    return np.array(found)


def window(m: np.ndarray, theta: float, delays: np.ndarray) -> np.ndarray:
    return sum(m[i] * eval_legendre(i, 2 * delays / theta - 1) for i in range(len(m)))
