"""A hybrid LMU is its formula, in every form it has; and quantizes what it says."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from tests.oracles.diffused_quantizer import diffuse

from superpose.errors import InputError
from superpose.sequences import LMU, HybridLMU, LMUCell, discrete_system, hybrid_from_cell

WAYS = ("input_to_hidden", "hidden_to_hidden", "hidden_to_memory")


def network(quantizer: str = "diffused", *ways: str, **options: object) -> HybridLMU:
    """In float64, with weights of all kinds away from 0."""
    options = {"dt": 3.0, "window": 3, "channels": 2, "random_state": 4} | options
    model = HybridLMU(
        2, 6, 3, 5, 20.0, quantizer=quantizer, **dict.fromkeys(ways, True), **options
    ).double()
    source = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.4 * torch.randn(parameter.shape, generator=source))
    return model.eval()


def sequences(batch: int = 3, steps: int = 30) -> torch.Tensor:
    source = torch.Generator().manual_seed(2)
    return torch.randn(batch, steps, 2, generator=source, dtype=torch.float64)


def by_hand(model: HybridLMU, x: np.ndarray, dt: float) -> tuple[list, list, list]:
    """One sequence from the formula: a loop over steps, the counts by exact fractions."""
    weights = {name: p.detach().numpy() for name, p in model.named_parameters()}
    Ad = discrete_system(5, 20.0).transition.numpy()
    Bd = discrete_system(5, 20.0).drive.numpy()
    g = np.tile(np.sqrt(20.0 / (2 * np.arange(5) + 1)), 2)
    start = model.start(torch.zeros(1, 1, dtype=torch.float64))
    left = [start.v_memory[0].tolist(), start.v_hidden[0].tolist()]
    m, y_h, seen, read, hidden, outputs = np.zeros((2, 5)), np.zeros(6), [], [], [], []

    def emit(values: np.ndarray, which: int) -> np.ndarray:
        counts = []
        for i, value in enumerate(values):
            n, states = diffuse([value], left[which][i], dt)
            left[which][i] = float(states[-1])
            counts.append(n[0] / dt)
        return np.array(counts)

    for x_t in x:
        u = weights["encode.weight"] @ x_t + weights["encode.bias"]
        u = u + weights.get("encode_hidden.weight", np.zeros((2, 6))) @ y_h
        m = m @ Ad.T + np.outer(u, Bd)
        y_m = emit(g * m.flatten(), 0)
        J = weights["read.weight"] @ y_m + weights["read.bias"]
        J = J + weights.get("read_input.weight", np.zeros((6, 2))) @ x_t
        J = J + weights.get("recur.weight", np.zeros((6, 6))) @ y_h
        y_h = emit(np.maximum(J, 0), 1)
        seen.append(y_h)
        mean = sum(seen[-3:]) / 3
        read.append(y_m), hidden.append(y_h)
        outputs.append(weights["head.weight"] @ mean + weights["head.bias"])
    return outputs, read, hidden


ALL_WAYS = [ways for k in range(4) for ways in itertools.combinations(WAYS, k)]


@pytest.mark.parametrize("ways", ALL_WAYS, ids=lambda ways: "+".join(ways) or "none")
def test_it_is_its_formula(ways: tuple[str, ...]) -> None:
    model, x = network("diffused", *ways), sequences(1, 12)
    run = model.run(x)
    for own, expected in zip(run[:3], by_hand(model, x[0].numpy(), 3.0), strict=True):
        np.testing.assert_allclose(own[0].detach().numpy(), expected, atol=1e-9)


@pytest.mark.parametrize("quantizer", ["diffused", "memoryless", "none"])
def test_steps_are_the_run_and_halves_are_the_whole(quantizer: str) -> None:
    model, x = network(quantizer, "input_to_hidden"), sequences()
    state, whole = model.start(x), model.run(x)
    for t, x_t in enumerate(x.unbind(1)):
        out, state = model.step(x_t, state)
        torch.testing.assert_close(out, whole.outputs[:, t], atol=1e-9, rtol=0)
    first = model.run(x[:, :13])
    second = model.run(x[:, 13:], first.state)
    torch.testing.assert_close(second.outputs, whole.outputs[:, 13:], atol=1e-9, rtol=0)
    assert torch.equal(model(x), whole.outputs[:, -1])
    for own, expected in zip(second.state[1:], state[1:], strict=True):
        torch.testing.assert_close(own, expected, atol=1e-9, rtol=0)


def test_the_tail_is_the_end_of_all_memories() -> None:
    model, x = network(), sequences()
    memories = model.memory(model.encode(x))[0].flatten(2)
    for steps in (1, 7, 30):
        torch.testing.assert_close(model.tail(x, steps), memories[:, -steps:], atol=1e-10, rtol=0)


def test_the_tail_with_v_drawn_anew_is_distributed_as_the_whole_run() -> None:
    """Means and variances of the outputs over draws, within six standard errors."""
    model, x = network("diffused", dt=1.0).train(), sequences(1).expand(4000, 30, 2)
    with torch.no_grad():
        whole = model(x)
        end = model.run_memories(model.tail(x, 3), x[:, -3:], model.start(x)).outputs[:, -1]
    error = (whole.var(0) / 4000 + end.var(0) / 4000).sqrt()
    assert ((whole.mean(0) - end.mean(0)).abs() < 6 * error).all()
    assert ((whole.var(0) / end.var(0) - 1).abs() < 6 * (4 / 4000) ** 0.5).all()


def test_a_fine_resolution_is_the_plain_network() -> None:
    model, x = network("diffused", dt=2.0**30), sequences()
    plain = model.quantized("none")
    torch.testing.assert_close(model(x), plain(x), atol=1e-7, rtol=0)


def test_all_that_meets_weights_is_whole_events() -> None:
    model, x = network("diffused", *WAYS), sequences()
    run = model.run(x)
    for y in (run.memory, run.hidden):
        torch.testing.assert_close(3 * y, torch.round(3 * y), atol=1e-12, rtol=0)
        assert y.unique().numel() > 3


def test_the_gradient_is_that_of_the_plain_network_where_events_are_fine() -> None:
    model, x = network("diffused", dt=2.0**30), sequences()
    plain = model.quantized("none")
    for net in (model, plain):
        net.zero_grad()
        net(x).square().sum().backward()
    pairs = zip(model.parameters(), plain.parameters(), strict=True)
    for own, expected in pairs:
        torch.testing.assert_close(own.grad, expected.grad, atol=1e-6, rtol=1e-5)


def test_a_network_learns_through_its_events() -> None:
    """Which of two waves is faster, at about one event a neuron a step."""
    source = torch.Generator().manual_seed(0)
    labels = torch.arange(64) % 2
    phase = 6 * torch.rand(64, 1, generator=source)
    x = torch.sin(torch.arange(40) * (0.2 + 0.25 * labels[:, None]) + phase).unsqueeze(-1)
    model = HybridLMU(1, 16, 2, 6, 40.0, dt=1.0, window=8)
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(60):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), labels).backward()
        optimizer.step()
    assert (model.eval()(x).argmax(1) == labels).double().mean() > 0.95


@pytest.mark.parametrize("way", ["hidden_to_hidden", "hidden_to_memory"])
def test_parallel_forms_are_refused_with_a_quantized_state_inside_the_loop(way: str) -> None:
    model, x = network("diffused", way), sequences()
    assert not model.parallel
    with pytest.raises(InputError, match="no quantized state drives; found a way back"):
        model.tail(x, 3)
    with pytest.raises(InputError, match="parallel form"):
        model.run_memories(torch.zeros(3, 2, 10).double(), x[:, :2], model.start(x))


def test_one_resolution_is_shared_and_copies_have_their_own() -> None:
    model = network()
    twin = model.quantized("memoryless")
    model.resolution.set(1.0)
    assert float(model.memory_quantizer.resolution.dt) == 1.0
    assert float(model.hidden_quantizer.resolution.dt) == 1.0
    assert float(twin.hidden_quantizer.resolution.dt) == 3.0


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("ways", [(), ("hidden_to_hidden", "hidden_to_memory")])
def test_a_trained_lmu_becomes_a_hybrid_one(ways: tuple[str, ...], bias: bool) -> None:
    """Plain it is the LMU; with fine events nearly so."""
    off = {"hidden_to_memory": False, "memory_to_memory": False, "hidden_to_hidden": False}
    source = torch.Generator().manual_seed(0)
    options = {**off, **dict.fromkeys(ways, True), "bias": bias, "generator": source}
    cell, head = LMUCell(2, 6, 5, 20.0, channels=2, **options).double(), torch.nn.Linear(6, 3)
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=source))
    x = sequences()
    expected = head.double()(LMU(cell)(x)[0])
    plain = hybrid_from_cell(cell, head, dt=2.0**20, quantizer="none")
    torch.testing.assert_close(plain.run(x).outputs, expected, atol=1e-9, rtol=0)
    fine = plain.quantized("diffused").run(x).outputs
    torch.testing.assert_close(fine, expected, atol=1e-4, rtol=0)


def test_a_cell_that_cannot_become_hybrid_is_refused() -> None:
    with pytest.raises(InputError, match="found method='zoh', e_m there"):
        hybrid_from_cell(LMUCell(1, 3, 4, 20.0), torch.nn.Linear(3, 2), dt=4.0)


def test_seeds_and_state_dict() -> None:
    x = sequences().float()
    one, two = (HybridLMU(2, 6, 3, 5, 20.0, dt=2.0, random_state=1) for _ in range(2))
    assert torch.equal(one(x), two(x))
    other = HybridLMU(2, 6, 3, 5, 20.0, dt=9.0, random_state=1)
    other.load_state_dict(one.state_dict())
    assert torch.equal(other.eval()(x), one.eval()(x))


def test_a_copy_keeps_the_mode() -> None:
    x = sequences().float()
    plain = HybridLMU(2, 6, 3, 5, 20.0, dt=2.0, quantizer="none").eval()
    events = plain.quantized("diffused")
    assert torch.equal(events(x), events(x))
    assert not any(part.training for part in events.modules())
    assert plain.train().quantized("diffused").hidden_quantizer.training


def test_the_two_populations_start_apart() -> None:
    """With equal draws, what one population has left would tell that of the other."""
    state = HybridLMU(1, 12, 3, 12, 20.0, dt=2.0).start(torch.zeros(5, 1))
    assert state.v_memory.shape == state.v_hidden.shape
    assert (state.v_memory - state.v_hidden).abs().mean() > 0.2


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="hidden_size must be 1 or more; got hidden_size=0"):
        HybridLMU(1, 0, 2, 4, 10.0, dt=1.0)
    with pytest.raises(InputError, match="quantizer must be one of diffused, memoryless"):
        HybridLMU(1, 3, 2, 4, 10.0, dt=1.0, quantizer="poisson")
    with pytest.raises(InputError, match=r"\[batch, steps, 2\].*got shape \[3, 2\]"):
        network().run(torch.zeros(3, 2).double())
