"""From a fitted model to its terms: inner curves and outer curve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from superpose.explain.grids import attribute_grid, label_grid, rows_at
from superpose.explain.parts import encode, half_width, outputs_of, part_names, parts_of, squeeze
from superpose.explain.read_curves import importance_of, units_of
from superpose.explain.read_surfaces import surface
from superpose.explain.summary import AttributeSummary, PartSummary, TrainingSummary
from superpose.explain.term import InnerCurve, Term

if TYPE_CHECKING:
    from superpose.fitting import Fit

__all__ = ["inner_sums", "terms"]

Array = NDArray[np.float64]


def terms(
    fit: Fit, summary: TrainingSummary | None = None, *, level: float = 0.95, points: int = 161
) -> dict[str, Term]:
    """Every term of a fitted model, by name such as "term 1 (age, bmi, sex)".

    The band of the outer curve is the mean posterior standard deviation of the training rows with
    about the same inner sum; without a summary it is not known and has no width.

    Parameters
    ----------
    fit : Fit
    summary : TrainingSummary, optional
        Gives names to the outputs, and each term its band, support and importance.
    level : float
        Probability that the band holds the outer curve at one inner sum.
    points : int
        Points of the grid of each curve.

    Returns
    -------
    dict of str to Term
        In the order of the parts.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose import KSTRegressor
    >>> from superpose.explain import terms
    >>> x = np.random.default_rng(0).uniform(-1, 1, (200, 2))
    >>> model = KSTRegressor(pairs=0, terms=0).fit(x, x[:, 0])
    >>> terms(model.fit_, model.summary_)
    {}
    """
    names = part_names(fit)
    chosen = [i for i, part in enumerate(parts_of(fit)) if part.kind == "term"]
    return {names[i]: _term(fit, i, names[i], summary, level, points) for i in chosen}


def inner_sums(part: Any, axis_units: torch.Tensor) -> Array:
    """The number that a term's outer curve reads, for each row [N]."""
    with torch.no_grad():
        return part.inner_sum(axis_units).detach().cpu().to(torch.float64).numpy()


def _term(
    fit: Fit, index: int, name: str, summary: TrainingSummary | None, level: float, points: int
) -> Term:
    part = parts_of(fit)[index]
    kept = None if summary is None else summary.parts[index]
    supports = None if summary is None else summary.attributes
    h = _inner_grid(part, kept, points)
    with torch.no_grad():
        mean = part.outer(torch.as_tensor(h)).detach().cpu().to(torch.float64).numpy()
    reach = half_width(level) * _outer_sd(h, kept, mean.shape[1])
    both = len(part.attributes) == 2
    return Term(
        name=name,
        attributes=tuple(fit.network.attributes[p].name for p in part.attributes),
        inner={
            fit.network.attributes[p].name: _inner_curve(fit, part, p, supports, points)
            for p in part.attributes
        },
        h=h,
        mean=squeeze(mean),
        lower=squeeze(mean - reach),
        upper=squeeze(mean + reach),
        level=level,
        units=units_of(outputs_of(fit, summary)),
        edges=np.asarray(kept.inner_edges) if kept else None,
        counts=np.asarray(kept.inner_counts, dtype=np.int64) if kept else None,
        surface=surface(fit, index, summary, level=level, points=41) if both else None,
        importance=importance_of(kept) if kept else None,
    )


def _inner_curve(
    fit: Fit, part: Any, position: int, supports: tuple[AttributeSummary, ...] | None, points: int
) -> InnerCurve:
    attribute = fit.network.attributes[position]
    grid = attribute_grid(attribute, points)
    values = np.append(grid, np.nan)
    u = encode(fit, rows_at({position: values}, len(fit.network.attributes)))
    with torch.no_grad():
        moved = [it(u).numpy() for it in part.moved if it.attributes == (position,)]
        inner = (
            part.inner[position](u[:, position])
            .detach()
            .cpu()
            .to(torch.float64)
            .numpy()
            .reshape(-1)
        )
    return InnerCurve(
        name=attribute.name,
        kind=attribute.kind,
        x=label_grid(attribute, grid),
        value=inner[:-1],
        missing=float(inner[-1]) if attribute.missing else None,
        support=None if supports is None else supports[position],
        moved=squeeze(np.sum(moved, axis=0)) if moved else None,
    )


def _inner_grid(part: Any, kept: PartSummary | None, points: int) -> Array:
    """Values of the inner sum: over its training range, or over the outer knots if unknown."""
    ends = kept.inner_edges if kept else np.asarray(part.outer_knots)
    return np.linspace(float(ends[0]), float(ends[-1]), points)


def _outer_sd(h: Array, kept: PartSummary | None, outputs: int) -> Array:
    """Standard deviation of the term at each inner sum, from the training rows' bins [H, K]."""
    if kept is None:
        return np.zeros((len(h), outputs))
    edges = np.asarray(kept.inner_edges)
    middles = (edges[:-1] + edges[1:]) / 2
    return np.stack([np.interp(h, middles, sd) for sd in kept.inner_sd], axis=1)
