"""The scale of Student's t, set by the evidence: the unit in which the target is measured.

In the right unit the scale σ is that of `superposition.losses.StudentT`. With residuals r in
the present unit, degrees of freedom ν of the distribution and effective degrees of freedom d of the
model, the Laplace evidence is largest for a unit c times as large, with

    Σ w (ν + 1) r² / (νσ²c² + r²) = Σ w - d,

which for ν → ∞ makes the residual variance that of restricted maximum likelihood. Curves and scale
are settled in turn, until the scale stays.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch

from superpose.fitting.superposition.growth import Growth, Rows
from superpose.fitting.superposition.losses import STUDENT_DOF, STUDENT_SCALE, weighted_median
from superpose.fitting.superposition.newton import State

ROUNDS = 12
SETTLED = 2e-3
SMALLEST = 1e-3  # of the spread of the target; below, a fit is as good as without noise
NORMAL = 1.4826  # times the median distance from the median is the standard deviation


def robust_standard(y: torch.Tensor, weight: torch.Tensor) -> tuple[float, float]:
    """Return a centre and a spread of the target that a few wild values do not move.

    Examples
    --------
    >>> import torch
    >>> y = torch.tensor([1.0, 2.0, 3.0, 4.0, 1e9])
    >>> robust_standard(y, torch.ones(5))
    (3.0, 1.4826)
    """
    centre = float(weighted_median(y, weight))
    distance = (y - centre).abs()
    spread = NORMAL * float(weighted_median(distance, weight))
    return centre, spread or float((weight @ distance) / weight.sum()) or 1.0


def settle_scale(growth: Growth) -> float:
    """Fit curves and scale in turn; the growth ends in the right unit, which is returned."""
    total = 1.0
    for _ in range(ROUNDS):
        solution = growth.fit()
        factor = _factor(growth, float(solution.freedom.sum()) + 1)
        factor = max(factor, SMALLEST / total)
        _measure(growth, factor)
        total *= factor
        if abs(math.log(factor)) < SETTLED or growth.rows.problem.deadline.over():
            break
    return total


def additive_scale(rows: Rows) -> tuple[Rows, float]:
    """Return the rows in the unit that is right for main curves alone, and that unit.

    The dial is grown at it: at the smaller scale that pairs and terms may leave, rows that main
    curves miss would all count as wild, and nothing could be grown.
    """
    growth = Growth.additive(rows, torch.ones(len(rows.problem.y), dtype=torch.bool))
    scale = settle_scale(growth)
    return growth.rows, scale


def _factor(growth: Growth, freedom: float) -> float:
    """Solve for c by the fixed point c² ← c² · left / right, which never overshoots."""
    problem = growth.rows.problem
    square = ((problem.y - growth.outputs()[:, 0]) / STUDENT_SCALE) ** 2
    left_over = max(float(problem.weight.sum()) - freedom, 1.0)
    c2 = 1.0
    for _ in range(200):
        pull = (STUDENT_DOF + 1) * square / (STUDENT_DOF * c2 + square).clamp(min=1e-300)
        ratio = float(problem.weight @ pull) / left_over
        c2 = max(c2 * ratio, 1e-12)
        if abs(ratio - 1) < 1e-6:
            break
    return c2**0.5


def _measure(growth: Growth, factor: float) -> None:
    """Measure target, curves and their precisions in a unit that is so many times as large."""
    design, problem, state = growth.design, growth.rows.problem, growth.state
    own = design.n_outputs * design.n_shared
    theta = torch.cat([state.theta[:own] / factor, state.theta[own:]])
    groups = design.groups()[0][:own].unique()
    rho = state.rho.clone()
    rho[groups[groups >= 0]] += 2 * math.log(factor)  # inner curves have no units of the target
    growth.state = State(theta, rho, state.noise)
    growth.rows = replace(growth.rows, problem=replace(problem, y=problem.y / factor))
