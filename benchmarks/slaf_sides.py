"""The activations that `slaf.py` measures side by side, each made for so many units."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from scipy.optimize import least_squares
from torch import nn

from superpose.curves import POLYNOMIAL_BASES, SLAF, SLAF_ROUTINES, GPBasis, GPCurve

Side = Callable[[int], nn.Module]


@cache
def rational_start() -> tuple[np.ndarray, np.ndarray]:
    """Numerator [6] and denominator [4] nearest to a leaky ReLU of slope .01 on [-3, 3]."""
    x = np.linspace(-3, 3, 601)
    target = np.where(x > 0, x, 0.01 * x)

    def residual(c: np.ndarray) -> np.ndarray:
        return ratio(c) - target

    def ratio(c: np.ndarray) -> np.ndarray:
        bottom = 1 + np.abs(sum(c[6 + j] * x ** (j + 1) for j in range(4)))
        return np.polyval(c[5::-1], x) / bottom

    start = np.array([0.1, 0.5, 0.5, 0.0, 0.1, 0.0, 0.0, 0.3, 0.0, 0.05])
    found = least_squares(residual, start, max_nfev=5000).x
    return found[:6], found[6:]


class Rational(nn.Module):
    """Padé activation unit: Σ_(0..5) a_i x^i / (1 + |Σ_(1..4) b_j x^j|), one a layer.

    Molina, Schramowski and Kersting (2020), "Padé Activation Units", the safe form.
    """

    def __init__(self) -> None:
        super().__init__()
        top, bottom = rational_start()
        self.top = nn.Parameter(torch.tensor(top, dtype=torch.float32))
        self.bottom = nn.Parameter(torch.tensor(bottom, dtype=torch.float32))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        above = self.top[5]
        for a in self.top[:5].flip(0):
            above = above * x + a
        below = self.bottom[3]
        for b in self.bottom[:3].flip(0):
            below = below * x + b
        return above / (1 + (below * x).abs())


class GPActivation(nn.Module):
    """A Gaussian-process curve a unit, on the standardised input, with ten knots from -3 to 3."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.norm = Standardise(units)
        knots = torch.linspace(-3, 3, 10)
        self.curve = GPCurve(GPBasis(knots, "matern32", length_scale=2.0), units).float()
        self.curve.heights.data.copy_(knots)  # starts as the identity

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        u = self.norm(x).movedim(1, -1)
        rows = self.curve.basis.cardinal(u.reshape(-1))
        value = (rows.view(*u.shape, -1) * self.curve.heights).sum(-1)
        return value.movedim(-1, 1)


class Standardise(nn.Module):
    """Batch normalisation of [N, C, ..], without affine map."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(units, affine=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(x.flatten(2) if x.ndim > 2 else x).view(x.shape)


def sides(degree: int) -> dict[str, Side]:
    """Every side by its name; SLAF as "basis, routine"."""
    found: dict[str, Side] = {
        "relu": lambda units: nn.ReLU(),
        "relu, standardised": lambda units: nn.Sequential(Standardise(units), nn.ReLU()),
        "silu": lambda units: nn.SiLU(),
        "silu, standardised": lambda units: nn.Sequential(Standardise(units), nn.SiLU()),
        "rational": lambda units: Rational(),
        "gp": GPActivation,
    }
    for basis in POLYNOMIAL_BASES:
        for routine in SLAF_ROUTINES:
            found[f"{basis}, {routine}"] = slaf(degree, basis, routine)
    return found


def slaf(degree: int, basis: str, routine: str) -> Side:
    """One SLAF side."""
    return lambda units: SLAF(units, degree, basis, routine)
