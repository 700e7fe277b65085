"""What the training rows say against each main curve: that it is null, or that it jumps."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from superpose.fitting.superposition.design import Design
from superpose.fitting.superposition.evidence import membership
from superpose.fitting.superposition.jumps import Leftover, find_jump
from superpose.fitting.superposition.newton import Solution
from superpose.fitting.superposition.no_effect import no_effect
from superpose.fitting.superposition.problem import Problem
from superpose.networks import Attribute

ROWS = 50_000
"""Rows at most that are searched for jumps; a step of some of the rows is as good a test."""


@dataclass(frozen=True)
class Check:
    """What was found against one part; None for what could not be asked.

    Attributes
    ----------
    no_effect : float or None
        Probability of evidence as strong as this for an effect, if the part had none.
    jump : tuple of two floats, or None
        Value of the attribute, in its units, at which a curve looks most like a jump; and the
        probability that curves as smooth as those fitted show a step as clear anywhere.

    Examples
    --------
    >>> Check(no_effect=0.5, jump=(40.0, 0.001)).jump[0]
    40.0
    """

    no_effect: float | None = None
    jump: tuple[float, float] | None = None


def check_curves(
    attributes: tuple[Attribute, ...],
    axis_units: torch.Tensor,
    design: Design,
    problem: Problem,
    solution: Solution,
) -> tuple[Check, ...]:
    """Test every main curve at the end of a fit; pairs and terms, chosen by their gain, are not.

    Parameters
    ----------
    attributes : tuple of Attribute
    axis_units : Tensor [N, n]
    design, problem : Design, Problem
        Over these rows.
    solution : Solution

    Returns
    -------
    tuple of Check
        One a part, in the order of the network.
    """
    found, place = [], 1
    left = _leftover(design, problem, solution)
    stride = _stride(len(axis_units))
    for block in design.blocks:
        width, p = block.columns.shape[1], block.attributes[0]
        check = Check()
        if block.kind == "curve":
            check = Check(_null(place, width, design, problem, solution))
            if attributes[p].kind == "number":
                check = replace(check, jump=_jump(attributes[p], left, axis_units[::stride, p]))
        found.append(check)
        place += width
    return (*found, *(Check() for _ in design.terms))


def _stride(n_rows: int) -> int:
    return max(1, -(-n_rows // ROWS))


def _null(
    place: int, width: int, design: Design, problem: Problem, solution: Solution
) -> float | None:
    groups, n_groups = design.groups()
    outputs = torch.arange(design.n_outputs)[:, None] * design.n_shared
    own = (place + torch.arange(width) + outputs).flatten()
    precision = membership(groups[own], n_groups) @ solution.state.rho.exp()
    covariance = solution.covariance[own][:, own]
    freedom = float("inf")
    if problem.loss.has_noise:
        freedom = float(problem.weight.sum() - 1 - solution.freedom.sum())
    theta = solution.state.theta[own]
    return no_effect(theta, covariance, precision / solution.state.noise, max(freedom, 1.0))


def _jump(attribute: Attribute, left: Leftover, u: torch.Tensor) -> tuple[float, float] | None:
    found = find_jump(left, u)
    if found is None or attribute.axis is None:
        return None
    place, p = found
    return float(attribute.axis.from_axis(torch.tensor([place], dtype=torch.float64))), p


def _leftover(design: Design, problem: Problem, solution: Solution) -> Leftover:
    kept = torch.arange(0, design.n_rows, _stride(design.n_rows))
    design, problem = design.rows(kept), problem.rows(kept)
    at = design.linearise(solution.state.theta)
    f, weight = problem.outputs(at.outputs), problem.weight / solution.state.noise
    return Leftover(
        weight[:, None] * problem.loss.residual(f, problem.y),
        weight[:, None, None] * problem.loss.curvature(f),
        torch.cat([at.fixed, at.outer], 1),
        at.inner,
        solution.covariance,
    )
