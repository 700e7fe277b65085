"""Curves at places that are not known exactly."""

import numpy as np
import pytest
import torch
from tests.oracles.gaussian_inputs import (
    SquaredExponentialCurve,
    by_simpson,
    gp_kan,
    right,
    svgp_kan,
)

from superpose.curves import EvenBasis, GPBasis, cardinal_moments
from superpose.errors import InputError

MATERN = ["matern12", "matern32", "matern52"]


def number(*values):
    return torch.tensor(values, dtype=torch.float64)


def draws(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def some_covariance(size, seed=1):
    root = draws(size, size, seed=seed) / size**0.5
    return root @ root.mT


def bases():
    uneven = [-1.0, -0.8, -0.1, 0.0, 0.3, 0.45, 0.9, 1.0]
    for name in MATERN:
        yield EvenBasis(9, name, length_scale=0.5)
        yield GPBasis(uneven, name, length_scale=0.4)
    yield GPBasis(uneven, "squared_exponential", length_scale=0.15)


BASES = pytest.mark.parametrize("basis", list(bases()), ids=str)


class ZeroMean(GPBasis):
    """Curves without a line, k(u, U) K⁻¹ z: those of the published formulae."""

    def cardinal(self, u):
        return self.features.values(u) @ self._gram_inverse

    def conditional_variance(self, u):
        phi = self.features.values(u)
        return 1 - ((phi @ self._gram_inverse) * phi).sum(-1)


@BASES
@pytest.mark.parametrize(("mu", "t"), [(0.1, 0.02), (-0.7, 0.4), (1.3, 0.5), (0.0, 3.0)])
def test_equals_simpsons_rule_on_a_fine_grid(basis, mu, t):
    heights = draws(basis.n_heights)
    dense = basis.dense() if isinstance(basis, EvenBasis) else basis

    def curve(x):
        return (basis.cardinal(torch.from_numpy(x)) @ heights).numpy()

    def left_open(x):
        return dense.conditional_variance(torch.from_numpy(x)).numpy()

    truth = by_simpson(curve, left_open, [-3, -1.4, *basis.knots.tolist(), 1.4, 3], mu, t)
    found = cardinal_moments(basis, number(mu), number(t))
    mean, variance = found.curve(heights)
    assert [float(mean), float(variance), float(found.left_open)] == pytest.approx(truth, rel=1e-8)


@pytest.mark.slow
@BASES
def test_agrees_with_a_million_draws(basis):
    """E[y] and Var[y] = E_x[v] + Var_x[f] within three standard errors, heights uncertain."""
    size = basis.n_heights
    heights, covariance, n = draws(size), 0.1 * some_covariance(size), 1_000_000
    dense = basis.dense() if isinstance(basis, EvenBasis) else basis
    generator = torch.Generator().manual_seed(3)
    x = 0.2 + 0.4 * torch.randn(n, dtype=torch.float64, generator=generator)
    total = torch.zeros(4, dtype=torch.float64)
    root = torch.linalg.cholesky(covariance)
    for part in x.split(100_000):
        rows = basis.cardinal(part)
        f = rows @ heights
        v = 0.3 * dense.conditional_variance(part)
        y = f + (rows @ root).square().sum(1).add(v).sqrt() * torch.randn(
            len(part), dtype=torch.float64, generator=generator
        )
        total += torch.stack([(y**k).mean() for k in range(1, 5)]) * len(part) / n
    m1, m2, m3, m4 = total.tolist()
    drawn = m2 - m1**2
    fourth = m4 - 4 * m1 * m3 + 6 * m1**2 * m2 - 3 * m1**4
    found = cardinal_moments(basis, number(0.2), number(0.4))
    mean, variance = found.curve(heights, covariance, prior_variance=0.3)
    assert abs(float(mean) - m1) < 3 * (drawn / n) ** 0.5
    assert abs(float(variance) - drawn) < 3 * ((fourth - drawn**2) / n) ** 0.5


@BASES
@pytest.mark.parametrize("t", [0.0, 1e-9, 0.3, 1e4])
def test_a_straight_line_is_exact_and_a_constant_does_not_vary(basis, t):
    found = cardinal_moments(basis, number(0.2, -7.0), number(t, t))
    mean, variance = found.curve(3 + 2 * basis.knots)
    scale = max(t, 1.0)
    assert mean.tolist() == pytest.approx([3.4, -11.0], abs=1e-10 * scale)
    assert variance.tolist() == pytest.approx([4 * t**2] * 2, rel=1e-6, abs=1e-22)
    assert found.curve(torch.full_like(basis.knots, 5.0))[1].max() < 1e-12 * scale**2


@BASES
def test_a_place_that_is_known_has_the_variance_of_the_curve_there(basis):
    size, u = basis.n_heights, number(-1.5, -0.33, 0.61, 2.0)
    heights, covariance = draws(size), some_covariance(size)
    dense = basis.dense() if isinstance(basis, EvenBasis) else basis
    rows = basis.cardinal(u)
    v = ((rows @ covariance) * rows).sum(1) + 0.7 * dense.conditional_variance(u)
    for t in (0.0, 1e-7):
        mean, variance = cardinal_moments(basis, u, torch.full_like(u, t)).curve(
            heights, covariance, 0.7
        )
        assert mean.tolist() == pytest.approx((rows @ heights).tolist(), abs=1e-6)
        assert variance.tolist() == pytest.approx(v.tolist(), abs=1e-5)


@pytest.mark.parametrize("kernel", MATERN)
def test_a_tiny_spread_is_carried_by_the_slope(kernel):
    basis, heights, u = EvenBasis(9, kernel, length_scale=0.4), draws(9), number(-0.9, 0.1, 1.7)
    slope = basis.cardinal_derivative(u) @ heights
    _, variance = cardinal_moments(basis, u, torch.full_like(u, 1e-6)).curve(heights)
    assert (variance / 1e-12).tolist() == pytest.approx((slope**2).tolist(), rel=1e-4)


@BASES
def test_more_nodes_a_panel_say_the_same(basis, monkeypatch):
    """So the quadrature is good to 1e-12, from a narrow density to one of a thousand axes."""
    sd = number(1e-6, 0.01, 0.1, 0.5, 3.0, 1e3)
    found = cardinal_moments(basis, torch.full_like(sd, 0.13), sd, orders=4)
    monkeypatch.setattr("superpose.curves.moments.NODES", 60)
    more = cardinal_moments(basis, torch.full_like(sd, 0.13), sd, orders=4)
    for name, power in [("first", 1), ("spread", 2), ("hermite", 1), ("left_open", 2)]:
        scale = (1 + sd) ** power
        apart = (getattr(found, name) - getattr(more, name)).abs().reshape(6, -1).amax(1)
        assert float((apart / scale).max()) < 1e-12


@BASES
def test_twice_the_curve_has_four_times_the_variance(basis):
    size = basis.n_heights
    found = cardinal_moments(basis, number(0.2), number(0.3))
    _, variance = found.curve(draws(size), some_covariance(size), 0.5)
    _, larger = found.curve(2 * draws(size), 4 * some_covariance(size), 2.0)
    assert float(larger) == pytest.approx(4 * float(variance), rel=1e-12)


@pytest.mark.parametrize("kernel", MATERN)
def test_far_outside_what_is_open_is_the_prior_and_the_unknown_line(kernel):
    """v0 tends to 1 + hᵀ (Hᵀ K⁻¹ H)⁻¹ h, here with E[h hᵀ], and is never below 1."""
    basis = EvenBasis(9, kernel, length_scale=0.2)
    dense = basis.dense()
    mean, sd = number(6.0, 20.0, -50.0), number(0.1, 2.0, 5.0)
    line = torch.linalg.inv(
        torch.stack([torch.ones(9), dense.knots]).double()
        @ torch.linalg.inv(dense.kernel.value(dense.knots[:, None] - dense.knots))
        @ torch.stack([torch.ones(9), dense.knots], 1).double()
    )
    expected = 1 + line[0, 0] + 2 * mean * line[0, 1] + (mean**2 + sd**2) * line[1, 1]
    found = cardinal_moments(basis, mean, sd).left_open
    assert found.tolist() == pytest.approx(expected.tolist(), rel=1e-9)
    assert bool((found > 1).all())


@pytest.mark.parametrize("kernel", MATERN)
def test_hermite_moments_make_the_spread(kernel):
    """Var[f] = Σ_k a_k²; a smooth curve under a narrow density needs few terms."""
    basis, heights = EvenBasis(9, kernel, length_scale=1.0), draws(9)
    found = cardinal_moments(basis, number(0.13), number(0.05), orders=12)
    _, variance = found.curve(heights)
    assert float((found.hermite[0] @ heights).square().sum()) == pytest.approx(
        float(variance), rel=1e-2 if kernel == "matern12" else 1e-4
    )
    line = cardinal_moments(basis, number(0.1), number(0.2), orders=3).hermite[0] @ (basis.knots)
    assert line.tolist() == pytest.approx([0.2, 0.0, 0.0], abs=1e-12)


def test_moments_have_gradients():
    basis, heights, covariance = EvenBasis(9, length_scale=0.4), draws(9), some_covariance(9)
    place = number(0.13, -0.9), number(0.2, 0.05)

    def moments(mean, sd):
        return torch.cat(cardinal_moments(basis, mean, sd).curve(heights, covariance))

    at = [it.requires_grad_() for it in place]
    assert torch.autograd.gradcheck(moments, at, eps=1e-6, atol=1e-5)


#: Squared exponential over ten knots on [-1.5, 1.5], l = .3, z = sin 3u: E[y], Var_x[f], E_x[v],
#: and the variance by the formula of GP-KAN.
TABLE_A = {
    (0.0, 0.3): (0.0, 0.401746, 0.007312, 0.000027),
    (0.0, 0.6): (0.0, 0.498260, 0.011069, 0.000007),
    (0.5, 0.3): (0.665162, 0.154456, 0.007624, 0.000023),
}


@pytest.mark.parametrize(("mu", "t"), TABLE_A)
def test_what_varies_with_the_place_is_kept_which_gp_kan_averages_out(mu, t):
    mean, varies, unknown, theirs = TABLE_A[mu, t]
    knots = np.linspace(-1.5, 1.5, 10)
    curve = SquaredExponentialCurve(knots, np.sin(3 * knots), 0.3)
    basis = ZeroMean(torch.from_numpy(knots), "squared_exponential", length_scale=0.3)
    found = cardinal_moments(basis, number(mu), number(t))
    ours = found.curve(torch.from_numpy(curve.heights))
    assert right(curve, mu, t) == pytest.approx((mean, varies, unknown), abs=1e-6)
    assert [*map(float, ours), float(found.left_open)] == pytest.approx(
        right(curve, mu, t), abs=1e-9
    )
    assert gp_kan(curve, mu, t)[0] == pytest.approx(mean, abs=1e-6)
    assert gp_kan(curve, mu, t)[1] == pytest.approx(theirs, abs=1e-6)


def test_heights_are_heights_which_svgp_kan_takes_for_weights():
    """At its defaults: 20 points, l = 1, s2 = 1/e, height variance e⁻³, heights sin 2z."""
    knots = np.linspace(-1.5, 1.5, 20)
    curve = SquaredExponentialCurve(knots, np.sin(2 * knots), 1.0, np.exp(-1), np.exp(-3))
    assert svgp_kan(curve, 0.5, 0.0)[0] == pytest.approx(1.072, abs=1e-3)
    assert svgp_kan(curve, 1.0, 0.0)[0] == pytest.approx(1.631, abs=1e-3)
    assert curve([0.5, 1.0]) == pytest.approx([0.841, 0.909], abs=1e-3)
    _, projected, orthogonal, ratio = svgp_kan(curve, 0.0, 0.0)
    assert (projected, orthogonal) == (pytest.approx(0.809, abs=1e-3), 0.0)
    assert ratio == pytest.approx(10.94, abs=1e-2)
    even = EvenBasis(20, "matern52", length_scale=1 / 1.5)  # the same axis over [-1, 1]
    mean, _ = cardinal_moments(even, number(1 / 3, 2 / 3), number(0.0, 0.0)).curve(
        torch.from_numpy(curve.heights)
    )
    assert mean.tolist() == pytest.approx([0.841, 0.909], abs=2e-3)


@pytest.mark.parametrize(
    ("mean", "sd", "found"),
    [
        (number(0.0, torch.nan), number(0.1, 0.1), "1 numbers that are not finite"),
        (number(0.0), number(-0.1), "1 negative sd"),
        (number(0.0), number(0.1, 0.1), "got shapes (1,) and (2,)"),
    ],
)
def test_places_must_be_numbers(mean, sd, found):
    with pytest.raises(InputError, match="mean and sd must be finite") as error:
        cardinal_moments(EvenBasis(9, length_scale=0.5), mean, sd)
    assert found in str(error.value)
