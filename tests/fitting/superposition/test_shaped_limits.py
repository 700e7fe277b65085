"""Limits of shaped curves: laws for any draws, and how often they hold a line known as convex."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.fitting.made_problems import generator

from superpose import KSTRegressor
from superpose.curves import Axis
from superpose.fitting.superposition.shaped_limits import shaped_limits
from superpose.networks import Attribute, InputBasis, MainCurve

AXIS = Axis.from_data(torch.linspace(0, 1, 50, dtype=torch.float64), n_knots=8)


def curve_of(shape: str, missing: bool = True) -> tuple[MainCurve, torch.Tensor]:
    """A curve of this shape, and draws about it, not all of the shape: the laws ask for none."""
    basis = InputBasis(Attribute("x", "number", AXIS, shape=(shape,)), missing=missing)
    rise = torch.linspace(0, 1, basis.n_heights, dtype=torch.float64)
    mode = {"increasing": rise, "decreasing": -rise, "convex": rise**2}[shape]
    noise = torch.randn(200, basis.n_heights, generator=generator(), dtype=torch.float64)
    uneven = 0.1 + torch.arange(basis.n_heights) % 2  # what is known jumps up and down
    return MainCurve(0, basis, mode[None]), (mode + noise * uneven)[:, None]


@pytest.mark.parametrize(("shape", "sign"), [("increasing", 1), ("decreasing", -1)])
def test_limits_rise_or_fall_and_hold_the_curve(shape: str, sign: int) -> None:
    curve, draws = curve_of(shape)
    low, high = (limit.detach() for limit in shaped_limits(curve, draws, 0.95))
    assert (low <= curve.heights).all()
    assert (curve.heights <= high).all()
    for limit in (low, high):
        assert (sign * limit[0, :-1].diff() >= 0).all()  # of the control points


def test_what_rises_says_of_one_place_it_says_of_all_later_ones() -> None:
    """The missing value, the last height, is no place; nor does any limit become wider."""
    curve, draws = curve_of("increasing")
    low, high = shaped_limits(curve, draws, 0.95)
    reach = 1.959964 * (draws - curve.heights).square().mean(0).sqrt()[0]
    assert (low >= curve.heights - reach - 1e-6).all()
    assert (high <= curve.heights + reach + 1e-6).all()
    torch.testing.assert_close(low[:, -1], curve.heights[:, -1] - reach[-1], rtol=1e-5, atol=0)


def test_draws_to_one_side_reach_as_far_to_the_other() -> None:
    curve, draws = curve_of("convex")
    low, high = shaped_limits(curve, curve.heights - (draws - curve.heights).abs(), 0.95)
    torch.testing.assert_close(high - curve.heights, curve.heights - low)


@pytest.mark.slow
def test_a_line_known_as_convex_is_held_in_its_middle() -> None:
    """Quantiles of the draws, which all sag, held a third of these; 12 seeds, s.e. 6 points."""
    x, held = np.linspace(-1, 1, 150), []
    for seed in range(12):
        y = x + np.random.default_rng(seed).normal(size=150)
        model = KSTRegressor(pairs=0, terms=0, shapes={0: "convex"}).fit(x[:, None], y)
        curve = model.curves_["x0"]
        middle = np.abs(curve.x) < 0.3
        held.append(np.mean((curve.lower <= curve.x)[middle] & (curve.x <= curve.upper)[middle]))
    assert np.mean(held) > 0.85
