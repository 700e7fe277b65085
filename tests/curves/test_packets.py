"""Packets against the published identities and a forty-digit dense oracle."""

import numpy as np
import pytest
import torch
from tests.oracles.dense_gp import ORDERS, extended_kriging, kriging

from superpose.curves import GPBasis, kernel
from superpose.curves.packet_coefficients import coefficients
from superpose.curves.packets import KernelPackets

# U = -4, -3, .., 4; length scale 1.5; zero mean; z = sin U; computed in 40 digits:
# f(0.3), f'(0.3), v0(0.3), zᵀ K⁻¹ z, log det K, f(6)
TABLE = {
    "matern12": (
        0.2362356628, 0.7979236799, 0.2716398612, 4.697500705, -2.447823547, -0.19949097,
    ),
    "matern32": (
        0.2884651999, 0.9426458394, 0.0393339687, 4.703059979, -5.402128931, -0.33056321,
    ),
    "matern52": (
        0.2953148574, 0.9566029875, 0.0112434901, 4.748259180, -7.259560218, -0.39569086,
    ),
}  # fmt: skip


def packets(name, knots, length_scale):
    return KernelPackets(torch.as_tensor(knots, dtype=torch.float64), kernel(name, length_scale))


def jittered(size, seed):
    """Increasing knots with gaps between 0.2 and 1.8 of their mean."""
    gaps = np.random.default_rng(seed).uniform(0.2, 1.8, size - 1)
    return np.concatenate([[0.0], np.cumsum(gaps)]) / gaps.sum()


@pytest.mark.parametrize("name", TABLE)
def test_zero_mean_interpolant_matches_the_forty_digit_table(name):
    knots = torch.arange(-4.0, 5.0, dtype=torch.float64)
    basis = packets(name, knots, 1.5)
    weights = basis.weights(torch.sin(knots)[:, None])[:, 0]
    x = torch.tensor([0.3, 6.0], dtype=torch.float64)
    phi = basis.values(x)
    value, far = phi @ weights
    slope = basis.slopes(x)[0] @ weights
    variance = 1 - phi[0] @ basis.gram_inverse() @ phi[0]
    energy = basis.squared_norm(weights)
    found = [value, slope, variance, energy, basis.log_determinant()]
    assert [float(v) for v in found] == pytest.approx(TABLE[name][:5], rel=2e-9)
    assert float(far) == pytest.approx(TABLE[name][5], abs=5e-9)


@pytest.mark.parametrize("name", ORDERS)
@pytest.mark.parametrize("places", ["uniform", "jittered"])
def test_bands_and_active_counts(name, places):
    p, size = ORDERS[name], 40
    knots = np.linspace(0, 1, size) if places == "uniform" else jittered(size, 1)
    basis = packets(name, knots, 5 / size)
    distance = np.abs(np.subtract.outer(np.arange(size), np.arange(size)))
    dense_phi = basis._covariance.numpy() @ basis.a  # Phi = K A, before any zero is written
    gram = basis.a.T @ dense_phi
    assert np.abs(basis.a[distance > p]).max(initial=0) == 0
    assert np.abs(dense_phi[distance > p - 1]).max() < 1e-10
    assert np.abs(gram[distance > 2 * p - 1]).max() < 1e-10 * np.abs(gram).max()
    u = torch.linspace(-0.5, 1.5, 2001, dtype=torch.float64)
    active = (basis.values(u) != 0).sum(1).numpy()
    inside = (u.numpy() > 0) & (u.numpy() < 1)
    assert active[inside].max() == 2 * p
    assert active[~inside].max() == p
    assert basis.active(u)[1].shape == (2001, 2 * p)
    largest = basis.values(torch.linspace(0, 1, 4001, dtype=torch.float64)).abs().amax(0)
    assert largest.numpy() == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize(
    ("name", "size", "ratio", "expected"),
    [
        ("matern12", 200, 10, 1.0),
        ("matern32", 50, 5, 3.6),
        ("matern32", 200, 10, 4.0),
        ("matern52", 50, 5, 13.0),
        ("matern52", 200, 10, 18.0),
    ],
)
def test_condition_number_of_phi(name, size, ratio, expected):
    basis = packets(name, np.linspace(0, 1, size), ratio / (size - 1))
    assert np.linalg.cond(basis.phi) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("p", [1, 2, 3])
@pytest.mark.parametrize("h", [1e-3, 0.2, 0.6, 2.0])
def test_null_vectors_on_uniform_knots_have_the_closed_form(p, h):
    """Interior (1 - 2 cosh(h) S + S²)^p; left boundary (S - e^h)^p (S - e^-h)^i."""
    a = coefficients(np.arange(12.0) * h, 1.0, p)
    interior = np.array([1.0])
    for _ in range(p):
        interior = np.convolve(interior, [1.0, -2 * np.cosh(h), 1.0])
    column = a[:, 5][a[:, 5] != 0]
    assert column / column[0] == pytest.approx(interior / interior[0], rel=1e-9)
    for i in range(p):
        expected = np.poly([np.exp(h)] * p + [np.exp(-h)] * i)[::-1]
        left, right = a[: p + 1 + i, i], a[::-1, ::-1][: p + 1 + i, i]
        assert left / left[0] == pytest.approx(expected / expected[0], rel=1e-9)
        assert right / right[0] == pytest.approx(expected / expected[0], rel=1e-9)


def test_first_order_packet_on_uneven_knots_has_the_closed_form():
    d1, d2 = 0.3, 0.8
    a = coefficients(np.array([-1.0, 0.0, d1, d1 + d2, 3.0]), 1.0, 1)[1:4, 2]
    expected = [1 / np.sinh(d1), -1 / np.tanh(d1) - 1 / np.tanh(d2), 1 / np.sinh(d2)]
    assert a / a[0] == pytest.approx(np.array(expected) / expected[0], rel=1e-12)


@pytest.mark.parametrize("name", ORDERS)
@pytest.mark.parametrize("places", ["uniform", "jittered"])
@pytest.mark.parametrize("ratio", [0.3, 1.0, 3.0, 10.0])
def test_curve_equals_the_dense_oracle(name, places, ratio):
    size = 24
    knots = np.linspace(0, 1, size) if places == "uniform" else jittered(size, 2)
    compare_with_oracle(name, knots, ratio / (size - 1))


@pytest.mark.skipif(np.finfo(np.longdouble).eps > 1e-18, reason="needs extended precision")
@pytest.mark.parametrize("name", ORDERS)
@pytest.mark.parametrize("places", ["uniform", "jittered"])
def test_two_hundred_knots_equal_an_extended_precision_oracle(name, places):
    size, length_scale = 200, 10 / 199
    knots = np.linspace(0, 1, size) if places == "uniform" else jittered(size, 3)
    heights = np.random.default_rng(1).normal(size=size)
    at = np.random.default_rng(2).uniform(-0.01, 1.01, 400).astype(np.float32).astype(np.float64)
    mean = extended_kriging(knots, name, length_scale, heights, at)
    scale = max(np.abs(heights).max(), np.abs(mean).max())
    basis = GPBasis(knots, name, length_scale=length_scale)
    u, z = torch.from_numpy(at), torch.from_numpy(heights)
    assert (basis.cardinal(u) @ z).numpy() == pytest.approx(mean, abs=1e-10 * scale)
    found = basis.to(torch.float32).cardinal(u.float()) @ z.float()
    assert found.double().numpy() == pytest.approx(mean, abs=1e-6 * scale)


def compare_with_oracle(name, knots, length_scale):
    rng = np.random.default_rng(0)
    heights = rng.normal(size=len(knots))
    places = np.concatenate([rng.uniform(-0.05, 1.05, 8), [-0.7, 2.0], knots[2:4]])
    places = places.astype(np.float32).astype(np.float64)
    mean, variance, energy = kriging(knots, name, length_scale, heights, places)
    size = max(np.abs(heights).max(), np.abs(mean).max())
    basis = GPBasis(knots, name, length_scale=length_scale)
    u, z = torch.from_numpy(places), torch.from_numpy(heights)
    assert (basis.cardinal(u) @ z).numpy() == pytest.approx(mean, abs=1e-10 * size)
    assert basis.conditional_variance(u).numpy() == pytest.approx(variance, rel=1e-9, abs=1e-10)
    assert float(basis.quadratic_form(z)) == pytest.approx(energy, rel=1e-9)
    single = basis.to(torch.float32)
    found = single.cardinal(u.float()) @ z.float()
    assert found.double().numpy() == pytest.approx(mean, abs=1e-6 * size)
