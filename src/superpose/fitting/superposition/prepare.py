"""From a table to what is to be fitted: checked, standardised, in axis units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from superpose.errors import InputError
from superpose.fitting.deadline import Deadline
from superpose.fitting.superposition.growth import Rows
from superpose.fitting.superposition.known import Known
from superpose.fitting.superposition.losses import Loss, loss_named
from superpose.fitting.superposition.problem import Problem
from superpose.fitting.superposition.relevant import is_wide, only, relevant
from superpose.fitting.superposition.scale import additive_scale, robust_standard
from superpose.networks import Attribute


@dataclass(frozen=True)
class Prepared:
    """What is to be fitted.

    Attributes
    ----------
    rows : Rows
        The attributes that are worth a curve, and the standardised target.
    places : list of int
        Where these attributes stand in the table.
    pairs, terms : "auto", int or list of tuple of int
        Which of them, or how many; by places among ``rows``.
    attributes : tuple of Attribute
        Of the table.
    axis_units : Tensor [N, n]
        Its rows.
    loss : Loss
    known : Known
        What is known of target and outputs before the fit.
    y, weight : Tensor [N]
        The target in its own units, less what is known of it; and how many rows each row is.
    centre, spread : float
        The target was standardised as (y - centre) / spread.
    """

    rows: Rows
    places: list[int]
    pairs: Any
    terms: Any
    attributes: tuple[Attribute, ...]
    axis_units: torch.Tensor
    loss: Loss
    known: Known
    y: torch.Tensor
    weight: torch.Tensor
    centre: float
    spread: float


def prepare(
    attributes: Sequence[Attribute],
    x: torch.Tensor,
    y: torch.Tensor,
    loss_name: str,
    sample_weight: torch.Tensor | None,
    offset: torch.Tensor | None,
    pairs: Any,
    terms: Any,
    kernel: str,
    deadline: Deadline,
) -> Prepared:
    """Check a table, standardise its target, and leave out what is not worth a curve.

    The parameters are those of `superpose.fitting.fit_superposition`, which see.
    """
    weight = torch.ones_like(y, dtype=torch.float64) if sample_weight is None else sample_weight
    loss = loss_named(loss_name, y)
    _check(loss, y, weight)
    known = Known.of(loss, offset, weight)
    y = y.double() - known.of_target
    centre, spread = standard(loss, y, weight)
    deadline.before("settling the main curves, and all that follows")
    problem = Problem((y - centre) / spread, weight.double(), loss, known.of_outputs, deadline)
    axis_units = torch.stack([a.encode(x[:, p]) for p, a in enumerate(attributes)], 1)
    rows = Rows(tuple(attributes), axis_units, problem, kernel)
    if loss.name == "student_t":
        rows, scale = additive_scale(rows)
        spread *= scale
    places = list(range(len(attributes)))
    if is_wide(attributes):
        places = relevant(rows, [p for it in (*_named(pairs), *_named(terms)) for p in it])
        rows = only(rows, places)
        pairs, terms = _among(pairs, places), _among(terms, places)
    return Prepared(
        *(rows, places, pairs, terms, tuple(attributes), axis_units),
        *(loss, known, y, weight, centre, spread),
    )


def _named(parts: Any) -> Sequence[tuple[int, ...]]:
    """Return the pairs or terms that were asked for by their attributes."""
    return () if isinstance(parts, (str, int)) else parts


def _among(parts: Any, places: list[int]) -> Any:
    """Return pairs or terms by where their attributes stand among some of them."""
    named = [tuple(places.index(p) for p in it) for it in _named(parts)]
    return named if not isinstance(parts, (str, int)) else parts


def _check(loss: Loss, y: torch.Tensor, weight: torch.Tensor) -> None:
    """Refuse what no Newton step could be made of."""
    if not bool(y.isfinite().all()) or not bool((weight.isfinite() & (weight >= 0)).all()):
        raise InputError(
            "targets must be finite, and weights finite and 0 or above",
            f"found {int((~y.isfinite()).sum())} targets and "
            f"{int((~weight.isfinite() | (weight < 0)).sum())} weights that are not",
            "leave these rows out",
        )
    _check_range(loss, y[weight > 0])
    total, fewest = float(weight.sum()), 1.0 if loss.has_noise else 0.0
    if total <= fewest:
        raise InputError(
            f"weights say how many rows each row stands for, and must sum to more than {fewest:g}",
            f"they sum to {total:.3g}",
            "multiply them by the number of rows, or leave them out",
        )


def _check_range(loss: Loss, y: torch.Tensor) -> None:
    """Refuse targets that the loss gives no likelihood."""
    lowest = float(y.min()) if len(y) else 1.0
    if loss.name == "poisson" and (lowest < 0 or not bool(y.any())):
        raise InputError(
            'counts ("poisson") must be 0 or above, and not all of them 0',
            f"found {lowest:g} as the smallest, {float(y.max()):g} as the largest",
            "correct them, or take another loss",
        )
    if loss.name == "gamma" and lowest <= 0:
        raise InputError(
            'targets of "gamma" must be above 0',
            f"found {lowest:g}",
            "leave these rows out, or take another loss",
        )


def standard(loss: Loss, y: torch.Tensor, weight: torch.Tensor) -> tuple[float, float]:
    """Return what to subtract from the target and to divide it by; (0, 1) without units."""
    if loss.name == "student_t":
        return robust_standard(y, weight)
    if loss.name != "gaussian":
        return 0.0, 1.0
    centre = (weight * y).sum() / weight.sum()
    spread = ((weight * (y - centre) ** 2).sum() / weight.sum()).sqrt()
    return float(centre), float(spread) if float(spread) > 1e-12 * abs(float(centre)) else 1.0
