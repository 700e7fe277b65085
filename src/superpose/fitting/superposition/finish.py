"""The end of a fit: the last steps on all rows, whether they are in memory or come in batches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch

from superpose.fitting.superposition.batches import BatchedEquations, RowBatch, Standardised, settle
from superpose.fitting.superposition.growth import Growth
from superpose.fitting.superposition.newton import Solution, solve
from superpose.fitting.superposition.polish import SETTLED, polish
from superpose.fitting.superposition.prepare import Prepared
from superpose.fitting.superposition.problem import Problem
from superpose.fitting.superposition.scale import settle_scale

STEPS, TERM_STEPS, BATCH_TERM_STEPS = 40, 8, 6
POLISHES = 4


@dataclass(frozen=True)
class Ended:
    """Where a fit ended, and what takes it to units of the target.

    Attributes
    ----------
    solution : Solution
    spread : float
        What the target was divided by.
    total, carrier : float
        Of all rows: their weight, and what their density has that no model changes.
    """

    solution: Solution
    spread: float
    total: float
    carrier: float


def ended_on(
    asked: Prepared, growth: Growth, everything: Iterable[RowBatch] | None, device: str
) -> Ended:
    """Climb to the end on the rows of a growth, or on all rows of a table.

    Parameters
    ----------
    asked : Prepared
    growth : Growth
        At the chosen step of the dial.
    everything : iterable of RowBatch or None
        All rows, where the growth has a sample of them.
    device : str
        Where columns and products are made.
    """
    spread = asked.spread
    if asked.loss.name == "student_t":
        spread *= settle_scale(growth)
    total, carrier = float(asked.weight.sum()), float(asked.weight @ asked.loss.carrier(asked.y))
    if everything is None and device == "cpu":
        return Ended(finish(growth), spread, total, carrier)
    if everything is None:
        batches = [(growth.rows.axis_units, growth.rows.problem)]
        solution, total = _finish_on(growth, batches, device)
        return Ended(solution, spread, total, carrier)
    known = Standardised(
        growth.rows.attributes,
        *(asked.places, everything, asked.loss, asked.known, asked.centre, spread),
    )
    solution, total = _finish_on(growth, known, device)
    return Ended(solution, spread, total, known.carrier)


def finish(growth: Growth) -> Solution:
    """Climb to the end; with terms, settle the coefficients once more with the smoothness held."""
    steps = TERM_STEPS if growth.design.terms else STEPS
    solution = growth.fit(iterations=steps, tolerance=1e-3)
    if solution.converged or not growth.design.terms or growth.rows.problem.deadline.over():
        return solution
    return _polished(growth, solution.iterations)


def _polished(growth: Growth, taken: int) -> Solution:
    """Polish, ask at the end what is left there, and polish from there until little is."""
    for _ in range(POLISHES):
        settled = polish(*growth.training, growth.state)
        solution = solve(*growth.training, settled, iterations=1)
        growth.state, converged = solution.state, solution.decrement < SETTLED
        taken += solution.iterations
        if converged or growth.rows.problem.deadline.over():
            break
    return replace(solution, iterations=taken, converged=converged)


def _finish_on(
    growth: Growth, batches: Iterable[tuple[torch.Tensor, Problem]], device: str
) -> tuple[Solution, float]:
    """Climb to the end on rows that come in batches; return their total weight, too."""
    steps = BATCH_TERM_STEPS if growth.design.terms else STEPS
    equations = BatchedEquations(growth.design, batches, growth.state.theta, device)
    solution = settle(*growth.training, growth.state, equations, iterations=steps, tolerance=1e-3)
    if growth.design.terms:
        solution = replace(solution, converged=solution.decrement < SETTLED)
    return solution, equations.total
