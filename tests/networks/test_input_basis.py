"""The cardinal functions of one attribute, and the directions in which their prior is white."""

import numpy as np
import pytest
import torch
from tests.networks.made_networks import category, number
from tests.oracles.superposition_loops import cardinal, matern32

from superpose.networks import InputBasis

U = torch.tensor([-0.5, 0.0, 0.13, 0.5, 0.99, 1.7], dtype=torch.float64)


def test_cardinal_functions_are_the_kriging_weights():
    basis = InputBasis(number("a", 6), length_scale=0.4)
    expected = [cardinal(u, np.linspace(0, 1, 6), 0.4) for u in U.tolist()]
    assert basis.cardinal(U).numpy() == pytest.approx(np.stack(expected), abs=1e-10)


@pytest.mark.parametrize("attribute", [number("a"), number("a", 1), category("c")],
                         ids=["number", "constant", "category"])
def test_missing_values_have_a_height_of_their_own(attribute):
    known = InputBasis(attribute)
    basis = InputBasis(attribute, missing=True)
    u = torch.tensor([0.0, float("nan"), 1.0], dtype=torch.float64)
    rows = basis.cardinal(u)
    assert basis.n_heights == known.n_heights + 1 == rows.shape[1]
    assert torch.equal(rows[:, :-1], known.cardinal(u))
    assert rows[:, -1].tolist() == [0.0, 1.0, 0.0]
    slopes = basis.cardinal_derivative(u)
    assert slopes.shape == rows.shape
    assert slopes[:, -1].abs().max() == 0
    assert basis.conditional_variance(u)[1] == 0
    line, white = basis.directions()
    assert line[-1].abs().sum() == 0
    assert white[-1].abs().sum() == 0


@pytest.mark.parametrize("n_knots", [1, 2, 3, 8])
def test_white_directions_have_the_prior_of_the_curve(n_knots):
    """White coefficients give residual heights P K P: the kernel matrix less its straight lines."""
    knots = np.linspace(0, 1, n_knots)
    basis = InputBasis(number("a", n_knots), length_scale=0.4)
    line, white = basis.directions()
    K = np.array([[matern32(a - b, 0.4) for b in knots] for a in knots])
    H = np.stack([np.ones(n_knots), knots], 1)[:, : min(n_knots, 2)]
    P = np.eye(n_knots) - H @ np.linalg.pinv(H)
    assert (white @ white.mT).numpy() == pytest.approx(P @ K @ P, abs=1e-9)
    assert line.shape[1] == (n_knots > 1)
    if n_knots > 1:
        rise = line[-1, 0] - line[0, 0]
        assert rise.item() == pytest.approx(1.0)
        assert line.sum().item() == pytest.approx(0.0, abs=1e-12)


def test_levels_are_independent():
    line, white = InputBasis(category("c", 4)).directions()
    assert line.shape == (4, 0)
    assert torch.equal(white, torch.eye(4, dtype=torch.float64))


def test_knots_may_be_given():
    knots = torch.tensor([0.0, 0.4, 1.0], dtype=torch.float64)
    basis = InputBasis(number("a", 9), knots, kernel="matern52", length_scale=0.7)
    assert torch.equal(basis.knots, knots)
    assert basis.length_scale == 0.7
    slopes = (basis.cardinal(U + 1e-6) - basis.cardinal(U - 1e-6)) / 2e-6
    assert basis.cardinal_derivative(U).numpy() == pytest.approx(slopes.numpy(), abs=1e-6)
