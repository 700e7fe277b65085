"""Rows in batches: the sums, and the model, are those of all rows at once."""

import pytest
import torch
from tests.fitting.made_problems import design_of, encoded, normal, numbers, problem_of, uniform
from tests.fitting.superposition.test_newton import table

from superpose.errors import InputError
from superpose.fitting import fit_superposition
from superpose.fitting.superposition.batches import BatchedEquations, RowBatch, settle
from superpose.fitting.superposition.equations import NormalEquations
from superpose.fitting.superposition.newton import State, flat_start, solve

LOSSES = ["gaussian", "student_t", "bernoulli", "multinomial", "poisson"]


def problem(loss, terms=(), n=120):
    x, y = table("gaussian" if loss in ("student_t", "poisson") else loss, n=n)
    y = y.abs().round() if loss == "poisson" else y
    design = design_of(
        numbers(x), x, n_outputs=3 if loss == "multinomial" else 1, pairs=((0, 1),), terms=terms
    )
    return design, problem_of(y, loss), encoded(numbers(x), x)


def in_three(u, whole):
    return [(u[s], whole.rows(s)) for s in (slice(0, 50), slice(50, 51), slice(51, None))]


@pytest.mark.parametrize("terms", [(), ((0, 1, 2),)])
@pytest.mark.parametrize("loss", LOSSES)
def test_sums_over_batches_are_those_of_all_rows(loss, terms):
    """At a first θ, and at another, where what does not change with θ is remembered."""
    design, whole, u = problem(loss, terms)
    generator = torch.Generator().manual_seed(1)
    first, second = torch.randn(2, design.n_coefficients, generator=generator).double() * 0.3
    batched = BatchedEquations(design, in_three(u, whole), first)
    dense = NormalEquations(design, whole)
    for theta in (first, second):
        for found, right in zip(batched.at(theta), dense.at(theta), strict=True):
            assert torch.allclose(found, right, rtol=1e-8, atol=1e-8 * float(right.abs().max()))
        assert batched.value(theta) == pytest.approx(dense.value(theta), rel=1e-10)
    assert batched.total == dense.total
    assert batched.passes == (1 if loss == "gaussian" and not terms else 2)


@pytest.mark.parametrize("loss", LOSSES)
def test_settled_on_batches_is_solved_on_all_rows(loss):
    design, whole, u = problem(loss)
    start = flat_start(design, whole)
    options = {"iterations": 200, "tolerance": 1e-12}
    equations = BatchedEquations(design, in_three(u, whole), start.theta)
    found, right = (
        settle(design, whole, start, equations, **options),
        solve(design, whole, start, **options),
    )
    assert found.converged
    assert torch.allclose(found.state.theta, right.state.theta, atol=1e-5)
    size = float(right.covariance.abs().max())
    assert torch.allclose(found.covariance, right.covariance, atol=1e-5 * size)
    assert found.evidence == pytest.approx(right.evidence, abs=1e-4)


def test_a_settled_term_is_the_polished_one():
    """With terms the passes are few, and each is a Gauss-Newton step on all rows."""
    design, whole, u = problem("gaussian", ((0, 1),), n=200)
    generator = torch.Generator().manual_seed(1)
    theta = 0.1 * torch.randn(design.n_coefficients, generator=generator).double()
    start = State(theta, torch.zeros(design.groups()[1]).double())
    right = solve(design, whole, start, iterations=200, tolerance=1e-8)
    equations = BatchedEquations(design, in_three(u, whole), right.state.theta)
    found = settle(design, whole, right.state, equations, iterations=20, tolerance=1e-6)
    assert found.converged
    assert torch.allclose(found.state.theta, right.state.theta, atol=1e-3)


@pytest.mark.parametrize("loss", ["gaussian", "bernoulli", "poisson"])
def test_a_sample_that_is_the_table_gives_its_model(loss):
    """The same rows as sample and in batches, with weights and an offset: nothing changes."""
    n = 150
    x = uniform(n, 2, seed=4)
    f = torch.sin(6 * x[:, 0]) + x[:, 1]
    y = f + (0.2 if loss == "gaussian" else 1.0) * normal(n)
    y = {"gaussian": y, "bernoulli": (y > 0.5).double(), "poisson": y.abs().round()}[loss]
    weight, offset = 1 + x[:, 1].round(), 0.5 * x[:, :1]
    halves = [RowBatch(x[s], y[s], weight[s], offset[s]) for s in (slice(0, 70), slice(70, n))]
    common = dict(loss=loss, sample_weight=weight, offset=offset, pairs=0, terms=0)
    alone = fit_superposition(numbers(x), x, y, **common)
    batched = fit_superposition(numbers(x), x, y, **common, everything=halves)
    assert torch.allclose(batched.network(x), alone.network(x), atol=1e-6)
    assert batched.evidence == pytest.approx(alone.evidence, abs=1e-4)
    assert (batched.noise or 0) == pytest.approx(alone.noise or 0, rel=1e-5)


def test_all_rows_decide_and_not_the_sample():
    """A sample with another target still leads to the model of all rows."""
    n = 400
    x = uniform(n, 1, seed=4)
    y = torch.sin(6 * x[:, 0]) + 0.1 * normal(n)
    everything = [RowBatch(x, y, torch.ones(n).double())]
    fit = fit_superposition(
        numbers(x), x[:60], -y[:60], loss="gaussian", pairs=0, terms=0, everything=everything
    )
    assert float((fit.network(x)[:, 0] - torch.sin(6 * x[:, 0])).abs().max()) < 0.15


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that torch can use")
def test_a_gpu_gives_the_same_model():
    x = uniform(300, 2, seed=4)
    y = torch.sin(6 * x[:, 0]) + x[:, 1] + 0.2 * normal(300)
    fits = [
        fit_superposition(numbers(x), x, y, loss="gaussian", device=device)
        for device in ("cpu", "cuda")
    ]
    assert torch.allclose(fits[0].network(x), fits[1].network(x), atol=1e-6)


@pytest.mark.parametrize("name", ["cuda:7", "abacus"])
def test_a_device_that_is_not_there_is_refused(name):
    x = uniform(20, 1)
    with pytest.raises(InputError, match=f"found device='{name}'.*pass device=\"cpu\""):
        fit_superposition(numbers(x), x, x[:, 0], loss="gaussian", device=name)
