"""The tail of a weighted sum of chi-squares: how surprising a quadratic statistic is.

Source: Kuonen (1999), Biometrika 86, 929: the saddlepoint approximation of Lugannani and Rice for
quadratic forms of normal variables.
"""

from __future__ import annotations

import math

import torch

NEAR = 0.02  # of the saddlepoint's w: closer to the mean its formula is 0 / 0
SMALLEST = 1e-300


def upper_tail(weights: torch.Tensor, value: float, noise_freedom: float = math.inf) -> float:
    r"""Return the probability that a weighted sum of chi-squares is above a value.

    It is :math:`P(\sum_i w_i z_i^2 > v\,s)` for independent standard normal z and, where the noise
    was estimated from ν degrees of freedom, :math:`s = \chi^2_\nu / \nu`; else s = 1. With equal
    weights this is the tail of a chi-square, or of F. With one weight it is 3 % too large at .05
    and 10 % too large at 1e-8; with more it is closer.

    Parameters
    ----------
    weights : Tensor [m]
        0 or above, not all 0.
    value : float
        0 or above.
    noise_freedom : float
        ν; infinite where the noise is known.

    Examples
    --------
    >>> import torch
    >>> round(upper_tail(torch.ones(3).double(), 7.815), 3)
    0.05
    """
    scale = float(weights.sum())
    weights = weights[weights > 1e-12 * scale].double() / scale
    value, copies = value / scale, torch.ones_like(weights)
    if value <= 0:
        return 1.0
    level = value
    if math.isfinite(noise_freedom):
        weights = torch.cat([weights, weights.new_tensor([-value / noise_freedom])])
        copies, level = torch.cat([copies, copies.new_tensor([noise_freedom])]), 0.0
    return _tail(weights, copies, level)


def _tail(weights: torch.Tensor, copies: torch.Tensor, level: float) -> float:
    """Return P(Σ w χ²_copies > level) by Lugannani and Rice; linear between two sides of 0 / 0."""
    w, v = _saddlepoint(weights, copies, level)
    if abs(w) >= NEAR:
        return min(max(_lugannani_rice(w, v), SMALLEST), 1.0)
    spread = math.sqrt(2 * float(copies @ weights**2))
    ends = [level - 3 * NEAR * spread, level + 3 * NEAR * spread]
    low, high = (_lugannani_rice(*_saddlepoint(weights, copies, end)) for end in ends)
    return 0.5 * (low + high)


def _lugannani_rice(w: float, v: float) -> float:
    return 0.5 * math.erfc((w + math.log(v / w) / w) / math.sqrt(2))


def _saddlepoint(weights: torch.Tensor, copies: torch.Tensor, level: float) -> tuple[float, float]:
    """Return w and v at the t where the cumulant generating function has slope `level`."""
    largest, smallest = float(weights.max()), float(weights.min())
    high = 0.5 / largest
    low = 0.5 / smallest if smallest < 0 else -0.5 * float(copies.sum()) / max(level, 1e-300) - high

    def slope(t: float) -> float:
        return float((copies * weights / (1 - 2 * weights * t)).sum()) - level

    for _ in range(200):  # the slope rises from end to end
        t = 0.5 * (low + high)
        low, high = (t, high) if slope(t) < 0 else (low, t)
    cumulant = -0.5 * float((copies * torch.log1p(-2 * weights * t)).sum())
    curvature = 2 * float((copies * weights**2 / (1 - 2 * weights * t) ** 2).sum())
    w = math.copysign(math.sqrt(max(2 * (t * level - cumulant), 0.0)), t)
    return w, t * math.sqrt(curvature)
