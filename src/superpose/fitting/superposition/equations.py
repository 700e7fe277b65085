"""What a Newton step asks of the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch

from superpose.fitting.superposition.design import Design, Linearised
from superpose.fitting.superposition.gram import bordered, gram, sparse_gram
from superpose.fitting.superposition.problem import Problem

SMALLEST_CURVATURE = 1e-10
CANCELLED = 1e-3


def equations_of(design: Design, problem: Problem, theta: torch.Tensor) -> Equations:
    """Return the equations of these rows for steps that begin at θ."""
    if problem.loss.name == "gaussian" and not design.terms:
        return QuadraticEquations(design, problem, theta)
    return NormalEquations(design, problem)


class Equations(Protocol):
    """What a Newton step asks of the rows: their total weight, and sums over them at some θ."""

    @property
    def total(self) -> float:
        """Total weight of the rows."""
        ...

    def at(self, theta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return information A = Jᵀ W J and right-hand side Jᵀ (W J θ + residual)."""
        ...

    def downhill(self, theta: torch.Tensor) -> torch.Tensor:
        """Return Jᵀ residual, minus the gradient of the unpenalised loss."""
        ...

    def value(self, theta: torch.Tensor) -> float:
        """Return the unpenalised loss."""
        ...


class NormalEquations:
    """The `Equations` of rows whose columns are all in memory.

    The outputs at the last θ are remembered; and, where the curvature is constant, what does not
    change with θ of A: the block of main curves and pairs.
    """

    def __init__(self, design: Design, problem: Problem) -> None:
        self.design, self.problem = design, problem
        self.total = float(problem.weight.sum())
        self.constant: torch.Tensor | None = None
        self.seen = problem.y, problem.y  # no θ yet

    def value(self, theta: torch.Tensor) -> float:
        """Return the unpenalised loss."""
        if self.seen[0] is not theta:
            self.seen = theta, self.problem.outputs(self.design.predict(theta))
        return self.problem.value(self.seen[1])

    def at(self, theta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return information A and right-hand side."""
        information, downhill = self.derivatives(theta)
        return information, information @ theta + downhill

    def derivatives(self, theta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return information A and Jᵀ residual, minus the gradient of the loss."""
        at = self.design.linearise(theta)
        downhill = self._downhill(theta, at)
        return self._information(at, self.seen[1]), downhill

    def downhill(self, theta: torch.Tensor) -> torch.Tensor:
        """Return Jᵀ residual, minus the gradient of the unpenalised loss."""
        return self._downhill(theta, self.design.linearise(theta))

    def _downhill(self, theta: torch.Tensor, at: Linearised) -> torch.Tensor:
        problem = self.problem
        f = problem.outputs(at.outputs)
        self.seen = theta, f
        residual = problem.weight[:, None] * problem.loss.residual(f, problem.y)
        shared = torch.cat([residual.mT @ at.fixed, residual.mT @ at.outer], 1)
        inner = torch.einsum("knv,nk->v", at.inner, residual)
        downhill = torch.cat([shared.flatten(), inner])
        if not bool(downhill.isfinite().all()):
            raise FloatingPointError("a Newton step needs finite targets, weights and columns")
        return downhill

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


@dataclass(frozen=True)
class Sums:
    """What one pass over the rows found at θ₀; as `Equations`, a quadratic model of the loss.

    With information A and d = θ - θ₀,

        loss(θ) = loss(θ₀) - dᵀ Jᵀ residual + ½ dᵀ A d.

    With a normal likelihood and no terms the model is exact: these are sufficient statistics.
    """

    theta: torch.Tensor
    information: torch.Tensor
    gradient: torch.Tensor  # minus that of the loss
    loss: float
    total: float

    def at(self, theta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return information A and right-hand side A θ₀ + gradient, wherever θ is."""
        return self.information, self.information @ self.theta + self.gradient

    def downhill(self, theta: torch.Tensor) -> torch.Tensor:
        """Return minus the gradient of `value`."""
        return self.gradient - self.information @ (theta - self.theta)

    def value(self, theta: torch.Tensor) -> float:
        """Return the loss, to second order."""
        moved = theta - self.theta
        return self.loss + float((0.5 * (self.information @ moved) - self.gradient) @ moved)


class QuadraticEquations:
    """The `Equations` of a squared error whose outputs are linear: the rows are asked once.

    Where the loss has become a difference of large numbers, they are asked again from there.

    Parameters
    ----------
    design, problem : Design, Problem
        Of one output, without terms.
    theta : Tensor [P]
        Where the rows are asked.
    """

    def __init__(self, design: Design, problem: Problem, theta: torch.Tensor) -> None:
        self.design, self.problem = design, problem
        self.total = float(problem.weight.sum())
        self.sums = self._asked(theta)

    def _asked(self, theta: torch.Tensor) -> Sums:
        problem = self.problem
        f = problem.outputs(self.design.predict(theta))
        weighted = problem.weight * problem.loss.residual(f, problem.y)[:, 0]
        gradient = self.design.products(weighted)
        if not bool(gradient.isfinite().all()):
            raise FloatingPointError("a Newton step needs finite targets, weights and columns")
        information = self.design.gram(problem.weight)
        return Sums(theta, information, gradient, problem.value(f), self.total)

    def at(self, theta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return information A and right-hand side, the same at every θ."""
        return self.sums.at(theta)

    def downhill(self, theta: torch.Tensor) -> torch.Tensor:
        """Return Zᵀ W (residual at θ), minus the gradient of the unpenalised loss."""
        return self.sums.downhill(theta)

    def value(self, theta: torch.Tensor) -> float:
        """Return the unpenalised loss."""
        value = self.sums.value(theta)
        if value < CANCELLED * self.sums.loss:
            self.sums = self._asked(theta)
            return self.sums.loss
        return value
