"""A stretch drawn by hand is what the person said, and outside it nothing changed."""

import numpy as np
import pytest
import torch

from superpose.curves import Axis
from superpose.networks import Attribute, HandBasis, InputBasis


def drawn(places, *, missing=False, seed=0):
    """A basis over a skewed column, and the same with a stretch."""
    x = np.random.default_rng(seed).lognormal(size=200)
    age = Attribute("age", "number", Axis.from_data(x, n_knots=9), None, missing)
    base = InputBasis(age, missing=missing)
    return age, base, HandBasis(base, age, torch.tensor(places).double())


def test_it_is_straight_in_units_from_place_to_place():
    age, base, basis = drawn([0.5, 1.0, 3.0])
    heights = torch.cat([torch.tensor([1.0, -2.0, 4.0]), torch.randn(base.n_heights)]).double()
    x = np.linspace(0.5, 3.0, 57)
    found = basis.cardinal(age.encode(torch.from_numpy(x))) @ heights
    assert found.numpy() == pytest.approx(np.interp(x, [0.5, 1, 3], [1, -2, 4]), abs=1e-12)


def test_elsewhere_it_is_the_basis_underneath_bit_for_bit():
    age, base, basis = drawn([0.5, 1.0, 3.0], missing=True)
    x = torch.tensor([-1.0, 0.0, 0.499, 3.001, 10.0, np.nan]).double()
    u = age.encode(x)
    rows = basis.cardinal(u)
    assert rows[:, :3].abs().max() == 0
    assert torch.equal(rows[:, 3:], base.cardinal(u))
    assert torch.equal(basis.cardinal_derivative(u)[:, 3:], base.cardinal_derivative(u))
    assert torch.equal(basis.conditional_variance(u), base.conditional_variance(u))
    assert rows[-1, -1] == 1  # the height of missing values is the last one still


def test_within_it_nothing_is_left_open_and_the_slope_is_the_curves():
    age, _, basis = drawn([0.5, 1.0, 3.0])
    u = age.encode(torch.linspace(0.55, 2.9, 40).double())
    assert basis.conditional_variance(u).abs().max() == 0
    step = 1e-6
    numeric = (basis.cardinal(u + step) - basis.cardinal(u - step)) / (2 * step)
    assert basis.cardinal_derivative(u).numpy() == pytest.approx(
        numeric.numpy(), rel=1e-5, abs=1e-5
    )


def test_a_stretch_over_a_stretch():
    age, base, first = drawn([0.5, 3.0])
    second = HandBasis(first, age, torch.tensor([1.0, 2.0]).double())
    heights = torch.cat([torch.tensor([5.0, 5.0, 0.0, 0.0]), torch.ones(base.n_heights)]).double()
    u = age.encode(torch.tensor([0.4, 0.7, 1.0, 1.5, 2.0, 2.5, 3.5]).double())
    assert (second.cardinal(u) @ heights).tolist() == pytest.approx([1, 0, 5, 5, 5, 0, 1])
