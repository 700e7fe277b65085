"""Where an axis bends and where its knots stand: units blended with capped quantiles."""

from __future__ import annotations

import math

import numpy as np

_POINTS = 64  # points of the stored map
_WIDEST = 4.0  # knot spacings that a tied value may take for itself
_TAIL = 0.05  # share of the rows on each side that may lie outside the body of the data
_REACH = 3.0  # how far, in body widths, the axis follows the units beyond the body
_TINY = 1e-285  # scaled values below this are zero: their differences would overflow a slope


def place(
    x: np.ndarray, weight: np.ndarray, n_knots: int, blend: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the points (x, u) of the map and the knots (u) for a column.

    Each distinct value has a share of the rows, capped so that no value takes more than four
    knot spacings. The map is ``blend`` times the mid-rank of these shares plus ``1 - blend`` times
    the units, which are followed over the body of the data (its middle nine tenths) and up to three
    body widths beyond it, not along longer tails.

    Parameters
    ----------
    x, weight : ndarray [N]
        Finite values and positive weights, in any order.
    n_knots : int
        Largest number of knots.
    blend : float
        Share of the ranks, in (0, 1].

    Returns
    -------
    points_x, points_u : ndarray [P]
    knots : ndarray [M]

    Examples
    --------
    >>> import numpy as np
    >>> place(np.array([3.0, 1.0, 1.0]), np.ones(3), n_knots=5, blend=0.5)[2]
    array([0., 1.])
    """
    values, scaled, share = _distinct(x, weight)
    if len(values) <= 1:
        middle = np.array([0.5])
        return (values if len(values) else np.zeros(1)), middle, middle
    rank = _mid_rank(_capped(share, _WIDEST / n_knots))
    u = blend * rank + (1 - blend) * _along_units(scaled, rank)
    few = len(values) <= n_knots
    kept = np.arange(len(values)) if few else _spread(u, _POINTS)
    knots = u[kept] if few else _even(n_knots)
    return values[kept], u[kept], knots


def _even(n_knots: int) -> np.ndarray:
    return np.linspace(0.0, 1.0, n_knots) if n_knots > 1 else np.array([0.5])


def _distinct(x: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return distinct values, the same divided by a power of two to at most 1, and their shares."""
    if not len(x):
        return x, x, weight
    order = np.lexsort((weight, x))  # sums below must not depend on the order of the rows
    x, weight = x[order], np.ldexp(weight[order], -math.frexp(float(weight.max()))[1])
    scaled = np.ldexp(x, -math.frexp(float(np.abs(x).max()))[1] - 1)
    scaled[np.abs(scaled) < _TINY] = 0.0
    scaled, first, index = np.unique(scaled, return_index=True, return_inverse=True)
    share = np.bincount(index, weights=weight)
    return x[first], scaled, share / share.sum()


def _capped(share: np.ndarray, cap: float) -> np.ndarray:
    """Return min(share, t), rescaled to sum 1, with t the largest that leaves none above cap."""
    if len(share) * cap <= 1.0:
        return np.full(len(share), 1.0 / len(share))
    ordered = np.sort(share)
    below = np.concatenate([[0.0], np.cumsum(ordered)])[:-1]  # mass of the smaller shares
    count = np.arange(len(share), 0, -1)  # how many are capped if this one is the first
    over = ordered * (1 - cap * count) > cap * below
    i = int(over.argmax())
    t = cap * below[i] / (1 - cap * count[i]) if over.any() else ordered[-1]
    capped = np.minimum(share, t)
    return capped / capped.sum()


def _mid_rank(share: np.ndarray) -> np.ndarray:
    """Return the share of the rows below each value plus half its own, stretched to [0, 1]."""
    steps = np.concatenate([[0.0], np.cumsum((share[1:] + share[:-1]) / 2)])
    return steps / steps[-1]


def _along_units(scaled: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """Return the values on a straight scale from 0 to 1 over their body, held flat beyond."""
    body = scaled[(rank >= _TAIL) & (rank <= 1 - _TAIL)]
    if len(body) < 2:
        return rank
    reach = _REACH * (body[-1] - body[0])
    low, high = max(scaled[0], body[0] - reach), min(scaled[-1], body[-1] + reach)
    return np.clip((scaled - low) / (high - low), 0.0, 1.0)


def _spread(u: np.ndarray, count: int) -> np.ndarray:
    """Return indices of about ``count`` values that lie evenly on the axis, both ends included."""
    target = np.linspace(0.0, 1.0, count)
    right = np.searchsorted(u, target).clip(1, len(u) - 1)
    nearest = np.where(target - u[right - 1] < u[right] - target, right - 1, right)
    kept = [0]
    for i in np.unique(nearest):
        if u[i] - u[kept[-1]] > 0.25 / count and 1.0 - u[i] > 0.25 / count:
            kept.append(int(i))
    return np.array([*kept, len(u) - 1])
