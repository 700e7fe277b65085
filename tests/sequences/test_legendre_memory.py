"""The torch module: its forms agree with loops and with each other, gradients with differences."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from tests.oracles import legendre_loops

from superpose.errors import InputError
from superpose.sequences import LegendreMemory, MemoryState, all_steps_by_fft, impulse_response
from superpose.sequences.legendre_system import block_matrix
from superpose.sequences.memory_forms import all_steps_by_blocks, block_length, last_step

DOUBLE = torch.float64


def sequences(*shape: int, seed: int = 0, dtype: torch.dtype = DOUBLE) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE).to(
        dtype
    )


def by_loops(memory: LegendreMemory, u: torch.Tensor, start: torch.Tensor) -> torch.Tensor:
    """[B, T, C, q] of the oracle."""
    return torch.tensor(
        np.array(
            [
                [
                    legendre_loops.memories(memory.order, memory.theta, u[b, :, c], start[b, c])
                    for c in range(u.shape[2])
                ]
                for b in range(u.shape[0])
            ]
        ).swapaxes(1, 2)
    )


@pytest.mark.parametrize(("order", "theta", "steps"), [(1, 4, 1), (6, 20, 57), (20, 90, 300)])
def test_every_form_is_that_of_loops(order: int, theta: float, steps: int) -> None:
    memory, u = LegendreMemory(order, theta), sequences(3, steps, 2)
    start = MemoryState(sequences(3, 2, order, seed=1), sequences(3, 2, seed=2))
    expected = by_loops(memory, u.numpy(), start.memory.numpy())
    found, state = memory(u, start)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)
    torch.testing.assert_close(state.memory, expected[:, -1], rtol=0, atol=1e-10)
    torch.testing.assert_close(memory.last(u, start).memory, expected[:, -1], rtol=0, atol=1e-10)
    state = start
    for t in range(steps):
        state = memory.step(u[:, t], state)
        torch.testing.assert_close(state.memory, expected[:, t], rtol=0, atol=1e-10)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (DOUBLE, 1e-10)])
@pytest.mark.parametrize(("order", "theta"), [(8, 100), (32, 196), (32, 784)])
def test_forms_agree_in_either_precision(
    order: int, theta: float, dtype: torch.dtype, tolerance: float
) -> None:
    u = sequences(4, 784, 1).sigmoid().to(dtype)  # as pixels, in [0, 1]
    system = LegendreMemory(order, theta).system
    exact = all_steps_by_fft(impulse_response(system, 784), u.double())
    response = impulse_response(system, 784).to(dtype)
    blocks = block_matrix(system, block_length(order)).to(dtype)
    state, memory = LegendreMemory(order, theta).start(4, 1, u), LegendreMemory(order, theta)
    for t in range(784):
        state = memory.step(u[:, t], state)
    for found, expected in (
        (all_steps_by_fft(response, u), exact),
        (all_steps_by_blocks(blocks, u), exact),
        (last_step(response, u), exact[:, -1]),
        (state.memory, exact[:, -1]),
    ):
        torch.testing.assert_close(found.double(), expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("cut", [1, 20, 49])
def test_a_sequence_cut_in_two_is_one_pass(cut: int) -> None:
    memory, u = LegendreMemory(7, 20), sequences(2, 50, 3)
    mask = sequences(2, 50, 3, seed=5) > 0
    whole, end = memory(u, mask=mask)
    first, state = memory(u[:, :cut], mask=mask[:, :cut])
    second, state = memory(u[:, cut:], state, mask=mask[:, cut:])
    torch.testing.assert_close(torch.cat([first, second], 1), whole, rtol=0, atol=1e-12)
    for ours, theirs in zip(state, end, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


def test_the_memory_is_linear_and_sequences_do_not_meet() -> None:
    memory, u, v = LegendreMemory(5, 12), sequences(4, 30, 2), sequences(4, 30, 2, seed=3)
    both = memory(2 * u - 3 * v)[0]
    torch.testing.assert_close(both, 2 * memory(u)[0] - 3 * memory(v)[0], rtol=0, atol=1e-12)
    order = torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(memory(u[order])[0], memory(u)[0][order], rtol=0, atol=1e-13)
    torch.testing.assert_close(memory(u[..., 1:])[0], memory(u)[0][:, :, 1:], rtol=0, atol=1e-13)


def test_shorter_sequences_end_where_they_end() -> None:
    memory, u = LegendreMemory(5, 12), sequences(4, 30, 2)
    lengths = torch.tensor([30, 1, 0, 17])
    start = MemoryState(sequences(4, 2, 5, seed=1), sequences(4, 2, seed=2))
    rubbish = u.clone()
    for row, length in zip(rubbish, lengths, strict=True):
        row[length:] = torch.nan
    for ours in (
        memory.last(rubbish, start, lengths=lengths),
        memory(rubbish, start, lengths=lengths)[1],
    ):
        for b, length in enumerate(lengths):
            alone = MemoryState(*(part[b : b + 1] for part in start))
            if length:
                _, alone = memory(u[b : b + 1, :length], alone)
            for found, expected in zip(ours, alone, strict=True):
                torch.testing.assert_close(found[b], expected[0], rtol=0, atol=1e-12)
    after = memory(rubbish, start, lengths=lengths)[0][3, 17:]
    assert (after == 0).all()


def test_missing_samples_are_held_in_every_form() -> None:
    memory, u = LegendreMemory(5, 12), sequences(3, 30, 2)
    mask = sequences(3, 30, 2, seed=4) > 0.3
    mask[0, :4] = False  # nothing yet: the memory stays at zero
    holes = torch.where(mask, u, torch.nan)
    expected = by_loops(memory, holes.numpy(), np.zeros((3, 2, 5)))
    found, end = memory(holes, mask=mask)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    assert (found[0, :4] == 0).all()
    torch.testing.assert_close(memory.last(holes, mask=mask).memory, expected[:, -1])
    state = memory.start(3, 2, u)
    for t in range(30):
        state = memory.step(holes[:, t], state, mask=mask[:, t])
    for ours, theirs in zip(state, end, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


def test_gradients_agree_with_differences() -> None:
    memory, u = LegendreMemory(3, 6), sequences(2, 9, 1).requires_grad_()
    start = MemoryState(sequences(2, 1, 3, seed=1).requires_grad_(), sequences(2, 1, seed=2))
    mask = torch.ones(2, 9, dtype=torch.bool)
    mask[:, 4:6] = False
    lengths = torch.tensor([9, 5])

    def all_steps(u: torch.Tensor, m: torch.Tensor) -> torch.Tensor:
        return memory(u, MemoryState(m, start.held), mask=mask)[0]

    def last(u: torch.Tensor, m: torch.Tensor) -> torch.Tensor:
        return memory.last(u, MemoryState(m, start.held), lengths=lengths).memory

    def by_fft(u: torch.Tensor) -> torch.Tensor:
        return all_steps_by_fft(impulse_response(memory.system, 9), u)

    assert torch.autograd.gradcheck(all_steps, (u, start.memory))
    assert torch.autograd.gradcheck(last, (u, start.memory))
    assert torch.autograd.gradcheck(by_fft, (u,))


def test_the_module_follows_its_input_and_is_copied_whole() -> None:
    memory = LegendreMemory(6, 20)
    u = sequences(1, 40, 1)
    exact = memory(u)[0]
    assert exact.dtype == DOUBLE
    assert memory(u.float())[0].dtype == torch.float32
    for other in (copy.deepcopy(memory), pickle.loads(pickle.dumps(memory)), memory.float()):
        assert torch.equal(other(u)[0], exact)
    memory.set_params(order=3)
    torch.testing.assert_close(memory(u)[0], LegendreMemory(3, 20)(u)[0], rtol=0, atol=0)
    assert list(memory.parameters()) == []


def test_the_window_is_drawn_from_the_oldest_step_to_the_newest() -> None:
    memory, t = LegendreMemory(12, 100), torch.arange(400, dtype=DOUBLE)
    u = torch.sin(2 * torch.pi * t / 80)
    drawn = memory.window(memory.last(u[None, :, None]).memory)[0, 0]
    torch.testing.assert_close(drawn, u[-100:], rtol=0, atol=0.007)  # the newest is the hardest
    torch.testing.assert_close(drawn[:90], u[-100:-10], rtol=0, atol=0.001)


def test_an_input_of_another_shape_is_refused() -> None:
    with pytest.raises(InputError, match=r"have the shape \[sequences, steps, channels\], of one"):
        LegendreMemory(3, 10)(torch.zeros(4, 5))
    with pytest.raises(InputError, match="memory of order 32 is stable from theta=196.9 on"):
        LegendreMemory(32, 100, "euler")


def test_what_was_made_without_gradients_serves_with_them() -> None:
    memory, u = LegendreMemory(4, 20), torch.ones(1, 5, 1)
    with torch.inference_mode():
        memory(u)
        memory.step(u[:, 0], memory.start(1, 1))
    u.requires_grad_()
    memory(u)[0].sum().backward()
    memory.step(u[:, 0], memory.start(1, 1)).memory.sum().backward()


def test_sequences_without_a_step_are_refused() -> None:
    for form in (LegendreMemory(3, 10), LegendreMemory(3, 10).last):
        with pytest.raises(InputError, match=r"one step or more; found the shape \[2, 0, 1\]"):
            form(torch.zeros(2, 0, 1))
