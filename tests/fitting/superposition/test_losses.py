"""Losses: derivatives against finite differences, values against scikit-learn and scipy."""

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.metrics import log_loss, mean_gamma_deviance, mean_poisson_deviance
from tests.fitting.made_problems import normal, uniform

from superpose.errors import InputError
from superpose.fitting.superposition.losses import (
    LARGEST_SHAPE,
    Bernoulli,
    Gamma,
    Gaussian,
    Multinomial,
    Poisson,
    StudentT,
    loss_named,
)

Y = {
    "gaussian": torch.tensor([0.3, -2.0, 1.0, 0.0, 5.0], dtype=torch.float64),
    "bernoulli": torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0], dtype=torch.float64),
    "multinomial": torch.tensor([0.0, 2.0, 1.0, 3.0, 3.0], dtype=torch.float64),
    "poisson": torch.tensor([0.0, 2.0, 1.0, 7.0, 3.0], dtype=torch.float64),
    "gamma": torch.tensor([0.3, 2.0, 1.0, 0.01, 5.0], dtype=torch.float64),
    "student_t": torch.tensor([0.3, -2.0, 1.0, 0.0, 5.0], dtype=torch.float64),
}
EXPECTED = ("gamma", "student_t")  # the curvature is the mean of the Hessian over y
NOISY = {"gaussian": (1.0, 0.3, 7.0), "gamma": (1e-8, 0.2, 1.0, 40.0), "student_t": (1.0,)}


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
    assert (loss.residual(f, y) + slopes).abs().max() < 1e-7 * (1 + slopes.abs().max())
    if loss.name not in EXPECTED:
        assert (loss.curvature(f) - bends).abs().max() < 1e-8 * (1 + bends.abs().max())


@pytest.mark.parametrize("f", [-1.0, 0.5])
@pytest.mark.parametrize("name", EXPECTED)
def test_expected_curvature_is_the_mean_of_the_hessian(name, f):
    """Over the y that the loss itself describes: an integral by quadrature."""
    loss, noise = loss_named(name, Y[name]), {"gamma": 0.4, "student_t": 1.0}[name]
    gamma = stats.gamma(1 / noise, scale=np.exp(f) * noise)
    law = gamma if name == "gamma" else stats.t(4, f, np.sqrt(5 / 7))

    def bend(y):
        at = torch.tensor([[f]], dtype=torch.float64, requires_grad=True)
        residual = loss.residual(at, torch.tensor([y], dtype=torch.float64))
        return -torch.autograd.grad(residual.sum(), at)[0].item() * law.pdf(y)

    low, high = law.ppf([1e-9, 1 - 1e-9])
    mean = quad(bend, low, high, points=law.ppf([0.1, 0.5, 0.9]), limit=200)[0]
    value = loss.curvature(torch.tensor([[f]], dtype=torch.float64))
    assert value.item() == pytest.approx(mean, rel=1e-4)


def test_the_start_is_the_best_constant(case):
    loss, _, y = case
    weight = torch.tensor([1.0, 2.0, 0.5, 3.0, 1.0], dtype=torch.float64)
    start = loss.start(y, weight)
    assert len(start) == loss.n_outputs(y)
    if loss.name == "student_t":  # the weighted median: not the best, and no wild value moves it
        assert start.tolist() == [0.0]
        return
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


def test_deviances_are_those_of_scikit_learn():
    f = normal(5, 6)[:, None]
    mean = f[:, 0].exp().numpy()
    for name, deviance in (("poisson", mean_poisson_deviance), ("gamma", mean_gamma_deviance)):
        value = 2 * loss_named(name, Y[name]).value(f, Y[name]).mean().item()
        assert value == pytest.approx(deviance(Y[name].numpy(), mean), rel=1e-12)


def log_density(name, f, y, noise):
    """The log-likelihood by SciPy."""
    if name == "gaussian":
        return stats.norm(f, np.sqrt(noise)).logpdf(y)
    if name == "gamma":
        return stats.gamma(1 / noise, scale=np.exp(f) * noise).logpdf(y)
    if name == "student_t":
        return stats.t(4, f, np.sqrt(5 / 7)).logpdf(y)
    return stats.poisson(np.exp(f)).logpmf(y)


@pytest.mark.parametrize(
    ("name", "noise"), [(k, v) for k in NOISY for v in NOISY[k]] + [("poisson", 1.0)]
)
def test_value_carrier_and_normaliser_make_a_log_likelihood(name, noise):
    loss, y = loss_named(name, Y[name]), Y[name]
    f = 0.3 * normal(5, 8)[:, None]
    total = float(-loss.value(f, y).sum() / noise + loss.carrier(y).sum())
    total += loss.normaliser(noise, len(y) - 1.0)
    if name in NOISY:  # one row's worth of it is the integral over a flat bias
        total -= 0.5 * np.log(2 * np.pi * noise)
    expected = log_density(name, f[:, 0].numpy(), y.numpy(), noise).sum()
    assert total == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("freedom", [1.5, 40.0, 1e5])
@pytest.mark.parametrize("each", [1e-9, 0.02, 1.0, 30.0])
@pytest.mark.parametrize("name", ["gaussian", "gamma"])
def test_the_noise_has_the_most_evidence(name, each, freedom):
    loss, energy = loss_named(name, Y[name]), each * freedom

    def evidence(noise):
        return loss.normaliser(noise, freedom) - energy / noise

    best = loss.noise(energy, freedom)
    assert evidence(best) >= max(evidence(best * 0.999), evidence(best * 1.001))


def test_a_gamma_of_little_noise_is_normal():
    """Its dispersion, and its normaliser, where the exact formula gives way to Stirling's."""
    small = 1 / LARGEST_SHAPE
    for noise in (0.9 * small, 1.1 * small):
        normal_one = Gaussian().normaliser(noise, 9.0)
        assert Gamma().normaliser(noise, 9.0) == pytest.approx(normal_one, rel=1e-6)
        assert Gamma().noise(4.5 * noise, 9.0) == pytest.approx(noise, rel=1e-5)


def test_a_wild_value_pulls_less_the_wilder_it_is():
    pull = StudentT().residual(torch.zeros(3, 1), torch.tensor([2.0, 20.0, 2000.0]))[:, 0]
    assert pull.diff().max() < 0
    assert pull[-1] < 0.01


def test_a_loss_that_is_none_is_refused():
    sentence = (
        "loss must be one of 'gaussian', 'poisson', 'gamma', 'student_t', 'bernoulli' or "
        "'multinomial'; found 'hinge'; take the one that fits the target: numbers, counts, two "
        "classes, or more"
    )
    with pytest.raises(InputError) as error:
        loss_named("hinge", Y["gaussian"])
    assert str(error.value) == sentence


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
        assert (loss.name, loss.has_noise) == (name, name in NOISY)
        if name not in NOISY:
            assert (loss.noise(3.0, 2.0), loss.normaliser(1.0, 2.0)) == (1.0, 0.0)
    assert Poisson().curvature(torch.zeros(1, 1)).item() == 1.0


@pytest.mark.parametrize("name", list(NOISY))
def test_with_noise_the_curvature_is_one(name):
    """Newton's method counts on it: A is then made of the columns and weights alone."""
    assert loss_named(name, Y[name]).curvature(3 * normal(9)[:, None]).unique().tolist() == [1.0]
