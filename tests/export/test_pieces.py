"""Polynomials on cells are the curve, and rational functions are the axis, everywhere."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from superpose.curves import KERNELS, Axis, GPBasis
from superpose.errors import ConvergenceWarning
from superpose.export.axis_pieces import AxisPieces
from superpose.export.pieces import Pieces

MATERN = [name for name in KERNELS if name.startswith("matern")]


def gap(basis: GPBasis, heights: torch.Tensor) -> float:
    """Largest difference over places inside, at, and far outside the knots, as a share."""
    rng = np.random.default_rng(0)
    pieces, knots = Pieces.of(basis, heights), basis.knots.numpy()
    beyond = [np.nextafter(knots, 9.0), pieces.edges, [1e8, -1e8]]
    u = np.concatenate([rng.uniform(-0.3, 1.3, 2000), 30 * rng.normal(size=300), knots, *beyond])
    exact = (basis.cardinal(torch.from_numpy(u)) @ heights.mT).numpy()
    return float((np.abs(pieces(u) - exact) / (1 + np.abs(exact))).max())


def wavy(knots: np.ndarray) -> torch.Tensor:
    rough = np.random.default_rng(1).normal(size=len(knots))
    return torch.from_numpy(np.vstack([np.sin(6 * knots), rough]))


@pytest.mark.parametrize("kernel", MATERN)
@pytest.mark.parametrize("length_scale", [0.003, 0.1, 0.3, 1.0])
@pytest.mark.parametrize("count", [1, 2, 3, 8, 24])
def test_a_matern_curve_is_its_pieces(kernel: str, length_scale: float, count: int) -> None:
    """Packets, few knots, isolated knots, one knot."""
    knots = np.linspace(0.0, 1.0, count) if count > 1 else np.array([0.5])
    basis = GPBasis(torch.from_numpy(knots), kernel, length_scale=length_scale)
    assert gap(basis, wavy(knots)) < 1e-10


@pytest.mark.parametrize("length_scale", [0.003, 0.02, 0.04])
def test_a_smooth_curve_is_its_pieces(length_scale: float) -> None:
    """As long as its covariance can be inverted."""
    knots = np.linspace(0.0, 1.0, 24)
    basis = GPBasis(torch.from_numpy(knots), "squared_exponential", length_scale=length_scale)
    assert gap(basis, wavy(knots)) < 1e-11


def test_uneven_knots() -> None:
    knots = np.sort(np.r_[np.random.default_rng(2).random(12), 0.5, 0.5 + 1e-7])
    basis = GPBasis(torch.from_numpy(knots), "matern32", length_scale=0.3)
    assert gap(basis, torch.from_numpy(np.sin(6 * knots))[None]) < 1e-9


def test_what_the_model_does_not_know_is_said() -> None:
    """Under a jitter of 1e-8 the model's own numbers carry noise; the pieces cannot repeat it."""
    knots = np.linspace(0.0, 1.0, 24)
    with pytest.warns(ConvergenceWarning, match="added 1e-08 to its diagonal"):
        basis = GPBasis(torch.from_numpy(knots), "squared_exponential", length_scale=0.3)
    heights = torch.from_numpy(np.sin(9 * knots))[None]
    with pytest.warns(ConvergenceWarning, match="the exported curves differ from the model by"):
        pieces = Pieces.of(basis, heights)
    assert 1e-9 < pieces.error < 1e-6
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert gap(basis, heights) < 3 * pieces.error


COLUMNS = {
    "normal": np.random.default_rng(0).normal(size=300),
    "heavy": np.exp(5 * np.random.default_rng(1).normal(size=300)),
    "far from 0": 1e9 + np.random.default_rng(2).random(100),
    "constant": np.array([5.0]),
    "few": np.array([0.0, 1.0, 1.0, 4.0]),
    "small": 1e-200 * np.random.default_rng(3).standard_cauchy(500),
    "smallest": np.array([1e-310, 3e-310, 8e-310]),
    "largest": 1.7e308 * np.random.default_rng(4).uniform(-1, 1, 50),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_an_axis_is_its_pieces(name: str) -> None:
    x = COLUMNS[name]
    axis = Axis.from_data(x)
    share = np.linspace(-0.04, 1.04, 999)
    inside = x.min() * (1 - share) + x.max() * share
    far = np.array([-1e308, -1e30, -1.0, 0.0, 1.0, 1e30, 1e308])
    x = np.concatenate([x, inside, np.nextafter(x, np.inf), far])
    exact = axis.to_axis(x)
    assert float((np.abs(AxisPieces.of(axis)(x) - exact) / (1 + np.abs(exact))).max()) < 1e-14
