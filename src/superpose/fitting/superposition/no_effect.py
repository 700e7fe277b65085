"""Is a curve null? A test whose level does not depend on how smooth the curve was found to be.

Source: King (1980), "Robust tests for spherical symmetry and their application to least squares
regression", Annals of Statistics 8, 1265 (a test that is most powerful at one chosen alternative);
Lin (1997), Biometrika 84, 309 (score tests of a variance in generalised models).
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.optimize import brentq

from superpose.fitting.superposition.quadratic_form import upper_tail

FREEDOM = 4.0
"""Degrees of freedom that a curve of the chosen alternative would spend."""


def no_effect(
    theta: torch.Tensor,
    covariance: torch.Tensor,
    precision: torch.Tensor,
    noise_freedom: float = float("inf"),
) -> float | None:
    r"""Return the probability of evidence as strong as this for a curve that is null.

    Eliminating all other coefficients from the normal equations leaves, for the m coefficients θ of
    one curve with prior precision Λ and posterior covariance S, the score

    .. math:: s = S^{-1}\theta, \qquad s \sim N(0, M), \quad M = S^{-1} - \Lambda

    if the curve is null; the Λ of the curve itself cancels. The statistic
    :math:`s^\top (M + \ell I)^{-1} s` is the most powerful there is against curves drawn from the
    prior at precision ℓ, which is chosen by the design alone: such curves spend four degrees of
    freedom. Its distribution is a weighted sum of chi-squares.

    Parameters
    ----------
    theta : Tensor [m]
        Coefficients of the curve, of all outputs.
    covariance : Tensor [m, m]
        Their posterior covariance, with the noise in it.
    precision : Tensor [m]
        Their prior precision, likewise.
    noise_freedom : float
        Degrees of freedom that the noise was estimated from; infinite where there is none.

    Returns
    -------
    float or None
        None where the rows say nothing about the curve.

    Examples
    --------
    >>> import torch
    >>> one = torch.ones(1).double()
    >>> round(no_effect(1.96 * one / 2, one[:, None] / 2, one), 2)
    0.05
    """
    if not len(theta):
        return None
    inverse = torch.linalg.inv(covariance)
    values, vectors = torch.linalg.eigh(inverse - torch.diag(precision))
    told = values > 1e-8 * inverse.diagonal().max()
    if not bool(told.any()):
        return None
    values, score = values[told], (vectors.mT @ (inverse @ theta))[told]
    strength = _strength(values)
    return upper_tail(
        values / (values + strength), float((score**2 / (values + strength)).sum()), noise_freedom
    )


def _strength(values: torch.Tensor) -> float:
    """Return ℓ such that Σ μ / (μ + ℓ) is four, or half of all there are where they are few."""
    goal = min(FREEDOM, 0.5 * len(values))
    plain = values.numpy()
    ends = np.log([plain.min() * 1e-6, plain.max() * 1e6])
    return float(np.exp(brentq(lambda log: (plain / (plain + np.exp(log))).sum() - goal, *ends)))
