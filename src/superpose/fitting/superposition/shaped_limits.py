"""Limits of a curve of a known shape: about its mode, and rising where it rises.

The draws of such a curve are projections onto its cone, and at its edge they all go one way: those
of a straight line that is known to be convex all sag, as the mode itself did where the noise had
it so. Their quantiles count that pull twice. Their mean square about the mode,

    r_j² = E (β_j - β̂_j)² = variance + (pull)²,

holds as much of it as the mode has (Nychka, 1988, JASA 83:1134, on bands of a biased curve). It is
taken of every control point β_j: a spline whose control points rise, rises. What lies above a lower
limit at one place, and rises, lies above it at all later ones, so limits through β̂_j ± z r_j are
made to rise, too (Chernozhukov, Fernández-Val and Galichon, 2009, Biometrika 96:559).
"""

from __future__ import annotations

from statistics import NormalDist

import torch

from superpose.networks import MainCurve


def shaped_limits(
    curve: MainCurve, draws: torch.Tensor, level: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the heights [K, H] of a lower and an upper limit, which rise or fall as the curve.

    Of several classes, the limits of the one that the shape is of; and those of the one that is
    told the opposite, which fall where these rise.

    Parameters
    ----------
    curve : MainCurve
        Of a known shape, at its mode.
    draws : Tensor [D, K, H]
        Heights of its draws.
    level : float
        Probability that the limits hold the curve at one place.
    """
    shape, mode = curve.basis.shape, curve.heights.detach()
    reach = (draws - mode).square().mean(0).sqrt()
    reach = NormalDist().inv_cdf((1 + level) / 2) * reach
    low, high = mode - reach, mode + reach
    end = curve.basis.n_heights - curve.basis.missing  # heights set by hand come first
    own = slice(end - curve.basis.basis.n_heights, end)
    for place, k in enumerate(curve.basis.shape_of or (0,)):
        rises, falls = "increasing" in shape, "decreasing" in shape
        if falls if place == 0 else rises:
            low[k, own] = -_least_to_come(-low[k, own])
            high[k, own] = high[k, own].cummin(0).values
        elif rises or falls:
            low[k, own] = low[k, own].cummax(0).values
            high[k, own] = _least_to_come(high[k, own])
    return low, high


def _least_to_come(heights: torch.Tensor) -> torch.Tensor:
    """Return the least of every height and those after it."""
    return heights.flip(0).cummin(0).values.flip(0)
