"""From a fitted model to its pair surfaces, and to its terms of two attributes as surfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from superpose.explain.grids import attribute_grid, label_grid, rows_at
from superpose.explain.parts import (
    encode,
    evaluate,
    half_width,
    outputs_of,
    part_names,
    parts_of,
    squeeze,
)
from superpose.explain.read_curves import importance_of, units_of
from superpose.explain.summary import TrainingSummary
from superpose.explain.surface import Surface

if TYPE_CHECKING:
    from superpose.fitting import Fit

__all__ = ["surface", "surfaces"]


def surfaces(
    fit: Fit, summary: TrainingSummary | None = None, *, level: float = 0.95, points: int = 41
) -> dict[str, Surface]:
    """Every pair of a fitted model as a surface, by name such as "age × bmi".

    Parameters
    ----------
    fit : Fit
    summary : TrainingSummary, optional
        Gives names to the outputs, and each surface its support and importance.
    level : float
        Probability that the band holds the surface at one point.
    points : int
        Points of the lattice along an attribute that is a number.

    Returns
    -------
    dict of str to Surface
        In the order of the parts.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose import KSTRegressor
    >>> from superpose.explain import surfaces
    >>> x = np.random.default_rng(0).uniform(-1, 1, (200, 2))
    >>> model = KSTRegressor(pairs=[(0, 1)], terms=0).fit(x, x[:, 0] * x[:, 1])
    >>> surface = surfaces(model.fit_, model.summary_)["x0 × x1"]
    >>> np.sign(surface.mean[[5, 5, -5, -5], [5, -5, 5, -5]])
    array([ 1., -1., -1.,  1.])
    """
    pairs = [i for i, part in enumerate(parts_of(fit)) if part.kind == "pair"]
    names = part_names(fit)
    return {names[i]: surface(fit, i, summary, level=level, points=points) for i in pairs}


def surface(
    fit: Fit, index: int, summary: TrainingSummary | None, *, level: float, points: int
) -> Surface:
    """The part at `index`, which must read two attributes, as a surface."""
    first, second = parts_of(fit)[index].attributes
    kept = None if summary is None else summary.parts[index]
    both = [fit.network.attributes[p] for p in (first, second)]
    grids = [attribute_grid(attribute, points) for attribute in both]
    a, b = np.meshgrid(*grids, indexing="ij")
    rows = rows_at({first: a.ravel(), second: b.ravel()}, len(fit.network.attributes))
    mean, sd = evaluate(fit, index, encode(fit, rows))
    reach = half_width(level) * sd
    lattice = (*a.shape, mean.shape[1])
    return Surface(
        name=part_names(fit)[index],
        attributes=(both[0].name, both[1].name),
        kinds=(both[0].kind, both[1].kind),
        x=label_grid(both[0], grids[0]),
        y=label_grid(both[1], grids[1]),
        mean=squeeze(mean.reshape(lattice)),
        lower=squeeze((mean - reach).reshape(lattice)),
        upper=squeeze((mean + reach).reshape(lattice)),
        level=level,
        units=units_of(outputs_of(fit, summary)),
        supports=() if summary is None else tuple(summary.attributes[p] for p in (first, second)),
        counts=np.asarray(kept.counts, dtype=np.int64) if kept and kept.counts else None,
        importance=importance_of(kept) if kept else None,
    )
