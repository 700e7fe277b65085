"""A first rough fit of several classes, each by itself.

The information of softmax outputs couples every class with every other. Its diagonal blocks alone,
p_k (1 - p_k), make a step that costs as much as K fits of one output; halved until the joint loss
falls, such steps come near enough to say which columns count. The smoothness, which the classes
share, goes by MacKay's fixed point λ_g = freedom_g / |θ_g|² (MacKay, 1992).
"""

from __future__ import annotations

import torch

from superpose.fitting.superposition.bounds import Bounds
from superpose.fitting.superposition.design import Design
from superpose.fitting.superposition.equations import NormalEquations
from superpose.fitting.superposition.evidence import RANGE, membership
from superpose.fitting.superposition.gram import sparse_gram
from superpose.fitting.superposition.newton import LEVEL_PRECISION, State
from superpose.fitting.superposition.problem import Problem
from superpose.fitting.superposition.steps import Objective, inverse

STEPS = 8
HALVINGS = 6
LARGEST_STEP = 2.0


def fit_apart(design: Design, problem: Problem, start: State) -> State:
    """Return about where the fit of main curves will end, for softmax outputs.

    Parameters
    ----------
    design, problem : Design, Problem
        Over the same rows; without terms.
    start : State
    """
    groups, n_groups = design.groups()
    member = membership(groups[: design.n_shared], n_groups)
    held = LEVEL_PRECISION * float(problem.weight.sum()) * (groups[: design.n_shared] < 0)
    theta, rho = start.theta.view(design.n_outputs, -1), start.rho
    equations = NormalEquations(design, problem)
    for _ in range(STEPS):
        precision = member @ rho.exp() + held
        step, variance = _step(design, problem, theta, precision)
        objective = Objective(equations, precision.repeat(len(theta)))
        theta = theta + _length(objective, theta, step) * step
        freedom = member.sum(0) * len(theta) - member.mT @ (precision * variance.sum(0))
        energy = member.mT @ (theta**2).sum(0)
        better = (freedom.clamp(min=1e-3) / energy.clamp(min=1e-12)).log()
        rho = rho + (better - rho).clamp(-LARGEST_STEP, LARGEST_STEP)
        rho = rho.clamp(*RANGE)
        if problem.deadline.over():
            break
    return State(Bounds.of(design).nearest(theta.flatten()), rho, start.noise)


def _step(
    design: Design, problem: Problem, theta: torch.Tensor, precision: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the Newton step of each class by itself, [K, P], and its coefficients' variances."""
    f = problem.outputs(design.fixed @ theta.mT)
    residual = problem.weight[:, None] * problem.loss.residual(f, problem.y)
    bend = problem.weight[:, None] * problem.loss.curvature(f).diagonal(dim1=1, dim2=2)
    downhill = residual.mT @ design.fixed - precision * theta
    steps, variances = [], []
    for k in range(len(theta)):
        covariance, _ = inverse(sparse_gram(design.fixed, bend[:, k]), precision)
        steps.append(covariance @ downhill[k])
        variances.append(covariance.diagonal())
    return torch.stack(steps), torch.stack(variances)


def _length(objective: Objective, theta: torch.Tensor, step: torch.Tensor) -> float:
    """Return how much of the step lowers the objective; 0 where none of it does."""
    before = objective(theta.flatten())[0]
    for length in (0.5**i for i in range(HALVINGS)):
        if objective((theta + length * step).flatten())[0] < before:
            return length
    return 0.0
