"""The axis of an attribute as rational functions on adjoining intervals of its units."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from superpose.curves import Axis
from superpose.curves.axis import FARTHEST, exponent, slopes

__all__ = ["AxisPieces"]

Floats = NDArray[np.float64]

_ORDINARY = 300  # units up to 2**300 and down to 2**-300 need no scaling


@dataclass(frozen=True)
class AxisPieces:
    """The map T of an `Axis`, as six numbers for each of its P + 1 intervals.

    The interval is the number of `edges` at or below x (scaled, and kept within `limits`). With
    the numbers x0, w, a, r, g, d of its row,

        t = (x - x0) w,   e = t (1 - t),   T = a + r (t + e (g - d t) / (1 + d e)).

    Parameters
    ----------
    scale : float
        What x is multiplied by first: 1, unless the units are astronomical.
    limits : tuple of float
        Where an axis stops; 1e8 axis lengths from the data.
    edges : ndarray [P]
    rows : ndarray [P + 1, 6]

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.curves import Axis
    >>> axis = Axis.from_data(np.array([1.0, 2.0, 4.0]))
    >>> x = np.array([0.0, 1.7, 9.0])
    >>> bool(np.abs(AxisPieces.of(axis)(x) - axis.to_axis(x)).max() < 1e-15)
    True
    """

    scale: float
    limits: tuple[float, float]
    edges: Floats
    rows: Floats

    @classmethod
    def of(cls, axis: Axis) -> AxisPieces:
        """Write an axis down."""
        e = exponent(axis.points_x)
        k = 0 if abs(e) <= _ORDINARY else min(-e, 1020)
        unit = math.ldexp(1.0, e + k)  # one scaled unit of the axis, in what is left of the units
        x, u = np.ldexp(axis.points_x, k), axis.points_u
        if len(x) == 1:  # a constant column, see `Axis`
            x, u = np.r_[x, x + unit], np.r_[u, u + 1.0]
        slope = slopes(torch.from_numpy(x / unit), torch.from_numpy(u)).numpy() / unit
        run, rise = np.diff(x), np.diff(u)
        g, h = slope[:-1] * run / rise - 1, slope[1:] * run / rise - 1
        inside = np.column_stack([x[:-1], 1 / run, u[:-1], rise, g, g + h])
        ends = [[x[i], slope[i], u[i], 1.0, 0.0, 0.0] for i in (0, -1)]
        far = (x[0] - (FARTHEST + u[0]) / slope[0], x[-1] + (FARTHEST - u[-1]) / slope[-1])
        rows = np.vstack([ends[0], inside, ends[1]])
        return cls(math.ldexp(1.0, k), (float(far[0]), float(far[1])), x, rows)

    def __call__(self, x: Floats) -> Floats:
        """Return T(x) for places x [N] in units."""
        with np.errstate(over="ignore"):  # beyond the largest float is beyond the limits
            x = np.clip(x * self.scale, *self.limits)
        x0, w, a, r, g, d = self.rows[np.searchsorted(self.edges, x, side="right")].T
        t = (x - x0) * w
        e = t * (1 - t)
        return np.asarray(a + r * (t + e * (g - d * t) / (1 + d * e)))
