"""Evaluating the parts of a fitted model, as NumPy arrays and with readable names."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from superpose.estimators.links import LOG_LINKS
from superpose.explain.outputs import Outputs
from superpose.explain.text import number
from superpose.networks import AxisRows
from superpose.networks.axis_rows import BATCH

if TYPE_CHECKING:
    from superpose.explain.summary import TrainingSummary
    from superpose.fitting import Fit

__all__ = [
    "contribution",
    "contributions",
    "data_text",
    "default_outputs",
    "deviation",
    "encode",
    "evaluate",
    "half_width",
    "limits",
    "outputs_of",
    "part_names",
    "parts_of",
    "squeeze",
]

Array = NDArray[np.float64]


def parts_of(fit: Fit) -> list[Any]:
    """The parts of a fitted network, in reading order."""
    return list(fit.network.parts)


def part_names(fit: Fit) -> list[str]:
    """Readable names of the parts: "age", "age × bmi", "term 1 (age, bmi, sex)".

    Parameters
    ----------
    fit : Fit

    Returns
    -------
    list of str
        In the order of `fit.network.parts`.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose import KSTRegressor
    >>> from superpose.explain import part_names
    >>> x = np.random.default_rng(0).uniform(-1, 1, (200, 2))
    >>> part_names(KSTRegressor(pairs=[(0, 1)], terms=0).fit(x, x[:, 0] * x[:, 1]).fit_)
    ['x0', 'x1', 'x0 × x1']
    """
    names, terms = [], 0
    for part in parts_of(fit):
        read = [fit.network.attributes[p].name for p in part.attributes]
        if part.kind == "term":
            terms += 1
            names.append(f"term {terms} ({', '.join(read)})")
        else:
            names.append(" × ".join(read))
    return names


def default_outputs(fit: Fit) -> Outputs:
    """Names for the outputs of a fit whose target was never named."""
    if fit.loss not in ("bernoulli", "multinomial"):
        return Outputs("target", log=fit.loss in LOG_LINKS)
    classes = 2 if fit.loss == "bernoulli" else len(fit.network.bias)
    return Outputs("class", tuple(str(k) for k in range(classes)))


def outputs_of(fit: Fit, summary: TrainingSummary | None) -> Outputs:
    """Names of the outputs, from the summary where there is one."""
    if summary is None:
        return default_outputs(fit)
    return Outputs(summary.target, summary.classes, log=fit.loss in LOG_LINKS)


def encode(fit: Fit, x: Array) -> torch.Tensor:
    """Rows in original units to axis units [N, n]."""
    with torch.no_grad():
        return fit.network.encode(torch.as_tensor(np.asarray(x, dtype=np.float64)))


def evaluate(fit: Fit, index: int, axis_units: torch.Tensor) -> tuple[Array, Array]:
    """One part's contribution and its posterior standard deviation, both [N, K]."""
    return contribution(fit, index, axis_units), deviation(fit, index, axis_units)


def contributions(fit: Fit, axis_units: torch.Tensor) -> list[Array]:
    """Contributions of all parts, each [N, K]."""
    parts, found = parts_of(fit), []
    with torch.no_grad():
        for units in axis_units.split(BATCH):
            rows = AxisRows(units)
            found.append([part(rows) for part in parts])
        return [_numpy(torch.cat(own)) for own in zip(*found, strict=True)]


def contribution(fit: Fit, index: int, axis_units: torch.Tensor) -> Array:
    """One part's contribution, [N, K]."""
    with torch.no_grad():
        return _numpy(parts_of(fit)[index](axis_units))


def deviation(fit: Fit, index: int, axis_units: torch.Tensor | AxisRows) -> Array:
    """The posterior standard deviation of one part's contribution, [N, K]."""
    variance = fit.posterior.part_variance(index, axis_units)
    return np.sqrt(np.clip(_numpy(variance), 0.0, None))


def limits(fit: Fit, index: int, axis_units: torch.Tensor, level: float) -> tuple[Array, Array]:
    """The pointwise band of one part's contribution, lower and upper, both [N, K]."""
    lower, upper = fit.posterior.part_limits(index, axis_units, level)
    return _numpy(lower), _numpy(upper)


def half_width(level: float) -> float:
    """How many standard deviations a central normal interval of this probability reaches.

    Examples
    --------
    >>> round(half_width(0.95), 2)
    1.96
    """
    return NormalDist().inv_cdf((1 + level) / 2)


def squeeze(array: Array) -> Array:
    """Drop the output axis where there is one output: [..., 1] to [...]."""
    return array[..., 0] if array.shape[-1] == 1 else array


def data_text(attribute: Any, value: float) -> str:
    """One attribute of one row, written out, such as "age = 41", "hue = red", "age is missing"."""
    if np.isnan(value):
        return f"{attribute.name} is missing"
    if attribute.kind == "number":
        return f"{attribute.name} = {number(value, 4)}"
    seen = 0 <= int(value) < len(attribute.levels)
    return f"{attribute.name} = {attribute.levels[int(value)] if seen else '(never seen)'}"


def _numpy(tensor: torch.Tensor) -> Array:
    return tensor.detach().cpu().to(torch.float64).numpy()
