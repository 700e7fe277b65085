"""Curves over even knots: the same as `GPBasis`, read fast."""

import pytest
import torch

from superpose.curves import EvenBasis

MATERN = ["matern12", "matern32", "matern52"]


def places(n=501, reach=2.0):
    return torch.linspace(-reach, reach, n, dtype=torch.float64)


def draws(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize("kernel", MATERN)
@pytest.mark.parametrize("n_knots", [7, 16, 33])
@pytest.mark.parametrize("length_scale", [0.05, 0.5, 1.0])
def test_equals_the_dense_curve_inside_and_outside(kernel, n_knots, length_scale):
    basis = EvenBasis(n_knots, kernel, length_scale=length_scale)
    dense, u, heights = basis.dense(), places(), draws(n_knots)
    inside = u.abs() <= 1
    gap = (basis.cardinal(u) @ heights - dense.cardinal(u) @ heights).abs()
    # Beyond the ends a curve goes on from its derivatives there, p - 1 of them; differences of
    # rough heights magnify their rounding by 1 / spacing each.
    beyond = {"matern12": 1e-11, "matern32": 1e-9, "matern52": 2e-6}[kernel]
    assert gap[inside].max() < 1e-9
    assert gap[~inside].max() < beyond


@pytest.mark.parametrize("kernel", MATERN)
def test_single_precision_keeps_seven_digits(kernel):
    basis = EvenBasis(16, kernel, length_scale=0.5)
    u, heights = places().clamp(-1.4, 1.4), draws(16, 3)
    exact = basis.dense().cardinal(u) @ heights
    single = basis.to(torch.float32).cardinal(u.float()) @ heights.float()
    assert (single - exact).abs().max() < 3e-6 * heights.abs().max()


@pytest.mark.parametrize("kernel", MATERN)
def test_slopes_are_gradients(kernel):
    basis, u, heights = (
        EvenBasis(9, kernel, length_scale=0.3),
        places(40).requires_grad_(),
        draws(9),
    )
    (gradient,) = torch.autograd.grad((basis.cardinal(u) @ heights).sum(), u)
    assert basis.cardinal_derivative(u).detach() @ heights == pytest.approx(gradient, abs=1e-9)


def test_made_first_in_inference_mode_it_still_learns_afterwards():
    with torch.inference_mode():
        EvenBasis(21, length_scale=0.37)
    heights = torch.ones(21, 1, dtype=torch.float64, requires_grad=True)
    EvenBasis(21, length_scale=0.37).quadratic_form(heights).sum().backward()
    assert heights.grad.isfinite().all()
