"""Screening finds the pairs that pay, by the formula it says."""

import numpy as np
import pytest
import torch
from tests.fitting.made_growths import growth_of
from tests.fitting.made_problems import (
    classes,
    encoded,
    generator,
    normal,
    numbers,
    sides_of,
    uniform,
)
from tests.oracles.pair_screening import gain

from superpose.fitting.superposition.losses import Bernoulli, Multinomial
from superpose.fitting.superposition.screening import pair_gains


def sides(x):
    attributes, weight = numbers(x), torch.ones(len(x), dtype=torch.float64)
    return sides_of(attributes, encoded(attributes, x), weight)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_gains_are_those_of_the_formula_in_loops(n_outputs):
    x = uniform(25, 3)
    made = sides(x)
    residual = normal(25 * n_outputs).view(25, n_outputs)
    information = uniform(25, n_outputs, seed=1)
    found, precision = pair_gains(made, residual, information, rank=3)
    columns = [s.columns[:, :3].tolist() for s in made]
    squares = [np.square(c) for c in columns]
    spread = [
        np.einsum("n,ni,nj->ij", w, a, b).max()
        for a in squares
        for b in squares
        for w in information.numpy().T
    ]
    strengths = np.exp(np.linspace(-4, 10, 15)) / max(spread)
    for p, r in ((0, 1), (0, 2), (1, 2)):
        rows = residual.tolist(), information.tolist()
        expected = gain(columns[p], columns[r], *rows, strengths)
        assert found[p, r].item() == pytest.approx(expected, rel=1e-6)
        own = 1 / precision[p, r].item()
        assert gain(columns[p], columns[r], *rows, [own]) == pytest.approx(expected, rel=1e-6)
    assert torch.isneginf(found.tril()[torch.ones(3, 3).tril().bool()]).all()


@pytest.mark.parametrize("loss", ["gaussian", "bernoulli", "multinomial"])
def test_the_planted_pair_is_found_among_ten_attributes(loss):
    n = 600
    x = uniform(n, 10, seed=4)
    f = 12 * (x[:, 2] - 0.5) * (x[:, 7] - 0.5)
    if loss == "gaussian":
        residual = (f + normal(n))[:, None]
        information = torch.ones(n, 1, dtype=torch.float64)
    elif loss == "bernoulli":
        flat = torch.zeros(n, 1, dtype=torch.float64)
        residual = Bernoulli().residual(flat, classes(2 * f))
        information = Bernoulli().curvature(flat)[:, :, 0]
    else:
        flat = torch.zeros(n, 3, dtype=torch.float64)
        y = classes(torch.stack([2 * f, -2 * f, 0 * f], 1))
        residual = Multinomial(3).residual(flat, y)
        information = Multinomial(3).curvature(flat).diagonal(dim1=1, dim2=2)
    gains = pair_gains(sides(x), residual, information).nats
    assert divmod(int(gains.argmax()), 10) == (2, 7)
    others = gains[torch.ones(10, 10).triu(1).bool()].sort().values[:-1]
    assert gains[2, 7] > 30
    assert gains[2, 7] > 5 * others.max()


def test_noise_gains_nothing():
    n = 400
    x = uniform(n, 6)
    gains = pair_gains(sides(x), normal(n, 2)[:, None], torch.ones(n, 1, dtype=torch.float64)).nats
    assert gains[torch.ones(6, 6).triu(1).bool()].max() < 5


def test_missing_rows_and_constant_columns_take_no_part():
    n = 100
    x = uniform(n, 3)
    x[:, 1] = 0.5
    x[: n // 2, 2] = torch.nan
    residual = 100 * normal(n, 1)[:, None]
    residual[n // 2 :] = 0.0  # all that is left to say is where a column is missing
    gains = pair_gains(sides(x), residual, torch.ones(n, 1, dtype=torch.float64)).nats
    assert gains[0, 1] == 0
    assert gains[1, 2] == 0
    assert gains[0, 2] < 1e-6


def test_without_information_there_is_no_pair():
    gains = pair_gains(
        sides(uniform(10, 2)), torch.zeros(10, 1).double(), torch.zeros(10, 1).double()
    ).nats
    assert torch.isneginf(gains).all()


def test_gains_do_not_depend_on_the_order_of_the_rows():
    x, residual = uniform(50, 3), normal(50)[:, None]
    order = torch.randperm(50, generator=generator(1))
    ones = torch.ones(50, 1, dtype=torch.float64)
    one, two = (
        pair_gains(sides(x), residual, ones).nats,
        pair_gains(sides(x[order]), residual[order], ones).nats,
    )
    upper = torch.ones(3, 3).triu(1).bool()
    assert one[upper].numpy() == pytest.approx(two[upper].numpy(), abs=1e-9)


def test_one_row_that_is_wrong_makes_no_pair():
    """Where a row is certain and wrong its information is next to nothing; its residual says so."""
    n = 600
    x = uniform(n, 3, seed=2)
    x[:, 1:] *= x[:, 1:] > 0.9  # rare words, that meet in one row
    x[:, 2] *= x[:, 1] == 0
    x[0] = 1.0
    y = (x[:, 0] > 0.5).double()
    right = growth_of(x, y, "bernoulli")
    right.fit()
    y = y.clone()
    y[0] = 0.0
    wrong = growth_of(x, y, "bernoulli")
    wrong.state = right.state
    blind = pair_gains(wrong.rows.sides(), *wrong.working(wrong.outputs())).nats
    assert float(blind[1, 2]) > 2.0
    assert float(wrong.pair_gains().nats[1, 2]) < 1.0
