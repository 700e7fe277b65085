"""Grow the dial on held-out rows, choose a step, and grow that on all rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from superpose.fitting.superposition.apart import fit_apart
from superpose.fitting.superposition.columns import Block
from superpose.fitting.superposition.covariance import choose_covariances
from superpose.fitting.superposition.dial import DialStep
from superpose.fitting.superposition.folds import held_out, scout
from superpose.fitting.superposition.growth import Growth, Promise, Rows
from superpose.fitting.superposition.terms import JOINT_STEPS, WORTH, add_terms
from superpose.fitting.superposition.thinning import thinned, with_all_columns
from superpose.fitting.superposition.trail import Trail, added_names, cost, n_curves

NAN = float("nan")
Progress = Callable[..., None] | None
PATIENCE = 3
MOST_PAIRS = 32
FOLD_STEPS = 3
FOLD_REACH = 1.0  # a fold starts near its end, so no smoothness has far to go
FOLD_TOLERANCE = 0.3
MOST_TERMS = 16
FINAL_STEPS = 8
FIRST_STEPS = 4
MANY_COEFFICIENTS = 500  # from there on it is worth asking which of them count
MOST_COEFFICIENTS = 3_000  # a dial that goes on by itself stops there
PROMISE = 1.0  # nats
FEWEST_ROWS = 30  # below this, held-out rows say nothing about pairs and terms


@dataclass(frozen=True)
class Grown:
    """A model at the chosen step of the dial.

    Attributes
    ----------
    growth : Growth
        On all rows.
    path : tuple of DialStep
        Every step that was tried.
    held_out : Tensor [N, K]
        Outputs of each row by a model of the same dial that had not seen it; NaN where none.
    """

    growth: Growth
    path: tuple[DialStep, ...]
    held_out: torch.Tensor


def grow(
    rows: Rows,
    pairs: str | int | Sequence[tuple[int, int]],
    terms: str | int | Sequence[tuple[int, ...]],
    seed: int,
    progress: Progress = None,
) -> Grown:
    """Grow the model to the chosen step and learn it from all rows.

    Pairs come first, in doubling numbers, because the problem stays convex; terms after them, for
    what main curves and pairs cannot say.
    """
    if len(rows.problem.y) < FEWEST_ROWS:
        pairs = 0 if pairs == "auto" else pairs
        terms = 0 if terms == "auto" else terms
    say, deadline = progress or (lambda *_: None), rows.problem.deadline
    later = ("pairs" if pairs else "", "terms" if terms else "")
    deadline.before("settling the main curves", *later)
    say(0, 4, "main curves")
    everything = torch.ones(len(rows.problem.y), dtype=torch.bool)
    final, mains = _main_curves(rows, everything)
    strata = None if rows.problem.loss.has_noise else rows.problem.y
    masks = held_out(len(everything), strata, seed)
    if not masks:
        return replace(_alone(final), growth=with_all_columns(final, mains))
    deadline.before("measuring the main curves on held-out rows", *later)
    say(1, 4, "pairs")
    grown = _grow_pairs(final, masks, pairs, later)
    deadline.before(later[1])
    say(2, 4, "terms")
    if terms and not deadline.over():
        grown = _grow_terms(grown, scout(len(everything), strata, seed), terms, seed)
    deadline.before("the last Newton steps on all rows")
    say(3, 4, "all rows")
    return replace(grown, growth=with_all_columns(grown.growth, mains))


def _alone(final: Growth) -> Grown:
    """Return main curves of which nothing was held out."""
    step = DialStep(0, 0, len(final.design.blocks), cost(final), 0.0, NAN, NAN, True)
    return Grown(final, (step,), torch.full_like(final.outputs(), torch.nan))


def _main_curves(rows: Rows, everything: torch.Tensor) -> tuple[Growth, tuple[Block, ...]]:
    """Return the fit of the main curves over the columns that count, and their whole columns."""
    growth = Growth.additive(rows, everything)
    several = growth.design.n_outputs > 1
    if several:
        growth.state = fit_apart(*growth.training, growth.state)
    elif growth.design.n_coefficients < MANY_COEFFICIENTS:
        growth.fit()
    else:
        growth = _fitted_lean(growth)
    over = rows.problem.deadline.over()
    moved = not over and choose_covariances(growth)
    mains = growth.design.blocks
    if over:
        return growth, mains
    if several and moved:
        growth.state = fit_apart(*growth.training, growth.state)
    growth = _lean(growth)
    if several or moved:
        growth.fit()
    return growth, mains


def _fitted_lean(growth: Growth) -> Growth:
    """Fit over all columns until it shows which of them count, then over these."""
    growth.fit(FIRST_STEPS)
    lean = thinned(growth)
    lean.fit()
    return with_all_columns(lean, growth.design.blocks)


def _lean(growth: Growth) -> Growth:
    """Return the growth over the columns that count, where it has many."""
    return growth if growth.design.n_coefficients < MANY_COEFFICIENTS else thinned(growth)


def _grow_pairs(
    final: Growth,
    masks: list[torch.Tensor],
    pairs: str | int | Sequence[tuple[int, int]],
    later: tuple[str, str],
) -> Grown:
    """Choose how many pairs on held-out rows, and put them into the final model."""
    folds = [final.holding_out(mask) for mask in masks]
    trail = Trail(final.rows.problem)
    if final.rows.problem.deadline.over():
        return _alone(final)
    schedule, named = _schedule(pairs, len(final.rows.attributes))
    if pairs == "auto" and not any(it.gain > PROMISE for it in final.promising(1)):
        schedule = []  # chance would choose among them
    deadline = final.rows.problem.deadline
    _advance(folds, final)
    if deadline.over():
        return _alone(final)
    trail.note(0, folds)
    given, reached = [Promise(pair) for pair in named], [final]
    for count in schedule:
        lead = reached[-1].copy()
        deadline.before(f"a step from {len(lead.pairs)} to {count} pairs", later[1])
        lead.add_pairs(given or lead.promising(count - len(lead.pairs)))
        if len(lead.pairs) == len(reached[-1].pairs):
            break  # no two attributes are left that may interact
        lead = _lean(lead)
        lead.fit(FINAL_STEPS, FOLD_TOLERANCE)
        if deadline.over():
            break  # the step is not finished
        for fold in folds:
            fold.add_pairs(given or fold.promising(count - len(fold.pairs)))
        _advance(folds, lead)
        if deadline.over():
            break
        trail.note(len(lead.pairs), folds)
        trail.names[-1] = tuple(added_names(lead)[len(reached[-1].pairs) :])
        reached.append(lead)
        large = max(it.design.n_coefficients for it in (lead, *folds)) > MOST_COEFFICIENTS
        if pairs == "auto" and (trail.idle >= PATIENCE or trail.still or large):
            break
    chosen = trail.choose()[0] if pairs == "auto" else len(trail.counts) - 1
    final = reached[chosen]
    path = tuple(_as_it_is(step, final) if step.chosen else step for step in trail.steps(chosen))
    return Grown(final, path, trail.outputs[chosen])


def _as_it_is(step: DialStep, final: Growth) -> DialStep:
    """Count what the model of all rows has; the folds may have found more or fewer pairs."""
    return replace(step, pairs=len(final.pairs), curves=n_curves(final), cost=cost(final))


def _advance(folds: list[Growth], guide: Growth) -> None:
    """Fit the folds at about the smoothness of all rows."""
    for i, fold in enumerate(folds):
        if guide.rows.problem.deadline.over():
            return
        fold.guided(guide)
        folds[i] = fold = _lean(fold)
        _settle(fold)


def _settle(fold: Growth) -> None:
    """Fit a fold that starts near its end."""
    fold.fit(FOLD_STEPS, FOLD_TOLERANCE, FOLD_REACH)


def _schedule(
    pairs: str | int | Sequence[tuple[int, int]], n: int
) -> tuple[list[int], list[tuple[int, int]]]:
    """Return the numbers of pairs to try, and the pairs themselves where they were named."""
    every = n * (n - 1) // 2
    if isinstance(pairs, str):
        most = min(every, 3 * n, MOST_PAIRS)
        return [2**i for i in range(10) if 2**i < most] + ([most] if most else []), []
    if isinstance(pairs, int):
        return ([min(pairs, every)] if pairs and every else []), []
    named = [(min(p, r), max(p, r)) for p, r in pairs]
    return ([len(named)] if named else []), named


def _grow_terms(
    grown: Grown, mask: torch.Tensor, terms: str | int | Sequence[tuple[int, ...]], seed: int
) -> Grown:
    """Choose how many terms on held-out rows, and learn them from all rows."""
    final, path = grown.growth, grown.path
    deadline = final.rows.problem.deadline
    first = final.holding_out(mask)
    _settle(first)
    if deadline.over():
        return grown
    trail = Trail(final.rows.problem)
    trail.note(0, [first])
    reached = [first]
    generator = torch.Generator().manual_seed(seed)
    worth = WORTH if terms == "auto" else -math.inf  # so many were asked for
    named = () if isinstance(terms, (str, int)) else terms
    for count in [len(named)] if named else _term_schedule(terms):
        step = reached[-1].copy()
        deadline.before(f"a step from {len(step.design.terms)} to {count} terms")
        if not add_terms(step, count - len(step.design.terms), generator, worth, named):
            break
        count = len(step.design.terms)
        step.fit(JOINT_STEPS, FOLD_TOLERANCE)
        if deadline.over():
            break
        trail.note(count, [step])
        reached.append(step)
        if terms == "auto" and trail.idle >= PATIENCE - 2:
            break
    chosen = trail.choose()[0] if terms == "auto" else len(reached) - 1
    path = trail.behind(path, chosen)
    if not chosen:
        return replace(grown, path=path)
    best = reached[chosen]
    everywhere = tuple(replace(t, weight=final.rows.problem.weight) for t in best.design.terms)
    design = replace(best.design, terms=everywhere)
    whole = Growth(final.rows, design, best.state, final.kept)
    return Grown(whole, path, trail.outputs[chosen])


def _term_schedule(terms: Any) -> list[int]:
    most = MOST_TERMS if terms == "auto" else int(terms)
    return [2**i for i in range(10) if 2**i < most] + [most]
