"""A table whose curves are known, to measure how well they are found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["KnownCurves", "known_curves"]

Floats = NDArray[np.float64]

SHAPES: dict[str, Callable[[Floats], Floats]] = {
    "sine": lambda x: np.sin(np.pi * x),
    "linear": lambda x: x,
    "quadratic": lambda x: 1.5 * x**2,
    "decay": lambda x: np.exp(-2.0 * (x + 1.0)) * 1.5,
    "step": lambda x: np.where(x > 0.25, 0.7, -0.7),
    "null": lambda x: np.zeros_like(x),
}
"""The curves before centring, on [-1, 1]: smooth, straight, bent, steep, broken, and none."""


@dataclass(frozen=True)
class KnownCurves:
    """A table drawn from a known sum of curves.

    Parameters
    ----------
    X : DataFrame of shape (n, n_curves)
        Uniform on [-1, 1], one column a curve.
    y : Series of shape (n,)
        Sum of the curves plus normal noise.
    noise : float
        Standard deviation of the noise.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.datasets import known_curves
    >>> table = known_curves(1000, noise=0.0)
    >>> total = sum(table.truth(name, table.X[name]) for name in table.X)
    >>> bool(np.allclose(table.y - table.y.mean(), total))
    True
    """

    X: pd.DataFrame
    y: pd.Series
    noise: float

    def truth(self, name: str, x: Floats | pd.Series) -> Floats:
        """Evaluate one true curve, centred over the rows of the table as fitted curves are."""
        shape = SHAPES[name]
        values = shape(np.asarray(x, dtype=np.float64))
        return values - shape(self.X[name].to_numpy()).mean()


def known_curves(
    n: int, *, noise: float = 1.0, shapes: tuple[str, ...] = tuple(SHAPES), seed: int = 0
) -> KnownCurves:
    r"""Draw a table from :math:`y = \sum_p g_p(x_p) + \varepsilon` with known curves.

    Parameters
    ----------
    n : int
        Rows.
    noise : float, default=1.0
        Standard deviation of the noise, in units of y.
    shapes : tuple of str
        Which curves, by name: "sine", "linear", "quadratic", "decay", "step", "null".
    seed : int, default=0
        Seed of the draw.

    Returns
    -------
    KnownCurves
        The table and its truth.

    Examples
    --------
    >>> from superpose.datasets import known_curves
    >>> known_curves(5, shapes=("sine", "null")).X.round(2)
       sine  null
    0  0.27 -0.46
    1 -0.92 -0.97
    2  0.63  0.83
    3  0.21  0.46
    4  0.09  0.87
    """
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.uniform(-1.0, 1.0, (n, len(shapes))), columns=list(shapes))
    signal = sum(SHAPES[name](X[name].to_numpy()) for name in shapes)
    y = pd.Series(signal + noise * rng.standard_normal(n), name="y")
    return KnownCurves(X, y, noise)
