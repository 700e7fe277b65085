"""What the cells say together: means over folds, ranks, wins, geometric means. Only arithmetic.

A cell is a plain dict, as in the file of results. Two sides are compared on the folds that both
have measured, and on the tables with at least one such fold.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata

__all__ = ["Mean", "Ranks", "Row", "Versus", "geometric_mean", "mean_ranks", "rows_of", "versus"]

SMALL_LOSS = 1e-3
"""Losses below this are as good as none; in the second of two ratios they count as this."""

SHORTEST = 1e-3
"""CPU-seconds that a clock can tell from none."""

Cell = dict[str, Any]


@dataclass(frozen=True)
class Mean:
    """A mean over tables with its standard error.

    Parameters
    ----------
    value : float
        The mean.
    error : float
        Standard deviation over the square root of the number of tables; nan for one table.
    """

    value: float
    error: float


@dataclass(frozen=True)
class Row:
    """What one side reached on one table.

    Parameters
    ----------
    side : str
        Its name.
    means : dict
        Mean over folds of each number that was measured.
    loss_error : float
        Standard error of the loss over folds; nan for one fold.
    folds : int
        How many folds were measured.
    notes : tuple of str
        Why others were not.
    """

    side: str
    means: dict[str, float]
    loss_error: float
    folds: int
    notes: tuple[str, ...]


NUMBERS = (
    "loss",
    "auc",
    "calibration",
    "cpu_s",
    "wall_s",
    "peak_mb",
    "peak_added_mb",
    "curves",
    "pairs",
    "terms",
)


def rows_of(cells: Iterable[Cell], table: str, sides: Sequence[str]) -> list[Row]:
    """What each side reached on a table; sides without a cell are left out.

    Parameters
    ----------
    cells : iterable of dict
        Cells of the results.
    table : str
        Name of the table.
    sides : sequence of str
        Which, in this order.
    """
    here = [cell for cell in cells if cell["table"] == table]
    return [
        _row(side, found) for side in sides if (found := [c for c in here if c["side"] == side])
    ]


def _row(side: str, cells: list[Cell]) -> Row:
    measured = [cell for cell in cells if cell["status"] == "measured"]
    means = {
        name: float(np.mean([cell[name] for cell in measured]))
        for name in NUMBERS
        if measured and all(name in cell for cell in measured)
    }
    error = _mean([cell["loss"] for cell in measured]).error if measured else math.nan
    reasons = [
        f"{c['status']}: {c['reason']}" if c["status"] != "over the limit" else c["reason"]
        for c in cells
        if c["status"] != "measured"
    ]
    notes = tuple(_counted(reason, reasons, cells) for reason in dict.fromkeys(reasons))
    return Row(side, means, error, len(measured), notes)


def _counted(reason: str, reasons: list[str], cells: list[Cell]) -> str:
    times = reasons.count(reason)
    return reason if times == len(cells) else f"{reason} ({times} of {len(cells)} folds)"


@dataclass(frozen=True)
class Versus:
    """One side against another, on the tables both have.

    Parameters
    ----------
    ours, theirs : str
        Names of the sides.
    tables : tuple of str
        Tables with a fold that both measured.
    folds : int
        How many such folds over all tables.
    won, lost, tied : tuple of str
        Tables where the loss of ours is lower, higher, the same.
    unfinished : tuple of str
        Tables with a fold that theirs finished and ours did not: stopped at the limit or failed.
    loss : Mean
        Geometric mean of the ratio of losses, ours over theirs; below 1 ours is better.
    loss_above_small : Mean
        The same where losses below 0.001 count as 0.001: two models that are never wrong may
        differ by a factor of a hundred in losses that nobody can tell from none.
    cpu : Mean
        Geometric mean of the ratio of CPU-seconds of `fit`.
    cpu_ratios : dict
        That ratio for each table.
    curves : dict
        Curves and surfaces of ours and of theirs, for each table where both can be read.
    """

    ours: str
    theirs: str
    tables: tuple[str, ...]
    folds: int
    won: tuple[str, ...]
    lost: tuple[str, ...]
    tied: tuple[str, ...]
    unfinished: tuple[str, ...]
    loss: Mean
    loss_above_small: Mean
    cpu: Mean
    cpu_ratios: dict[str, float]
    curves: dict[str, tuple[float, float]]


def versus(cells: Iterable[Cell], ours: str, theirs: str) -> Versus:
    """Compare two sides.

    Parameters
    ----------
    cells : iterable of dict
        Cells of the results.
    ours, theirs : str
        Names of the sides.

    Returns
    -------
    Versus
        Wins, and geometric means of the ratios of losses and of CPU-seconds.

    Examples
    --------
    >>> from superpose.bench import versus
    >>> def cell(table, side, loss, cpu):
    ...     return {"table": table, "fold": 0, "side": side, "status": "measured",
    ...             "loss": loss, "cpu_s": cpu}
    >>> cells = [cell("a", "we", 0.1, 2.0), cell("a", "they", 0.4, 1.0),
    ...          cell("b", "we", 0.3, 8.0), cell("b", "they", 0.3, 1.0)]
    >>> found = versus(cells, "we", "they")
    >>> found.won, found.tied, round(found.loss.value, 9), round(found.cpu.value, 9)
    (('a',), ('b',), 0.5, 4.0)
    """
    cells = list(cells)
    shared = _shared(cells, (ours, theirs))
    loss = {table: _means(folds, "loss") for table, folds in shared.items()}
    cpu = {table: _means(folds, "cpu_s", SHORTEST) for table, folds in shared.items()}
    read = {table: _means(folds, "curves") for table, folds in shared.items()}
    ratios = {table: mean[ours] / mean[theirs] for table, mean in cpu.items()}
    floored = [
        max(mean[ours], SMALL_LOSS) / max(mean[theirs], SMALL_LOSS) for mean in loss.values()
    ]
    return Versus(
        ours,
        theirs,
        tuple(shared),
        sum(len(folds) for folds in shared.values()),
        won=_where(loss, lambda mean: mean[ours] < mean[theirs]),
        lost=_where(loss, lambda mean: mean[ours] > mean[theirs]),
        tied=_where(loss, lambda mean: mean[ours] == mean[theirs]),
        unfinished=_unfinished(cells, ours, theirs),
        loss=geometric_mean([mean[ours] / mean[theirs] for mean in loss.values()]),
        loss_above_small=geometric_mean(floored),
        cpu=geometric_mean(list(ratios.values())),
        cpu_ratios=ratios,
        curves={
            t: (m[ours], m[theirs]) for t, m in read.items() if not math.isnan(sum(m.values()))
        },
    )


@dataclass(frozen=True)
class Ranks:
    """Mean ranks of several sides over the tables that all of them have.

    Parameters
    ----------
    tables : tuple of str
        Tables with a fold that all sides measured.
    ranks : dict
        Mean rank of each side, 1 for the lowest loss; equal losses share their ranks.
    """

    tables: tuple[str, ...]
    ranks: dict[str, Mean]


def mean_ranks(cells: Iterable[Cell], sides: Sequence[str]) -> Ranks:
    """Rank sides by their loss on each table, and average.

    Parameters
    ----------
    cells : iterable of dict
        Cells of the results.
    sides : sequence of str
        Which are ranked.
    """
    shared = _shared(list(cells), sides)
    losses = [_means(folds, "loss") for folds in shared.values()]
    ranks = [rankdata([mean[side] for side in sides]) for mean in losses]
    by_side = zip(*ranks, strict=True) if ranks else [[] for _ in sides]
    return Ranks(
        tuple(shared), {side: _mean(list(r)) for side, r in zip(sides, by_side, strict=True)}
    )


def geometric_mean(ratios: Sequence[float]) -> Mean:
    """Geometric mean of ratios over tables, with its standard error.

    The error is that of the mean logarithm, times the mean (the delta method).

    Parameters
    ----------
    ratios : sequence of float
        One a table, above 0.

    Examples
    --------
    >>> from superpose.bench import geometric_mean
    >>> round(geometric_mean([2.0, 8.0]).value, 9)
    4.0
    """
    logs = _mean([math.log(ratio) for ratio in ratios])
    value = math.exp(logs.value)
    return Mean(value, value * logs.error)


def _mean(values: Sequence[float]) -> Mean:
    n = len(values)
    if n == 0:
        return Mean(math.nan, math.nan)
    error = float(np.std(values, ddof=1) / math.sqrt(n)) if n > 1 else math.nan
    return Mean(float(np.mean(values)), error)


def _shared(cells: list[Cell], sides: Sequence[str]) -> dict[str, list[dict[str, Cell]]]:
    """By table: the folds that all sides measured, each with the cell of each side."""
    folds: dict[tuple[str, int], dict[str, Cell]] = {}
    for cell in cells:
        if cell["status"] == "measured" and cell["side"] in sides:
            folds.setdefault((cell["table"], cell["fold"]), {})[cell["side"]] = cell
    shared: dict[str, list[dict[str, Cell]]] = {}
    for (table, _), found in folds.items():
        if len(found) == len(set(sides)):
            shared.setdefault(table, []).append(found)
    return shared


def _means(folds: list[dict[str, Cell]], name: str, least: float = 0.0) -> dict[str, float]:
    """Mean over folds for each side, at least `least`; nan where a side has no such number."""
    means = {
        side: float(np.mean([fold[side].get(name, math.nan) for fold in folds]))
        for side in folds[0]
    }
    return {side: float(np.maximum(mean, least)) for side, mean in means.items()}


def _where(
    losses: dict[str, dict[str, float]], holds: Callable[[dict[str, float]], bool]
) -> tuple[str, ...]:
    return tuple(table for table, mean in losses.items() if holds(mean))


def _unfinished(cells: list[Cell], ours: str, theirs: str) -> tuple[str, ...]:
    done = {
        (c["table"], c["fold"]) for c in cells if c["side"] == theirs and c["status"] == "measured"
    }
    stopped = [
        c["table"]
        for c in cells
        if c["side"] == ours
        and c["status"] in ("over the limit", "failed")
        and (c["table"], c["fold"]) in done
    ]
    return tuple(dict.fromkeys(stopped))
