"""Steps of Newton's method: the factor of the information, and how far to go."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from superpose.fitting.superposition.bounds import Bounds
from superpose.fitting.superposition.equations import Equations

HALVINGS = 12
FIRST_DAMPING, SMALLEST_DAMPING = 0.05, 1e-3
SMALLEST_SHARE, POOR_SHARE, GOOD_SHARE = 1e-4, 0.25, 0.75  # of the fall that the model promised


def inverse(information: torch.Tensor, precision: torch.Tensor) -> tuple[torch.Tensor, float]:
    """Return (A + Λ)⁻¹ and log det(A + Λ)."""
    factor, scale = factored(information + torch.diag(precision))
    covariance = torch.cholesky_inverse(factor).mul_(scale).mul_(scale[:, None])
    log_determinant = 2 * factor.diagonal().log().sum() - 2 * scale.log().sum()
    return covariance, float(log_determinant)


def factored(matrix: torch.Tensor, damping: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
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
class Quadratic:
    """The Gauss-Newton model of the objective at θ: A + Λ, minus the gradient, and the shapes."""

    information: torch.Tensor
    precision: torch.Tensor
    downhill: torch.Tensor
    theta: torch.Tensor
    bounds: Bounds

    def step(self, damping: float) -> torch.Tensor:
        """Return the Levenberg-Marquardt step, (A + Λ + μ diag(A + Λ)) step = downhill."""
        matrix = self.information + torch.diag(self.precision)
        factor, scale = factored(matrix, damping)

        def solve(right: torch.Tensor) -> torch.Tensor:
            return scale[:, None] * torch.cholesky_solve(scale[:, None] * right, factor)

        return self.bounds.step(self.theta, solve(self.downhill[:, None])[:, 0], solve)

    def fall(self, step: torch.Tensor) -> float:
        """Return by how much the step lowers the model."""
        curved = self.information @ step + self.precision * step
        return float(step @ self.downhill) - 0.5 * float(step @ curved)


def walk(
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


def descend(
    objective: Objective,
    quadratic: Quadratic,
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
