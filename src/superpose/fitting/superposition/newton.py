"""Newton's method on the whole data, with the evidence setting every smoothness on the way.

Main curves and pairs are linear in their coefficients, so the problem is convex and each step is
iteratively reweighted least squares (IRLS). With terms the same step is Gauss-Newton: the outputs
are linearised at the present coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from superpose.fitting.superposition.bounds import Bounds
from superpose.fitting.superposition.design import Design
from superpose.fitting.superposition.equations import Equations, equations_of
from superpose.fitting.superposition.evidence import (
    LARGEST_STEP,
    RANGE,
    ascent,
    cautious_ascent,
    log_evidence,
    membership,
    slope_of,
)
from superpose.fitting.superposition.gauge import gauged
from superpose.fitting.superposition.problem import Problem
from superpose.fitting.superposition.steps import Objective, Quadratic, descend, inverse, walk

LEVEL_PRECISION = 1e-6


@dataclass(frozen=True)
class State:
    """Where the fit is: coefficients θ [P], log precisions ρ [G] and the noise variance."""

    theta: torch.Tensor
    rho: torch.Tensor
    noise: float = 1.0


def flat_start(design: Design, problem: Problem) -> State:
    """Return the best constant outputs, every curve flat, λ = 1."""
    start = problem.loss.start(problem.y, problem.weight)
    theta = torch.zeros(len(start), design.n_shared, dtype=torch.float64)
    theta[:, 0] = start
    return State(theta.flatten(), torch.zeros(design.groups()[1], dtype=torch.float64))


@dataclass(frozen=True)
class Solution:
    """Where the fit ended.

    Attributes
    ----------
    state : State
    target : Tensor [P]
        Where the last step would have gone if no curve had a shape.
    covariance : Tensor [P, P]
        Laplace (Gauss-Newton) covariance of θ, noise included.
    freedom : Tensor [G]
        Effective degrees of freedom of each group.
    hessian : Tensor [G, G]
        Of the log evidence in ρ.
    evidence : float
    decrement : float
        How much the penalised loss may still fall: what the last Newton step promised; or, where
        the curvature is constant and there are no terms, how far the fall was from the promise.
    gain : float
        How much the last step in ρ could still raise the evidence.
    iterations : int
    converged : bool
    """

    state: State
    target: torch.Tensor
    covariance: torch.Tensor
    freedom: torch.Tensor
    hessian: torch.Tensor
    evidence: float
    decrement: float
    gain: float
    iterations: int
    converged: bool


def solve(
    design: Design,
    problem: Problem,
    start: State,
    *,
    iterations: int = 40,
    tolerance: float = 2e-2,
    equations: Equations | None = None,
    reach: float = LARGEST_STEP,
) -> Solution:
    """Climb to the mode of θ and the maximum of the evidence in ρ, in turn.

    Parameters
    ----------
    design, problem : Design, Problem
        Over the same rows.
    start : State
        Coefficients, log precisions and noise to begin with.
    iterations : int, default 40
        Steps at most.
    tolerance : float, default 0.02
        It has converged when neither the penalised loss (in nats) nor the log evidence can gain
        more than this in a step.
    equations : Equations, optional
        Over more rows than ``design`` and ``problem`` hold; over theirs if not given.
    reach : float, default 3
        How far a log precision may go in a step.
    """
    groups, n_groups = design.groups()
    member = membership(groups, n_groups)
    normal = gauged(equations or equations_of(design, problem, start.theta), design)
    n_noise = normal.total - 1 if problem.loss.has_noise else 0.0
    held, bounds = hold(groups, design, normal.total), Bounds.of(design)
    state, damping = start, 0.0
    for i in range(iterations):
        precision = member @ state.rho.exp() + held
        information, right = normal.at(state.theta)
        covariance, log_determinant = inverse(information, precision)
        downhill = right - information @ state.theta - precision * state.theta
        target = state.theta + covariance @ downhill
        newton = bounds.step(state.theta, covariance @ downhill, covariance.matmul)
        quadratic = Quadratic(information, precision, downhill, state.theta, bounds)
        decrement = quadratic.fall(newton)  # a damped step is short far from the end, too
        objective = Objective(normal, precision)
        if design.terms:
            theta, fit_loss, damping = descend(objective, quadratic, state.theta, newton, damping)
        else:
            theta, fit_loss, missed = walk(objective, state.theta, newton, decrement)
            if problem.loss.has_noise:  # the curvature, and so the evidence, is that of the end
                decrement = missed
        noise = state.noise
        if n_noise:
            energy = float((precision * theta * theta).sum())
            noise = problem.loss.noise(fit_loss + 0.5 * energy, n_noise)
        along = bounds.face(target, covariance) if bounds else None
        slope = slope_of(theta, covariance, precision, member, state.rho, noise, n_noise, along)
        climb = cautious_ascent(slope) if design.terms or bounds else ascent(slope, reach)
        higher = (state.rho + climb).clamp(*RANGE)
        gain = float((higher - state.rho) @ slope.gradient)
        state = State(theta, state.rho, noise)
        converged = decrement < tolerance * noise and gain < tolerance
        if converged or i == iterations - 1 or problem.deadline.over():
            break
        state = State(theta, higher, noise)
    normaliser = problem.loss.normaliser(noise, n_noise)
    evidence = log_evidence(fit_loss, theta, precision, log_determinant, noise, normaliser)
    return Solution(
        state,
        target,
        covariance * noise,
        slope.freedom,
        slope.hessian,
        evidence,
        decrement / noise,
        gain,
        i + 1,
        converged,
    )


def hold(groups: torch.Tensor, design: Design, total: float) -> torch.Tensor:
    """Return a small precision for biases whose common level the loss cannot see, else 0."""
    return (groups < 0) * (LEVEL_PRECISION * total if design.n_outputs > 1 else 0.0)
