"""Grow the dial on held-out rows, choose a step, and grow that on all rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from superpose.fitting.dial import DialStep, choose, reading_cost
from superpose.fitting.folds import held_out, scout
from superpose.fitting.growth import Growth, Rows
from superpose.fitting.length_scale import choose_length_scales
from superpose.fitting.terms import add_terms, fit_jointly

Progress = Callable[..., None] | None
PATIENCE = 4
MOST_PAIRS = 32
FOLD_STEPS = 15
FOLD_TOLERANCE = 0.3
MOST_TERMS = 16
FINAL_STEPS = 8
FEWEST_ROWS = 30  # below this, held-out rows say nothing about pairs and terms


@dataclass(frozen=True)
class Trail:
    """Held-out losses along one direction of the dial.

    Attributes
    ----------
    counts : list of int
        Pairs, or terms, at each step; the first is where it started.
    losses : list of Tensor [N]
        Loss of each row that was held out; NaN elsewhere.
    costs : list of float
        What each step costs to read, in curves.
    curves : list of int
        Curves and surfaces of each step.
    freedom : list of float
        Effective degrees of freedom, mean over the folds.
    """

    counts: list[int]
    losses: list[torch.Tensor]
    costs: list[float]
    curves: list[int]
    freedom: list[float]

    def note(self, count: int, folds: list[Growth]) -> None:
        """Write down a step."""
        self.counts.append(count)
        self.losses.append(_held_out_loss(folds))
        self.costs.append(sum(_cost(fold) for fold in folds) / len(folds))
        self.curves.append(round(sum(_curves(fold) for fold in folds) / len(folds)))
        freedom = [float(f.solution.freedom.sum()) for f in folds if f.solution is not None]
        self.freedom.append(sum(freedom) / max(len(freedom), 1))

    @property
    def idle(self) -> int:
        """Steps since the best one."""
        means = [float(loss.nanmean()) for loss in self.losses]
        return len(means) - 1 - means.index(min(means))


def grow(
    rows: Rows,
    pairs: str | int | Sequence[tuple[int, int]],
    terms: str | int,
    seed: int,
    progress: Progress = None,
) -> tuple[Growth, tuple[DialStep, ...]]:
    """Return the model at the chosen step, learned from all rows, and the path of the dial.

    Pairs come first, in doubling numbers, because the problem stays convex; terms after them, for
    what main curves and pairs cannot say.
    """
    if len(rows.problem.y) < FEWEST_ROWS:
        pairs, terms = (0 if dial == "auto" else dial for dial in (pairs, terms))
    say = progress or (lambda *_: None)
    say(0, 4, "main curves")
    everything = torch.ones(len(rows.problem.y), dtype=torch.bool)
    final = Growth.additive(rows, everything)
    final.fit()
    if choose_length_scales(final):
        final.fit()
    strata = None if rows.problem.loss.has_noise else rows.problem.y
    masks = held_out(len(everything), strata, seed)
    say(1, 4, "pairs")
    trail, chosen = _grow_pairs(final, masks, pairs)
    path = _steps(trail, chosen, rows)
    say(2, 4, "terms")
    if terms != 0 and masks:
        mask = scout(len(everything), strata, seed)
        final, path = _grow_terms(final, mask, terms, seed, path)
    say(3, 4, "all rows")
    return final, path


def _grow_pairs(
    final: Growth, masks: list[torch.Tensor], pairs: str | int | Sequence[tuple[int, int]]
) -> tuple[Trail, int]:
    """Choose how many pairs on held-out rows, and put them into the final model."""
    folds = [final.holding_out(mask) for mask in masks]
    trail = Trail([], [], [], [], [])
    n = len(final.rows.attributes)
    schedule, named = _schedule(pairs, n)
    _advance(folds, [])
    trail.note(0, folds)
    for count in schedule:
        _advance(folds, named, count)
        trail.note(count, folds)
        if pairs == "auto" and trail.idle >= PATIENCE:
            break
    chosen = _choose(trail, final.rows) if pairs == "auto" else len(trail.counts) - 1
    for count in trail.counts[1 : chosen + 1]:
        final.add_pairs(named or final.best_pairs(count - len(final.pairs)))
        final.fit(FINAL_STEPS, FOLD_TOLERANCE)
    return trail, chosen


def _advance(folds: list[Growth], named: list[tuple[int, int]], count: int = 0) -> None:
    for fold in folds:
        if count:
            fold.add_pairs(named or fold.best_pairs(count - len(fold.pairs)))
        fold.fit(FOLD_STEPS, FOLD_TOLERANCE)


def _schedule(
    pairs: str | int | Sequence[tuple[int, int]], n: int
) -> tuple[list[int], list[tuple[int, int]]]:
    """Return the numbers of pairs to try, and the pairs themselves where they were named."""
    every = n * (n - 1) // 2
    if pairs == "auto":
        most = min(every, 3 * n, MOST_PAIRS)
        return [2**i for i in range(10) if 2**i < most] + ([most] if most else []), []
    if isinstance(pairs, int):
        return ([min(pairs, every)] if pairs and every else []), []
    named = [(min(p, r), max(p, r)) for p, r in pairs]  # type: ignore[misc]
    return ([len(named)] if named else []), named


def _grow_terms(
    final: Growth, mask: torch.Tensor, terms: str | int, seed: int, path: tuple[DialStep, ...]
) -> tuple[Growth, tuple[DialStep, ...]]:
    """Choose how many terms on held-out rows, and learn them from all rows."""
    first = final.holding_out(mask)
    first.fit(FINAL_STEPS, FOLD_TOLERANCE)
    trail = Trail([], [], [], [], [])
    trail.note(0, [first])
    reached = [first]
    generator = torch.Generator().manual_seed(seed)
    for count in _term_schedule(terms):
        step = Growth(first.rows, reached[-1].design, reached[-1].state, first.kept)
        if not add_terms(step, count - len(step.design.terms), generator):
            break
        count = len(step.design.terms)
        fit_jointly(step)
        trail.note(count, [step])
        reached.append(step)
        if terms == "auto" and trail.idle >= PATIENCE - 2:
            break
    chosen = _choose(trail, final.rows) if terms == "auto" else len(reached) - 1
    path = _continue(path, trail, chosen, final.rows)
    if not chosen:
        return final, path
    best = reached[chosen]
    everywhere = tuple(replace(t, weight=final.rows.problem.weight) for t in best.design.terms)
    design = replace(best.design, terms=everywhere)
    return Growth(final.rows, design, best.state, final.kept), path


def _term_schedule(terms: str | int) -> list[int]:
    most = MOST_TERMS if terms == "auto" else int(terms)
    return [2**i for i in range(10) if 2**i < most] + [most]


def _choose(trail: Trail, rows: Rows) -> int:
    if not trail.losses or trail.losses[0].isnan().all():
        return 0
    return _chosen(trail, rows)[0]


def _chosen(trail: Trail, rows: Rows) -> tuple[int, list[float], list[float]]:
    problem = rows.problem
    start = problem.loss.start(problem.y, problem.weight)
    constant = problem.value(start.expand(len(problem.y), -1)) / float(problem.weight.sum())
    return choose(trail.losses, problem.weight, trail.costs, constant)


def _steps(trail: Trail, chosen: int, rows: Rows) -> tuple[DialStep, ...]:
    _, means, errors = _chosen(trail, rows)
    unit = 2.0 if rows.problem.loss.has_noise else 1.0  # the loss is half a squared error
    table = zip(trail.counts, trail.curves, trail.costs, trail.freedom, means, errors, strict=True)
    return tuple(
        DialStep(count, 0, curves, cost, freedom, unit * mean, unit * error, i == chosen)
        for i, (count, curves, cost, freedom, mean, error) in enumerate(table)
    )


def _continue(
    path: tuple[DialStep, ...], trail: Trail, chosen: int, rows: Rows
) -> tuple[DialStep, ...]:
    """Put the steps of the terms behind the chosen step of the pairs, on its level of loss."""
    base = next(step for step in path if step.chosen)
    steps = _steps(trail, chosen, rows)
    shift = base.loss - steps[0].loss
    more = tuple(replace(step, pairs=base.pairs, terms=step.pairs, loss=step.loss + shift)
                 for step in steps[1:])
    if not chosen:
        return path + more
    return tuple(replace(step, chosen=False) for step in path) + more


def _held_out_loss(folds: list[Growth]) -> torch.Tensor:
    total = torch.full((len(folds[0].kept),), torch.nan, dtype=torch.float64)
    for fold in folds:
        loss = fold.held_out_loss()
        total = torch.where(total.isnan(), loss, total)
    return total


def _curves(growth: Growth) -> int:
    widths = [len(t.attributes) + 1 for t in growth.design.terms]
    return len(growth.design.blocks) + sum(widths)


def _cost(growth: Growth) -> float:
    pairs = len(growth.pairs)
    widths = [len(t.attributes) for t in growth.design.terms]
    return reading_cost(len(growth.design.blocks) - pairs, pairs, widths)
