"""The last steps of a model with terms, its smoothness held.

Gauss-Newton leaves out how the residual bends the outputs, so where it is large its steps end
slowly. What it leaves out is learned from how the gradient changes (L-BFGS, Liu and Nocedal, 1989),
in coordinates in which the Gauss-Newton Hessian of the start is the identity; a step then costs one
pass over the rows and no factor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize

from superpose.fitting.superposition.bounds import Bounds
from superpose.fitting.superposition.design import Design
from superpose.fitting.superposition.equations import Equations, NormalEquations
from superpose.fitting.superposition.evidence import membership
from superpose.fitting.superposition.gauge import gauged
from superpose.fitting.superposition.newton import State, hold
from superpose.fitting.superposition.problem import Problem
from superpose.fitting.superposition.steps import Objective, Quadratic, descend, factored

SETTLED = 0.02  # nats
STEPS, MEMORY = 400, 30
DAMPED_STEPS = 40

Floats = NDArray[np.float64]


def polish(design: Design, problem: Problem, state: State) -> State:
    """Go on until a step promises less than `SETTLED` nats of the penalised loss.

    Parameters
    ----------
    design, problem : Design, Problem
        Over the same rows.
    state : State
        Near the mode. Its smoothness and noise stay.
    """
    groups, n_groups = design.groups()
    equations = gauged(NormalEquations(design, problem), design)
    precision = membership(groups, n_groups) @ state.rho.exp()
    precision = precision + hold(groups, design, equations.total)
    bounds = Bounds.of(design)
    if bounds:
        return _damped(equations, precision, bounds, problem, state)
    whitened = _Whitened.at(equations, precision, state.theta)

    def settled(_: Floats) -> None:
        if whitened.left() < SETTLED * state.noise or problem.deadline.over():
            raise StopIteration

    options = {"maxiter": STEPS, "maxfun": 2 * STEPS, "maxcor": MEMORY, "ftol": 0.0, "gtol": 0.0}
    start = np.zeros(len(state.theta))
    found = minimize(
        whitened, start, jac=True, method="L-BFGS-B", callback=settled, options=options
    )
    return replace(state, theta=whitened.theta(found.x))


@dataclass
class _Whitened:
    """The penalised loss and its gradient where its Hessian was about the identity at the start."""

    equations: Equations
    objective: Objective
    origin: torch.Tensor
    factor: torch.Tensor
    scale: torch.Tensor
    slope: Floats

    @classmethod
    def at(cls, equations: Equations, precision: torch.Tensor, theta: torch.Tensor) -> _Whitened:
        information, _ = equations.at(theta)
        factor, scale = factored(information + torch.diag(precision))
        return cls(equations, Objective(equations, precision), theta, factor, scale, np.zeros(0))

    def theta(self, white: Floats) -> torch.Tensor:
        """Return the coefficients."""
        right = torch.from_numpy(white)[:, None]
        step = torch.linalg.solve_triangular(self.factor.mT, right, upper=True)[:, 0]
        return self.origin + self.scale * step

    def left(self) -> float:
        """Return about how much the loss may still fall."""
        return 0.5 * float(self.slope @ self.slope)

    def __call__(self, white: Floats) -> tuple[float, Floats]:
        theta = self.theta(white)
        value = self.objective(theta)[0]
        if not math.isfinite(value):
            return math.inf, self.slope  # too far: the line search comes back
        downhill = self.equations.downhill(theta) - self.objective.precision * theta
        right = (self.scale * downhill)[:, None]
        slope = torch.linalg.solve_triangular(self.factor, right, upper=False)[:, 0]
        self.slope = -slope.numpy()
        return value, self.slope


def _damped(
    equations: Equations, precision: torch.Tensor, bounds: Bounds, problem: Problem, state: State
) -> State:
    """Go on by damped Gauss-Newton steps, which keep the shapes of curves."""
    objective, theta, damping = Objective(equations, precision), state.theta, 0.0
    for _ in range(DAMPED_STEPS):
        information, right = equations.at(theta)
        downhill = right - information @ theta - precision * theta
        quadratic = Quadratic(information, precision, downhill, theta, bounds)
        newton = quadratic.step(0.0)
        theta, _, damping = descend(objective, quadratic, theta, newton, damping)
        if 0.5 * float(newton @ downhill) < SETTLED * state.noise or problem.deadline.over():
            break
    return replace(state, theta=theta)
