"""Axes that follow their inputs while a network trains."""

import copy

import pytest
import torch

from superpose.networks import RunningAxis


def draws(n, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, 2, generator=generator) * torch.tensor([3.0, 0.1]) + 7


def test_the_first_batches_count_alike_and_later_ones_by_momentum():
    axis, batches = RunningAxis(2), [draws(50, seed) for seed in range(14)]
    mean = torch.zeros(2)
    for n, batch in enumerate(batches):
        axis(batch)
        mean = mean + max(0.1, 1 / (n + 1)) * (batch.mean(0) - mean)
        assert axis.centre == pytest.approx(mean, rel=1e-5)
        if n < 10:
            assert axis.centre == pytest.approx(torch.cat(batches[: n + 1]).mean(0), rel=1e-4)


def test_a_batch_in_training_is_standardised_by_itself():
    axis, x = RunningAxis(2, reach=2.0), draws(40).double().requires_grad_()
    axis(draws(40, 5))
    by_hand = (x - x.mean(0)) / x.std(0, correction=0) / 2
    assert axis.double()(x).detach() == pytest.approx(by_hand.detach(), rel=1e-5)
    weight = draws(40, 6).double()
    (found,) = torch.autograd.grad((axis(x) * weight).sum(), x)
    (expected,) = torch.autograd.grad((by_hand * weight).sum(), x)
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_gradients_of_gradients_know_that_the_statistics_move():
    axis = RunningAxis(2).double()
    x = draws(6).double().requires_grad_()
    assert torch.autograd.gradcheck(axis, (x,))
    assert torch.autograd.gradgradcheck(axis, (x,))


def test_the_knots_reach_three_deviations():
    axis, x = RunningAxis(2), draws(5000)
    axis(x)
    assert axis.at(x.mean(0) + 3 * x.std(0)) == pytest.approx(torch.ones(2), rel=1e-5)
    assert axis.eval()(x).std(0) == pytest.approx(torch.full((2,), 1 / 3), rel=1e-5)


def test_the_support_is_what_was_seen():
    axis = RunningAxis(2)
    batches = [draws(30, seed) for seed in range(3)]
    for batch in batches:
        axis(batch)
    seen = torch.cat(batches)
    assert torch.equal(axis.lowest, seen.amin(0))
    assert torch.equal(axis.highest, seen.amax(0))


def test_bounds_stand():
    axis = RunningAxis(2, (0.0, 4.0))
    axis(draws(100))
    assert axis.at(torch.tensor([0.0, 4.0])).tolist() == pytest.approx([-1.0, 1.0])


def test_a_constant_input_and_a_single_row_do_no_harm():
    axis = RunningAxis(2)
    assert axis(torch.ones(1, 2)).isfinite().all()
    assert axis(torch.ones(9, 2)).isfinite().all()
    before = copy.deepcopy(axis.state_dict())
    axis(torch.ones(0, 2))
    assert all(torch.equal(was, axis.state_dict()[name]) for name, was in before.items())


def test_an_input_with_a_missing_value_waits_for_the_next_batch():
    axis, x = RunningAxis(2), draws(100)
    axis(draws(100, 1))
    before = copy.deepcopy(axis)
    x[3, 0] = float("nan")
    axis(x)
    assert axis.centre[0] == before.centre[0]
    assert axis.variance[0] == before.variance[0]
    assert axis.lowest[0] <= before.lowest[0]
    assert axis.centre[1] != before.centre[1]


@pytest.mark.parametrize("size", [1.0, 1e-4, 1e-6])
def test_afterwards_it_stands_where_it_stood_in_training(size):
    axis, x = RunningAxis(2), draws(500) * size
    last = [axis(x) for _ in range(2)][-1]
    assert torch.allclose(axis.eval()(x), last, rtol=2e-3, atol=1e-5)


def test_narrow_bounds_are_kept():
    axis = RunningAxis(1, (0, 1e-5))
    assert axis.at(torch.tensor([0.0, 1e-5])).tolist() == pytest.approx([-1.0, 1.0], rel=1e-6)
