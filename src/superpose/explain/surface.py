"""A pair, or a term of two attributes, as a person reads it: a heat map with a band."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from superpose.explain.importance import Importance
from superpose.explain.simultaneous import SimultaneousBand
from superpose.explain.summary import AttributeSummary
from superpose.explain.text import number, signed, spread, table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Surface"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Surface:
    """What two attributes add together, on a lattice of their values.

    Attributes
    ----------
    name : str
    attributes : tuple of two str
    kinds : tuple of two of {"number", "category"}
    x, y : array [A], [B]
        Values of the first and second attribute in original units, or names of levels.
    mean, lower, upper : array [A, B], or [A, B, K] with K > 2 classes
        Contribution and its pointwise band.
    level : float
    units : str, or tuple of K str
    supports : tuple of two AttributeSummary, or empty
        Where each attribute had data.
    counts : array [C, D]
        Training rows in each cell of the two histograms in `supports`; empty where unknown.
    importance : Importance or None
    simultaneous : SimultaneousBand or None
        The band that holds the whole surface, where it was asked for; see `simultaneous_bands`.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.explain import Surface
    >>> x, y = np.array([0.0, 1.0]), np.array(["red", "blue"])
    >>> mean = np.array([[0.5, -0.5], [-0.5, 0.5]])
    >>> Surface("age × hue", ("age", "hue"), ("number", "category"), x, y, mean=mean,
    ...         lower=mean - 1, upper=mean + 1, level=0.95, units="price")
    Surface of age × hue in price: age downwards, hue to the right
          red   blue
      0  +0.5   -0.5
      1  -0.5   +0.5
    """

    name: str
    attributes: tuple[str, str]
    kinds: tuple[str, str]
    x: NDArray[Any]
    y: NDArray[Any]
    mean: Array
    lower: Array
    upper: Array
    level: float
    units: str | tuple[str, ...]
    supports: tuple[AttributeSummary, ...] = ()
    counts: NDArray[np.int64] | None = None
    importance: Importance | None = None
    simultaneous: SimultaneousBand | None = None

    def seen(self) -> NDArray[np.bool_]:
        """Whether each lattice point lies in a cell near training rows [A, B].

        Near means at most two cells (of 30) away along each attribute that is a number, because an
        empty cell between full ones says more about the width of the cells than about the data.
        """
        if self.counts is None or not self.supports:
            return np.ones((len(self.x), len(self.y)), dtype=bool)
        first, second = self.supports
        rows = _cells(self.x, self.kinds[0], first)
        columns = _cells(self.y, self.kinds[1], second)
        near = _grow(_grow(self.counts > 0, self.kinds), self.kinds)
        padded = np.pad(near, 1)  # outside the histograms there was no data
        return padded[np.ix_(rows + 1, columns + 1)]

    def to_frame(self) -> pd.DataFrame:
        """One row for each lattice point (and output): both attributes, mean, lower, upper."""
        import pandas as pd

        first, second = np.meshgrid(self.x, self.y, indexing="ij")
        base = {self.attributes[0]: first.ravel(), self.attributes[1]: second.ravel()}
        if isinstance(self.units, str):
            values = {"mean": self.mean, "lower": self.lower, "upper": self.upper}
            return pd.DataFrame({**base, **{key: v.ravel() for key, v in values.items()}})
        frames = [
            pd.DataFrame(
                {
                    **base,
                    "output": unit,
                    "mean": self.mean[..., k].ravel(),
                    "lower": self.lower[..., k].ravel(),
                    "upper": self.upper[..., k].ravel(),
                }
            )
            for k, unit in enumerate(self.units)
        ]
        return pd.concat(frames, ignore_index=True)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, numbers and strings, ready for `json.dumps`."""
        return {
            "name": self.name,
            "attributes": list(self.attributes),
            "kinds": list(self.kinds),
            "x": self.x.tolist(),
            "y": self.y.tolist(),
            "mean": self.mean.tolist(),
            "lower": self.lower.tolist(),
            "upper": self.upper.tolist(),
            "level": self.level,
            "units": self.units if isinstance(self.units, str) else list(self.units),
            "importance": None if self.importance is None else self.importance.value,
        }

    def __repr__(self) -> str:
        first, second = self.attributes
        units = self.units if isinstance(self.units, str) else self.units[0]
        down, right = spread(len(self.x), 7), spread(len(self.y), 7)
        mean = self.mean if self.mean.ndim == 2 else self.mean[..., 0]
        rows = [[_label(self.x[i]), *(signed(mean[i, j]) for j in right)] for i in down]
        head = f"Surface of {self.name} in {units}: {first} downwards, {second} to the right"
        text = head + "\n" + table(["", *(_label(self.y[j]) for j in right)], rows)
        return text if self.importance is None else f"{text}\n  importance {self.importance}"


def _label(value: Any) -> str:
    return str(value) if isinstance(value, str) else number(float(value))


def _cells(x: NDArray[Any], kind: str, support: AttributeSummary) -> NDArray[np.int64]:
    """The bin of each value; -1 and B stand for below and above all bins [G]."""
    if kind == "category":
        return np.arange(len(x))
    edges = np.asarray(support.edges)
    cells = np.searchsorted(edges, x, side="right") - 1
    return np.where(x == edges[-1], len(edges) - 2, cells)


def _grow(full: NDArray[np.bool_], kinds: tuple[str, str]) -> NDArray[np.bool_]:
    """Every cell with a full neighbour becomes full, along axes that are numbers."""
    for axis, kind in enumerate(kinds):
        if kind == "number":
            padded = np.pad(full, [(1, 1) if a == axis else (0, 0) for a in (0, 1)])
            size = full.shape[axis]
            shifted = [np.take(padded, np.arange(s, s + size), axis=axis) for s in (0, 1, 2)]
            full = shifted[0] | shifted[1] | shifted[2]
    return full
