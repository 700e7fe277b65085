"""SLAF curves: oracles of the formula, identity, laws of units, frozen statistics, wild inputs."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from tests.oracles.polynomial_curves import curve as slow_curve

from superpose.curves import POLYNOMIAL_BASES, SLAF, SLAF_ROUTINES
from superpose.errors import InputError

ALL = [(basis, routine) for basis in POLYNOMIAL_BASES for routine in SLAF_ROUTINES]
POLYNOMIAL = [(basis, routine) for basis, routine in ALL if basis != "chebyshev"]
every = pytest.mark.parametrize(("basis", "routine"), ALL)


def batch(rows=400, seed=0):
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 3, generator=draw, dtype=torch.float64)
    return x * torch.tensor([1.0, 5.0, 0.2]) + torch.tensor([0.0, 3.0, -0.5])


def bent(basis, routine, degree=5, n_curves=3, seed=1):
    curve = SLAF(n_curves, degree, basis, routine).double()
    draw = torch.Generator().manual_seed(seed)
    curve.coefficients.data += 0.2 * torch.randn(n_curves, degree + 1, generator=draw)
    return curve


@every
def test_values_are_those_of_the_formula(basis, routine):
    x, curve = batch(), bent(basis, routine)
    found = curve(x).detach().numpy()
    for c in range(3):
        a = curve.coefficients[c].detach().numpy()
        _, expected = slow_curve(x[:, c].numpy(), a, basis, routine)
        assert np.abs(found[:, c] - expected).max() < 1e-5 * np.abs(expected).max()


def test_powers_are_a_polynomial():
    """Ten thousand places against numpy, in the unit of the curve."""
    x = torch.linspace(-3, 3, 10_000, dtype=torch.float64).unsqueeze(1)
    curve = SLAF(1, 7, "powers").double()
    curve(x)
    curve._mean.zero_()
    curve._variance.fill_(1 - 1e-8)
    curve.coefficients.data = torch.randn(
        1, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )
    expected = np.polyval(curve.coefficients.detach().numpy()[0, ::-1], x.numpy())
    found = curve.eval()(x).detach().numpy()
    assert np.abs(found - expected).max() < 1e-12 * np.abs(expected).max()


@pytest.mark.parametrize("basis", POLYNOMIAL_BASES)
def test_normalised_elements_have_mean_0_and_variance_1(basis):
    x, curve = batch(), SLAF(3, 6, basis, "normalised").double()
    curve(x)
    g = curve.elements(x)[1:]
    assert g.mean(1).abs().max() < 1e-6
    assert (g.var(1, correction=0) - 1).abs().max() < 1e-6


@every
def test_learning_starts_at_the_identity(basis, routine):
    x = batch().requires_grad_()
    curve = SLAF(3, 10, basis, routine).double()
    y = curve(x)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert (y - x).abs().max() < 1e-10
    assert (gradient - 1).abs().max() < 1e-10
    assert (curve.eval()(x) - x).abs().max() < 1e-10


@every
@pytest.mark.parametrize("training", [True, False])
def test_wild_inputs_have_finite_values_and_gradients(basis, routine, training):
    curve = bent(basis, routine, degree=10).float()
    curve(batch().float())
    x = torch.cat([batch(62).float(), torch.tensor([[1e6] * 3, [-1e6] * 3])]).requires_grad_()
    y = curve.train(training)(x)
    y.square().mean().backward()
    assert bool(y.isfinite().all())
    assert bool(x.grad.isfinite().all())
    assert all(bool(p.grad.isfinite().all()) for p in curve.parameters())


@every
def test_outside_the_support_a_curve_goes_on_straight(basis, routine):
    curve = bent(basis, routine)
    curve(batch())
    curve.eval()
    low, high = curve.support.unbind(1)
    steps = torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64).unsqueeze(1)
    for end, away in ((low, -1.0), (high, 1.0)):
        y = curve(end + away * steps)
        assert (y.diff(n=2, dim=0)).abs().max() < 1e-9 * y.abs().max()
        near = 1e-6 * (high - low)
        inner = (curve(end[None]) - curve((end - away * near)[None])) / near
        assert (inner - (y[1] - y[0])).abs().max() < 1e-4 * (1 + inner.abs().max())


@every
def test_the_derivative_is_the_gradient(basis, routine):
    curve = bent(basis, routine)
    curve(batch())
    x = torch.cat([batch(50, seed=5), torch.full((1, 3), 40.0, dtype=torch.float64)])
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(curve.eval()(x).sum(), x)
    assert (curve.derivative(x) - gradient).abs().max() < 1e-9 * gradient.abs().max()


@pytest.mark.parametrize(("basis", "routine"), [it for it in ALL if it[0] != "empirical"])
def test_gradients_through_the_statistics_of_a_batch(basis, routine):
    """The recurrence of "empirical" is taken as given, so its gradient is none of the value's."""

    def value(x, coefficients):
        fresh = SLAF(3, 4, basis, routine).double()
        return torch.func.functional_call(fresh, {"coefficients": coefficients}, (x,))

    inside = batch(8)  # the largest place of "scaled" is remembered, so it is held fixed
    if routine == "scaled":
        inside = inside[inside.abs().argsort(0).argsort(0).amax(1) < 7]
        inside = torch.cat([inside, 9 * torch.ones(1, 3, dtype=torch.float64)])
    a = bent(basis, routine, degree=4).coefficients.detach().clone().requires_grad_()
    if routine == "scaled":
        loose = inside[:-1].clone().requires_grad_()
        assert torch.autograd.gradcheck(
            lambda x, a: value(torch.cat([x, inside[-1:]]), a), (loose, a)
        )
    else:
        assert torch.autograd.gradcheck(value, (inside.clone().requires_grad_(), a))


@every
def test_a_change_of_unit_changes_only_the_unit(basis, routine):
    """f(c x + d) = c f(x) + d; where the centre is not taken out, d = 0."""
    centred = routine != "scaled" and (basis, routine) != ("powers", "normalised")
    scale, shift = 7.0, 11.0 if centred else 0.0
    x = batch()
    y = bent(basis, routine)(x)
    moved = bent(basis, routine)(scale * x + shift)
    assert (moved - (scale * y + shift)).abs().max() < 1e-5 * moved.abs().max()


@every
def test_evaluation_does_not_depend_on_the_other_rows(basis, routine):
    curve = bent(basis, routine)
    curve(batch())
    curve.eval()
    x = batch(20, seed=3)
    alone = torch.cat([curve(row) for row in x.split(1)])
    assert (curve(x) - alone).abs().max() < 1e-12 * alone.abs().max()


@every
def test_training_and_evaluation_agree_when_statistics_have_settled(basis, routine):
    x, curve = batch(), bent(basis, routine)
    for _ in range(3):
        learned = curve(x)
    settled = curve.eval()(x)
    assert (settled - learned).abs().max() < 1e-9 * learned.abs().max()


def test_memory_is_the_average_of_a_hundred_batches_and_fades_then():
    curve, draw = bent("chebyshev", "clipped"), torch.Generator().manual_seed(0)
    batches = torch.randn(150, 4, 3, generator=draw, dtype=torch.float64)
    for x in batches[:100]:
        curve(x)
    assert (curve._mean - batches[:100].mean((0, 1))).abs().max() < 1e-12
    expected = curve._variance.clone()
    for x in batches[100:]:
        curve(x)
        expected = 0.99 * expected + 0.01 * x.var(0, correction=0)
    assert (curve._variance - expected).abs().max() < 1e-12


def test_the_support_grows_at_once_and_comes_back_slowly():
    curve, x = bent("chebyshev", "clipped"), batch()
    for _ in range(100):
        curve(x)
    narrow = curve.support.clone()
    assert torch.equal(narrow, torch.stack([x.amin(0), x.amax(0)], 1))
    curve(10 * x)
    assert torch.equal(curve.support, 10 * narrow)
    curve(x)
    assert (curve.support - (9.9 + 0.01) * narrow).abs().max() < 1e-10


@every
def test_channels_of_pictures_are_columns(basis, routine):
    x = batch(60).reshape(5, 4, 3, 3).movedim(-1, 1)  # [5, 3, 4, 3]
    pictures, rows = bent(basis, routine), bent(basis, routine)
    expected = rows(x.movedim(1, -1).reshape(-1, 3)).reshape(5, 4, 3, 3).movedim(-1, 1)
    assert torch.equal(pictures(x), expected)


def test_one_curve_can_be_shared():
    x, curve = batch(), bent("chebyshev", "clipped", n_curves=1)
    alone = bent("chebyshev", "clipped", n_curves=1)
    assert torch.equal(curve(x).reshape(-1), alone(x.reshape(-1, 1)).reshape(-1))


def test_the_prior_is_the_mean_squared_bend_of_hermite():
    curve = bent("hermite", "clipped", degree=6, n_curves=1)
    x, w = np.polynomial.hermite_e.hermegauss(40)
    t = torch.tensor(x).unsqueeze(1).requires_grad_()
    curve._variance.fill_(1 - 1e-8)
    curve.support[0] = torch.tensor([-100.0, 100.0])
    (slope,) = torch.autograd.grad(curve.eval()(t).sum(), t, create_graph=True)
    (bend,) = torch.autograd.grad(slope.sum(), t)
    mean_square = float((bend.squeeze(1) ** 2) @ torch.tensor(w / w.sum()))
    assert curve.prior().item() == pytest.approx(mean_square / 2, rel=1e-6)


def test_shrinking_is_the_proximal_step_of_the_prior():
    curve = bent("chebyshev", "clipped")
    before = curve.coefficients.detach().clone()
    curve.shrink(0.3)
    after = curve.coefficients
    (gradient,) = torch.autograd.grad(curve.prior(), after)
    assert ((after - before) / 0.3 + gradient).abs().max() < 1e-12
    assert torch.equal(after[:, :2], before[:, :2])  # constant and line are free


@pytest.mark.parametrize(("basis", "routine"), POLYNOMIAL)
def test_a_curve_composed_in_fractions_is_the_curve(basis, routine):
    curve = bent(basis, routine)
    curve(batch())
    x = batch(5, seed=4)
    for row, values in zip(x.tolist(), curve.eval()(x).tolist(), strict=True):
        found = curve.compose([Fraction(value) for value in row])
        assert [float(value) for value in found] == pytest.approx(values, rel=1e-9, abs=1e-9)


def test_what_is_drawn_is_the_curve_over_its_support():
    curve = bent("chebyshev", "clipped")
    curve(batch())
    x, y = curve.drawn(50)
    assert (torch.stack([x[0], x[-1]], 1) - curve.support).abs().max() < 1e-12
    assert torch.equal(y, curve.eval()(x))


@every
def test_a_saved_curve_is_the_curve(basis, routine):
    curve, other = bent(basis, routine), SLAF(3, 5, basis, routine).double()
    curve(batch())
    other.load_state_dict(curve.state_dict())
    x = batch(30, seed=2)
    assert torch.equal(other.eval()(x), curve.eval()(x))


def test_the_margin_of_max_scaling_is_learned():
    curve = bent("powers", "scaled")
    curve(batch()).square().sum().backward()
    assert bool((curve.margin.grad != 0).all())
    assert bent("powers", "clipped").margin is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SLAF(routine="GC"), "routine must be one of clipped, scaled, normalised"),
        (lambda: SLAF(0), "n_curves must be at least 1; got n_curves=0"),
        (lambda: SLAF(3)(torch.zeros(5, 4)), r"must be \[N, 3, \.\.\]; got shape \[5, 4\]"),
        (lambda: SLAF(3)(torch.zeros(1, 3)), "at least 2 rows; got 1; call `eval"),
        (lambda: SLAF(1).compose([1]), "must be polynomials; basis=.chebyshev."),
    ],
)
def test_errors_say_what_to_do(call, message):
    with pytest.raises(InputError, match=message):
        call()
