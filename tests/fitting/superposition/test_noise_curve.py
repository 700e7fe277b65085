"""The noise as a curve of the prediction: known shapes, and what it must not mind."""

import numpy as np
import pytest
import torch
from tests.fitting.made_problems import normal, uniform

from superpose.fitting.superposition.noise_curve import noise_curve


def at(found, places):
    return np.interp(places, found[0].numpy(), found[1].numpy())


def test_a_noise_that_grows_is_found():
    f = 10 * uniform(2000, 1)[:, 0]
    size = (normal(2000, 1) * (1 + f)).abs()
    found = noise_curve(f, size, torch.ones(2000, dtype=torch.float64))
    expected = 0.798 * (1 + 10 * torch.tensor([0.1, 0.5, 0.9])).numpy()
    assert at(found, [1.0, 5.0, 9.0]) == pytest.approx(expected, rel=0.12)


def test_a_noise_of_one_size_is_nearly_flat():
    f = uniform(1000, 1, seed=2)[:, 0]
    _, size = noise_curve(f, normal(1000, 3).abs(), torch.ones(1000, dtype=torch.float64))
    assert size.max() < 1.15 * size.min()
    assert size.mean().item() == pytest.approx(0.798, rel=0.07)


def test_weights_are_repetitions():
    f = uniform(200, 1)[:, 0]
    size = normal(200, 1).abs() * (1 + f)
    times = torch.arange(200) % 3
    one = noise_curve(f, size, times.double() + 1)
    rows = torch.repeat_interleave(torch.arange(200), times + 1)
    two = noise_curve(f[rows], size[rows], torch.ones(len(rows), dtype=torch.float64))
    assert at(two, [0.1, 0.5, 0.9]) == pytest.approx(at(one, [0.1, 0.5, 0.9]), rel=1e-3)


@pytest.mark.parametrize("case", ["few rows", "one prediction", "no error", "some errors of 0"])
def test_odd_tables_break_nothing(case):
    n = 10 if case == "few rows" else 100
    f = torch.ones(n, dtype=torch.float64) if case == "one prediction" else uniform(n, 1)[:, 0]
    size = normal(n, 1).abs() * (0.0 if case == "no error" else 1.0)
    if case == "some errors of 0":
        size[::2] = 0.0
    places, found = noise_curve(f, size, torch.ones(n, dtype=torch.float64))
    assert len(places) == len(found)
    assert (found > 0).all()
    if case == "some errors of 0":
        assert found.mean().item() == pytest.approx(0.4, rel=0.25)
    else:
        assert len(found) == 1
