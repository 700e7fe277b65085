"""Quantizers of activity: laws that hold for every sequence, limits, gradients, seeds."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from superpose.curves import (
    SLAF,
    DiffusedQuantizer,
    MemorylessQuantizer,
    Resolution,
    StochasticQuantizer,
)
from superpose.errors import InputError
from superpose.networks import KSTLayer

ALL = [DiffusedQuantizer, MemorylessQuantizer, StochasticQuantizer]


def same(x: torch.Tensor) -> torch.Tensor:
    return x


def drive(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3), dtype=dtype)


@pytest.mark.parametrize("dt", [0.3, 2.0, 31.7])
def test_nothing_is_lost_over_any_time(dt: float) -> None:
    """|Σ (y - x)| dt = |v_0 - v_T| < 1."""
    x = drive(4, 300, 5, dtype=torch.float64)
    quantizer = DiffusedQuantizer(same, dt=dt)
    start = quantizer.start(x)
    for steps in (1, 2, 17, 300):
        y, v = quantizer.run(x[:, :steps], start)
        lost = (y - x[:, :steps]).sum(1) * quantizer.resolution.dt
        torch.testing.assert_close(lost, start - v, atol=1e-10, rtol=0)
        assert lost.abs().max() < 1


@given(
    st.lists(st.floats(-40, 40, width=32), min_size=1, max_size=30),
    st.floats(0, 1, width=32, exclude_max=True),
)
def test_v_stays_between_0_and_1(values: list[float], v: float) -> None:
    quantizer = DiffusedQuantizer(same, dt=1.0)
    x, state = torch.tensor(values).reshape(1, -1, 1), torch.tensor([[v]])
    for step in x.split(1, 1):
        y, state = quantizer.run(step, state)
        assert torch.equal(y, y.round())
        assert 0 <= state.item() <= 1


def test_a_v_that_rounds_to_1_is_repaired_by_the_next_step() -> None:
    quantizer = DiffusedQuantizer(same, dt=1.0)
    y, v = quantizer.run(torch.tensor([[[-1e-10], [0.0]]]), torch.zeros(1, 1))
    assert y.flatten().tolist() == [-1.0, 1.0]
    assert v.item() == 0


def test_whole_events_are_emitted_as_they_come() -> None:
    x = torch.round(3 * drive(2, 50, 4, dtype=torch.float64)) / 4
    quantizer = DiffusedQuantizer(same, dt=4.0)
    start = quantizer.start(x)
    y, v = quantizer.run(x, start)
    torch.testing.assert_close(v, start, atol=1e-13, rtol=0)
    assert torch.equal(y, x)


def test_below_one_event_a_step_counts_are_spikes() -> None:
    quantizer = DiffusedQuantizer(torch.sigmoid, dt=1.0)
    assert quantizer.counts(quantizer(drive(3, 100, 4))).unique().tolist() == [0, 1]


@pytest.mark.parametrize("kind", [DiffusedQuantizer, StochasticQuantizer])
def test_the_mean_over_starts_is_the_activity_at_every_step(kind) -> None:
    draws, x = 40_000, torch.tensor([0.3, -1.7, 0.01])
    quantizer = kind(same, dt=2.0).train()
    y = quantizer(x.reshape(1, 3, 1).expand(draws, 3, 1))
    error = 0.5 / 2.0 / draws**0.5  # a count has a standard deviation of ½ at most
    assert ((y.mean(0).flatten() - x).abs() < 6 * error).all()


def test_a_start_at_zero_is_late_by_half_an_event() -> None:
    quantizer = DiffusedQuantizer(same, dt=1.0)
    x = drive(1, 1, 4000).abs().expand(1, 20, 4000)
    late = (x - quantizer(x, torch.zeros(1, 4000))).sum(1).mean()
    assert late == pytest.approx(0.5, abs=0.03)


def test_two_halves_are_one_pass_and_rows_do_not_know_each_other() -> None:
    x = drive(6, 40, 3)
    quantizer = DiffusedQuantizer(torch.tanh, dt=3.0)
    start = quantizer.start(x)
    whole, end = quantizer.run(x, start)
    first, v = quantizer.run(x[:, :13], start)
    second, v = quantizer.run(x[:, 13:], v)
    assert torch.equal(torch.cat([first, second], 1), whole)
    assert torch.equal(v, end)
    order = torch.tensor([4, 0, 5, 2, 1, 3])
    assert torch.equal(quantizer(x[order], start[order]), whole[order])


def test_seeds() -> None:
    x = drive(3, 20, 4)
    one, two = (DiffusedQuantizer(same, dt=2.0, random_state=5) for _ in range(2))
    first = one(x)
    assert torch.equal(first, two(x))
    assert not torch.equal(first, one(x))  # training draws anew
    one.eval()
    assert torch.equal(one(x), one(x))
    assert torch.equal(one(x), first)
    before = torch.get_rng_state()
    own = torch.Generator().manual_seed(5)
    assert torch.equal(DiffusedQuantizer(same, dt=2.0, random_state=own)(x), first)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_stochastic_stream_draws_on_from_step_to_step() -> None:
    quantizer = StochasticQuantizer(same, dt=1.0).eval()
    x = torch.full((1, 1, 50), 0.5)
    assert not torch.equal(quantizer(x), quantizer(x))


@pytest.mark.parametrize("kind", ALL)
def test_the_gradient_is_that_of_the_activation(kind) -> None:
    J = drive(2, 7, 3, dtype=torch.float64).requires_grad_()
    flow = drive(2, 7, 3, dtype=torch.float64).flip(0)
    (got,) = torch.autograd.grad(kind(torch.tanh, dt=1.5)(J), J, flow)
    step = 1e-6
    slope = (torch.tanh(J + step) - torch.tanh(J - step)) / (2 * step)
    torch.testing.assert_close(got, (slope * flow).detach(), atol=1e-9, rtol=1e-8)


@pytest.mark.parametrize("kind", ALL)
def test_a_large_dt_is_the_plain_network(kind) -> None:
    torch.manual_seed(0)
    linear, head, J = torch.nn.Linear(4, 6), torch.nn.Linear(6, 2), drive(3, 30, 4)
    fine = head(kind(torch.tanh, dt=2.0**20)(linear(J)))
    torch.testing.assert_close(fine, head(torch.tanh(linear(J))), atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize(
    "curve", [pytest.param(KSTLayer(3, 3, bounds=(-2, 2)), marks=pytest.mark.slow), SLAF()]
)
def test_any_curve_of_the_library_can_be_quantized(kind, curve) -> None:
    quantizer = kind(curve, dt=8.0)
    y = quantizer(drive(2, 10, 3))
    assert y.shape == (2, 10, 3)
    torch.testing.assert_close(y * 8, torch.round(y * 8))
    y.sum().backward()
    assert all(p.grad is not None for p in curve.parameters())


@pytest.mark.parametrize("kind", ALL)
def test_spikes_only_in_evaluation(kind) -> None:
    quantizer = kind(torch.tanh, dt=1.0, spiking_training=False)
    x = drive(2, 5, 3)
    assert torch.equal(quantizer(x), torch.tanh(x))
    y = quantizer.eval()(x)
    assert torch.equal(y, y.round())
    assert not torch.equal(y, torch.tanh(x))


def test_rounding_keeps_nothing_and_is_off_by_half_an_event_at_most() -> None:
    quantizer, x = MemorylessQuantizer(same, dt=4.0), drive(2, 50, 3)
    y, v = quantizer.run(x)
    assert v.shape == (2, 0)
    assert (y - x).abs().max() <= 0.5 / 4
    assert torch.equal(y, torch.cat([quantizer(step) for step in x.split(1, 1)], 1))


def test_after_a_slow_filter_diffusion_is_far_closer_than_the_others() -> None:
    """White errors fall as the root of the steps of a mean, those of diffusion as the steps."""
    x = torch.tanh(drive(50, 1, 20)).expand(50, 256, 20)
    error = {
        kind: float((kind(same, dt=1.0).eval()(x) - x).mean(1).square().mean().sqrt())
        for kind in ALL
    }
    assert error[DiffusedQuantizer] < 1 / 256
    assert error[DiffusedQuantizer] < error[StochasticQuantizer] / 8
    assert error[StochasticQuantizer] < error[MemorylessQuantizer] / 4


def test_a_register_does_what_integers_do() -> None:
    from superpose.curves import IntegerDiffusion

    x = drive(1, 200, 5)
    quantizer = DiffusedQuantizer(same, dt=3.0, register=8)
    start = quantizer.start(x)
    y, v = quantizer.run(x, start)
    neuron = IntegerDiffusion(8, (256 * start).long().numpy())
    drives = torch.round(256 * 3.0 * x[0]).long().numpy()
    counts = [neuron.step(a) for a in drives]
    assert torch.equal(quantizer.counts(y)[0], torch.from_numpy(np.stack(counts)[:, 0]))
    assert torch.equal((256 * v).long(), torch.from_numpy(neuron.v))


def test_one_resolution_reaches_every_quantizer_and_is_saved_with_it() -> None:
    shared = Resolution(64.0)
    net = torch.nn.Sequential(*[kind(torch.tanh, dt=shared) for kind in ALL])
    shared.set(2.0)
    assert [float(part.resolution.dt) for part in net] == [2.0, 2.0, 2.0]
    other = torch.nn.Sequential(DiffusedQuantizer(torch.tanh, dt=1.0))
    other.load_state_dict({"0.resolution.dt": torch.tensor(2.0)})
    assert float(other[0].resolution.dt) == 2.0
    twin = copy.deepcopy(net)
    twin[0].resolution.set(7.0)
    assert float(twin[2].resolution.dt) == 7.0  # still shared
    assert float(shared.dt) == 2.0


def test_a_used_quantizer_can_be_copied_and_pickled() -> None:
    x, quantizer = drive(2, 5, 3), DiffusedQuantizer(torch.tanh, dt=2.0)
    quantizer(x)
    twins = copy.deepcopy(quantizer), pickle.loads(pickle.dumps(quantizer))
    expected = quantizer(x)
    assert all(torch.equal(twin(x), expected) for twin in twins)


def test_a_geometric_schedule() -> None:
    resolution = Resolution(64.0)
    schedule = resolution.geometric(1.0, steps=6)
    seen = []
    for _ in range(8):
        seen.append(float(resolution.dt))
        schedule.optimizer.step()
        schedule.step()
    assert seen == pytest.approx([64, 32, 16, 8, 4, 2, 1, 1])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("StepLR", {"step_size": 2, "gamma": 0.5}),
        ("CosineAnnealingLR", {"T_max": 5, "eta_min": 1.0}),
        ("OneCycleLR", {"max_lr": 30.0, "total_steps": 8, "cycle_momentum": False}),
        ("PolynomialLR", {"total_iters": 4}),
    ],
)
def test_any_scheduler_of_torch_turns_the_knob(name: str, options: dict[str, float]) -> None:
    """What it would do to a learning rate that is a number."""
    kind = getattr(torch.optim.lr_scheduler, name)
    resolution = Resolution(20.0)
    twin = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=20.0)
    knob = resolution.knob()
    schedules = kind(knob, **options), kind(twin, **options)
    for _ in range(6):
        knob.step(), twin.step()
        for schedule in schedules:
            schedule.step()
        assert float(resolution.dt) == pytest.approx(twin.param_groups[0]["lr"], rel=1e-5)


@pytest.mark.parametrize("dt", [0.0, -1.0, float("nan"), float("inf")])
def test_a_dt_that_cannot_be_is_refused(dt: float) -> None:
    with pytest.raises(InputError, match=r"^dt must be a positive number; got dt="):
        DiffusedQuantizer(same, dt=dt)
    with pytest.raises(InputError, match="dt must be"):
        Resolution(1.0).set(dt)


def test_what_cannot_be_quantized_is_refused() -> None:
    quantizer = DiffusedQuantizer(same, dt=1.0)
    with pytest.raises(InputError, match=r"\[batch, time, features\].*got shape \[2, 3\]"):
        quantizer(torch.zeros(2, 3))
    with pytest.raises(InputError, match=r"state of 2 sequences of 4 features.*\[2, 5\]"):
        quantizer(torch.zeros(2, 3, 4), torch.zeros(2, 5))
    with pytest.raises(InputError, match="register must be from 1 to 30 bits; got register=0"):
        DiffusedQuantizer(same, dt=1.0, register=0)
    with pytest.raises(InputError, match="steps must be at least 1"):
        Resolution(1.0).geometric(0.5, 0)


def test_a_state_of_another_quantizer_is_refused() -> None:
    """A state without neurons would be read past its end."""
    x = drive(2, 5, 3)
    with pytest.raises(InputError, match=r"of 2 sequences of 3 features; got v of shape \[2, 0\]"):
        DiffusedQuantizer(same, dt=1.0).run(x, MemorylessQuantizer(same, dt=1.0).start(x))


def test_a_schedule_goes_on_after_the_network_changes_its_dtype() -> None:
    quantizer = DiffusedQuantizer(torch.tanh, dt=64.0)
    schedule = quantizer.resolution.geometric(1.0, steps=2)
    quantizer.double()
    for _ in range(2):
        schedule.optimizer.step()
        schedule.step()
    assert quantizer.resolution.dt.dtype == torch.float64
    assert float(quantizer.resolution.dt) == pytest.approx(1.0)
