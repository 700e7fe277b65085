"""Slow oracles: a Gaussian-process curve at a place x ~ N(mu, t²), by formulae or Simpson's rule.

The curve has no linear mean: f(x) = k(x, U) K⁻¹ z, squared exponential of variance s2. Beside the
right moments stand two published ones that leave something out, written from their formulae:
GP-KAN (arXiv 2407.18397) and SVGP-KAN (arXiv 2512.00260, clamps at its defaults).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import integrate, stats


@dataclass(frozen=True)
class SquaredExponentialCurve:
    knots: np.ndarray
    heights: np.ndarray
    scale: float  # length scale
    s2: float = 1.0
    height_variance: float = 0.0  # of each height, independent

    def kernel(self, d):
        return self.s2 * np.exp(-(d**2) / (2 * self.scale**2))

    @property
    def covariance(self):
        return self.kernel(self.knots[:, None] - self.knots)

    @property
    def weights(self):
        return np.linalg.solve(self.covariance, self.heights)

    def __call__(self, x):
        return self.kernel(np.asarray(x)[:, None] - self.knots) @ self.weights

    def variance(self, x):
        rows = self.kernel(np.asarray(x)[:, None] - self.knots)
        cardinal = np.linalg.solve(self.covariance, rows.T).T
        left_open = self.s2 - (rows * cardinal).sum(1)
        return left_open + self.height_variance * (cardinal**2).sum(1)


def kernel_means(curve, mu, t):
    """q_j = E k(x, u_j)."""
    width = curve.scale**2 + t**2
    shrink = curve.scale / np.sqrt(width)
    return curve.s2 * shrink * np.exp(-((mu - curve.knots) ** 2) / (2 * width))


def right(curve, mu, t):
    """Return E[y], Var_x[f] and E_x[v] in closed form."""
    u, scale = curve.knots, curve.scale
    q, width = kernel_means(curve, mu, t), scale**2 + 2 * t**2
    Q = np.exp(-((u[:, None] - u) ** 2) / (4 * scale**2) - (mu - (u[:, None] + u) / 2) ** 2 / width)
    Q *= curve.s2**2 * scale / np.sqrt(width)
    inverse = np.linalg.inv(curve.covariance)
    of_heights = curve.height_variance * np.trace(inverse @ inverse @ Q)
    varies = curve.weights @ Q @ curve.weights - (q @ curve.weights) ** 2
    return q @ curve.weights, varies, curve.s2 - np.trace(inverse @ Q) + of_heights


def gp_kan(curve, mu, t):
    """Mean and variance of the curve averaged over x: what varies with x averages out."""
    q = kernel_means(curve, mu, t)
    prior = curve.s2 * curve.scale / np.sqrt(curve.scale**2 + 2 * t**2)
    return q @ curve.weights, prior - q @ np.linalg.solve(curve.covariance, q)


def svgp_kan(curve, mu, t):
    """Mean Σ q_j z_j without K⁻¹; 'projected' and 'orthogonal' variance; the clamped ratio."""
    q = kernel_means(curve, mu, t)
    mean, ratio = q @ curve.heights, q @ q / curve.s2**2
    projected = max((q**2) @ (curve.height_variance + curve.heights**2) - mean**2, 0.0)
    return mean, projected, curve.s2 * (1 - min(ratio, 1.0)), ratio


def by_simpson(curve, variance, breaks, mu, t, points=1001):
    """Return E[f], Var[f] and E[v] by Simpson's rule between breaks, for functions of arrays."""
    inside = [b for b in breaks if mu - 9 * t < b < mu + 9 * t]
    ends = [mu - 9 * t, *inside, mu + 9 * t]
    pieces = [np.linspace(a, b, points) for a, b in pairwise(ends)]
    f, v = ([g(x) for x in pieces] for g in (curve, variance))

    def expect(values):
        return sum(
            integrate.simpson(y * stats.norm.pdf(x, mu, t), x=x)
            for x, y in zip(pieces, values, strict=True)
        )

    mean = expect(f)
    return mean, expect([(y - mean) ** 2 for y in f]), expect(v)
