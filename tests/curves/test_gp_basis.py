"""Laws and limits of the curve basis."""

import numpy as np
import pytest
import torch
from scipy.interpolate import CubicSpline

from superpose.curves import GPBasis
from superpose.errors import ConvergenceWarning, InputError

MATERN = ["matern12", "matern32", "matern52"]
KNOTS = np.array([0.0, 0.07, 0.2, 0.28, 0.4, 0.55, 0.6, 0.74, 0.9, 1.0])
WITHIN = torch.linspace(0, 1, 401, dtype=torch.float64)


def test_long_length_scales_give_the_natural_cubic_spline():
    z = np.sin(5 * KNOTS)
    spline = torch.from_numpy(CubicSpline(KNOTS, z, bc_type="natural")(WITHIN.numpy()))
    errors = []
    for length_scale in (10.0, 100.0, 1000.0):
        basis = GPBasis(KNOTS, "matern32", length_scale=length_scale)
        errors.append(float((basis.cardinal(WITHIN) @ torch.from_numpy(z) - spline).abs().max()))
    assert errors[2] < 1e-4
    assert errors[0] / errors[1] == pytest.approx(10, rel=0.3)  # the error falls as 1 / l
    assert errors[1] / errors[2] == pytest.approx(10, rel=0.3)


def test_long_length_scales_of_order_one_half_give_linear_interpolation():
    z = np.sin(5 * KNOTS)
    linear = torch.from_numpy(np.interp(WITHIN.numpy(), KNOTS, z))
    errors = []
    for length_scale in (1.0, 10.0, 100.0):
        basis = GPBasis(KNOTS, "matern12", length_scale=length_scale)
        errors.append(float((basis.cardinal(WITHIN) @ torch.from_numpy(z) - linear).abs().max()))
    assert errors[2] < 1e-6
    assert errors[0] / errors[1] == pytest.approx(100, rel=0.3)  # the error falls as l^-2


@pytest.mark.parametrize("name", MATERN)
@pytest.mark.parametrize("length_scale", [0.01, 0.1, 1.0, 30.0])
def test_straight_lines_are_free_and_go_on_outside(name, length_scale):
    basis = GPBasis(KNOTS, name, length_scale=length_scale)
    line = 3 - 2 * basis.knots
    weights = basis._weight_rows @ line
    assert weights.abs().max() < 1e-9
    assert float(basis.quadratic_form(line)) < 1e-9
    far = torch.tensor([-1e6, -3.0, 0.33, 2.0, 1e6], dtype=torch.float64)
    assert (basis.cardinal(far) @ line).numpy() == pytest.approx((3 - 2 * far).numpy(), rel=1e-9)


@pytest.mark.parametrize("name", MATERN)
def test_far_outside_the_curve_is_the_least_squares_line_and_the_band_widens(name):
    basis = GPBasis(KNOTS, name, length_scale=0.2)
    z = torch.sin(9 * basis.knots)
    h = torch.stack([torch.ones_like(basis.knots), basis.knots], 1)
    k = basis.kernel.value(basis.knots[:, None] - basis.knots)
    ab = torch.linalg.solve(h.T @ torch.linalg.solve(k, h), h.T @ torch.linalg.solve(k, z))
    u = torch.tensor([-1e6, -50.0, 50.0, 1e6], dtype=torch.float64)
    assert (basis.cardinal(u) @ z).numpy() == pytest.approx((ab[0] + ab[1] * u).numpy(), rel=1e-9)
    assert (basis.cardinal_derivative(u) @ z).numpy() == pytest.approx(float(ab[1]), rel=1e-9)
    outside = torch.tensor([1.0, 1.1, 1.5, 3.0, 10.0, 1e6], dtype=torch.float64)
    variance = basis.conditional_variance(outside)
    assert bool((variance.diff() > 0).all())
    assert bool(variance.isfinite().all())
    assert float(variance[-1]) > 1.0


def test_variance_is_zero_at_knots_and_positive_between():
    for name in MATERN:
        basis = GPBasis(KNOTS, name, length_scale=0.5)
        assert float(basis.conditional_variance(basis.knots).max()) < 1e-12
        middle = (basis.knots[1:] + basis.knots[:-1]) / 2
        assert float(basis.conditional_variance(middle).min()) > 1e-9


@pytest.mark.parametrize("name", MATERN)
@pytest.mark.parametrize("length_scale", [0.05, 0.5, 5.0])
def test_log_determinant_is_that_of_the_precision_without_its_null_space(name, length_scale):
    basis = GPBasis(KNOTS, name, length_scale=length_scale)
    eigenvalues = torch.linalg.eigvalsh(basis.precision())
    assert float(eigenvalues[:2].abs().max()) < 1e-9 * float(eigenvalues[-1])
    assert float(-eigenvalues[2:].log().sum()) == pytest.approx(
        float(basis.log_determinant()), rel=1e-6
    )


def test_long_length_scales_keep_the_algebra_exact():
    """Four thousand knot spacings: K itself is singular in float64, packets do not care."""
    basis = GPBasis(np.linspace(0, 1, 41), "matern32", length_scale=100.0)
    rows = basis.cardinal(WITHIN)
    assert (rows.sum(1) - 1).abs().max() < 1e-9
    assert (basis.cardinal(basis.knots) - torch.eye(41, dtype=torch.float64)).abs().max() < 1e-9


def test_one_knot_is_a_constant_and_two_a_line():
    u = torch.tensor([-3.0, 0.4, 7.0], dtype=torch.float64)
    one, two = GPBasis([0.4], length_scale=0.3), GPBasis([0.0, 1.0], length_scale=0.3)
    assert one.cardinal(u).tolist() == [[1.0], [1.0], [1.0]]
    assert one.precision().abs().max() < 1e-15
    assert float(one.log_determinant()) == pytest.approx(0, abs=1e-14)
    assert two.cardinal(u).numpy() == pytest.approx(np.array([[4, -3], [0.6, 0.4], [-6, 7]]))
    assert two.precision().abs().max() < 1e-14
    assert float(two.log_determinant()) == pytest.approx(0, abs=1e-12)


def test_isolated_knots_fall_back_to_plain_kernels():
    knots = torch.tensor([0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.97, 0.98, 1.0])
    basis = GPBasis(knots, "matern52", length_scale=0.02)
    assert not hasattr(basis.features, "phi")
    identity = basis.cardinal(basis.knots)
    assert (identity - torch.eye(10, dtype=torch.float64)).abs().max() < 1e-9


def test_singular_covariance_is_rescued_aloud():
    with pytest.warns(ConvergenceWarning, match="added 1e-08 to its diagonal"):
        basis = GPBasis(np.linspace(0, 1, 20), "squared_exponential", length_scale=0.5)
    assert basis.features.jitter == 1e-8
    assert basis.features.covariance[0, 0].item() == 1 + 1e-8


@pytest.mark.parametrize("knots", [[], [0.0, 0.0], [1.0, 0.0], [0.0, float("nan")]])
def test_knots_must_increase(knots):
    with pytest.raises(InputError, match="knots must be finite and strictly increasing; got"):
        GPBasis(knots, length_scale=1.0)


def test_a_million_rows_are_finite_and_quick_enough_in_chunks():
    basis = GPBasis(np.linspace(0, 1, 20), "matern32", length_scale=0.3)
    u = torch.rand(200_000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert basis.cardinal(u)[::1000].numpy() == pytest.approx(
        basis.cardinal(u[::1000]).numpy(), abs=1e-15
    )
