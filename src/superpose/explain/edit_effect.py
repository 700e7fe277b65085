"""What a change by hand does: a part written down before and after, and how far it moves rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from superpose.explain.grids import attribute_grid, rows_at, with_places
from superpose.explain.parts import contribution, deviation, encode, evaluate, parts_of
from superpose.explain.rank_parts import root_mean_square_band
from superpose.explain.summary import TrainingSummary

if TYPE_CHECKING:
    import torch

    from superpose.fitting import Fit

__all__ = ["Effect", "edit_effect", "edit_notes", "hand_drawn", "kept_rows", "summary_after"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Effect:
    """Grid [G], part before and after [G + 1, K], its sizes, and the mean moved by [K]."""

    x: Array
    before: Array
    after: Array
    size_before: float
    size_after: float
    mean_change: Array


def edit_effect(before: Fit, after: Fit, index: int, rows: Array, weight: Array) -> Effect:
    """Compare a part of two fits that differ by one edit.

    Parameters
    ----------
    before, after : Fit
    index : int
        The part.
    rows : array [N, n]
        As the network reads them.
    weight : array [N]
    """
    part = parts_of(after)[index]
    x, grid = np.zeros(0), np.zeros((0, rows.shape[1]))
    if part.kind == "curve":
        p = part.attributes[0]
        x = with_places(attribute_grid(after.network.attributes[p], 161), part)
        grid = rows_at({p: np.append(x, np.nan)}, rows.shape[1])
    old, new = (contribution(fit, index, encode(fit, grid)) for fit in (before, after))
    if not len(rows):
        return Effect(x, old, new, 0.0, 0.0, np.zeros(after.network.n_outputs))
    moved = [contribution(fit, index, encode(fit, rows)) for fit in (before, after)]
    first, second = (root_mean_square_band(m, 0 * m, weight)[0] for m in moved)
    change = np.average(moved[1] - moved[0], axis=0, weights=weight)
    change = np.where(np.abs(change) < 1e-12 * max(first, second), 0.0, change)  # rounding
    return Effect(x, old, new, first, second, change)


def kept_rows(fit: Fit, summary: TrainingSummary, index: int) -> tuple[Array, Array]:
    """Rows [S, n] and weights [S] that stand for the training rows, as far as one part reads them.

    The model keeps no rows: for a number these are its rug, at most 200 of its values evenly
    spread over their ranks; for a category its levels. For a part that reads several attributes
    there are none.
    """
    part, width = parts_of(fit)[index], len(fit.network.attributes)
    if part.kind != "curve":
        return np.zeros((0, width)), np.zeros(0)
    p = part.attributes[0]
    kept = summary.attributes[p]
    values = np.arange(len(kept.levels), dtype=np.float64)
    shares = np.asarray(kept.counts, dtype=np.float64)
    if kept.kind == "number":
        values, shares = np.asarray(kept.rug, dtype=np.float64), np.ones(len(kept.rug))
    known = (1 - kept.missing) * shares / max(float(shares.sum()), 1.0)
    rows = rows_at({p: np.append(values, np.nan)}, width)
    weight = np.append(known, kept.missing)
    return rows[weight > 0], weight[weight > 0]


def edit_notes(fit: Fit, index: int) -> tuple[str, ...]:
    """What was done to a part by hand, a sentence for each change."""
    return tuple(e.sentence for e in getattr(fit, "edits", ()) if e.index == index)


def hand_drawn(fit: Fit, index: int, axis_units: torch.Tensor) -> NDArray[np.bool_]:
    """Whether a person, not the data, said what a part contributes to each row [N].

    It is so where a part was edited or held and has no variance left.
    """
    if index not in {edit.index for edit in getattr(fit, "edits", ())}:
        return np.zeros(len(axis_units), dtype=bool)
    sd = deviation(fit, index, axis_units)
    return np.asarray((sd == 0).all(axis=1))


def summary_after(summary: TrainingSummary, fit: Fit, index: int) -> TrainingSummary:
    """The summary of a model whose part `index` was set, smoothed or removed.

    Importance and degrees of freedom of the part are those it has now; what was measured on
    held-out rows says that it was measured before.
    """
    part = summary.parts[index]
    rows, weight = kept_rows(fit, summary, index)
    value, lower, upper = 0.0, 0.0, 0.0
    if len(rows):
        value, lower, upper = root_mean_square_band(
            *evaluate(fit, index, encode(fit, rows)), weight
        )
    dof = float(fit.posterior.dof[index])
    new = replace(
        part, importance=value, lower=lower, upper=upper, dof=dof, no_effect=None, jump=None
    )
    if value == 0:
        silent = tuple(tuple(0.0 for _ in sd) for sd in part.inner_sd)
        new = replace(new, concurvity=0.0, inner_sd=silent)
    parts = (*summary.parts[:index], new, *summary.parts[index + 1 :])
    held_out, note = summary.held_out, "; before changes by hand"
    if held_out is not None and not held_out.source.endswith(note):
        held_out = replace(held_out, source=held_out.source + note)
    return replace(summary, parts=parts, held_out=held_out)
