"""Whether the records of a summary agree with one another; those of a file need not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from superpose.explain.summary import AttributeSummary, PartSummary, TrainingSummary

__all__ = ["check_summary"]


def check_summary(summary: TrainingSummary) -> None:
    """Refuse a summary that no rows could have.

    Raises
    ------
    ValueError
        With what does not hold.

    Examples
    --------
    >>> from superpose.explain import AttributeSummary, TrainingSummary
    >>> from superpose.explain.summary_checks import check_summary
    >>> hue = AttributeSummary("hue", "category", counts=(3,), levels=("blue", "red"))
    >>> check_summary(TrainingSummary(rows=3, target="price", attributes=(hue,)))
    Traceback (most recent call last):
    ValueError: hue must have a count for each level
    """
    for attribute in summary.attributes:
        _check_attribute(attribute)
    for part in summary.parts:
        _check_tests(part)
        _check_cells(part, summary.attributes)
        _check_inner_sum(part, 1 if len(summary.classes) < 3 else len(summary.classes))


def _check_attribute(it: AttributeSummary) -> None:
    _require(it.kind in ("number", "category"), f"{it.name} must be a number or a category")
    if it.kind == "category":
        _require(len(it.counts) == len(it.levels), f"{it.name} must have a count for each level")
        return
    _check_histogram(it.edges, it.counts, it.name)
    _require(_rises(it.quantiles), f"quantiles of {it.name} must be finite, and not fall")
    _require(len(it.quantiles) in (0, 9), f"{it.name} must have nine quantiles")


def _check_tests(part: PartSummary) -> None:
    """Check what was found when the rows were asked for an effect, and for a jump."""
    place, chance = (0.0, None) if part.jump is None else part.jump
    chances = [it for it in (part.no_effect, chance) if it is not None]
    _require(math.isfinite(place), f"the jump of {part.name} must have a finite place")
    _require(all(0 <= it <= 1 for it in chances), f"chances of {part.name} must be from 0 to 1")


def _check_cells(part: PartSummary, attributes: Sequence[AttributeSummary]) -> None:
    known = all(0 <= p < len(attributes) for p in part.attributes)
    _require(known, f"{part.name} must read attributes that exist")
    if not part.counts:
        return
    bins = [max(1, len(attributes[p].counts)) for p in part.attributes]
    shape = {(len(part.counts), len(row)) for row in part.counts}
    _require(shape == {tuple(bins)}, f"{part.name} must have a count for each pair of bins")


def _check_inner_sum(part: PartSummary, n_outputs: int) -> None:
    if part.kind != "term":
        return
    _check_histogram(part.inner_edges, part.inner_counts, part.name)
    widths = [len(it) for it in part.inner_sd]
    whole = widths == [len(part.inner_counts)] * n_outputs and bool(part.inner_counts)
    _require(whole, f"{part.name} must have a deviation for each bin and output")


def _check_histogram(edges: Sequence[float], counts: Sequence[int], name: str) -> None:
    _require(len(edges) == len(counts) + bool(counts), f"{name} must have a count for each bin")
    _require(_rises(edges), f"edges of {name} must be finite, and not fall")


def _rises(values: Sequence[float]) -> bool:
    return all(map(math.isfinite, values)) and all(a <= b for a, b in pairwise(values))


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)
