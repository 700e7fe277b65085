"""Laws that every kernel obeys."""

import numpy as np
import pytest
import torch

from superpose.curves import KERNELS, GPBasis, kernel
from superpose.errors import InputError

D = torch.tensor([-3.0, -0.7, -0.01, 0.02, 0.4, 1.3, 5.0], dtype=torch.float64)


@pytest.fixture(params=KERNELS)
def name(request):
    return request.param


def test_unit_variance_symmetry_and_decay(name):
    k = kernel(name, 0.8)
    zero = torch.zeros(1, dtype=torch.float64)
    assert k.value(zero).item() == 1.0
    assert torch.equal(k.value(D), k.value(-D))
    assert bool((k.value(torch.linspace(0, 9, 50)).diff() < 0).all())
    far = torch.tensor([1e6, -1e200, 1e308], dtype=torch.float64)
    for method in (k.value, k.derivative, k.second_derivative):
        assert method(far).abs().max() < 1e-200


def test_derivatives_are_the_gradients(name):
    k = kernel(name, 0.8)
    d = D.clone().requires_grad_()
    (slope,) = torch.autograd.grad(k.value(d).sum(), d, create_graph=True)
    (bend,) = torch.autograd.grad(slope.sum(), d)
    assert k.derivative(D).numpy() == pytest.approx(slope.detach().numpy(), rel=1e-12)
    assert k.second_derivative(D).numpy() == pytest.approx(bend.numpy(), rel=1e-10)


def test_matrices_are_positive_definite(name):
    u = torch.linspace(0, 1, 12, dtype=torch.float64)
    eigenvalues = torch.linalg.eigvalsh(kernel(name, 0.1).value(u[:, None] - u))
    assert eigenvalues.min() > 0


@pytest.mark.parametrize("size", [1, 2, 3, 5, 9])
def test_every_basis_reproduces_heights_and_lines(name, size):
    basis = GPBasis(np.linspace(-1, 2, size), name, length_scale=0.4)
    u = torch.linspace(-3, 4, 50, dtype=torch.float64)
    identity = torch.eye(size, dtype=torch.float64)
    assert (basis.cardinal(basis.knots) - identity).abs().max() < 1e-9
    assert (basis.cardinal(u).sum(1) - 1).abs().max() < 1e-9
    if size > 1:
        assert (basis.cardinal(u) @ basis.knots - u).abs().max() < 1e-9
    assert (basis.precision() @ torch.ones(size, dtype=torch.float64)).abs().max() < 1e-8
    variance = basis.conditional_variance(u)
    assert variance.min() >= 0
    assert basis.conditional_variance(basis.knots).max() < 1e-9
    missing = torch.tensor([float("nan")], dtype=torch.float64)
    assert basis.cardinal(missing).abs().max() == 0
    assert basis.cardinal_derivative(missing).abs().max() == 0
    assert basis.conditional_variance(missing).item() == 0


def test_unknown_names_and_scales():
    with pytest.raises(InputError, match="kernel must be one of matern12, matern32, matern52, "):
        kernel("matern", 1.0)
    for length_scale in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(InputError, match="length_scale must be a positive finite number"):
            kernel("matern32", length_scale)
