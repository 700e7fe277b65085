"""The nearest additive functions: least squares; and their spread when other rows are drawn."""

import numpy as np
import pytest
import torch
from tests.fitting.made_problems import design_of, normal, numbers, uniform
from tests.fitting.test_purify import assembled

from superpose.fitting.projection import Projection
from superpose.fitting.purify import purified

N = 150


def rows(seed, n=N):
    """Cardinal functions of two categories of three levels, and two outputs that no sum makes."""
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, 3, n), rng.integers(0, 3, n)
    table = np.random.default_rng(5).standard_normal((3, 3, 2)) + np.eye(3)[:, :, None]
    cardinal = np.column_stack([np.eye(3)[first], np.eye(3)[second]])
    return torch.from_numpy(cardinal), torch.from_numpy(table[first, second])


def projected(cardinal, f, w):
    """Heights [H, K], what is left of f, and the projection, with levels taken out of columns."""
    share = w / w.sum()
    eye = torch.eye(6).double()
    own = torch.block_diag(torch.ones(3, 3), torch.ones(3, 3)).double()
    columns = eye - own * (share @ cardinal)
    columns = torch.cat([columns[:, :2], columns[:, 3:5]], 1)
    gram = columns.mT @ (cardinal * share[:, None]).mT @ cardinal @ columns
    projection = Projection(columns, gram)
    centred = f - share @ f
    heights = projection.heights((cardinal * share[:, None]).mT @ centred)
    return heights, centred - cardinal @ heights, projection


def test_heights_are_those_of_weighted_least_squares():
    cardinal, f = rows(0)
    w = 1 + uniform(N, 1)[:, 0]
    heights, left, projection = projected(cardinal, f, w)
    root = w.sqrt()[:, None].numpy()
    target = (f - (w / w.sum()) @ f).numpy()
    columns = (cardinal @ projection.columns).numpy()
    best = np.linalg.lstsq(root * columns, root * target, rcond=None)[0]
    np.testing.assert_allclose(cardinal @ heights, columns @ best, atol=1e-12)
    assert left.abs().max() > 0.1


@pytest.mark.slow
def test_chance_is_the_covariance_over_draws_of_the_rows():
    """Means over 1,000 tables of 150 rows, to six standard errors of a variance."""
    one, draws = torch.ones(N).double(), 1000
    found, expected = [], torch.zeros(12, 12).double()
    level = torch.block_diag(torch.ones(3, 3), torch.ones(3, 3)).double() / 3
    centred = torch.eye(6).double() - level  # about the mean of the population, not of the rows
    for seed in range(draws):
        cardinal, f = rows(seed)
        heights, left, projection = projected(cardinal, f, one)
        found.append((centred @ heights).mT.flatten())
        square = projection.square(cardinal, left, one)
        factor = (centred @ projection.chance(square, N)).flatten(0, 1)
        expected += factor @ factor.mT / draws
    spread = torch.stack(found).mT.cov()
    size = spread.diagonal().sqrt()
    error = (spread - expected) / (size * size[:, None])
    assert error.abs().max() < 6 * (2 / draws) ** 0.5


def test_a_weight_is_so_many_rows_and_batches_are_of_no_account():
    cardinal, f = rows(1)
    w = (1 + 3 * uniform(N, 1)[:, 0]).floor()
    _, left, projection = projected(cardinal, f, w)
    total = float(w.sum())
    whole = projection.chance(projection.square(cardinal, left, w), total).flatten(0, 1)
    every = torch.repeat_interleave(torch.arange(N), w.long())
    many = [(cardinal[i], left[i], torch.ones(len(i)).double()) for i in every.split(40)]
    square = torch.stack([projection.square(*rows) for rows in many]).sum(0)
    batched = projection.chance(square, total).flatten(0, 1)
    np.testing.assert_allclose(whole @ whole.mT, batched @ batched.mT, atol=1e-14)


@pytest.mark.slow
def test_a_main_curve_beside_a_pair_has_the_band_of_draws_of_the_rows():
    """The surface is known, its band is nothing; what of it is a main curve depends on the rows."""
    n, draws, x = 600, 60, uniform(1500, 2)
    attributes = numbers(x, n_knots=5)
    design = design_of(attributes, x, pairs=((0, 1),))
    p = design.n_coefficients
    network, posterior = assembled(design, normal(p), attributes, torch.zeros(p, p).double())
    every, values, variances = network.encode(x), [], []
    at = every[:5]
    for seed in range(draws):
        u = network.encode(uniform(n, 2, 100 + seed))
        pure, after = purified(network, posterior, u, torch.ones(n).double())
        mains = range(2)
        more = [after.part_variance(i, at) - posterior.part_variance(i, at) for i in mains]
        variances.append(torch.cat(more, 1))
        centred = [pure.parts[i](at) - pure.parts[i](every).mean(0) for i in mains]
        values.append(torch.cat(centred, 1))
    found, expected = torch.stack(variances).mean(0), torch.stack(values).var(0)
    assert (found.sum(0) / expected.sum(0) - 1).abs().max() < 6 * (2 / draws) ** 0.5
