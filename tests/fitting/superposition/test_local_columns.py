"""Sums over the few features a row has are those over its columns."""

from dataclasses import replace

import pytest
import torch
from tests.fitting.made_problems import encoded, normal, numbers, uniform

from superpose.curves.machine_code import compiled
from superpose.fitting import loops
from superpose.fitting.superposition.batches import BatchedEquations, _over
from superpose.fitting.superposition.columns import main_block, pair_block, side
from superpose.fitting.superposition.design import Design
from superpose.fitting.superposition.equations import NormalEquations
from superpose.fitting.superposition.local_columns import ROWS, LocalColumns
from superpose.fitting.superposition.losses import loss_named
from superpose.fitting.superposition.problem import Problem
from superpose.networks import Attribute, InputBasis

N = 300


def table():
    """Numbers with gaps and few values, categories with gaps, rows far outside and unseen levels.

    The first half of the rows is what the design is made on, the rest is new to it.
    """
    x = uniform(N, 5, seed=3)
    x[::7, 1] = torch.nan
    x[:, 2] = (3 * x[:, 2]).floor()
    x[:, 3] = (4 * x[:, 3]).floor()
    x[::11, 3] = torch.nan
    x[-5:, 0], x[-9:-5, 0], x[-1, 4] = 7.0, -3.0, torch.nan
    x[-3:, 3] = -1.0
    return x


def attributes(x):
    colour = Attribute("colour", "category", None, tuple("abcd"), True)
    made = numbers(x[: N // 2])
    return [*made[:3], colour, made[4]]


def design(x, kernels=("matern32", "matern12", "matern32", "matern32", "matern52"), n_outputs=1):
    of = attributes(x)
    u, weight = encoded(of, x)[: N // 2], torch.ones(N // 2).double()
    bases = [
        InputBasis(a, kernel=kernel, length_scale=0.3, missing=a.missing)
        for a, kernel in zip(of, kernels, strict=True)
    ]
    mains = [main_block(p, basis, u[:, p], weight) for p, basis in enumerate(bases)]
    sides = [side(InputBasis(of[p], length_scale=0.3), u[:, p], weight) for p in (0, 3)]
    pair = pair_block(0, 3, (sides[0], sides[1]), weight, 9)
    return Design((*mains[:2], pair, *mains[2:]), N // 2, n_outputs)


def rows(x, loss="gaussian"):
    of = {"gaussian": normal(N), "poisson": normal(N).abs().round()}
    y = of.get(loss, (uniform(N, 1, seed=8)[:, 0] * (3 if loss == "multinomial" else 2)).floor())
    weight = uniform(N, 1, seed=5)[:, 0]
    return encoded(attributes(x), x), Problem(y, weight, loss_named(loss, y), None)


def test_columns_are_features_turned():
    """Of rows that the design has not seen, too; a column is what F @ turn says it is."""
    x = table()
    made = design(x)
    local, u = LocalColumns.of(made), encoded(attributes(x), x)
    features = local._features(u, _over)
    dense = torch.zeros(N, local.first[-1]).double()
    for start, values in zip(features.start, features.values, strict=True):
        at = torch.from_numpy(start.astype(int))[:, None] + torch.arange(loops.ACTIVE)
        dense.scatter_add_(1, at, torch.from_numpy(values))
    found = torch.cat([dense, features.columns], 1) @ local.turn
    right = _over(made, u).fixed
    size = 1 + right.abs().amax(1, keepdim=True)  # 7.0 is far outside
    assert float(((found - right) / size).abs().max()) < 1e-12


def test_which_curves_are_local():
    """Packets of Matérn 1/2 and 3/2 and levels are; three values, Matérn 5/2 and pairs are not."""
    local = LocalColumns.of(design(table()))
    assert [b.attributes for b in local.blocks] == [(0,), (1,), (3,)]
    assert [b.attributes for b in local.rest.blocks] == [(0, 3), (2,), (4,)]


@pytest.mark.parametrize("loss", ["gaussian", "student_t", "bernoulli", "multinomial", "poisson"])
def test_sums_are_those_of_the_columns(loss):
    x = table()
    made = design(x, n_outputs=3 if loss == "multinomial" else 1)
    u, problem = rows(x, loss)
    generator = torch.Generator().manual_seed(1)
    theta = 0.1 * torch.randn(made.n_coefficients, generator=generator).double()
    dense = NormalEquations(_over(made, u), problem)
    right = *dense.derivatives(theta), dense.value(theta), dense.total
    pieces = [(u[s], problem.rows(s)) for s in (slice(0, 1), slice(1, 170), slice(170, N))]
    found = LocalColumns.of(made).sums(pieces, theta, _over)
    for a, b in zip(found, right, strict=True):
        a, b = torch.as_tensor(a), torch.as_tensor(b)
        assert float((a - b).abs().max()) < 1e-11 * float(b.abs().max())


def test_either_way_is_the_same_model():
    """What a device other than the processor sums, and what the processor does."""
    x = table()
    made = design(x)
    u, problem = rows(x, "bernoulli")
    theta = torch.zeros(made.n_coefficients).double()
    local = BatchedEquations(made, [(u, problem)], theta)
    dense = BatchedEquations(made, [(u, problem)], theta)
    dense.local = None
    there = theta + 0.01
    for a, b in zip(local.at(there), dense.at(there), strict=True):
        assert float((a - b).abs().max()) < 1e-11 * float(b.abs().max())


def test_a_residual_that_is_not_finite_stops_a_pass():
    x = table()
    u, problem = rows(x)
    problem = replace(problem, y=problem.y / 0)
    made = design(x)
    with pytest.raises(FloatingPointError, match="finite targets"):
        LocalColumns.of(made).sums([(u, problem)], torch.zeros(made.n_coefficients).double(), _over)


def test_loops_mean_what_they_say_compiled_or_not():
    """The code that Python runs is the code that is compiled."""
    x = table()
    features = LocalColumns.of(design(x))._features(encoded(attributes(x), x)[:20], _over)
    weight = uniform(20, 1)[:, 0].numpy()
    size = int(features.start.max()) + loops.ACTIVE
    slow, fast = torch.zeros(2, size, size).double().numpy()
    loops.products(slow, features.start, features.values, weight)
    compiled(loops.products)(fast, features.start, features.values, weight)
    assert abs(slow - fast).max() < 1e-15 * abs(slow).max()


def test_pieces_are_small():
    """However long a batch is, at most so many rows have their features made at once."""
    x = uniform(3 * ROWS, 1)
    of = numbers(x)
    made = Design((main_block(0, InputBasis(of[0]), encoded(of, x)[:, 0], x[:, 0]),), len(x), 1)
    y = normal(len(x))
    problem = Problem(y, torch.ones_like(y), loss_named("gaussian", y))
    equations = BatchedEquations(made, [(encoded(of, x), problem)], torch.zeros(1 + 7).double())
    assert max(len(u) for u, _ in equations._pieces(ROWS)) == ROWS
