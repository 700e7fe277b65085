"""From a fitted model to its main curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from superpose.explain.curve import Curve, Missing
from superpose.explain.edit_effect import edit_notes, hand_drawn
from superpose.explain.grids import attribute_grid, label_grid, rows_at, with_places
from superpose.explain.importance import Importance
from superpose.explain.outputs import Outputs
from superpose.explain.parts import contribution, encode, limits, outputs_of, parts_of, squeeze
from superpose.explain.summary import PartSummary, TrainingSummary

if TYPE_CHECKING:
    from superpose.fitting import Fit

__all__ = ["curves", "importance_of", "units_of"]


def curves(
    fit: Fit, summary: TrainingSummary | None = None, *, level: float = 0.95, points: int = 161
) -> dict[str, Curve]:
    r"""Every main curve of a fitted model, by attribute.

    The band is :math:`g(x) \pm z\,\mathrm{sd}(x)` with the posterior's standard deviation: it is
    pointwise, so at 95 % a curve may leave it at one x in twenty. The band of a curve of a known
    shape is that of its control points; one that rises or falls has limits that do.

    Parameters
    ----------
    fit : Fit
    summary : TrainingSummary, optional
        Gives names to the outputs, and each curve its support and importance.
    level : float
        Probability that the band holds the curve at one x.
    points : int
        Points of the grid of an attribute that is a number.

    Returns
    -------
    dict of str to Curve
        In the order of the parts.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose import KSTRegressor
    >>> from superpose.explain import curves
    >>> x = np.linspace(0, 1, 50)[:, None]
    >>> y = 3 * x[:, 0] + np.random.default_rng(0).normal(0, 0.1, 50)
    >>> model = KSTRegressor(pairs=0, terms=0).fit(x, y)
    >>> curve = curves(model.fit_, model.summary_)["x0"]
    >>> np.interp([0, 1], curve.x, curve.mean).round(1)
    array([-1.5,  1.6])
    """
    outputs = outputs_of(fit, summary)
    found = {}
    for index, part in enumerate(parts_of(fit)):
        if part.kind != "curve":
            continue
        position, basis = part.attributes[0], getattr(part, "basis", None)
        attribute = fit.network.attributes[position]
        grid = with_places(attribute_grid(attribute, points), part)
        values = np.append(grid, np.nan)  # the last row asks what a missing value adds
        u = encode(fit, rows_at({position: values}, len(fit.network.attributes)))
        mean = contribution(fit, index, u)
        lower, upper = limits(fit, index, u, level)
        missing = Missing(*(squeeze(a[-1:])[0] for a in (mean, lower, upper)))
        by_hand = hand_drawn(fit, index, u)[:-1]
        found[attribute.name] = Curve(
            name=attribute.name,
            kind=attribute.kind,
            x=label_grid(attribute, grid),
            mean=squeeze(mean[:-1]),
            lower=squeeze(lower[:-1]),
            upper=squeeze(upper[:-1]),
            level=level,
            units=units_of(outputs),
            support=None if summary is None else summary.attributes[position],
            missing=missing if attribute.missing else None,
            importance=None if summary is None else importance_of(summary.parts[index]),
            by_hand=by_hand if by_hand.any() else None,
            jump=None if summary is None else summary.parts[index].jump,
            notes=edit_notes(fit, index),
            shape=getattr(basis, "shape", ()),
            shape_of=tuple(outputs.labels[k] for k in getattr(basis, "shape_of", ())),
        )
    return found


def units_of(outputs: Outputs) -> str | tuple[str, ...]:
    """The unit of the only output, or the units of all."""
    return outputs.units[0] if len(outputs.units) == 1 else outputs.units


def importance_of(part: PartSummary) -> Importance:
    """The importance that a summary keeps of a part."""
    return Importance(part.name, part.importance, part.lower, part.upper, part.no_effect)
