"""Uneven noise: the formula row by row, draws of the noise, and the level of the test."""

import numpy as np
import pytest
import torch
from tests.fitting.made_problems import design_of, numbers, uniform

from superpose.fitting import uneven_noise
from superpose.fitting.losses import loss_named
from superpose.fitting.newton import Solution, State, flat_start, solve
from superpose.fitting.problem import Problem
from superpose.fitting.uneven_noise import robust_covariance, unevenness

N = 240
X = uniform(N, 2, 3)


def drawn(loss, seed, uneven=True):
    rng = np.random.default_rng(seed)
    f = np.sin(3 * X[:, 0].numpy())
    if loss == "poisson":
        level = np.exp(1 + f) * (rng.gamma(1.5, 1 / 1.5, N) if uneven else 1.0)
        return torch.from_numpy(rng.poisson(level).astype(float))
    size = np.exp(2 * X[:, 1].numpy()) if uneven else 1.0
    return torch.from_numpy(f + 0.3 * size * rng.standard_normal(N))


def fitted(loss, seed=0, uneven=True, weight=None):
    design = design_of(numbers(X, n_knots=6), X, pairs=((0, 1),))
    weight = torch.ones(N).double() if weight is None else weight
    y = drawn(loss, seed, uneven)
    problem = Problem(y, weight, loss_named(loss, y))
    return (
        design,
        problem,
        solve(design, problem, flat_start(design, problem), iterations=80, tolerance=1e-9),
    )


@pytest.mark.parametrize("loss", ["gaussian", "poisson"])
def test_it_is_the_formula_row_by_row(loss):
    weight = (1 + 2 * uniform(N, 1, 8)[:, 0]).floor()
    design, problem, solution = fitted(loss, weight=weight)
    groups, _ = design.groups()
    noise, s = solution.state.noise, (solution.covariance / solution.state.noise).numpy()
    prior = [0.0 if g < 0 else float(solution.state.rho[g].exp()) for g in groups.tolist()]
    f = (design.fixed @ solution.state.theta).numpy()
    middle = noise * np.diag(prior)
    for x, w, y, at in zip(design.fixed.numpy(), weight.tolist(), problem.y, f, strict=True):
        curvature, residual = (1.0, y - at) if loss == "gaussian" else (np.exp(at), y - np.exp(at))
        middle += w * float(residual) ** 2 / (1 - curvature * x @ s @ x) * np.outer(x, x)
    expected = s @ middle @ s
    size = np.sqrt(expected.diagonal())
    found = robust_covariance(design, problem, solution).numpy()
    np.testing.assert_allclose(
        found / size / size[:, None], expected / size / size[:, None], atol=1e-9
    )
    assert np.abs(found - solution.covariance.numpy()).max() > 0.05 * expected.max()


def test_a_step_of_the_rows_stands_for_all(monkeypatch):
    """Every row twice, one after the other: every second row is the same table."""
    design, problem, solution = fitted("poisson")
    twice = torch.arange(N).repeat_interleave(2)
    design, problem = design.rows(twice), problem.rows(twice)
    whole = robust_covariance(design, problem, solution)
    monkeypatch.setattr(uneven_noise, "ROWS", N)
    thinned = robust_covariance(design, problem, solution)
    assert thinned is not solution.covariance
    assert (thinned - whole).abs().max() < 1e-9 * whole.abs().max()


@pytest.mark.parametrize("loss", ["gaussian", "poisson"])
def test_where_squares_are_what_the_loss_expects_it_is_the_posterior(loss, monkeypatch):
    design, problem, solution = fitted(loss)
    columns, _, expected = uneven_noise._squares(design, problem, solution)
    monkeypatch.setattr(uneven_noise, "_squares", lambda *_: (columns, expected, expected))
    monkeypatch.setattr(uneven_noise, "unevenness", lambda *_: 0.0)
    found = robust_covariance(design, problem, solution)
    size = solution.covariance.diagonal().sqrt()
    assert ((found - solution.covariance) / size / size[:, None]).abs().max() < 1e-6


def test_even_noise_and_classes_leave_the_posterior_alone():
    found = fitted("gaussian", 1, uneven=False)
    assert robust_covariance(*found) is found[2].covariance
    design, problem, solution = fitted("gaussian")
    classes = Problem((problem.y > 0).double(), problem.weight, loss_named("bernoulli", problem.y))
    assert robust_covariance(design, classes, solution) is solution.covariance


@pytest.mark.slow
def test_its_mean_is_the_variance_over_draws_of_the_noise():
    """Least squares with a fixed prior, 400 draws: every coefficient to six standard errors."""
    design = design_of(numbers(X, n_knots=4), X)
    groups, n_groups = design.groups()
    rho = torch.full((n_groups,), 2.0).double()
    prior = torch.diag((groups >= 0).double() * rho[0].exp())
    columns = design.fixed
    inverse = torch.linalg.inv(columns.mT @ columns + prior)
    eye, thetas, covariances = torch.eye(n_groups).double(), [], []
    for seed in range(400):
        y = drawn("gaussian", seed)
        theta = inverse @ columns.mT @ y
        state = State(theta, rho, float((y - columns @ theta).square().mean()))
        covariance = state.noise * inverse
        problem = Problem(y, torch.ones(N).double(), loss_named("gaussian", y))
        end = Solution(state, theta, covariance, rho, eye, 0.0, 0.0, 0.0, 1, True)
        thetas.append(theta)
        covariances.append(robust_covariance(design, problem, end) - covariance @ prior @ inverse)
    found = torch.stack(covariances).mean(0).diagonal()
    assert (found / torch.stack(thetas).var(0) - 1).abs().max() < 6 * (2 / 400) ** 0.5


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["gaussian", "poisson"])
def test_even_noise_is_called_uneven_as_often_as_stated(loss):
    """300 draws about a known mean; at most 5 % and six standard errors, and power where it is."""
    f = 1 + np.sin(3 * X[:, 0].numpy())
    columns = torch.cat([torch.ones(N, 1).double(), X], 1)
    found = {}
    for uneven in (False, True):
        p = []
        for seed in range(300):
            y = drawn(loss, seed, uneven)
            mean = torch.from_numpy(np.exp(f) if loss == "poisson" else f - 1)
            expected = mean if loss == "poisson" else torch.full((N,), 0.09).double()
            problem = Problem(y, torch.ones(N).double(), loss_named(loss, y))
            p.append(unevenness(columns, (y - mean) ** 2 - expected, problem, expected))
        found[uneven] = float(np.mean(np.array(p) < 0.05))
    assert found[False] < 0.05 + 6 * (0.05 * 0.95 / 300) ** 0.5
    assert found[True] > 0.9
