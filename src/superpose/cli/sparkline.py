"""A curve in one line of text, and in one sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from superpose.explain import Curve
from superpose.explain.summary import QUANTILES
from superpose.explain.text import number, signed

__all__ = ["sentence", "sparkline"]

BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(values: NDArray[np.float64], low: float, high: float) -> str:
    """Draw numbers as blocks between two heights.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Heights.
    low, high : float
        Heights of the lowest and of the highest block.

    Returns
    -------
    str
        One block a number.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.cli.sparkline import sparkline
    >>> sparkline(np.array([0.0, 1.0, 2.0, 3.0]), 0.0, 3.0)
    '▁▃▆█'
    """
    reach = high - low if high > low else 1.0
    steps = np.clip((values - low) / reach, 0.0, 1.0) * (len(BLOCKS) - 1)
    return "".join(BLOCKS[int(step)] for step in np.round(steps))


def sentence(curve: Curve, output: int | None = None) -> str:
    """Say in words what a curve does where the middle 90 % of the rows are.

    Parameters
    ----------
    curve : Curve
        A main curve.
    output : int, optional
        Which class, where there is a curve for each.

    Returns
    -------
    str
        Where the curve is high and low.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.explain import Curve
    >>> from superpose.cli.sparkline import sentence
    >>> x = np.array([0.0, 1.0, 2.0])
    >>> curve = Curve("age", "number", x, x - 1, x - 1.2, x - 0.8, level=0.95, units="price")
    >>> sentence(curve)
    'rises by 2 from 0 to 2'
    """
    seen = _middle(curve)
    x, mean = curve.x[seen], _output(curve.mean, output)[seen]
    if len(mean) == 0:
        return "no value was seen"
    return _levels(x, mean) if curve.kind == "category" else _shape(x, mean)


def _middle(curve: Curve) -> NDArray[np.bool_]:
    seen = curve.seen()
    if curve.kind == "category" or curve.support is None or not curve.support.quantiles:
        return seen
    quantiles = dict(zip(QUANTILES, curve.support.quantiles, strict=True))
    middle = seen & (curve.x >= quantiles[0.05]) & (curve.x <= quantiles[0.95])
    return middle if middle.sum() > 1 else seen


def _shape(x: NDArray[Any], mean: NDArray[np.float64]) -> str:
    top, bottom, last = int(np.argmax(mean)), int(np.argmin(mean)), len(mean) - 1
    reach = mean[top] - mean[bottom]
    if abs(mean[last] - mean[0]) > 0.9 * reach:
        verb = "rises" if mean[last] > mean[0] else "falls"
        ends = f"from {number(float(x[0]))} to {number(float(x[last]))}"
        return f"{verb} by {number(abs(float(mean[last] - mean[0])))} {ends}"
    high, low = (f"{number(float(x[i]))} ({signed(float(mean[i]))})" for i in (top, bottom))
    return f"highest at {high}, lowest at {low}"


def _levels(x: NDArray[Any], mean: NDArray[np.float64]) -> str:
    top, bottom = int(np.argmax(mean)), int(np.argmin(mean))
    high, low = (f"{x[i]} ({signed(float(mean[i]))})" for i in (top, bottom))
    return f"highest for {high}, lowest for {low}"


def _output(values: NDArray[np.float64], output: int | None) -> NDArray[np.float64]:
    return values if output is None or values.ndim == 1 else values[:, output]
