"""Newton's method on the whole data, with the evidence setting every smoothness on the way.

Main curves and pairs are linear in their coefficients, so the problem is convex and each step is
iteratively reweighted least squares (IRLS). With terms the same step is Gauss-Newton: the outputs
are linearised at the present coefficients.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from superpose.fitting.design import Design, Linearised
from superpose.fitting.evidence import (
    LARGEST_STEP,
    RANGE,
    ascent,
    log_evidence,
    membership,
    slope_of,
)
from superpose.fitting.losses import Loss

HALVINGS = 12
SMALLEST_CURVATURE = 1e-10
LEVEL_PRECISION = 1e-6
FIRST_DAMPING = 0.05
CAUTIOUS_STEP = 0.7  # in ρ, where terms make the outputs bend with the coefficients


@dataclass(frozen=True)
class Problem:
    """What is to be explained: targets y [N], weights [N] and the loss."""

    y: torch.Tensor
    weight: torch.Tensor
    loss: Loss
    offset: torch.Tensor | None = None  # [N, K], added to the outputs

    def rows(self, kept: torch.Tensor) -> Problem:
        """Return some of the rows."""
        offset = None if self.offset is None else self.offset[kept]
        return replace(self, y=self.y[kept], weight=self.weight[kept], offset=offset)

    def outputs(self, f: torch.Tensor) -> torch.Tensor:
        """Return the outputs with the offset added."""
        return f if self.offset is None else f + self.offset

    def value(self, f: torch.Tensor) -> float:
        """Return the weighted loss, unpenalised, of outputs with their offset."""
        return float(self.weight @ self.loss.value(f, self.y))


@dataclass(frozen=True)
class State:
    """Where the fit is: coefficients θ [P], log precisions ρ [G] and the noise variance."""

    theta: torch.Tensor
    rho: torch.Tensor
    noise: float = 1.0


@dataclass(frozen=True)
class Solution:
    """Where the fit ended.

    Attributes
    ----------
    state : State
    covariance : Tensor [P, P]
        Laplace (Gauss-Newton) covariance of θ, noise included.
    freedom : Tensor [G]
        Effective degrees of freedom of each group.
    hessian : Tensor [G, G]
        Of the log evidence in ρ.
    evidence : float
    decrement : float
        How much the last Newton step could still lower the penalised loss.
    gain : float
        How much the last step in ρ could still raise the evidence.
    iterations : int
    converged : bool
    """

    state: State
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
    watch: Callable[[State], None] | None = None,
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
    watch : callable, optional
        Called with the state after every step.
    """
    groups, n_groups = design.groups()
    member = membership(groups, n_groups)
    n_noise = float(problem.weight.sum()) - 1 if problem.loss.has_noise else 0.0
    held = _hold(groups, design, problem)
    state, normal, damping = start, _NormalEquations(design, problem), 0.0
    for i in range(iterations):
        precision = member @ state.rho.exp() + held
        information, right = normal.at(state.theta)
        covariance, log_determinant = _inverse(information, precision)
        downhill = right - information @ state.theta - precision * state.theta
        newton = covariance @ downhill
        decrement = 0.5 * float(newton @ downhill)  # a damped step is short far from the end, too
        step = _damped(information, precision, downhill, damping) if damping else newton
        theta, length, fit_loss = _walk(design, problem, precision, state.theta, step, downhill)
        damping = _next_damping(damping, length)
        noise = state.noise
        if n_noise:
            energy = float((precision * theta * theta).sum())
            noise = problem.loss.noise(fit_loss + 0.5 * energy, n_noise)
        slope = slope_of(theta, covariance, precision, member, state.rho, noise, n_noise)
        climb = ascent(slope, CAUTIOUS_STEP / (1 + i / 10) if design.terms else LARGEST_STEP)
        higher = (state.rho + climb).clamp(*RANGE)
        gain = float((higher - state.rho) @ slope.gradient)
        state = State(theta, state.rho, noise)
        if watch is not None:
            watch(state)
        converged = decrement < tolerance * noise and gain < tolerance
        if converged or i == iterations - 1:
            break
        state = State(theta, higher, noise)
    normaliser = problem.loss.normaliser(noise, n_noise)
    evidence = log_evidence(fit_loss, theta, precision, log_determinant, noise, normaliser)
    return Solution(
        state,
        covariance * noise,
        slope.freedom,
        slope.hessian,
        evidence,
        decrement / noise,
        gain,
        i + 1,
        converged,
    )


def polish(design: Design, problem: Problem, state: State, iterations: int = 40) -> State:
    """Finish the Newton steps with the smoothness held, to the rounding of the objective."""
    groups, n_groups = design.groups()
    precision = membership(groups, n_groups) @ state.rho.exp() + _hold(groups, design, problem)
    normal, theta, damping = _NormalEquations(design, problem), state.theta, 0.0
    for _ in range(iterations):
        information, right = normal.at(theta)
        downhill = right - information @ theta - precision * theta
        newton = _inverse(information, precision)[0] @ downhill
        step = _damped(information, precision, downhill, damping) if damping else newton
        theta, length, _ = _walk(design, problem, precision, theta, step, downhill)
        damping = _next_damping(damping, length)
        if 0.5 * float(newton @ downhill) < 1e-9 * state.noise:
            break
    return replace(state, theta=theta)


def _hold(groups: torch.Tensor, design: Design, problem: Problem) -> torch.Tensor:
    """Return a small precision for biases whose common level the loss cannot see, else 0."""
    unseen = design.n_outputs > 1
    return (groups < 0) * (LEVEL_PRECISION * float(problem.weight.sum()) if unseen else 0.0)


class _NormalEquations:
    """Information A = Jᵀ W J and right-hand side Jᵀ (W J θ + residual), remembered if constant."""

    def __init__(self, design: Design, problem: Problem) -> None:
        self.design, self.problem = design, problem
        self.constant: torch.Tensor | None = None

    def at(self, theta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        at, problem = self.design.linearise(theta), self.problem
        f = problem.outputs(at.outputs)
        residual = problem.weight[:, None] * problem.loss.residual(f, problem.y)
        if self.constant is not None:
            information = self.constant
        else:
            information = _information(at, problem.weight, problem.loss.curvature(f))
            if problem.loss.has_noise and not self.design.terms:
                self.constant = information
        gradient = torch.cat(
            [
                (residual.mT @ at.shared).flatten(),
                torch.einsum("knv,nk->v", at.inner, residual),
            ]
        )
        if not bool(gradient.isfinite().all()):
            raise FloatingPointError("a Newton step needs finite targets, weights and columns")
        return information, information @ theta + gradient


def _information(at: Linearised, weight: torch.Tensor, curvature: torch.Tensor) -> torch.Tensor:
    """Return Σ_n J_nᵀ (w_n C_n) J_n over the layout of θ."""
    n_outputs, n_shared, n_inner = at.outputs.shape[1], at.shared.shape[1], at.inner.shape[2]
    size = n_outputs * n_shared
    total = at.shared.new_zeros(size + n_inner, size + n_inner)
    scaled = (
        weight[:, None, None] * curvature.clamp(min=SMALLEST_CURVATURE)
        if n_outputs == 1
        else weight[:, None, None] * curvature
    )
    for k in range(n_outputs):
        rows = slice(k * n_shared, (k + 1) * n_shared)
        for j in range(k, n_outputs):
            cols = slice(j * n_shared, (j + 1) * n_shared)
            block = (at.shared * scaled[:, k, j, None]).mT @ at.shared
            total[rows, cols] = block
            total[cols, rows] = block.mT
        if n_inner:
            bent = torch.einsum("nj,jnv->nv", scaled[:, k], at.inner)
            total[rows, size:] = at.shared.mT @ bent
            total[size:, rows] = total[rows, size:].mT
            total[size:, size:] += at.inner[k].mT @ bent
    return total


def _inverse(information: torch.Tensor, precision: torch.Tensor) -> tuple[torch.Tensor, float]:
    """Return (A + Λ)⁻¹ and log det(A + Λ), scaled to a unit diagonal before it is factorised."""
    matrix = information + torch.diag(precision)
    scale = matrix.diagonal().clamp(min=1e-300).rsqrt()
    matrix = matrix * scale * scale[:, None]
    jitter = 0.0
    while True:
        factor, failed = torch.linalg.cholesky_ex(matrix)
        if not failed:
            break
        jitter = max(10 * jitter, 1e-12)
        matrix.diagonal().add_(jitter)
    covariance = torch.cholesky_inverse(factor) * scale * scale[:, None]
    log_determinant = 2 * factor.diagonal().log().sum() - 2 * scale.log().sum()
    return covariance, float(log_determinant)


def _damped(
    information: torch.Tensor,
    precision: torch.Tensor,
    downhill: torch.Tensor,
    damping: float,
) -> torch.Tensor:
    """Return the Levenberg-Marquardt step, (A + Λ + μ diag) step = downhill."""
    extra = damping * (information.diagonal() + precision)
    return _inverse(information, precision + extra)[0] @ downhill


def _next_damping(damping: float, length: float) -> float:
    """Return more damping after a step that had to be cut, less after one that had not."""
    if length < 1.0:
        return min(max(4 * damping, FIRST_DAMPING), 1e6)
    return damping / 4 if damping / 4 > FIRST_DAMPING / 16 else 0.0


def _walk(
    design: Design,
    problem: Problem,
    precision: torch.Tensor,
    theta: torch.Tensor,
    step: torch.Tensor,
    downhill: torch.Tensor,
) -> tuple[torch.Tensor, float, float]:
    """Go along the step as far as the penalised loss falls; downhill is minus its gradient.

    Returns
    -------
    theta : Tensor [P]
    length : float
        Share of the step that was gone.
    loss : float
        Unpenalised loss where it ended.
    """
    slope = float(step @ downhill)

    def objective(at: torch.Tensor) -> tuple[float, float]:
        loss = problem.value(problem.outputs(design.predict(at)))
        return loss + 0.5 * float((precision * at * at).sum()), loss

    before, loss_before = objective(theta)
    length = 1.0
    for _ in range(HALVINGS):
        moved = theta + length * step
        after, loss = objective(moved)
        if math.isfinite(after) and after <= before - 1e-4 * length * slope + 1e-12 * abs(before):
            return moved, length, loss
        length /= 2
    return theta, 0.0, loss_before
