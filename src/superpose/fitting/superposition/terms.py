"""Terms, one at a time: screened, refined by themselves, then fitted together with everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from superpose.fitting.superposition.design import Design
from superpose.fitting.superposition.directions import Candidate, candidates
from superpose.fitting.superposition.growth import Growth
from superpose.fitting.superposition.newton import Solution, State, solve
from superpose.fitting.superposition.problem import Problem
from superpose.fitting.superposition.term_columns import TermColumns

REFINED = 4
FIRST_STEPS, REFINING_STEPS = 5, 12
REFINING_ROWS = 2_000
WORTH = 5.0
JOINT_STEPS = 10
RELEVANT = 0.5


def add_terms(
    growth: Growth,
    count: int,
    generator: torch.Generator,
    worth: float = WORTH,
    named: Sequence[tuple[int, ...]] = (),
) -> int:
    """Add terms one after another, each refined on what the model so far leaves unexplained.

    Where attributes are named each term reads all of its own. Returns how many were added: fewer
    than ``count`` where no more gain ``worth`` nats of evidence.
    """
    before = len(growth.design.terms)
    asked: Sequence[tuple[int, ...] | None] = named or [None] * count
    for only in asked:
        found = _next_term(growth, generator, worth, only)
        if found is not None:
            _append(growth, *found)
        elif not named:
            break
        if growth.rows.problem.deadline.over():
            break
    return len(growth.design.terms) - before


def _next_term(
    growth: Growth, generator: torch.Generator, worth: float, only: tuple[int, ...] | None
) -> tuple[Design, State] | None:
    """Return the best of a few refined candidates, as a design of one term and its state.

    None where no candidate gains evidence worth having over no term at all.
    """
    problem, f = growth.rows.problem, growth.outputs()
    weight = problem.weight * growth.kept
    residual, information = growth.working(f)
    ranked = candidates(
        *(growth.rows.sides(), growth.mains(), weight, residual, information),
        *(generator, REFINED, only),
    )
    seen = torch.nonzero(weight > 0)[:, 0]
    some = seen[torch.randperm(len(seen), generator=generator)[:REFINING_ROWS]]
    alone = replace(problem, offset=f).rows(some)
    nothing = Design((), len(some), f.shape[1])
    bias = torch.zeros(f.shape[1], dtype=torch.float64)
    start = State(bias, torch.zeros(1, dtype=torch.float64), growth.state.noise)
    floor = solve(nothing, alone, start, iterations=REFINING_STEPS).evidence + worth
    begun = [_begun(candidate, alone, some, growth.state.noise) for candidate in ranked]
    if not begun:
        return None
    columns, first = max(begun, key=lambda it: it[1].evidence)
    columns, solution = _refine(columns, first, alone, some, only is None)
    if solution.evidence <= floor:
        return None
    return _alone(columns, len(f), f.shape[1]), solution.state


def _alone(columns: TermColumns, n_rows: int, n_outputs: int) -> Design:
    return Design((), n_rows, n_outputs, (columns,))


def _begun(
    candidate: Candidate, problem: Problem, rows: torch.Tensor, noise: float
) -> tuple[TermColumns, Solution]:
    """Fit a term by itself, a few steps: enough to see which of several will be best."""
    columns = candidate.columns
    design = _alone(columns.rows(rows), len(rows), len(candidate.outer))
    bias = torch.zeros(len(candidate.outer), 1, dtype=torch.float64)
    theta = design.join(bias, [candidate.outer], [candidate.inner])
    rho = torch.zeros(design.groups()[1], dtype=torch.float64)
    rho[1] = candidate.rho
    if problem.loss.has_noise:
        rho = rho + torch.tensor(noise).log()
    return columns, solve(design, problem, State(theta, rho, noise), iterations=FIRST_STEPS)


def _refine(
    columns: TermColumns, begun: Solution, problem: Problem, rows: torch.Tensor, drop: bool
) -> tuple[TermColumns, Solution]:
    """Fit a term by itself, drop attributes that turn out irrelevant, if any, and fit it again."""
    n_outputs = problem.loss.n_outputs(problem.y)
    design = _alone(columns.rows(rows), len(rows), n_outputs)
    solution = solve(design, problem, begun.state, iterations=REFINING_STEPS - FIRST_STEPS)
    relevant = [i for i in range(len(columns.sides)) if float(solution.freedom[2 + i]) > RELEVANT]
    if not drop or len(relevant) in (0, len(columns.sides)):
        return columns, solution
    bias, outer, inner = design.split(solution.state.theta)
    columns = replace(
        columns,
        attributes=tuple(columns.attributes[i] for i in relevant),
        sides=tuple(columns.sides[i] for i in relevant),
    )
    design = _alone(columns.rows(rows), len(rows), n_outputs)
    theta = design.join(bias, outer, [[inner[0][i] for i in relevant]])
    rho = solution.state.rho[[0, 1, *(2 + i for i in relevant)]]
    state = State(theta, rho, solution.state.noise)
    return columns, solve(design, problem, state, iterations=REFINING_STEPS // 2)


def _append(growth: Growth, design: Design, state: State) -> None:
    """Put a term that was fitted by itself behind those of the model."""
    fixed, outer, inner = growth.design.split(growth.state.theta)
    bias, new_outer, new_inner = design.split(state.theta)
    fixed = torch.cat([fixed[:, :1] + bias, fixed[:, 1:]], 1)
    growth.design = growth.design.with_terms(*design.terms)
    theta = growth.design.join(fixed, outer + new_outer, inner + new_inner)
    growth.state = State(theta, torch.cat([growth.state.rho, state.rho[1:]]), growth.state.noise)
