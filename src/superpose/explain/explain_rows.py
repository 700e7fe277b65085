"""From a fitted model and some rows to the contributions of every part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from superpose.explain.edit_effect import hand_drawn
from superpose.explain.explanation import Explanation
from superpose.explain.outputs import Outputs
from superpose.explain.parts import (
    contributions,
    data_text,
    default_outputs,
    encode,
    half_width,
    limits,
    part_names,
    parts_of,
)

if TYPE_CHECKING:
    from superpose.fitting import Fit

__all__ = ["explain"]

Array = NDArray[np.float64]


def explain(
    fit: Fit,
    x: Array,
    outputs: Outputs | None = None,
    *,
    level: float = 0.95,
    offset: Array | None = None,
) -> Explanation:
    """Contribution of every part to the prediction of every row, with bands.

    Parameters
    ----------
    fit : Fit
    x : array [N, n]
        Rows as the network reads them: numbers in original units, codes of levels, NaN for missing.
    outputs : Outputs, optional
        Names of target and classes.
    level : float
        Probability of each band, taken by itself.
    offset : array [N, K], optional
        What is known of the sum of each row.

    Returns
    -------
    Explanation
        Baseline, offset and contributions add up to the prediction; see `Explanation.gap`.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose import KSTRegressor
    >>> from superpose.explain import explain
    >>> x = np.linspace(0, 1, 50)[:, None]
    >>> y = 3 * x[:, 0] + np.random.default_rng(0).normal(0, 0.1, 50)
    >>> model = KSTRegressor(pairs=0, terms=0).fit(x, y)
    >>> explanation = explain(model.fit_, np.array([[0.9]]))
    >>> [round(float(v), 1) for v in (explanation.baseline[0], explanation.values[0, 0, 0])]
    [1.5, 1.3]
    >>> round(float(explanation.prediction[0, 0]), 1)
    2.8
    """
    x = np.asarray(x, dtype=np.float64)
    u, z, width = encode(fit, x), half_width(level), len(fit.network.bias)
    parts = range(len(parts_of(fit)))
    empty = np.zeros((len(x), 0, width))
    values = np.stack(contributions(fit, u), axis=1) if parts else empty
    bands = [limits(fit, i, u, level) for i in parts]
    lower, upper = (np.stack([it[j] for it in bands], axis=1) if parts else empty for j in (0, 1))
    with torch.no_grad():
        prediction = fit.network(torch.as_tensor(x)).detach().cpu().to(torch.float64).numpy()
        variance = fit.posterior.variance(u).detach().cpu().to(torch.float64).numpy()
    prediction = prediction if offset is None else prediction + offset
    spread = z * np.sqrt(np.clip(variance, 0.0, None))
    return Explanation(
        names=tuple(part_names(fit)),
        values=values,
        lower=lower,
        upper=upper,
        baseline=np.asarray(fit.network.bias.detach().cpu(), dtype=np.float64).reshape(-1),
        prediction=prediction,
        prediction_lower=prediction - spread,
        prediction_upper=prediction + spread,
        data=_read(fit, x, u),
        level=level,
        outputs=outputs or default_outputs(fit),
        offset=offset,
    )


def _read(fit: Fit, x: Array, u: torch.Tensor) -> NDArray[np.object_]:
    """What each part read of each row, written out [N, P]."""
    attributes = fit.network.attributes
    data = np.empty((len(x), len(parts_of(fit))), dtype=object)
    names = part_names(fit)
    for j, part in enumerate(parts_of(fit)):
        label = names[j].partition(" (")[0] + ": " if part.kind == "term" else ""
        hand = hand_drawn(fit, j, u)
        for i, row in enumerate(x):
            text = ", ".join(data_text(attributes[p], row[p]) for p in part.attributes)
            data[i, j] = f"{label}{text}" + " (by hand)" * bool(hand[i])
    return data
