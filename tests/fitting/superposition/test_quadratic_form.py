"""The tail of a weighted sum of chi-squares, against SciPy's chi-square and F, and simulation."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from superpose.fitting.superposition.quadratic_form import upper_tail


@pytest.mark.parametrize("count", [1, 2, 5, 20])
@pytest.mark.parametrize("p", [0.99, 0.5, 0.3, 0.05, 1e-6])
def test_with_equal_weights_it_is_a_chi_square(count: int, p: float) -> None:
    weights = torch.full((count,), 2.5, dtype=torch.float64)
    found = upper_tail(weights, 2.5 * stats.chi2.isf(p, count))
    assert found == pytest.approx(p, rel=0.1 if count == 1 else 0.05)


@pytest.mark.parametrize("p", [0.7, 0.05, 1e-4])
def test_with_an_estimated_noise_it_is_f(p: float) -> None:
    found = upper_tail(torch.ones(3).double(), 3 * stats.f.isf(p, 3, 30), 30.0)
    assert found == pytest.approx(p, rel=0.03)


def test_unequal_weights_agree_with_simulation() -> None:
    weights = torch.tensor([5.0, 2.0, 1.0, 0.1, 0.0], dtype=torch.float64)
    draws = np.random.default_rng(0).chisquare(1, (200_000, 5)) @ weights.numpy()
    for share in (0.2, 0.5, 0.9, 0.99):
        found = upper_tail(weights, float(np.quantile(draws, share)))
        assert found == pytest.approx(1 - share, rel=0.08)


def test_it_falls_smoothly_through_the_mean_where_the_formula_is_zero_over_zero() -> None:
    weights = torch.tensor([1.0, 0.5, 0.2], dtype=torch.float64)
    values = np.linspace(1.5, 1.9, 41)  # the mean is 1.7
    found = np.array([upper_tail(weights, float(v)) for v in values])
    assert (np.diff(found) < 0).all()
    assert np.abs(np.diff(found, 2)).max() < 2e-3


def test_nothing_is_below_zero_and_far_out_is_small_but_positive() -> None:
    one = torch.ones(1).double()
    assert upper_tail(one, 0.0) == 1.0
    assert 0 < upper_tail(one, 1e5) < 1e-200
    assert upper_tail(one, 4.0, 1e9) == pytest.approx(upper_tail(one, 4.0, math.inf), rel=1e-5)
