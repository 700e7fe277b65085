"""Counts, positive numbers and wild values: modes, noise and evidence against oracles; offsets."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import GammaRegressor, PoissonRegressor
from tests.fitting.made_problems import (
    classes,
    design_of,
    normal,
    numbers,
    problem_of,
    start_of,
    uniform,
)
from tests.oracles.penalised_likelihood import laplace, penalised_maximum

from superpose.fitting import fit_superposition
from superpose.fitting.superposition.evidence import membership
from superpose.fitting.superposition.newton import State, solve
from superpose.fitting.superposition.polish import polish
from superpose.fitting.superposition.problem import Problem

N = 60
NEW = ["poisson", "gamma", "student_t"]


def signal(x):
    return 1 + torch.sin(5 * x[:, 0]) + x[:, 1]


def drawn(loss, eta, seed=0):
    """Targets with the outputs η: counts, positive numbers, or numbers with wild ones."""
    rng = np.random.default_rng(seed)
    if loss == "poisson":
        return torch.from_numpy(rng.poisson(eta.exp().numpy()).astype(float))
    if loss == "gamma":
        return torch.from_numpy(rng.gamma(4.0, (eta.exp() / 4).numpy()))
    if loss == "student_t":
        return eta + 0.3 * torch.from_numpy(rng.standard_t(4, len(eta)))
    if loss == "bernoulli":
        return classes(eta, seed)
    return eta + 0.3 * normal(len(eta), seed)


@pytest.fixture(params=NEW)
def made(request):
    """A design of one curve, its problem with weights, and smoothness at random."""
    loss, x = request.param, uniform(N, 1, seed=3)
    design = design_of(numbers(x, 6), x)
    weight = torch.tensor([1.0, 2.0, 0.5]).repeat(N // 3).double()
    y = drawn(loss, signal(torch.cat([x, x], 1)))
    y = y / 0.3 if loss == "student_t" else y  # in units of its scale
    return design, problem_of(y, loss, weight)


def held(design, problem, rho):
    start = start_of(design)
    theta = start.theta.clone()
    theta[0] = problem.loss.start(problem.y, problem.weight)[0]
    state = State(theta, rho)
    for _ in range(40):  # each takes a step at least, however little there is to gain
        state = polish(design, problem, state)
    return state


def test_the_mode_is_that_of_a_general_optimiser(made):
    design, problem = made
    groups, n_groups = design.groups()
    rho = torch.linspace(-1, 1, n_groups, dtype=torch.float64)
    state = held(design, problem, rho)
    precision = (membership(groups, n_groups) @ rho.exp()).numpy()
    arrays = (design.fixed.numpy(), problem.y.numpy(), problem.weight.numpy(), precision)
    best = penalised_maximum(problem.loss.name, *arrays, np.zeros(len(precision)))
    ours, theirs = design.predict(state.theta)[:, 0], design.fixed @ torch.from_numpy(best)
    assert ours.numpy() == pytest.approx(theirs.numpy(), abs=2e-4)


@pytest.mark.parametrize(
    ("loss", "oracle"), [("poisson", PoissonRegressor), ("gamma", GammaRegressor)]
)
def test_with_one_penalty_it_is_the_regressor_of_scikit_learn(loss, oracle):
    x = uniform(N, 2)
    design, y = design_of(numbers(x, 5), x), drawn(loss, signal(x))
    weight = torch.tensor([1.0, 3.0]).repeat(N // 2).double()
    problem = problem_of(y, loss, weight)
    state = held(design, problem, torch.full((design.groups()[1],), np.log(2.0)).double())
    model = oracle(alpha=2.0 / float(weight.sum()), tol=1e-10, max_iter=10_000)
    model.fit(design.fixed[:, 1:].numpy(), y.numpy(), sample_weight=weight.numpy())
    expected = model.intercept_ + design.fixed[:, 1:].numpy() @ model.coef_
    assert design.predict(state.theta)[:, 0].numpy() == pytest.approx(expected, abs=1e-5)


def test_the_evidence_is_laplace(made):
    design, problem = made
    solution = solve(design, problem, start_of(design), iterations=200, tolerance=1e-12)
    assert solution.converged
    theta, noise = solution.state.theta, solution.state.noise
    precision = (membership(*design.groups()) @ solution.state.rho.exp()).numpy()
    X, f = design.fixed.numpy(), design.predict(theta)
    bend = (problem.weight * problem.loss.curvature(f)[:, 0, 0]).numpy()
    information = X.T @ (bend[:, None] * X)
    args = (X, problem.y.numpy(), problem.weight.numpy(), precision, theta.numpy(), information)
    expected = laplace(problem.loss.name, *args, noise)
    if not problem.loss.has_noise:  # the flat bias leaves √(2π), which is then left out
        expected -= 0.5 * np.log(2 * np.pi)
    found = solution.evidence + float(problem.weight @ problem.loss.carrier(problem.y))
    assert found == pytest.approx(expected, abs=1e-6)
    if problem.loss.name == "gamma":  # and its dispersion has the most of it
        for other in (0.98 * noise, 1.02 * noise):
            assert laplace("gamma", *args, other) < expected


@pytest.mark.parametrize("loss", NEW)
def test_a_known_truth_is_found_and_held_by_its_band(loss):
    inside, noises = [], []
    for seed in range(4):
        x, new = uniform(300, 3, seed=seed), uniform(500, 3, seed=seed + 99)
        y = drawn(loss, signal(x), seed + 50)
        fit = fit_superposition(numbers(x, 10), x, y, loss=loss, pairs=0, terms=0)
        assert fit.converged
        with torch.no_grad():
            gap = fit.network(new)[:, 0] - signal(new)
            reach = 1.96 * fit.posterior.variance(fit.network.encode(new))[:, 0].sqrt()
        assert gap.square().mean().sqrt() < 0.2
        inside.append(float((gap.abs() < reach).double().mean()))
        noises.append(fit.noise)
    assert np.mean(inside) > 0.9
    expected = {"gamma": 0.5, "student_t": 0.3}
    if loss == "poisson":
        assert noises == [None] * 4
    else:
        assert np.mean(noises) == pytest.approx(expected[loss], rel=0.08)


def test_wild_values_do_not_bend_the_curves():
    """A row in ten is 100 off: Student's t hardly notices, squared errors break."""
    x = uniform(300, 2, seed=4)
    y = signal(x) + 0.3 * normal(300, 5)
    wild = y + 100 * (torch.arange(300) % 10 == 0)
    attributes = numbers(x, 10)
    gaps = {}
    for loss in ("gaussian", "student_t"):
        fit = fit_superposition(attributes, x, wild, loss=loss, pairs=0, terms=0)
        with torch.no_grad():
            gaps[loss] = float((fit.network(x)[:, 0] - signal(x)).square().mean().sqrt())
    assert gaps["student_t"] < 0.15
    assert gaps["gaussian"] > 5


@pytest.mark.parametrize("loss", ["gamma", "student_t"])
def test_units_of_the_target(loss):
    """1,000 times the target: a log link adds log 1000, others multiply; the density is thinner."""
    x = uniform(200, 2)
    y, attributes = drawn(loss, signal(x)), numbers(x)
    one, other = (
        fit_superposition(attributes, x, unit * y, loss=loss, pairs=0, terms=0)
        for unit in (1.0, 1000.0)
    )
    f, g = one.network(x), other.network(x)
    expected = f + np.log(1000) if loss == "gamma" else 1000 * f
    scale = 1.0 if loss == "gamma" else 1000.0
    assert (g - expected).abs().max() < 1e-5 * scale
    assert other.noise == pytest.approx(scale * one.noise, rel=1e-4)
    rows = 200 - (loss == "student_t")  # the flat bias has units
    assert other.evidence == pytest.approx(one.evidence - rows * np.log(1000), abs=1e-3)


def test_the_path_of_counts_holds_the_deviance():
    x = uniform(120, 1)
    y = drawn("poisson", signal(torch.cat([x, x], 1)))
    fit = fit_superposition(numbers(x), x, y, loss="poisson", pairs=0, terms=0)
    gap = fit.held_out[:, 0].exp() - y * fit.held_out[:, 0] + torch.xlogy(y, y) - y
    assert fit.path[0].loss == pytest.approx(2 * gap.mean().item())


@pytest.mark.parametrize("loss", ["gaussian", "student_t", "poisson", "gamma", "bernoulli"])
def test_an_offset_is_taken_into_account(loss):
    """With part of the truth as offset the curves find the rest; a constant moves the bias."""
    x = uniform(400, 2, seed=7)
    y, attributes = drawn(loss, signal(x)), numbers(x, 10)
    known = torch.sin(5 * x[:, :1])
    fit = fit_superposition(attributes, x, y, loss=loss, offset=known, pairs=1, terms=0)
    with torch.no_grad():
        first = fit.network.contributions(x)[:, 0, 0]
    assert first.std() < 0.25 * known.std()  # it holds the whole sine without the offset
    moved = fit_superposition(attributes, x, y, loss=loss, offset=known + 30, pairs=1, terms=0)
    assert (moved.network(x) + 30 - fit.network(x)).abs().max() < 1e-6
    assert (moved.held_out - fit.held_out).abs().max() < 1e-6
    with torch.no_grad():
        gap = (fit.held_out - fit.network(x) - known)[:, 0]
    assert gap.square().mean().sqrt() < 0.5  # held-out outputs have the offset in them


def test_offsets_of_classes():
    """A level that is common to all classes says nothing; one class's own moves its bias."""
    x = uniform(300, 1, seed=8)
    eta = torch.stack([0 * x[:, 0], 2 * x[:, 0], -torch.sin(5 * x[:, 0])], 1)
    y = classes(eta, 3)
    known = torch.tensor([0.0, 1.0, -1.0], dtype=torch.float64).expand(300, 3)
    one, other = (
        fit_superposition(numbers(x), x, y, loss="multinomial", offset=offset, pairs=0, terms=0)
        for offset in (0 * known, known)
    )
    with torch.no_grad():
        gap = torch.softmax(one.network(x), 1) - torch.softmax(other.network(x) + known, 1)
    assert gap.abs().max() < 1e-5


def test_gaussian_offsets_are_subtracted_to_the_bit():
    x = uniform(80, 1)
    y, known, attributes = normal(80), 3 * normal(80, 9), numbers(x)
    one = fit_superposition(
        attributes, x, y, loss="gaussian", offset=known[:, None], pairs=0, terms=0
    )
    two = fit_superposition(attributes, x, y - known, loss="gaussian", pairs=0, terms=0)
    assert torch.equal(one.network(x), two.network(x))
    assert torch.equal(one.held_out, two.held_out + known[:, None])


def test_a_problem_with_an_offset_is_the_oracle_with_it():
    x = uniform(N, 1)
    design, known = design_of(numbers(x, 5), x), normal(N, 4)
    y = drawn("poisson", signal(torch.cat([x, x], 1)) + known)
    problem = problem_of(y, "poisson")
    problem = Problem(y, problem.weight, problem.loss, known[:, None])
    groups, n_groups = design.groups()
    rho = torch.zeros(n_groups, dtype=torch.float64)
    state = held(design, problem, rho)
    precision = membership(groups, n_groups) @ rho.exp()
    best = penalised_maximum(
        "poisson",
        design.fixed.numpy(),
        y.numpy(),
        np.ones(N),
        precision.numpy(),
        np.zeros(len(groups)),
        known.numpy(),
    )
    assert state.theta.numpy() == pytest.approx(best, abs=2e-3)
