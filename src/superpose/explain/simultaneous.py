"""A band that holds a whole curve at once, beside the pointwise one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SimultaneousBand"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class SimultaneousBand:
    """The band that holds a whole curve, or surface, at a stated level; wider than the pointwise.

    If a line that somebody has in mind leaves it anywhere where there were rows, the rows speak
    against that line at this level. A pointwise band allows such a look at one place only.

    Attributes
    ----------
    lower, upper : array, of the shape of the curve's mean
        NaN where there were no rows: there the band promises nothing.
    level : float
        Probability that it holds the curve at every place with rows.
    error : float
        Standard error of the level, because the reach is found by drawing curves.
    reach : float, or array [K] with K > 2 classes
        Standard deviations from the mean to the ends; 1.96 for a pointwise band at 95 %.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.explain import SimultaneousBand
    >>> SimultaneousBand(np.array([-1.0]), np.array([1.0]), 0.95, 0.0022, 2.81)
    band of the whole curve: 2.81 standard deviations hold 95 % ± 0.2 %
    """

    lower: Array
    upper: Array
    level: float
    error: float
    reach: float | Array

    def of(self, output: int) -> SimultaneousBand:
        """The band of one of several outputs alone."""
        ends = self.lower[..., output], self.upper[..., output]
        reach = float(np.asarray(self.reach)[output])
        return replace(self, lower=ends[0], upper=ends[1], reach=reach)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, ready for `json.dumps`; None where there is no band."""
        return {
            "lower": _or_none(self.lower),
            "upper": _or_none(self.upper),
            "level": self.level,
            "error": self.error,
            "reach": np.asarray(self.reach).tolist(),
        }

    def __repr__(self) -> str:
        reach = ", ".join(f"{value:.2f}" for value in np.atleast_1d(self.reach))
        return (
            f"band of the whole curve: {reach} standard deviations hold "
            f"{100 * self.level:g} % ± {100 * self.error:.1f} %"
        )


def _or_none(end: Array) -> Any:
    """A nested list with None for NaN, which JSON does not know."""
    plain = end.astype(object)
    plain[np.isnan(end)] = None
    return plain.tolist()
