"""The memory's matrices against loops, another library's discretisation, and their laws."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import eval_legendre
from tests.oracles import legendre_loops

from superpose.errors import InputError
from superpose.sequences import (
    block_matrix,
    continuous_system,
    discrete_system,
    euler_limit,
    impulse_response,
    one_step,
    window_polynomials,
)

ORDERS = (1, 2, 3, 8, 17)


@pytest.mark.parametrize("order", ORDERS)
def test_the_continuous_system_is_that_of_the_paper(order: int) -> None:
    for ours, theirs in zip(
        continuous_system(order), legendre_loops.continuous(order), strict=True
    ):
        np.testing.assert_array_equal(ours.numpy(), theirs)


@pytest.mark.parametrize("method", ["zoh", "euler"])
@pytest.mark.parametrize(("order", "theta"), [(1, 3.0), (2, 7.5), (8, 40.0), (17, 100.0)])
def test_steps_agree_with_another_library(order: int, theta: float, method: str) -> None:
    system = discrete_system(order, theta, method)
    Ad, Bd = legendre_loops.discrete(order, theta, method)
    np.testing.assert_allclose(system.transition.numpy(), Ad, rtol=0, atol=1e-12)
    np.testing.assert_allclose(system.drive.numpy(), Bd, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("order", "theta"), [(1, 0.5), (12, 2.0), (32, 100.0), (100, 784.0)])
def test_zero_order_hold_is_stable_for_every_window(order: int, theta: float) -> None:
    modes = torch.linalg.eigvals(discrete_system(order, theta).transition)
    assert modes.abs().max() < 1


@pytest.mark.parametrize(
    ("order", "limit"), [(4, 5.2), (8, 17.7), (16, 59.7), (32, 196.9), (64, 638.7), (96, 1264.8)]
)
def test_euler_is_refused_where_its_memory_would_grow(order: int, limit: float) -> None:
    exact = euler_limit(order)
    assert round(exact, 1) == limit
    stable = discrete_system(order, exact * 1.001, "euler")
    assert torch.linalg.eigvals(stable.transition).abs().max() <= 1
    A, _ = continuous_system(order)
    grows = torch.eye(order, dtype=torch.float64) + A / (exact * 0.999)
    assert torch.linalg.eigvals(grows).abs().max() > 1
    with pytest.raises(InputError, match=f"is stable from theta={limit} on; got theta="):
        discrete_system(order, exact * 0.999, "euler")


@pytest.mark.parametrize("method", ["zoh", "euler"])
def test_a_constant_is_a_fixed_point_and_its_own_level(method: str) -> None:
    system = discrete_system(6, 30, method)
    level = torch.zeros(6, dtype=torch.float64)
    level[0] = -3.5
    after = one_step(system, level, torch.tensor(-3.5, dtype=torch.float64))
    torch.testing.assert_close(after, level, rtol=0, atol=1e-14)


def test_the_impulse_response_is_that_of_steps() -> None:
    system = discrete_system(5, 12)
    memory, u = torch.zeros(5, dtype=torch.float64), torch.zeros(30, dtype=torch.float64)
    u[0] = 1.0
    for expected, sample in zip(impulse_response(system, 30), u, strict=True):
        memory = one_step(system, memory, sample)
        torch.testing.assert_close(memory, expected, rtol=0, atol=1e-14)


def test_a_corner_of_a_block_is_a_shorter_block() -> None:
    system = discrete_system(4, 12)
    torch.testing.assert_close(block_matrix(system, 9)[: 4 + 5, :5], block_matrix(system, 5))


@pytest.mark.parametrize("order", ORDERS)
def test_the_window_is_read_by_legendre_polynomials(order: int) -> None:
    places = torch.linspace(0, 1, 23, dtype=torch.float64)
    expected = [eval_legendre(i, 2 * places.numpy() - 1) for i in range(order)]
    found = window_polynomials(order, places).numpy()
    np.testing.assert_allclose(found, np.stack(expected, 1), rtol=0, atol=1e-12)


def test_a_sample_k_steps_back_stands_at_the_delay_k_and_a_half() -> None:
    """The sine of period 80 in a window of 100, order 12: .0007 at k + 1/2, .039 at k."""
    system, t = discrete_system(12, 100), np.arange(500)
    u = np.sin(2 * np.pi * t / 80)
    memories = legendre_loops.memories(12, 100, u, np.zeros(12))[300:]
    ours = torch.zeros(12, dtype=torch.float64)
    for sample in u:
        ours = one_step(system, ours, torch.tensor(sample))
    np.testing.assert_allclose(ours.numpy(), memories[-1], atol=1e-12)
    for k in (25, 50, 99):
        truth = u[300 - k : 500 - k]
        half, whole = (
            np.abs(memories @ window_polynomials(12, torch.tensor(place)).numpy() - truth)
            for place in ((k + 0.5) / 100, k / 100)
        )
        assert half.max() < 0.0008
        assert whole.max() > 0.03


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((0, 10), "order must be a whole number of 1 or more; got order=0; pass 4 to 16"),
        ((2.5, 10), "order must be a whole number of 1 or more; got order=2.5; pass 4 to 16"),
        ((3, 0), "theta must be a positive number of steps; got theta=0; pass 1 or more"),
        ((3, float("nan")), "theta must be a positive number of steps; got theta=nan"),
        (
            (3, 10, "bilinear"),
            "method must be one of zoh, euler; got method='bilinear'; use \"zoh\"",
        ),
    ],
)
def test_what_makes_no_memory_is_refused(arguments: tuple, sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        discrete_system(*arguments)
    assert str(refused.value).startswith(sentence)
