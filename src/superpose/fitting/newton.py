"""Newton's method on the whole data, with the evidence setting every smoothness on the way.

Main curves and pairs are linear in their coefficients, so the problem is convex and each step is
iteratively reweighted least squares (IRLS). With terms the same step is Gauss-Newton: the outputs
are linearised at the present coefficients.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch

from superpose.fitting.bounds import Bounds
from superpose.fitting.deadline import Deadline
from superpose.fitting.design import Design, Linearised
from superpose.fitting.evidence import (
    RANGE,
    ascent,
    cautious_ascent,
    log_evidence,
    membership,
    slope_of,
)
from superpose.fitting.gauge import gauged
from superpose.fitting.gram import bordered, gram, sparse_gram
from superpose.fitting.losses import Loss

HALVINGS = 12
SMALLEST_CURVATURE = 1e-10
LEVEL_PRECISION = 1e-6
SETTLED = 0.02  # nats
FIRST_DAMPING, SMALLEST_DAMPING = 0.05, 1e-3
SMALLEST_SHARE, POOR_SHARE, GOOD_SHARE = 1e-4, 0.25, 0.75  # of the fall that the model promised


@dataclass(frozen=True)
class Problem:
    """What is to be explained: targets y [N], weights [N] and the loss; and until when."""

    y: torch.Tensor
    weight: torch.Tensor
    loss: Loss
    offset: torch.Tensor | None = None  # [N, K], added to the outputs
    deadline: Deadline = field(default_factory=Deadline)

    def to(self, device: torch.device) -> Problem:
        """Return the same rows on a device."""
        offset = None if self.offset is None else self.offset.to(device)
        return replace(self, y=self.y.to(device), weight=self.weight.to(device), offset=offset)

    def rows(self, kept: torch.Tensor | slice) -> Problem:
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
    """
    groups, n_groups = design.groups()
    member = membership(groups, n_groups)
    normal = gauged(equations or NormalEquations(design, problem), design)
    n_noise = normal.total - 1 if problem.loss.has_noise else 0.0
    held, bounds = _hold(groups, design, normal.total), Bounds.of(design)
    state, damping = start, 0.0
    for i in range(iterations):
        precision = member @ state.rho.exp() + held
        information, right = normal.at(state.theta)
        covariance, log_determinant = inverse(information, precision)
        downhill = right - information @ state.theta - precision * state.theta
        target = state.theta + covariance @ downhill
        newton = bounds.step(state.theta, covariance @ downhill, covariance.matmul)
        quadratic = _Quadratic(information, precision, downhill, state.theta, bounds)
        decrement = quadratic.fall(newton)  # a damped step is short far from the end, too
        objective = Objective(normal, precision)
        if design.terms:
            theta, fit_loss, damping = _descend(objective, quadratic, state.theta, newton, damping)
        else:
            theta, fit_loss, missed = _walk(objective, state.theta, newton, decrement)
            if problem.loss.has_noise:  # the curvature, and so the evidence, is that of the end
                decrement = missed
        noise = state.noise
        if n_noise:
            energy = float((precision * theta * theta).sum())
            noise = problem.loss.noise(fit_loss + 0.5 * energy, n_noise)
        along = bounds.face(target, covariance) if bounds else None
        slope = slope_of(theta, covariance, precision, member, state.rho, noise, n_noise, along)
        climb = cautious_ascent(slope) if design.terms or bounds else ascent(slope)
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


def polish(design: Design, problem: Problem, state: State, iterations: int = 200) -> State:
    """Finish the steps of a model with terms with the smoothness held: to `SETTLED` nats a step."""
    groups, n_groups = design.groups()
    normal, theta, damping = gauged(NormalEquations(design, problem), design), state.theta, 0.0
    precision = membership(groups, n_groups) @ state.rho.exp() + _hold(groups, design, normal.total)
    objective, bounds = Objective(normal, precision), Bounds.of(design)
    for _ in range(iterations):
        information, right = normal.at(theta)
        downhill = right - information @ theta - precision * theta
        quadratic = _Quadratic(information, precision, downhill, theta, bounds)
        newton = quadratic.step(0.0)
        theta, _, damping = _descend(objective, quadratic, theta, newton, damping)
        if 0.5 * float(newton @ downhill) < SETTLED * state.noise or problem.deadline.over():
            break
    return replace(state, theta=theta)


def _hold(groups: torch.Tensor, design: Design, total: float) -> torch.Tensor:
    """Return a small precision for biases whose common level the loss cannot see, else 0."""
    return (groups < 0) * (LEVEL_PRECISION * total if design.n_outputs > 1 else 0.0)


class Equations(Protocol):
    """What a Newton step asks of the rows: their total weight, and sums over them at some θ."""

    @property
    def total(self) -> float:
        """Total weight of the rows."""
        ...

    def at(self, theta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return information A = Jᵀ W J and right-hand side Jᵀ (W J θ + residual)."""
        ...

    def value(self, theta: torch.Tensor) -> float:
        """Return the unpenalised loss."""
        ...


class NormalEquations:
    """The `Equations` of rows whose columns are all in memory.

    What does not change with θ is remembered: all of A where the outputs are linear and the
    curvature is constant, and its block of main curves and pairs where there are terms.
    """

    def __init__(self, design: Design, problem: Problem) -> None:
        self.design, self.problem = design, problem
        self.total = float(problem.weight.sum())
        self.constant: torch.Tensor | None = None

    def value(self, theta: torch.Tensor) -> float:
        """Return the unpenalised loss."""
        return self.problem.value(self.problem.outputs(self.design.predict(theta)))

    def at(self, theta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return information A and right-hand side."""
        information, gradient = self.derivatives(theta)
        return information, information @ theta + gradient

    def derivatives(self, theta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return information A and Jᵀ residual, minus the gradient of the loss."""
        at, problem = self.design.linearise(theta), self.problem
        f = problem.outputs(at.outputs)
        residual = problem.weight[:, None] * problem.loss.residual(f, problem.y)
        information = self._information(at, f)
        shared = torch.cat([residual.mT @ at.fixed, residual.mT @ at.outer], 1)
        inner = torch.einsum("knv,nk->v", at.inner, residual)
        gradient = torch.cat([shared.flatten(), inner])
        if not bool(gradient.isfinite().all()):
            raise FloatingPointError("a Newton step needs finite targets, weights and columns")
        return information, gradient

    def _information(self, at: Linearised, f: torch.Tensor) -> torch.Tensor:
        weight, loss = self.problem.weight, self.problem.loss
        if not loss.has_noise:
            return _information(at, weight, loss.curvature(f))
        if self.constant is None:
            self.constant = self.design.gram(weight)
        return bordered(self.constant, at.fixed, torch.cat([at.outer, at.inner[0]], 1), weight)


def _information(at: Linearised, weight: torch.Tensor, curvature: torch.Tensor) -> torch.Tensor:
    """Return Σ_n J_nᵀ (w_n C_n) J_n over the layout of θ."""
    columns = torch.cat([at.fixed, at.outer], 1) if at.outer.shape[1] else at.fixed
    n_outputs, n_shared, n_inner = at.outputs.shape[1], columns.shape[1], at.inner.shape[2]
    if n_outputs == 1:
        scaled = weight * curvature[:, 0, 0].clamp(min=SMALLEST_CURVATURE)
        return gram(torch.cat([columns, at.inner[0]], 1) if n_inner else columns, scaled)
    size = n_outputs * n_shared
    total = columns.new_zeros(size + n_inner, size + n_inner)
    scaled = weight[:, None, None] * curvature
    for k in range(n_outputs):
        rows = slice(k * n_shared, (k + 1) * n_shared)
        for j in range(k, n_outputs):
            cols = slice(j * n_shared, (j + 1) * n_shared)
            block = sparse_gram(columns, scaled[:, k, j])
            total[rows, cols] = block
            total[cols, rows] = block.mT
        if n_inner:
            bent = torch.einsum("nj,jnv->nv", scaled[:, k], at.inner)
            total[rows, size:] = columns.mT @ bent
            total[size:, rows] = total[rows, size:].mT
            total[size:, size:] += at.inner[k].mT @ bent
    return total


def inverse(information: torch.Tensor, precision: torch.Tensor) -> tuple[torch.Tensor, float]:
    """Return (A + Λ)⁻¹ and log det(A + Λ)."""
    factor, scale = _factor(information + torch.diag(precision))
    covariance = torch.cholesky_inverse(factor).mul_(scale).mul_(scale[:, None])
    log_determinant = 2 * factor.diagonal().log().sum() - 2 * scale.log().sum()
    return covariance, float(log_determinant)


def _factor(matrix: torch.Tensor, damping: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the Cholesky factor of a matrix scaled to diagonal 1 + damping, and the scale."""
    scale = matrix.diagonal().clamp(min=1e-300).rsqrt()
    matrix = (matrix * scale).mul_(scale[:, None])
    matrix.diagonal().add_(damping)
    jitter = 0.0
    while True:
        factor, failed = torch.linalg.cholesky_ex(matrix)
        if not failed:
            return factor, scale
        jitter = max(10 * jitter, 1e-12)
        matrix.diagonal().add_(jitter)


@dataclass(frozen=True)
class Objective:
    """The penalised loss as a function of θ."""

    equations: Equations
    precision: torch.Tensor

    def __call__(self, theta: torch.Tensor) -> tuple[float, float]:
        """Return it, and the loss without the penalty."""
        loss = self.equations.value(theta)
        return loss + 0.5 * float((self.precision * theta * theta).sum()), loss


@dataclass(frozen=True)
class _Quadratic:
    """The Gauss-Newton model of the objective at θ: A + Λ, minus the gradient, and the shapes."""

    information: torch.Tensor
    precision: torch.Tensor
    downhill: torch.Tensor
    theta: torch.Tensor
    bounds: Bounds

    def step(self, damping: float) -> torch.Tensor:
        """Return the Levenberg-Marquardt step, (A + Λ + μ diag(A + Λ)) step = downhill."""
        matrix = self.information + torch.diag(self.precision)
        factor, scale = _factor(matrix, damping)

        def solve(right: torch.Tensor) -> torch.Tensor:
            return scale[:, None] * torch.cholesky_solve(scale[:, None] * right, factor)

        return self.bounds.step(self.theta, solve(self.downhill[:, None])[:, 0], solve)

    def fall(self, step: torch.Tensor) -> float:
        """Return by how much the step lowers the model."""
        curved = self.information @ step + self.precision * step
        return float(step @ self.downhill) - 0.5 * float(step @ curved)


def _walk(
    objective: Objective, theta: torch.Tensor, step: torch.Tensor, promised: float
) -> tuple[torch.Tensor, float, float]:
    """Go along a Newton step of a convex objective as far as it falls; halve it until it does.

    Returns
    -------
    theta : Tensor [P]
    loss : float
        Unpenalised loss where it ended.
    missed : float
        How far the fall was from the promise; 0 where the objective is quadratic, so that the step
        ended at the minimum. The promise itself where the step was not taken whole.
    """
    before, loss_before = objective(theta)
    length = 1.0
    for _ in range(HALVINGS):
        moved = theta + length * step
        after, loss = objective(moved)
        if math.isfinite(after) and after <= before - 2e-4 * length * promised + 1e-12 * abs(
            before
        ):
            missed = abs(before - after - promised) if length == 1.0 else promised
            return moved, loss, missed
        length /= 2
    return theta, loss_before, promised


def _descend(
    objective: Objective,
    quadratic: _Quadratic,
    theta: torch.Tensor,
    newton: torch.Tensor,
    damping: float,
) -> tuple[torch.Tensor, float, float]:
    """Go a Levenberg-Marquardt step; damp it until the objective falls (Marquardt, 1963).

    Returns
    -------
    theta : Tensor [P]
    loss : float
        Unpenalised loss where it ended.
    damping : float
        For the next step: less where the quadratic model was right, more where it was not.
    """
    before, loss_before = objective(theta)
    step = quadratic.step(damping) if damping else newton
    for _ in range(HALVINGS):
        after, loss = objective(theta + step)
        share = (before - after) / max(quadratic.fall(step), 1e-300)
        if math.isfinite(after) and share > SMALLEST_SHARE:
            if share > GOOD_SHARE:
                damping = damping / 3 if damping > SMALLEST_DAMPING else 0.0
            elif share < POOR_SHARE:
                damping = max(2 * damping, SMALLEST_DAMPING)
            return theta + step, loss, damping
        damping = max(4 * damping, FIRST_DAMPING)
        step = quadratic.step(damping)
    return theta, loss_before, damping
