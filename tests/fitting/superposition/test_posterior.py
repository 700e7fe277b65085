"""The posterior: Monte Carlo, finite differences, and Gaussian processes by dense algebra."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.fitting.made_problems import (
    LENGTH_SCALE,
    classes,
    design_of,
    encoded,
    generator,
    normal,
    numbers,
    problem_of,
    start_of,
    uniform,
)
from tests.oracles.ridge import process_regression, sparse_process_regression

from superpose.curves import Axis
from superpose.fitting.superposition.assemble import assemble
from superpose.fitting.superposition.newton import State, solve
from superpose.fitting.superposition.posterior import Posterior
from superpose.networks import Attribute

N, DRAWS = 80, 4000


def fitted(loss="gaussian", pairs=(), terms=(), spread=1.0, seed=0):
    """A few distinct values a column, so that every row sits on knots; the last has holes."""
    x = (uniform(N, 3, seed) * 6).floor() / 5
    x[::9, 2] = torch.nan
    f = torch.sin(5 * x[:, 0]) + x[:, 1] * x[:, 0]
    f = f + (2 * x[:, 0] - x[:, 1]) ** 2 if terms else f
    n_outputs = 3 if loss == "multinomial" else 1
    y = {
        "gaussian": f + 0.2 * normal(N),
        "bernoulli": classes(2 * f - 1),
        "multinomial": classes(torch.stack([f, -f, x[:, 1]], 1)),
    }[loss]
    attributes = numbers(x)
    design = design_of(attributes, x, n_outputs=n_outputs, pairs=pairs, terms=terms)
    start = start_of(design, seed=1 if terms else None)
    solution = solve(design, problem_of(y, loss), start, iterations=60)
    network, posterior = assemble(attributes, design, solution, spread=spread)
    return design, solution, network, posterior, x


def closed(posterior):
    """The same posterior with nothing left open between control points."""
    shares = [replace(s, open_variance=(0.0,) * len(s.open_variance)) for s in posterior.shares]
    return Posterior(posterior.network, posterior.covariance, shares, posterior.stride)


def less_mean(f):
    """Of several outputs, each less their mean: all that a loss over classes can see."""
    return f - f.mean(-1, keepdim=True) if f.shape[-1] > 1 else f


@pytest.mark.parametrize("loss", ["gaussian", "bernoulli", "multinomial"])
def test_variances_are_those_of_draws_of_the_coefficients(loss):
    """Six standard errors of a variance from 4,000 draws: var · √(2 / 4,000) · 6."""
    design, solution, network, posterior, x = fitted(loss, pairs=((0, 1), (1, 2)), spread=3.0)
    factor = torch.linalg.cholesky(solution.covariance)
    noise = torch.randn(DRAWS, len(factor), generator=generator(5), dtype=torch.float64)
    draws = solution.state.theta + noise @ factor.mT
    own = 3.0 * draws.view(DRAWS, design.n_outputs, design.n_shared)
    rows, u = torch.arange(0, N, 4), network.encode(x)
    place = 1
    for i, block in enumerate(design.blocks):
        width = block.columns.shape[1]
        f = torch.einsum("nm,skm->snk", block.columns[rows], own[:, :, place : place + width])
        found, expected = posterior.part_variance(i, u[rows]), less_mean(f).var(0)
        assert ((found - expected).abs() <= 6 * np.sqrt(2 / DRAWS) * found + 1e-12).all()
        place += width
    f = torch.einsum("nm,skm->snk", design.fixed[rows], own)
    found, expected = posterior.variance(u[rows]), less_mean(f).var(0)
    assert ((found - expected).abs() <= 6 * np.sqrt(2 / DRAWS) * found).all()
    assert found.max() < 9 * 30  # no level that no row can see


@pytest.mark.parametrize("loss", ["gaussian", "multinomial"])
def test_variances_with_terms_are_those_of_finite_differences(loss):
    """J S Jᵀ with J by finite differences of the outputs that were fitted, centring and all.

    At random coefficients, where every curve is bent, not only at those of a fit.
    """
    design, solution, _, _, x = fitted(loss, terms=((0, 1), (1, 2)))
    state = replace(solution.state, theta=normal(design.n_coefficients, 4))
    solution = replace(solution, state=state)
    network, posterior = assemble(numbers(x), design, solution)
    theta, step, u = state.theta, 1e-6, network.encode(x)
    moves = step * torch.eye(len(theta), dtype=torch.float64)
    jacobian = torch.stack(
        [(design.predict(theta + e) - design.predict(theta - e)) / (2 * step) for e in moves], 2
    )
    jacobian = less_mean(jacobian.mT).mT  # [N, K, P]
    expected = torch.einsum("nkp,pq,nkq->nk", jacobian, solution.covariance, jacobian)
    found = closed(posterior).variance(u)
    assert found.numpy() == pytest.approx(expected.numpy(), rel=1e-4)
    # a part reads its own coefficients alone
    fixed, outer, inner = design.split(torch.arange(len(theta)))
    for i in range(2):
        own = torch.cat([outer[i].flatten(), *inner[i]])
        own_jacobian = jacobian[:, :, own]
        part = torch.einsum(
            "nkp,pq,nkq->nk", own_jacobian, solution.covariance[own][:, own], own_jacobian
        )
        found = closed(posterior).part_variance(len(design.blocks) + i, u)
        assert found.numpy() == pytest.approx(part.numpy(), rel=1e-4)
    assert fixed.shape[1] == design.fixed.shape[1]


def one_curve(u, y, rho, spread=1.0):
    """The fit of one curve whose axis is its units, smoothness held; slope as good as free."""
    ends = np.array([0.0, 1.0])
    knots = np.unique(u) if len(np.unique(u)) < 20 else np.linspace(0, 1, 9)
    attribute = Attribute("u", "number", Axis(ends, ends, knots))
    x = torch.as_tensor(u)[:, None]
    design = design_of([attribute], x)
    state = State(start_of(design).theta, torch.tensor([-30.0, rho], dtype=torch.float64))
    solution = solve(design, problem_of(torch.as_tensor(y)), state, iterations=1)
    network, posterior = assemble([attribute], design, solution, spread=spread)
    return network, posterior, solution, knots


NEW = np.array([-1.5, -0.2, 0.0, 0.03, 0.31, 0.77, 1.0, 1.4, 3.0])


@pytest.mark.parametrize("rho", [-3.0, 0.0, 2.0])
def test_a_curve_with_knots_at_the_data_is_gaussian_process_regression(rho):
    """Exact: f = a + b u + GP with N x N matrices, at new places inside and outside the data."""
    u = np.repeat(np.linspace(0, 1, 9), 4)
    y = np.sin(6 * u) + 2 * u + 0.3 * normal(len(u)).numpy()
    network, posterior, solution, _ = one_curve(u, y, rho)
    noise = solution.state.noise
    mean, variance = process_regression(u, y, NEW, LENGTH_SCALE, noise * np.exp(-rho), noise)
    new = torch.as_tensor(NEW)[:, None]
    with torch.no_grad():
        assert network(new)[:, 0].numpy() == pytest.approx(mean, abs=1e-7)
    assert posterior.variance(new)[:, 0].numpy() == pytest.approx(variance, rel=1e-6)


@pytest.mark.parametrize("rho", [-3.0, 2.0])
def test_a_curve_with_few_knots_is_the_sparse_process(rho):
    """Data between the knots: exactly the process read off its heights at the knots, plus what
    these leave open at new places. It is near, not equal to, the process with all N rows.
    """
    u = np.sort(uniform(60, 1)[:, 0].numpy())
    y = np.sin(6 * u) + 2 * u + 0.3 * normal(60).numpy()
    network, posterior, solution, knots = one_curve(u, y, rho)
    noise = solution.state.noise
    signal = noise * np.exp(-rho)
    mean, variance = sparse_process_regression(u, y, NEW, knots, LENGTH_SCALE, signal, noise)
    new = torch.as_tensor(NEW)[:, None]
    found, band = network(new).detach()[:, 0].numpy(), posterior.variance(new)[:, 0].numpy()
    assert found == pytest.approx(mean, abs=1e-7)
    assert band == pytest.approx(variance, rel=1e-6)
    mean, variance = process_regression(u, y, NEW, LENGTH_SCALE, signal, noise)
    inside = (NEW >= 0) & (NEW <= 1)
    assert np.abs(found - mean)[inside].max() < 0.5 * np.sqrt(variance[inside].max())


def test_bands_widen_outside_the_data():
    u = np.repeat(np.linspace(0, 1, 9), 4)
    _, posterior, *_ = one_curve(u, np.sin(6 * u) + 0.1 * normal(36).numpy(), 0.0)
    far = torch.tensor([1.0, 1.2, 2.0, 5.0, 50.0], dtype=torch.float64)
    for places in (far, 1 - far):
        assert (posterior.part_variance(0, places[:, None])[:, 0].diff() > 0).all()


def test_units_of_the_target_scale_the_bands():
    _, _, _, one, x = fitted(pairs=((0, 1),), terms=((0, 2),))
    _, _, network, ten, _ = fitted(pairs=((0, 1),), terms=((0, 2),), spread=10.0)
    u = network.encode(x) + 0.03
    assert torch.allclose(ten.variance(u), 100 * one.variance(u), rtol=1e-9)


def test_what_is_left_open_of_classes_is_what_tells_them_apart():
    """Far outside the data three independent curves less their mean keep 2/3 of a variance."""
    design, solution, network, posterior, _ = fitted("multinomial")
    u = torch.tensor([[7.0, 0.5, 0.5]], dtype=torch.float64)
    open_ = posterior.part_variance(0, u) - closed(posterior).part_variance(0, u)
    smooth = design.blocks[0].labels.index("smooth")
    group = design.groups()[0][1 + smooth]
    prior = float((-solution.state.rho[group]).exp())
    alone = prior * network.parts[0].basis.conditional_variance(u[:, 0])
    assert open_[0].numpy() == pytest.approx(2 / 3 * alone.expand(3).numpy())


def test_missing_values_have_bands_and_unseen_levels_the_width_of_the_prior():
    codes = torch.arange(60) % 3
    x = torch.stack([codes.double(), (torch.arange(60) % 4).double()], 1)
    x[::10, 0] = torch.nan
    attributes = [Attribute("c", "category", None, ("a", "b", "c"), True), *numbers(x[:, 1:])]
    design = design_of(attributes, x)
    y = codes.double() + 0.3 * normal(60)
    solution = solve(design, problem_of(y), start_of(design))
    _, posterior = assemble(attributes, design, solution)
    seen = encoded(attributes, torch.tensor([[0.0, 1.0], [torch.nan, 1.0], [-1.0, 1.0]]).double())
    known, missing, unseen = posterior.part_variance(0, seen)[:, 0].tolist()
    assert 0 < known < missing < unseen
    group = design.groups()[0][1]
    prior = solution.state.noise * float((-solution.state.rho[group]).exp())
    assert unseen == pytest.approx(prior)


def test_degrees_of_freedom_by_part_sum_to_those_by_group():
    for loss in ("gaussian", "multinomial"):
        _, solution, _, posterior, _ = fitted(loss, pairs=((0, 1),), terms=((0, 2),))
        assert len(posterior.dof) == 3 + 1 + 1
        assert sum(posterior.dof) == pytest.approx(solution.freedom.sum().item())


def test_long_tables_and_empty_ones():
    _, _, network, posterior, x = fitted(pairs=((0, 1),))
    u = network.encode(x)
    many = posterior.variance(u.repeat(120, 1))
    assert torch.allclose(many, posterior.variance(u).repeat(120, 1), atol=1e-14)
    assert posterior.variance(u[:0]).shape == (0, 1)
    assert posterior.part_variance(3, u[:0]).shape == (0, 1)


def test_a_constant_first_column_is_no_trouble():
    """It has no direction to vary in, and the bias still has its own."""
    x = torch.stack([torch.full((40,), 3.0), torch.arange(40.0) / 40], 1).double()
    attributes, y = numbers(x), torch.sin(6 * x[:, 1])
    variances = []
    for order in ([0, 1], [1, 0]):
        own = [attributes[p] for p in order]
        design = design_of(own, x[:, order])
        _, posterior = assemble(own, design, solve(design, problem_of(y), start_of(design)))
        variances.append(posterior.variance(encoded(own, x[:, order])))
    assert torch.allclose(variances[0], variances[1], rtol=1e-9)
