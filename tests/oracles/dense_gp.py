"""A slow oracle: Gaussian-process curves in forty digits, written from the formulae.

Rasmussen and Williams (2006): equations 2.25 and 2.26 for the curve and its variance when the mean
is zero, 2.41 and 2.42 with a linear mean under a flat prior.
"""

from __future__ import annotations

import mpmath as mp
import numpy as np

ORDERS = {"matern12": 1, "matern32": 2, "matern52": 3}


def covariance(p, length_scale):
    rate = mp.sqrt(2 * p - 1) / mp.mpf(float(length_scale))

    def k(d):
        t = rate * abs(d)
        return (1, 1 + t, 1 + t + t * t / 3)[p - 1] * mp.exp(-t)

    return k


def kriging(knots, name, length_scale, heights, places):
    """Return mean and variance at ``places`` with a linear mean, and rᵀ K⁻¹ r, as floats."""
    with mp.workdps(40):
        k = covariance(ORDERS[name], length_scale)
        u = [mp.mpf(float(v)) for v in knots]
        z = mp.matrix([mp.mpf(float(v)) for v in heights])
        inverse = mp.inverse(mp.matrix([[k(a - b) for b in u] for a in u]))
        line = mp.matrix([[1, v] for v in u])
        information = line.T * inverse * line
        slope = mp.lu_solve(information, line.T * inverse * z)
        weights = inverse * (z - line * slope)
        mean, variance = [], []
        for place in places:
            x = mp.mpf(float(place))
            kx = mp.matrix([k(x - v) for v in u])
            h = mp.matrix([1, x])
            gap = h - line.T * (inverse * kx)
            mean.append((h.T * slope)[0] + (kx.T * weights)[0])
            variance.append(
                1 - (kx.T * inverse * kx)[0] + (gap.T * mp.lu_solve(information, gap))[0]
            )
        energy = ((z - line * slope).T * weights)[0]
    return np.array([float(v) for v in mean]), np.array([float(v) for v in variance]), float(energy)


def extended_kriging(knots, name, length_scale, heights, places):
    """Return the mean of `kriging` by elimination in extended precision, for many knots."""
    p, u = ORDERS[name], np.asarray(knots, dtype=np.longdouble)
    rate = np.sqrt(np.longdouble(2 * p - 1)) / np.longdouble(length_scale)

    def k(d):
        t = rate * np.abs(d)
        return (1, 1 + t, 1 + t + t * t / 3)[p - 1] * np.exp(-t)

    right = np.stack([np.ones_like(u), u, np.asarray(heights, dtype=np.longdouble)], axis=1)
    solved = eliminate(k(u[:, None] - u), right)
    line = right[:, :2]
    slope = eliminate(line.T @ solved[:, :2], line.T @ solved[:, 2:])
    weights = solved[:, 2:] - solved[:, :2] @ slope
    x = np.asarray(places, dtype=np.longdouble)
    mean = np.stack([np.ones_like(x), x], axis=1) @ slope + k(x[:, None] - u) @ weights
    return mean[:, 0].astype(np.float64)


def eliminate(matrix, right):
    """Solve a positive definite system by Gauss-Jordan elimination, in the precision given."""
    table = np.concatenate([matrix, right], axis=1)
    for i in range(len(matrix)):
        table[i] /= table[i, i]
        others = np.arange(len(matrix)) != i
        table[others] -= table[others, i : i + 1] * table[i]
    return table[:, len(matrix) :]
