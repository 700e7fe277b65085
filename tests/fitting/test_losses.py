"""Losses: derivatives against finite differences, values against scikit-learn and scipy."""

import numpy as np
import pytest
import torch
from scipy.stats import norm
from sklearn.metrics import log_loss
from tests.fitting.made_problems import normal, uniform

from superpose.fitting.losses import Bernoulli, Gaussian, Multinomial, loss_named

Y = {
    "gaussian": torch.tensor([0.3, -2.0, 1.0, 0.0, 5.0], dtype=torch.float64),
    "bernoulli": torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0], dtype=torch.float64),
    "multinomial": torch.tensor([0.0, 2.0, 1.0, 3.0, 3.0], dtype=torch.float64),
}


@pytest.fixture(params=list(Y))
def case(request):
    """A loss, outputs [N, K] and targets [N]."""
    y = Y[request.param]
    loss = loss_named(request.param, y)
    f = 3 * normal(len(y) * loss.n_outputs(y), seed=1).view(len(y), -1)
    return loss, f, y


def test_residual_and_curvature_are_minus_gradient_and_hessian(case):
    loss, f, y = case
    step, n_outputs = 1e-5, f.shape[1]
    slopes = torch.zeros_like(f)
    bends = torch.zeros(len(f), n_outputs, n_outputs, dtype=f.dtype)
    for k in range(n_outputs):
        move = torch.zeros_like(f)
        move[:, k] = step
        slopes[:, k] = (loss.value(f + move, y) - loss.value(f - move, y)) / (2 * step)
        bends[:, k] = -(loss.residual(f + move, y) - loss.residual(f - move, y)) / (2 * step)
    assert (loss.residual(f, y) + slopes).abs().max() < 1e-8
    assert (loss.curvature(f) - bends).abs().max() < 1e-8


def test_the_start_is_the_best_constant(case):
    loss, _, y = case
    weight = torch.tensor([1.0, 2.0, 0.5, 3.0, 1.0], dtype=torch.float64)
    start = loss.start(y, weight)
    assert len(start) == loss.n_outputs(y)
    residual = weight @ loss.residual(start.expand(len(y), -1), y)
    assert residual.abs().max() < 1e-12
    assert start.sum().item() == pytest.approx(0.0, abs=1e-12) or loss.name != "multinomial"


def test_values_are_those_of_scikit_learn_and_scipy():
    f, y = normal(5, 2)[:, None], Y["bernoulli"]
    expected = log_loss(y.numpy(), torch.sigmoid(f).numpy())
    assert Bernoulli().value(f, y).mean().item() == pytest.approx(expected)
    f, y = normal(20, 3).view(5, 4), Y["multinomial"]
    expected = log_loss(y.numpy(), torch.softmax(f, 1).numpy())
    assert Multinomial(4).value(f, y).mean().item() == pytest.approx(expected)
    f, y = normal(5, 4)[:, None], Y["gaussian"]
    expected = -norm(f[:, 0].numpy(), 1).logpdf(y.numpy()) - 0.5 * np.log(2 * np.pi)
    assert Gaussian().value(f, y).numpy() == pytest.approx(expected)


def test_two_classes_are_the_same_either_way():
    """Two outputs that differ by f are one log-odds f."""
    f, y = 4 * normal(30), (uniform(30, 1)[:, 0] > 0.5).double()
    level = normal(30, 5)
    both = torch.stack([level, level + f], 1)
    two, one = Multinomial(2), Bernoulli()
    assert torch.allclose(two.value(both, y), one.value(f[:, None], y), atol=1e-12)
    residual = one.residual(f[:, None], y)
    assert torch.allclose(two.residual(both, y), torch.cat([-residual, residual], 1), atol=1e-12)
    bend = one.curvature(f[:, None])
    square = torch.tensor([[1.0, -1.0], [-1.0, 1.0]], dtype=torch.float64)
    assert torch.allclose(two.curvature(both), bend * square, atol=1e-12)


def test_far_outputs_stay_finite():
    f = torch.tensor([[-1e4], [1e4]], dtype=torch.float64)
    y = torch.tensor([1.0, 0.0], dtype=torch.float64)
    assert Bernoulli().value(f, y).tolist() == [1e4, 1e4]
    assert Bernoulli().curvature(f).abs().max() < 1e-300
    both = torch.cat([f, -f], 1)
    assert Multinomial(2).value(both, y).tolist() == [0.0, 0.0]
    assert Multinomial(2).value(both, 1 - y).tolist() == [2e4, 2e4]
    assert np.isfinite(Multinomial(2).curvature(both).numpy()).all()


def test_a_loss_by_its_name():
    assert loss_named("multinomial", Y["multinomial"]).n_classes == 4
    for name, y in Y.items():
        loss = loss_named(name, y)
        assert (loss.name, loss.has_noise) == (name, name == "gaussian")
