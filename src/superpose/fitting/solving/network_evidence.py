"""Levenberg-Marquardt steps on all heights of a network, and the evidence on the way.

The objective is ½ Σ (y - f)² / σ² + ½ Σ_g λ_g |θ_g|². After every step MacKay's fixed point
(MacKay, 1992, Neural Computation 4:448) sets, with S the covariance of θ at the linearised network,

    γ_g = Σ_{j in g} (1 - λ_g S_jj),      λ_g = γ_g / |θ_g|²,      σ² = Σ (y - f)² / (N K - Σ γ_g).

While the fit is poor σ² is large and the curves are held; as it falls they are let go.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch

from superpose.fitting.deadline import Deadline
from superpose.fitting.solving.network_problem import NetworkProblem
from superpose.fitting.superposition.bounds import Bounds
from superpose.fitting.superposition.evidence import log_evidence
from superpose.fitting.superposition.steps import Quadratic, inverse

FASTEST_PRIOR, FASTEST_NOISE = 2.0, 30.0  # of a log precision, and of σ² as a factor, in a step
SMALLEST_NOISE = 1e-20
"""Of the variance of the target: its rounding."""
PRIOR_RANGE = (-16.0, 18.0)
FIRST_DAMPING, SMALLEST_DAMPING, TRIALS = 1e-2, 1e-10, 12
SMALLEST_SHARE, POOR_SHARE, GOOD_SHARE = 1e-4, 0.25, 0.75  # of the fall that was promised
SETTLED = 0.1
"""Nats that a step may still promise at the end."""
PATIENCE, SLOW = 5, 2e-2
"""It ends, too, where so many steps raise the evidence by less than this a row: σ by 2 %."""
FREE = Bounds(torch.zeros(0, 0), torch.zeros(0, dtype=torch.long), ())


@dataclass(frozen=True)
class NetworkState:
    """Where a fit is: coefficients θ [P], log λ [G] and σ²."""

    theta: torch.Tensor
    log_precision: torch.Tensor
    noise: float


@dataclass(frozen=True)
class Climbed:
    """Where steps ended.

    Attributes
    ----------
    state : NetworkState
    covariance : Tensor [P, P]
        Of θ, noise included.
    freedom : Tensor [G]
        γ of every group.
    evidence : float
    loss : float
        ½ Σ (y - f)².
    steps : int
    """

    state: NetworkState
    covariance: torch.Tensor
    freedom: torch.Tensor
    evidence: float
    loss: float
    steps: int


def climb(
    problem: NetworkProblem,
    state: NetworkState,
    *,
    steps: int,
    fixed_noise: bool,
    deadline: Deadline,
) -> Climbed:
    """Go up to so many steps, until the next one promises next to nothing.

    Where the steps are worked out precisions are in units of 1 / σ², as in `steps`.
    """
    damping, climbed = FIRST_DAMPING, []
    for step in range(steps):
        at = problem.at(state.theta)
        if not at.sums_fit:
            state = replace(state, theta=problem.cover(state.theta))
            at = problem.at(state.theta)
        precision = (problem.member @ state.log_precision.exp() + problem.held) * state.noise
        covariance, log_determinant = inverse(at.information, precision)
        downhill = at.right - precision * state.theta
        quadratic = Quadratic(at.information, precision, downhill, state.theta, FREE)
        promised = 0.5 * float(downhill @ (covariance @ downhill))
        theta, loss, damping = _descend(problem, quadratic, at.loss, damping)
        normaliser = -0.5 * problem.total * math.log(2 * math.pi * state.noise)
        found = Climbed(
            replace(state, theta=theta),
            covariance * state.noise,
            problem.member.mT @ (1 - precision * covariance.diagonal()),
            log_evidence(loss, theta, precision, log_determinant, state.noise, normaliser),
            loss,
            step + 1,
        )
        state = _next(problem, found, fixed_noise)
        climbed.append(found.evidence)
        slow = step >= PATIENCE and climbed[-1] - climbed[-1 - PATIENCE] < SLOW * problem.total
        if slow or promised < SETTLED * found.state.noise or deadline.over():
            break
    return found


def _descend(
    problem: NetworkProblem, quadratic: Quadratic, loss: float, damping: float
) -> tuple[torch.Tensor, float, float]:
    """Return θ and loss after a step, and the damping for the next (Marquardt, 1963).

    The damping follows how much of the promised fall came true. It goes down to next to nothing:
    the valleys of composed curves are long and flat, and a step without any leaves them.
    """
    theta = quadratic.theta
    before = loss + 0.5 * float(quadratic.precision @ theta**2)
    for _ in range(TRIALS):
        step = quadratic.step(damping)
        loss_after = problem.value(theta + step)
        after = loss_after + 0.5 * float(quadratic.precision @ (theta + step) ** 2)
        share = (before - after) / max(quadratic.fall(step), 1e-300)
        if math.isfinite(after) and share > SMALLEST_SHARE:
            if share > GOOD_SHARE:
                damping = max(damping / 5, SMALLEST_DAMPING)
            elif share < POOR_SHARE:
                damping *= 2
            return theta + step, loss_after, damping
        damping = max(4 * damping, 1e4 * SMALLEST_DAMPING)
    return theta, loss, damping


def _next(problem: NetworkProblem, found: Climbed, fixed_noise: bool) -> NetworkState:
    """Return MacKay's fixed point for the precisions and the noise, or a part of the way."""
    state = found.state
    freedom = found.freedom.clamp(min=1e-3)
    energy = (problem.member.mT @ state.theta**2).clamp(min=1e-12)
    change = ((freedom / energy).log() - state.log_precision).clamp(-FASTEST_PRIOR, FASTEST_PRIOR)
    higher = (state.log_precision + change).clamp(*PRIOR_RANGE)
    noise = state.noise
    if not fixed_noise:
        left = max(problem.total - float(found.freedom.sum()), 0.05 * problem.total)
        noise = max(2 * found.loss / left, noise / FASTEST_NOISE, SMALLEST_NOISE)
    return NetworkState(state.theta, higher, noise)
