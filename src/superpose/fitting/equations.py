"""What a Newton step asks of the rows."""

from __future__ import annotations

from typing import Protocol

import torch

from superpose.fitting.design import Design, Linearised
from superpose.fitting.gram import bordered, gram, sparse_gram
from superpose.fitting.problem import Problem

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
        self.seen: tuple[torch.Tensor, torch.Tensor] | None = None

    def value(self, theta: torch.Tensor) -> float:
        """Return the unpenalised loss."""
        if self.seen is None or self.seen[0] is not theta:
            self.seen = theta, self.problem.outputs(self.design.predict(theta))
        return self.problem.value(self.seen[1])

    def at(self, theta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return information A and right-hand side."""
        information, gradient = self.derivatives(theta)
        return information, information @ theta + gradient

    def derivatives(self, theta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return information A and Jᵀ residual, minus the gradient of the loss."""
        at, problem = self.design.linearise(theta), self.problem
        f = problem.outputs(at.outputs)
        self.seen = theta, f
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


class QuadraticEquations:
    """The `Equations` of a squared error whose outputs are linear: the rows are asked once.

    With d = θ - θ₀, the residual r at θ₀ and A = Zᵀ W Z,

        loss(θ) = ½ rᵀ W r - dᵀ Zᵀ W r + ½ dᵀ A d.

    Where that has become a difference of large numbers, the rows are asked again from there.

    Parameters
    ----------
    design, problem : Design, Problem
        Of one output, without terms.
    theta : Tensor [P]
        θ₀.
    """

    def __init__(self, design: Design, problem: Problem, theta: torch.Tensor) -> None:
        self.design, self.problem = design, problem
        self.total = float(problem.weight.sum())
        self._information = design.gram(problem.weight)
        self._ask(theta)

    def _ask(self, theta: torch.Tensor) -> None:
        problem = self.problem
        f = problem.outputs(self.design.predict(theta))
        weighted = problem.weight * problem.loss.residual(f, problem.y)[:, 0]
        self._origin, self._loss = theta, problem.value(f)
        self._downhill = self.design.products(weighted)
        if not bool(self._downhill.isfinite().all()):
            raise FloatingPointError("a Newton step needs finite targets, weights and columns")

    def value(self, theta: torch.Tensor) -> float:
        """Return the unpenalised loss."""
        moved = theta - self._origin
        bent = 0.5 * (self._information @ moved) - self._downhill
        value = self._loss + float(moved @ bent)
        if value < CANCELLED * self._loss:
            self._ask(theta)
            return self._loss
        return value

    def at(self, theta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return information A and right-hand side, the same at every θ."""
        return self._information, self._downhill + self._information @ self._origin
