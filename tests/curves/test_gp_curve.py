"""The torch module: gradients, posterior, support."""

import numpy as np
import pytest
import torch

from superpose.curves import GPBasis, GPCurve

MATERN = ["matern12", "matern32", "matern52"]
KNOTS = torch.tensor([0.0, 0.07, 0.2, 0.28, 0.4, 0.55, 0.6, 0.74, 0.9, 1.0], dtype=torch.float64)
PLACES = torch.tensor([-0.8, -0.01, 0.031, 0.222, 0.333, 0.71, 0.999, 1.3], dtype=torch.float64)


def family(name, n_curves=2):
    curve = GPCurve(GPBasis(KNOTS, name, length_scale=0.3), n_curves)
    generator = torch.Generator().manual_seed(0)
    curve.heights.data.normal_(generator=generator)
    return curve


@pytest.mark.parametrize("name", MATERN)
def test_gradients_in_places_heights_and_prior(name):
    curve = family(name)

    def value(u, heights):
        return torch.func.functional_call(curve, {"heights": heights}, (u,))

    u = PLACES.clone().requires_grad_()
    heights = curve.heights.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(value, (u, heights))
    assert torch.autograd.gradcheck(curve.basis.quadratic_form, (heights,))
    assert torch.autograd.gradcheck(curve.basis.conditional_variance, (u,))


@pytest.mark.parametrize("name", [*MATERN, "squared_exponential"])
def test_derivative_is_the_gradient(name):
    curve = GPCurve(GPBasis(KNOTS[::2], name, length_scale=0.2))
    curve.heights.data.copy_(torch.sin(7 * KNOTS[::2]))
    u = PLACES.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(curve(u).sum(), u)
    assert curve.derivative(PLACES).detach().ravel().numpy() == pytest.approx(
        gradient.numpy(), rel=1e-8, abs=1e-9
    )


def test_curves_pass_through_their_heights_and_missing_adds_nothing():
    curve = family("matern32")
    assert (curve(KNOTS).T - curve.heights).abs().max() < 1e-11
    nan = torch.tensor([float("nan")], dtype=torch.float64)
    assert curve(nan).tolist() == [[0.0, 0.0]]
    assert curve.derivative(nan).tolist() == [[0.0, 0.0]]


def test_posterior_adds_what_is_open_at_and_between_the_knots():
    curve = family("matern52", n_curves=1)
    root = torch.randn(10, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    covariance = root @ root.T / 10
    mean, variance = curve.posterior(KNOTS, covariance[None], prior_variance=4.0)
    assert (mean.ravel() - curve.heights.ravel()).abs().max() < 1e-10
    assert variance.ravel().detach().numpy() == pytest.approx(covariance.diagonal().numpy())
    u = PLACES
    rows, between = curve.basis.cardinal(u), curve.basis.conditional_variance(u)
    expected = [
        4 * float(v) + float(r @ covariance @ r) for v, r in zip(between, rows, strict=True)
    ]
    assert curve.posterior(u, covariance[None], 4.0)[1].ravel().detach().tolist() == pytest.approx(
        expected
    )


def test_posterior_band_covers_samples_of_the_process():
    """Heights and a far place drawn from one Gaussian process: z-scores have variance one."""
    u = torch.cat([KNOTS, torch.tensor([0.47], dtype=torch.float64)])
    basis = GPBasis(KNOTS, "matern32", length_scale=0.3)
    k = basis.kernel.value(u[:, None] - u)
    draws = torch.linalg.cholesky(k) @ torch.randn(
        11, 20_000, dtype=torch.float64, generator=torch.Generator().manual_seed(2)
    )
    error = draws[-1] - (basis.cardinal(u[-1:]) @ draws[:-1])[0]
    ratio = float(error.var() / basis.conditional_variance(u[-1:])[0])
    assert ratio == pytest.approx(1.0, abs=6 * (2 / 20_000) ** 0.5 + 0.05)  # F9 is for flat lines


def test_quadratic_form_and_log_determinant_are_those_of_the_basis():
    curve = family("matern32")
    q = curve.basis.precision()
    expected = [float(z @ q @ z) for z in curve.heights.detach()]
    assert curve.quadratic_form().tolist() == pytest.approx(expected, rel=1e-9)
    assert curve.log_determinant() == curve.basis.log_determinant()


def test_support_says_where_there_was_data():
    curve = family("matern32")
    assert bool(curve.support.isnan().all())
    nan = float("nan")
    u = torch.tensor([[0.1, -0.5], [0.5, nan], [nan, 1.5], [0.3, nan]], dtype=torch.float64)
    curve.record_support(u)
    assert curve.support.tolist() == [[0.1, 0.5], [-0.5, 1.5]]
    assert curve.support_counts.sum(1).tolist() == [3.0, 2.0]
    assert curve.support_counts[1, [0, -1]].tolist() == [1.0, 1.0]
    curve.record_support(torch.full((3,), nan, dtype=torch.float64))
    assert curve.support_counts.sum().item() == 0


def test_state_survives_saving_and_single_precision():
    curve = family("matern52")
    other = family("matern52")
    other.heights.data.zero_()
    other.load_state_dict(curve.state_dict())
    assert torch.equal(other(PLACES), curve(PLACES))
    exact = curve(PLACES.float().double()).detach()
    single = curve.to(torch.float32)(PLACES.float()).detach().double()
    assert np.abs((single - exact).numpy()).max() < 1e-6 * float(exact.abs().max())
