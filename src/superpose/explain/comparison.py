"""Two models of the same attributes, curve by curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from superpose.explain.summary import AttributeSummary
from superpose.explain.text import number, table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Agreement", "Comparison", "CurvePair"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CurvePair:
    """The main curves of one attribute in two models, on one grid.

    Attributes
    ----------
    name : str
    kind : {"number", "category"}
    x : array [G]
        Values in units, or names of levels, of either model.
    means, lowers, uppers : array [2, G, K]
        Contribution and band in each model; NaN for a level that a model does not know.
    difference, lower, upper : array [G, K]
        The second model's curve less the first's, and its band.
    size : float
        Root mean square of the difference over the rows, on the link scale: how much it matters.
    moved : float
        Its standard deviation over the rows: a difference in shape, whatever the level.
    units : str, or tuple of K str
    support : AttributeSummary or None
        Where the first model had data.
    """

    name: str
    kind: str
    x: NDArray[Any]
    means: Array
    lowers: Array
    uppers: Array
    difference: Array
    lower: Array
    upper: Array
    size: float
    moved: float
    units: str | tuple[str, ...]
    support: AttributeSummary | None = None

    @property
    def apart(self) -> float:
        """Share of the grid where the band of the difference leaves out zero."""
        known = np.isfinite(self.difference)
        outside = (self.lower > 0) | (self.upper < 0)
        return float(outside[known].mean()) if known.any() else 0.0


@dataclass(frozen=True)
class Agreement:
    """How alike the predictions of two models are over some rows.

    Attributes
    ----------
    rows : int
    correlation : float
        Of the predictions on the link scale, all outputs together.
    distance : float
        Root mean square of their difference there.
    same : float or None
        Share of the rows that get the same label; None for numbers.
    """

    rows: int
    correlation: float
    distance: float
    same: float | None


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Curve by curve, how two models differ; made by `compare` and `compare_groups`.

    Attributes
    ----------
    names : tuple of two str
        What the models are called.
    curves : dict of str to CurvePair
        By attribute, the most different shape first.
    alone : tuple of two tuples of str
        Pairs and terms that only the first, or only the second model has.
    baselines : array [2, K]
        What the average row gets from each.
    agreement : Agreement or None
        Of the predictions, where rows were given.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose import KSTRegressor
    >>> from superpose.explain import compare
    >>> x = np.random.default_rng(0).uniform(-1, 1, (60, 2))
    >>> first, second = (KSTRegressor(pairs=0, terms=0).fit(x, x @ w) for w in ([1, 0], [1, 2]))
    >>> list(compare(first, second).curves)
    ['x1', 'x0']
    """

    names: tuple[str, str]
    curves: dict[str, CurvePair]
    alone: tuple[tuple[str, ...], tuple[str, ...]]
    baselines: Array
    agreement: Agreement | None = None

    def to_frame(self) -> pd.DataFrame:
        """One row an attribute, the most different first: curve, moved, size, apart."""
        import pandas as pd

        keys = ("name", "moved", "size", "apart")
        rows = [[getattr(it, key) for key in keys] for it in self.curves.values()]
        return pd.DataFrame(rows, columns=["curve", "moved", "size", "apart"])

    def __repr__(self) -> str:
        first, second = self.names
        rows = [
            [it.name, number(it.moved), number(it.size), f"{it.apart:.0%}"]
            for it in self.curves.values()
        ]
        lines = [f"{second} less {first}"]
        lines.append(table(["curve", "sd of the difference", "size", "band without 0"], rows))
        for name, only in zip(self.names, self.alone, strict=True):
            lines += [f"  only in {name}: {', '.join(only)}"] if only else []
        if self.agreement is not None:
            a = self.agreement
            lines.append(f"  predictions of {a.rows:,} rows: correlation {a.correlation:.3f}, ")
            lines[-1] += f"distance {number(a.distance)}"
            lines[-1] += "" if a.same is None else f", same label for {a.same:.1%}"
        return "\n".join(lines).replace("%", " %")
