"""Thinned growths: nothing that counts is lost, and the way back is exact."""

import pytest
import torch
from tests.fitting.made_growths import classes, growth_of
from tests.fitting.made_problems import normal, uniform

from superpose.fitting.superposition.growth import Promise
from superpose.fitting.superposition.thinning import SMALLEST_FREEDOM, thinned, with_all_columns


def fitted(n=400, loss="multinomial"):
    x = uniform(n, 4)
    y = classes(x) if loss == "multinomial" else x[:, 0] + 0.5 * normal(n)
    growth = growth_of(x, y, loss)
    growth.fit()
    return growth


@pytest.mark.parametrize("loss", ["multinomial", "gaussian"])
def test_what_goes_hardly_counts(loss):
    growth = fitted(loss=loss)
    thin = thinned(growth)
    assert thin.design.n_shared <= 0.75 * growth.design.n_shared
    thin.fit(tolerance=1e-6)
    growth.fit(tolerance=1e-6)
    moved = (thin.outputs() - growth.outputs()).square().mean().sqrt()
    error = growth.solution.freedom.sum() / 400  # mean square, in units of noise or information
    assert float(moved) < 0.2 * float(error * growth.state.noise) ** 0.5
    whole, lean = growth.solution.freedom.sum(), thin.solution.freedom.sum()
    assert float(whole - lean) == pytest.approx(0.0, abs=10 * SMALLEST_FREEDOM)


def test_the_way_back_changes_no_output():
    growth = fitted()
    thin = thinned(growth)
    back = with_all_columns(thin, growth.design.blocks)
    assert back.design.n_shared == growth.design.n_shared
    assert torch.allclose(back.outputs(), thin.outputs(), atol=1e-12)


def test_a_pair_comes_back_whole():
    growth = fitted()
    growth.add_pairs([Promise((0, 1))])
    growth.fit()
    thin = thinned(growth)
    back = with_all_columns(thin, growth.design.blocks[:4])
    assert back.design.blocks[4].columns.shape == growth.design.blocks[4].columns.shape
    assert torch.allclose(back.outputs(), thin.outputs(), atol=1e-12)


def test_columns_that_count_stay():
    x = uniform(2000, 2)
    y = (20 * x[:, 0]).sin() + (15 * x[:, 1]).cos() + 0.01 * normal(2000)
    growth = growth_of(x, y, "gaussian")
    growth.fit()
    assert thinned(growth) is growth
