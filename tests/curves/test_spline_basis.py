"""Splines of a known shape: those of SciPy, with a shape where their control points have it."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from scipy.interpolate import BSpline

from superpose.curves import SplineBasis
from superpose.errors import InputError

KNOTS = np.array([0.0, 0.07, 0.2, 0.55, 0.6, 1.0])
WORDS = [
    ("increasing",),
    ("decreasing",),
    ("convex",),
    ("concave",),
    ("increasing", "convex"),
    ("increasing", "concave"),
    ("decreasing", "convex"),
    ("decreasing", "concave"),
]
U = torch.linspace(-1.0, 2.0, 6001, dtype=torch.float64)
shapes = pytest.mark.parametrize("shape", WORDS, ids=" ".join)


def worst(values: np.ndarray, shape: tuple[str, ...]) -> float:
    """The largest difference in the forbidden direction, over the range of the values."""
    rise, bend = np.diff(values, axis=0), np.diff(values, 2, axis=0)
    kinds = {"increasing": -rise, "decreasing": rise, "convex": -bend, "concave": bend}
    return max(float(kinds[word].max()) for word in shape) / float(np.ptp(values))


def inside(basis: SplineBasis, seed: int) -> torch.Tensor:
    """Random control points that have the shape, some conditions with equality."""
    rng = np.random.default_rng(seed)
    a = rng.exponential(size=len(basis.conditions)) * (rng.random(len(basis.conditions)) < 0.6)
    free = torch.from_numpy(rng.normal(size=basis.n_heights))
    inverse = torch.linalg.pinv(basis.conditions)
    return free + inverse @ (torch.from_numpy(a) - basis.conditions @ free)


@shapes
def test_the_splines_are_those_of_scipy(shape: tuple[str, ...]) -> None:
    basis = SplineBasis(KNOTS, shape)
    p, u = basis.degree, U[(U >= 0) & (U < 1)]
    knots = np.r_[[0.0] * p, KNOTS, [1.0] * p]
    found = BSpline.design_matrix(u.numpy(), knots, p).toarray()
    np.testing.assert_allclose(basis.cardinal(u).numpy(), found, atol=1e-13)


@shapes
def test_lines_are_reproduced_everywhere_and_cost_nothing(shape: tuple[str, ...]) -> None:
    basis = SplineBasis(KNOTS, shape)
    line = 2 - 3 * basis.abscissae
    np.testing.assert_allclose((basis.cardinal(U) @ line).numpy(), (2 - 3 * U).numpy(), atol=1e-12)
    assert float((basis.precision() @ line).abs().max()) < 1e-9 * float(basis.precision().max())
    assert torch.linalg.matrix_rank(basis.precision()) == basis.n_heights - 2
    np.testing.assert_allclose(basis.cardinal(U).sum(1).numpy(), 1.0, atol=1e-12)


@shapes
def test_slopes_are_finite_differences_and_nan_gives_nothing(shape: tuple[str, ...]) -> None:
    basis, h = SplineBasis(KNOTS, shape), 1e-6
    u = torch.tensor([-0.4, 0.03, 0.3, 0.58, 0.99, 1.6], dtype=torch.float64)
    slope = (basis.cardinal(u + h) - basis.cardinal(u - h)) / (2 * h)
    np.testing.assert_allclose(basis.cardinal_derivative(u).numpy(), slope.numpy(), atol=1e-6)
    nothing = torch.tensor([float("nan")], dtype=torch.float64)
    assert basis.cardinal(nothing).abs().sum() + basis.cardinal_derivative(nothing).abs().sum() == 0


@shapes
@pytest.mark.parametrize("seed", range(5))
def test_control_points_of_a_shape_make_a_curve_of_it_everywhere(
    shape: tuple[str, ...], seed: int
) -> None:
    basis = SplineBasis(KNOTS, shape)
    assert worst((basis.cardinal(U) @ inside(basis, seed)).numpy()[:, None], shape) < 1e-12


@shapes
def test_a_curve_without_the_shape_has_control_points_without_it(shape: tuple[str, ...]) -> None:
    """Every condition is needed: break one of them, and the curve loses the shape somewhere."""
    basis = SplineBasis(KNOTS, shape)
    inverse = torch.linalg.pinv(basis.conditions)
    for j in range(len(basis.conditions)):
        broken = torch.ones(len(basis.conditions), dtype=torch.float64)
        broken[j] = -0.1
        values = (basis.cardinal(U) @ inverse @ broken).numpy()[:, None]
        assert worst(values, shape) > 1e-9, j


@pytest.mark.parametrize("shape", [("increasing",), ("convex",)], ids=" ".join)
def test_the_prior_is_the_integral_of_the_squared_second_derivative(shape: tuple[str, ...]) -> None:
    knots, length = np.linspace(0, 1, 6), 0.4
    basis = SplineBasis(knots, shape, length_scale=length)
    heights = np.random.default_rng(0).normal(size=basis.n_heights)
    p = basis.degree
    bent = BSpline(np.r_[[0.0] * p, knots, [1.0] * p], heights, p).derivative(2)
    u = (np.arange(200_000) + 0.5) / 200_000
    integral = float((bent(u) ** 2).mean())
    form = float(torch.from_numpy(heights) @ basis.precision() @ torch.from_numpy(heights))
    assert form == pytest.approx(integral / (4 * (np.sqrt(3) / length) ** 3), rel=1e-6)


def test_a_bend_costs_the_same_in_narrow_and_wide_gaps() -> None:
    """Where the knots of a stretch are ten times closer, the same heights there cost the same."""
    wide = SplineBasis(np.arange(9.0), ["increasing"])
    close = SplineBasis(np.r_[np.arange(5) / 10, 0.4 + np.arange(1.0, 5.0)], ["increasing"])
    scale = (8 / 4.4) ** 3 / 1  # the mean gap is the unit
    form = wide.precision()[1:4, 1:4] / close.precision()[1:4, 1:4]
    np.testing.assert_allclose(form.diagonal().numpy(), 1 / scale, rtol=1e-9)


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        (["rising"], "['rising']"),
        ([], "[]"),
        (["increasing", "decreasing"], "['increasing', 'decreasing']"),
        (["convex", "concave"], "['convex', 'concave']"),
    ],
)
def test_words_that_are_no_shape_are_refused(shape: list[str], found: str) -> None:
    sentence = (
        "a shape must be increasing or decreasing, convex or concave, or one of each; found "
        f'{found}; write "increasing", or ("increasing", "concave")'
    )
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        SplineBasis(KNOTS, shape)


@pytest.mark.parametrize("knots", [[0.0], [0.0, 0.0], [1.0, 0.0], [0.0, float("inf")]])
def test_knots_that_do_not_increase_are_refused(knots: list[float]) -> None:
    with pytest.raises(InputError, match="two or more, finite and strictly increasing"):
        SplineBasis(knots, ["convex"])
