"""The axis of a curve: a monotone map from the units of a column to [0, 1], and the knots on it.

Source of the spline: Gregory and Delbourgo (1982), IMA J. Numer. Anal. 2:123, rational quadratics
that are monotone for every choice of positive slopes, with an inverse in closed form.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from superpose.curves.placement import place
from superpose.errors import InputError

FARTHEST = 1e8  # an axis value this far from the data is far enough; squares of it stay finite


@dataclass(frozen=True, eq=False)
class Axis:
    """A strictly increasing, once differentiable map T from units to the axis, and its knots.

    T interpolates a few points (x_i, u_i) with a monotone rational quadratic spline, and goes on
    as a straight line outside the data. By default the axis is two thirds ranks, which spread the
    rows out, and one third units, which are followed up to three body widths beyond the body of the
    data (its middle nine tenths) and not further.

    Parameters
    ----------
    points_x : ndarray [P]
        Increasing places in units; the first and the last are the extremes of the data.
    points_u : ndarray [P]
        Their places on the axis, increasing from 0 to 1 (0.5 for a constant column).
    knots : ndarray [M]
        Places of the control points on the axis.

    Examples
    --------
    >>> import numpy as np
    >>> axis = Axis.from_data(np.array([1.0, 2.0, 3.0, 1e9]), n_knots=8)
    >>> axis.knots.round(2)
    array([0.  , 0.25, 0.49, 1.  ])
    >>> axis.from_axis(axis.to_axis(np.array([0.0, 2.5, 1e9])))
    array([0.0e+00, 2.5e+00, 1.0e+09])
    """

    points_x: np.ndarray
    points_u: np.ndarray
    knots: np.ndarray

    @classmethod
    def from_data(
        cls,
        x: np.ndarray | torch.Tensor,
        n_knots: int = 20,
        blend: float = 0.65,
        sample_weight: np.ndarray | torch.Tensor | None = None,
    ) -> Axis:
        """Place the axis and its knots on a column.

        Parameters
        ----------
        x : array [N]
            The column, in its units. NaN and infinities are left out.
        n_knots : int, default 20
            Knots spread evenly on the axis. A column with at most this many distinct values gets
            one knot at each of them.
        blend : float in (0, 1], default 0.65
            Share of the quantiles in the map: towards 0 the axis follows the units, at 1 the ranks.
        sample_weight : array [N], optional
            Weight 2 counts a row twice; weight 0 leaves it out.

        Raises
        ------
        InputError
            If ``n_knots`` or ``blend`` is out of range, or the weights do not fit the column.
        """
        _check_options(n_knots, blend)
        points_x, points_u, knots = place(*_column(x, sample_weight), n_knots, blend)
        return cls(points_x, points_u, knots)

    def to_axis(self, x: Any) -> Any:
        """Return T(x), of the same kind and shape as ``x`` (array or tensor); NaN stays NaN.

        Values absurdly far from the data stop at 1e8 axis lengths.
        """
        if not isinstance(x, torch.Tensor):
            return self.to_axis(_tensor(x)).numpy()
        nodes = self._nodes(x.device)
        s = _halved(x.to(torch.float64), self._exponent)
        inside = _forward(s.clamp(nodes.s[0], nodes.s[-1]), nodes)
        left = nodes.slope[0] * (s - nodes.s[0]).clamp(max=0.0)
        right = nodes.slope[-1] * (s - nodes.s[-1]).clamp(min=0.0)
        return (inside + left + right).clamp(-FARTHEST, FARTHEST)

    def from_axis(self, u: Any) -> Any:
        """Return the x with T(x) = u, in units, of the same kind and shape as ``u``."""
        if not isinstance(u, torch.Tensor):
            return self.from_axis(_tensor(u)).numpy()
        nodes = self._nodes(u.device)
        u = u.to(torch.float64)
        inside = _backward(u.clamp(nodes.u[0], nodes.u[-1]), nodes)
        left = (u - nodes.u[0]).clamp(max=0.0) / nodes.slope[0]
        right = (u - nodes.u[-1]).clamp(min=0.0) / nodes.slope[-1]
        return _doubled(inside + left + right, self._exponent)

    def to_dict(self) -> dict[str, list[float]]:
        """Return the stored arrays as lists of numbers, ready for JSON."""
        return {
            "points_x": self.points_x.tolist(),
            "points_u": self.points_u.tolist(),
            "knots": self.knots.tolist(),
        }

    @classmethod
    def from_dict(cls, stored: dict[str, list[float]]) -> Axis:
        """Return the axis that `to_dict` stored."""
        names = ("points_x", "points_u", "knots")
        return cls(*(np.asarray(stored[name], dtype=np.float64) for name in names))

    @cached_property
    def _exponent(self) -> int:
        return exponent(self.points_x)

    @cached_property
    def _host_nodes(self) -> _Nodes:
        return _nodes(_halved(_tensor(self.points_x), self._exponent), _tensor(self.points_u))

    def _nodes(self, device: torch.device) -> _Nodes:
        nodes = self._host_nodes
        return _Nodes(nodes.s.to(device), nodes.u.to(device), nodes.slope.to(device))


@dataclass(frozen=True)
class _Nodes:
    """The points of the spline: scaled units s, axis u, slopes du/ds, each [P] with P >= 2."""

    s: torch.Tensor
    u: torch.Tensor
    slope: torch.Tensor


def exponent(x: np.ndarray) -> int:
    """Return e so that x / 2**e is below 1: whole ranges near the largest float stay finite."""
    return int(math.frexp(float(np.abs(x).max()))[1]) + 1


def _halved(x: torch.Tensor, e: int) -> torch.Tensor:
    return x * 2.0 ** -(e // 2) * 2.0 ** -(e - e // 2)  # x / 2**e in two exact steps


def _doubled(s: torch.Tensor, e: int) -> torch.Tensor:
    x = s * 2.0 ** (e // 2) * 2.0 ** (e - e // 2)
    return x.clamp(-torch.finfo(x.dtype).max, torch.finfo(x.dtype).max)


def _nodes(s: torch.Tensor, u: torch.Tensor) -> _Nodes:
    if len(s) == 1:  # a constant column: one scaled unit is one axis length
        one = torch.ones(1, dtype=s.dtype)
        return _Nodes(torch.cat([s, s + one]), torch.cat([u, u + one]), torch.cat([one, one]))
    return _Nodes(s, u, slopes(s, u))


def slopes(s: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """Return the slopes du/ds of the spline at its points s, u [P]."""
    secant = u.diff() / s.diff()
    middle = secant[1:].sqrt() * secant[:-1].sqrt()  # any positive slope is monotone
    return torch.cat([secant[:1], middle, secant[-1:]])


def _forward(s: torch.Tensor, nodes: _Nodes) -> torch.Tensor:
    k = (torch.searchsorted(nodes.s, s.contiguous(), right=True) - 1).clamp(0, len(nodes.s) - 2)
    rise, run = nodes.u.diff()[k], nodes.s.diff()[k]
    xi = (s - nodes.s[k]) / run
    m0, m1 = nodes.slope[k] * run / rise, nodes.slope[k + 1] * run / rise
    bump = xi * (1 - xi)
    return nodes.u[k] + rise * (xi * xi + m0 * bump) / (1 + (m0 + m1 - 2) * bump)


def _backward(u: torch.Tensor, nodes: _Nodes) -> torch.Tensor:
    """Solve the quadratic of `_forward` for xi, by the form of the root that does not cancel."""
    k = (torch.searchsorted(nodes.u, u.contiguous(), right=True) - 1).clamp(0, len(nodes.u) - 2)
    rise, run = nodes.u.diff()[k], nodes.s.diff()[k]
    y = (u - nodes.u[k]) / rise
    m0, m1 = nodes.slope[k] * run / rise, nodes.slope[k + 1] * run / rise
    b = m0 - y * (m0 + m1 - 2)
    root = (b * b + 4 * (1 - b) * y).clamp(min=0.0).sqrt()
    xi = torch.where(b >= 0, 2 * y / (b + root), (root - b) / (2 * (1 - b)))
    return nodes.s[k] + torch.where(y > 0, xi, y) * run


def _tensor(x: Any) -> torch.Tensor:
    return torch.from_numpy(np.array(x, dtype=np.float64))


def _check_options(n_knots: int, blend: float) -> None:
    if n_knots < 1:
        raise InputError("n_knots must be at least 1", f"got n_knots={n_knots}", "pass 5 to 40")
    if not 0.0 < blend <= 1.0:
        raise InputError(
            "blend must be above 0 and at most 1", f"got blend={blend}", "pass 0.65, or 1 for ranks"
        )


def _column(x: Any, sample_weight: Any) -> tuple[np.ndarray, np.ndarray]:
    x = np.asarray(x, dtype=np.float64).ravel()
    weight = np.ones_like(x) if sample_weight is None else np.asarray(sample_weight, np.float64)
    if weight.shape != x.shape or not (np.isfinite(weight).all() and (weight >= 0).all()):
        raise InputError(
            "sample_weight must hold one finite number >= 0 for each row",
            f"got weights of shape {weight.shape} for {len(x)} rows",
            "pass one weight a row, or leave sample_weight out",
        )
    used = np.isfinite(x) & (weight > 0)
    return x[used], weight[used]
