"""Closed forms: their laws, and their recovery from draws of their own."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from superpose.curves import FORMS, Form, Sighting, fit_form, sight, simplest_form
from superpose.errors import InputError

#: (a, b) where the form bends over -0.4 to 2.9; c = 1.7 and d = -0.6 for all.
ARGUMENTS = {
    "square": (1.0, -0.6),
    "cube": (1.0, 0.4),
    "fourth power": (1.0, 0.5),
    "exp": (0.8, 0.0),
    "sin": (2.3, 0.4),
    "tanh": (1.7, -0.5),
    "arctan": (2.0, 0.3),
    "Gaussian": (1.2, 0.3),
    "bell": (1.5, -0.4),
    "log sin": (0.7, 0.6),
    "log cosh": (1.5, -0.7),
    "log bell": (1.3, -0.4),
    "log log": (0.8, 1.6),
    "abs": (1.0, -0.7),
    "step": (1.0, -0.5),
}
SUPPORT = (-0.4, 2.9)
EACH = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())


def truth(form: Form) -> tuple[float, float, float, float]:
    a, b = ARGUMENTS.get(form.name, (1.0, 0.9))
    return form.normal(a, b, 1.7, -0.6)


def inside(form: Form, n: int = 9) -> np.ndarray:
    """Arguments at which the form is defined, away from its kinks."""
    low = 1.1 if form.name == "log log" else 0.2 if form.positive else -0.93
    return np.linspace(low, 2.9, n) if form.name != "log sin" else np.linspace(0.1, 3.0, n)


@EACH
def test_the_slope_is_that_of_the_value(form: Form) -> None:
    t, h = inside(form), 1e-6
    numeric = (form.value(t + h) - form.value(t - h)) / (2 * h)
    np.testing.assert_allclose(form.slope(t), numeric, rtol=1e-7, atol=1e-7)


@EACH
def test_what_is_written_is_what_is_computed(form: Form) -> None:
    t = sympy.Symbol("t", real=True)
    written = form.write(sympy, t)
    found = [float(written.subs(t, float(value))) for value in inside(form)]
    np.testing.assert_allclose(form.value(inside(form)), found, rtol=1e-12, atol=1e-14)


@EACH
def test_the_gradient_is_that_of_the_curve(form: Form) -> None:
    x = np.linspace(*SUPPORT, 8)  # no kink falls on a place
    parameters = np.array(truth(form))
    slopes, h = form.gradient(x, *parameters), 1e-6
    for k in range(4):
        step = np.zeros(4)
        step[k] = h
        numeric = form.curve(x, *(parameters + step)) - form.curve(x, *(parameters - step))
        np.testing.assert_allclose(slopes[:, k], numeric / (2 * h), rtol=1e-6, atol=1e-6)


@EACH
@pytest.mark.parametrize("turn", [1.0, -1.0])
def test_normal_parameters_give_the_same_curve(form: Form, turn: float) -> None:
    a, b = 0.6, 3.4
    if turn < 0 and (form.parity or not form.positive):
        a, b = -a, 1.9
    x = np.linspace(-0.3, 1.1, 11)
    normal = form.normal(a, b, 1.3, -0.4)
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(form.curve(x, *normal), form.curve(x, a, b, 1.3, -0.4))
    if "a" not in form.free:
        assert abs(normal[0]) == 1
    if "b" not in form.free:
        assert normal[1] == 0


@pytest.mark.parametrize(
    "form", [f for f in FORMS.values() if f.name != "step"], ids=[n for n in FORMS if n != "step"]
)
def test_a_form_is_recovered_from_its_own_curve(form: Form) -> None:
    parameters = truth(form)
    fit = fit_form(form, sight(lambda x: form.curve(x, *parameters), SUPPORT, 16, noise=1e-8))
    np.testing.assert_allclose(fit.parameters, parameters, atol=1e-6)
    assert fit.inside
    assert fit.r2 == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["affine", "square", "exp", "log", "sin", "tanh", "Gaussian"])
def test_the_simplest_inside_a_narrow_band_is_the_form_of_the_curve(name: str) -> None:
    form = FORMS[name]
    seen = sight(lambda x: form.curve(x, *truth(form)), SUPPORT, 16, noise=1e-8)
    assert simplest_form(seen).chosen.form is form


def test_a_step_is_found_between_two_places() -> None:
    step = FORMS["step"]
    seen = sight(lambda x: step.curve(x, 1.0, -0.5, 1.7, -0.6), SUPPORT, 30, noise=1e-3)
    fit = fit_form(step, seen)
    assert fit.parameters[1] == pytest.approx(-0.5, abs=3.3 / 29)
    assert fit.parameters[2:] == pytest.approx((1.7, -0.6), abs=1e-9)
    assert fit.errors[1] == np.inf  # the places leave it open


@pytest.mark.parametrize("name", ["affine", "exp", "log", "sin", "Gaussian"])
def test_standard_errors_cover(name: str) -> None:
    """Of 100 noisy draws, the true parameters are within two errors as often as they should be."""
    form, generator = FORMS[name], np.random.default_rng(0)
    parameters = np.array(truth(form))
    x, noise = np.linspace(*SUPPORT, 24), 0.01
    scores = []
    for _ in range(100):
        y = form.curve(x, *parameters) + noise * generator.standard_normal(len(x))
        fit = fit_form(form, Sighting(x, y, np.full(24, 1 / noise), x, y, np.full(24, noise)))
        free = np.array(fit.errors) > 0
        scores.append((np.array(fit.parameters) - parameters)[free] / np.array(fit.errors)[free])
    share = (np.abs(scores) < 1.96).mean(0)
    assert (np.abs(share - 0.95) < 0.065).all()  # 3 standard deviations of 100 draws


def test_the_fit_with_a_covariance_is_generalised_least_squares() -> None:
    """For a straight line the fit is the closed form of Aitken."""
    generator = np.random.default_rng(1)
    x, draw = np.linspace(0, 1, 8), generator.standard_normal((8, 8))
    covariance, y = draw @ draw.T + np.eye(8), generator.standard_normal(8)
    root = np.linalg.inv(np.linalg.cholesky(covariance))
    fit = fit_form(FORMS["affine"], Sighting(x, y, root, x, y, np.ones(8)))
    columns = np.stack([x, np.ones(8)], 1)
    normal = columns.T @ np.linalg.solve(covariance, columns)
    expected = np.linalg.solve(normal, columns.T @ np.linalg.solve(covariance, y))
    np.testing.assert_allclose(fit.parameters[2:], expected, rtol=1e-10)
    np.testing.assert_allclose(fit.errors[2:], np.sqrt(np.diag(np.linalg.inv(normal))), rtol=1e-8)
    residual = y - columns @ expected
    squares = residual @ np.linalg.solve(covariance, residual)
    assert fit.log_evidence == pytest.approx(-squares / 2 - np.log(8) - 2 * np.log(2))


def test_a_wide_band_takes_a_line_and_a_narrow_one_the_wave() -> None:
    def wave(x: np.ndarray) -> np.ndarray:
        return np.asarray(0.3 * x + 0.05 * np.sin(4 * x))

    wide = simplest_form(sight(wave, (-1, 1), 20, noise=0.05))
    assert wide.chosen.name == "affine"
    assert wide.inside
    narrow = simplest_form(sight(lambda x: wave(x) - 0.3 * x, (-1, 1), 20, noise=1e-4))
    assert narrow.chosen.name == "sin"
    assert narrow.chosen.parameters[0] == pytest.approx(4, abs=1e-4)


def test_where_no_form_is_inside_it_says_so() -> None:
    found = simplest_form(sight(lambda x: np.sin(3 * x) + x**2, (-3, 3), 30, noise=1e-3))
    assert not found.inside
    assert found.chosen is found.ranked[0]
    assert found.chosen.gap > 1
    assert found.chosen.largest > 0.1
    assert found.chosen.r2 < 1
    assert "<" in str(found)


def test_the_band_holds_the_whole_truth_at_its_level() -> None:
    """The form of the truth is inside at 95 % in at least 95 % of draws, up to their noise."""
    generator, form = np.random.default_rng(2), FORMS["exp"]
    times = 0
    for _ in range(100):
        noise = generator.standard_normal(15) * 0.1

        def curve(x: np.ndarray, noise: np.ndarray = noise) -> np.ndarray:
            return np.exp(x) + np.interp(x, np.linspace(0, 2, 15), noise)

        times += fit_form(form, sight(curve, (0, 2), 15, noise=0.1)).inside
    assert times / 100 > 0.9


def test_a_form_of_ones_own_is_one_entry() -> None:
    starts = np.array([(a, b) for a in np.linspace(0.2, 3, 15) for b in np.linspace(-2, 2, 21)])
    own = Form("cosine of a square", lambda t: np.cos(t**2), lambda t: -2 * t * np.sin(t**2),
               lambda s, t: s.cos(t**2), 2, starts, "a", "b", 1)  # fmt: skip
    seen = sight(lambda x: 2 * np.cos((1.3 * x - 0.2) ** 2) + 1, (-1.5, 1.5), 30, noise=1e-6)
    found = simplest_form(seen, {**FORMS, own.name: own})
    assert found.chosen.form is own
    assert found.chosen.parameters == pytest.approx((1.3, -0.2, 2, 1), abs=1e-6)
    x = sympy.Symbol("x")
    assert float(found.chosen.expression(x).subs(x, 0.5)) == pytest.approx(
        2 * np.cos(0.45**2) + 1, abs=1e-6
    )


def test_a_curve_without_a_band_has_no_formula() -> None:
    with pytest.raises(InputError, match="a formula needs the curve's band"):
        sight(np.sin, (0, 1), 9)
    with pytest.raises(InputError, match="the support of a curve must be a range"):
        sight(np.sin, (1, 0), 9, noise=0.1)
    with pytest.raises(InputError, match="level must be between 0 and 1"):
        sight(np.sin, (0, 1), 9, noise=0.1, level=2)


@EACH
@pytest.mark.parametrize("size", [0.0, 1e-300, 1e150])
def test_a_curve_of_no_size_or_of_a_huge_one_breaks_nothing(form: Form, size: float) -> None:
    fit = fit_form(form, sight(lambda x: size * np.sin(x), (0, 1), 9, noise=1e-3 * (size or 1)))
    assert not np.isnan(fit.gap)
