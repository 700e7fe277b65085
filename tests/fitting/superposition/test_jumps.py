"""The scan for jumps, against dense algebra of the marginal model, and on made tables."""

import numpy as np
import pytest
import torch
from tests.fitting.made_problems import classes, normal, numbers, uniform

from superpose.fitting import fit_superposition
from superpose.fitting.superposition.jumps import Leftover, _places, _probability, _steps, find_jump

N = 80


def leftover(y: torch.Tensor, Z: torch.Tensor, precision: torch.Tensor) -> Leftover:
    covariance = torch.linalg.inv(Z.mT @ Z + torch.diag(precision))
    residual = y - Z @ (covariance @ (Z.mT @ y))
    one = torch.ones(len(y), 1, 1).double()
    return Leftover(residual[:, None], one, Z, Z.new_zeros(1, len(y), 0), covariance)


def test_a_step_is_scored_as_in_the_marginal_model() -> None:
    Z, y, u = uniform(N, 5), normal(N), uniform(N, 1, seed=3)[:, 0]
    u[::7] = torch.nan
    precision = torch.linspace(0.1, 3, 5).double()
    places = _places(u)
    bins = torch.where(u.isnan(), -1, torch.searchsorted(places, u.nan_to_num()))
    ((score, covariance, own),) = _steps(leftover(y, Z, precision), bins, len(places))
    V = torch.eye(N) + Z @ torch.diag(1 / precision) @ Z.mT
    steps = (u[:, None] > places).double()  # a missing value is above none
    torch.testing.assert_close(score, steps.mT @ torch.linalg.solve(V, y))
    torch.testing.assert_close(covariance, steps.mT @ torch.linalg.solve(V, steps))
    torch.testing.assert_close(own, torch.minimum(steps.sum(0), N - steps.sum(0)))


def test_places_lie_between_values_and_leave_rows_on_both_sides() -> None:
    u = (uniform(200, 1)[:, 0] * 12).floor() / 12
    places = _places(u)
    assert not bool(torch.isin(places, u).any())
    assert bool(((u[:, None] < places).sum(0) >= 10).all())
    assert bool(((u[:, None] > places).sum(0) >= 10).all())
    assert not len(_places((uniform(200, 1)[:, 0] * 4).floor()))


def test_the_largest_of_many_is_judged_as_such() -> None:
    assert _probability(1.96, torch.ones(9, 9).double()) == pytest.approx(0.05, abs=0.01)
    independent = 1 - 0.95**9
    assert _probability(1.96, torch.eye(9).double()) == pytest.approx(independent, abs=0.02)
    assert _probability(8.0, torch.eye(9).double()) < 1e-13  # Bonferroni, beyond what draws tell


def test_the_level_holds_where_curves_are_drawn_from_the_model() -> None:
    u, seeds = uniform(N, 1)[:, 0], 100
    Z = torch.stack([torch.cos(np.pi * k * u) for k in range(6)], 1)
    precision = torch.linspace(0.2, 5, 6).double()
    found = []
    for seed in range(seeds):
        theta = normal(6, seed) / precision.sqrt()
        y = Z @ theta + normal(N, 1_000 + seed)
        found.append(find_jump(leftover(y, Z, precision), u)[1])
    assert np.mean(found) == pytest.approx(0.5, abs=0.09)  # uniform, to three standard errors
    assert np.mean(np.array(found) < 0.1) == pytest.approx(0.1, abs=0.09)


@pytest.mark.parametrize("loss", ["gaussian", "multinomial"])
def test_a_fit_says_which_curve_jumps_and_where(loss: str) -> None:
    x = 10 * uniform(600, 2)
    f = torch.where(x[:, 0] > 6, 1.0, -1.0) + torch.sin(x[:, 1] / 2)
    y = f + 0.5 * normal(600)
    if loss == "multinomial":
        y = classes(torch.stack([4 * f, -4 * f, 0 * f], 1))
    attributes = numbers(x, 12)
    fit = fit_superposition(attributes, x, y, loss=loss, pairs=0, terms=0, kernel="matern32")
    step, smooth = fit.checks
    assert step.jump[0] == pytest.approx(6, abs=0.4)
    assert step.jump[1] < 0.01 < smooth.jump[1]
    assert step.no_effect < 1e-4
