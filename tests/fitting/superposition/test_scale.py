"""The scale of Student's t: what it must solve, and what a change of units must keep."""

import pytest
import torch
from tests.fitting.made_problems import encoded, normal, numbers, problem_of, uniform

from superpose.fitting import fit_superposition
from superpose.fitting.superposition.growth import Growth, Rows
from superpose.fitting.superposition.known import Known
from superpose.fitting.superposition.losses import STUDENT_SCALE, Gamma
from superpose.fitting.superposition.scale import _measure, robust_standard, settle_scale


def growth_of(n: int, spread: float) -> Growth:
    x = uniform(n, 2, seed=3)
    y = torch.sin(6 * x[:, 0]) + 0.3 * normal(n, 5)
    attributes = numbers(x, 12)
    problem = problem_of(y / spread, "student_t")
    rows = Rows(tuple(attributes), encoded(attributes, x), problem, "matern32")
    return Growth.additive(rows, torch.ones(n, dtype=torch.bool))


@pytest.mark.parametrize("spread", [0.3, 3.0])
def test_the_scale_solves_its_equation(spread):
    """Σ 5 r² / (4 + r²) = n - dof, with residuals r over the scale; wherever it began."""
    growth = growth_of(60, spread)
    scale = settle_scale(growth)
    square = (growth.rows.problem.y - growth.outputs()[:, 0]) ** 2 / STUDENT_SCALE**2
    freedom = float(growth.solution.freedom.sum()) + 1
    assert freedom > 5
    assert float((5 * square / (4 + square)).sum()) == pytest.approx(60 - freedom, rel=5e-3)
    assert scale * spread * STUDENT_SCALE == pytest.approx(0.25, abs=0.05)


def test_another_unit_is_the_same_model():
    growth = growth_of(60, 0.3)
    growth.fit()
    outputs, theta, rho = growth.outputs(), growth.state.theta, growth.state.rho
    _measure(growth, 4.0)
    assert torch.allclose(4 * growth.outputs(), outputs)
    groups = growth.design.groups()[0]
    before, after = (
        (r.exp()[groups] * t**2)[groups >= 0]
        for r, t in ((rho, theta), (growth.state.rho, growth.state.theta))
    )
    assert torch.allclose(before, after)  # what the prior says of the curves has no unit


def test_a_target_of_one_value_has_a_spread():
    y = torch.full((5,), 3.0)
    assert robust_standard(y, torch.ones(5)) == (3.0, 1.0)
    y[0] = 4.0  # more than half of the values alike
    assert robust_standard(y, torch.ones(5)) == (3.0, pytest.approx(0.2))


def test_held_out_outputs_are_in_units_of_the_target():
    """Also where a pair makes the scale thirty times smaller than it was for the folds."""
    x = uniform(200, 2, seed=1)
    y = 40 * (x[:, 0] - 0.5) * (x[:, 1] - 0.5) + 0.1 * normal(200, 4)
    fit = fit_superposition(numbers(x), x, y, loss="student_t", pairs=1, terms=0)
    slope = float(fit.held_out[:, 0] @ y / (y @ y))
    assert slope == pytest.approx(1.0, abs=0.2)
    assert fit.noise < 0.3


def test_with_an_exposure_the_best_constant_is_the_log_of_the_mean():
    weight = torch.tensor([1.0, 2.0, 0.0], dtype=torch.float64)
    offset = torch.tensor([[-9.0], [4.0], [99.0]], dtype=torch.float64)
    known = Known.of(Gamma(), offset, weight)
    assert float(weight @ known.of_outputs[:, 0].exp()) == pytest.approx(3.0)
    assert torch.allclose(known.of_outputs + known.level, offset)
