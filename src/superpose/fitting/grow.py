"""Grow the dial on held-out rows, choose a step, and grow that on all rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from superpose.fitting.dial import DialStep, choose, reading_cost
from superpose.fitting.folds import held_out
from superpose.fitting.growth import Growth, Rows

Progress = Callable[..., None] | None
PATIENCE = 2


def grow(
    rows: Rows, pairs: str | int | Sequence[tuple[int, int]], terms: str | int, seed: int,
    progress: Progress,
) -> tuple[Growth, tuple[DialStep, ...]]:
    """Return the model at the chosen step, learned from all rows, and the path of the dial.

    Pairs come first, in doubling numbers, because the problem stays convex; terms after them, for
    what main curves and pairs cannot say.
    """
    everything = torch.ones(len(rows.problem.y), dtype=torch.bool)
    final = Growth.additive(rows, everything)
    final.fit()
    strata = None if rows.problem.loss.has_noise else rows.problem.y
    folds = [final.holding_out(mask) for mask in held_out(len(everything), strata, seed)]
    n = len(rows.attributes)
    counts = _schedule(pairs, n * (n - 1) // 2, n)
    steps, losses = [0], [_refit(folds)]
    for count in counts:
        for fold in folds:
            fold.add_pairs(fold.best_pairs(count - len(fold.pairs)))
        losses.append(_refit(folds))
        steps.append(count)
        means = [float(l.nanmean()) for l in losses]
        if pairs == "auto" and len(means) - 1 - means.index(min(means)) >= PATIENCE:
            break
    costs = [reading_cost(n, s, []) for s in steps]
    chosen, means, errors = choose(losses, rows.problem.weight, costs)
    for s in steps[1 : chosen + 1]:
        final.add_pairs(final.best_pairs(s - len(final.pairs)))
        final.fit(iterations=8)
    path = tuple(
        DialStep(s, 0, n + s, c, float("nan"), m, e, i == chosen)
        for i, (s, c, m, e) in enumerate(zip(steps, costs, means, errors, strict=True))
    )
    return final, path


def _schedule(pairs: str | int | Sequence[tuple[int, int]], most: int, n: int) -> list[int]:
    if pairs == "auto":
        most = min(most, 3 * n, 48)
        counts = [2**i for i in range(10) if 2**i < most]
        return counts + ([most] if most else [])
    return [min(int(pairs), most)] if pairs else []


def _refit(folds: list[Growth]) -> torch.Tensor:
    total = None
    for fold in folds:
        fold.fit()
        loss = fold.held_out_loss()
        total = loss if total is None else torch.where(total.isnan(), loss, total)
    return total
