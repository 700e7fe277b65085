"""From outputs on the link scale to probabilities, means, and the scatter of observations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from superpose.fitting.superposition.losses import LOG_LINKS

__all__ = ["LOG_LINKS", "mean_of", "observation_variance", "probabilities"]

Floats = NDArray[np.float64]

LARGEST = 700.0
"""Logarithms beyond are cut, so that a curve that goes on far outside the data stays finite."""


def probabilities(link: Floats) -> Floats:
    """Return the probabilities of the classes, [N, C].

    Parameters
    ----------
    link : ndarray [N, K]
        Log-odds of the second class where K is 1, else one output a class.

    Examples
    --------
    >>> import numpy as np
    >>> probabilities(np.array([[0.0]]))
    array([[0.5, 0.5]])
    """
    if link.shape[1] == 1:
        return np.column_stack([expit(-link), expit(link)])
    return np.asarray(softmax(link, axis=1))


def mean_of(link: Floats, loss: str) -> Floats:
    """Return the mean of the target, in its units.

    Parameters
    ----------
    link : ndarray
        Outputs of a regression.
    loss : {"gaussian", "student_t", "poisson", "gamma"}

    Examples
    --------
    >>> import numpy as np
    >>> mean_of(np.array([0.0, np.log(2)]), "poisson")
    array([1., 2.])
    """
    return np.exp(np.clip(link, -LARGEST, LARGEST)) if loss in LOG_LINKS else link


def observation_variance(mean: Floats, variance: Floats, noise: float | None, loss: str) -> Floats:
    """Return the variance of an observation: of the prediction, and of the noise around it.

    With a log link the variance of the mean is mean² times that of the output (delta method).

    Parameters
    ----------
    mean : ndarray [N]
        In units of the target.
    variance : ndarray [N]
        Posterior variance of the outputs.
    noise : float or None
        `Fit.noise`.
    loss : {"gaussian", "student_t", "poisson", "gamma"}

    Examples
    --------
    >>> import numpy as np
    >>> observation_variance(np.array([4.0]), np.array([0.5]), None, "poisson")
    array([12.])
    """
    scale = noise or 0.0
    if loss == "poisson":
        return np.asarray(mean + mean**2 * variance)
    if loss == "gamma":
        return np.asarray(mean**2 * (scale**2 + variance))
    heavy = 2.0 if loss == "student_t" else 1.0  # the variance of t with 4 degrees of freedom
    return np.asarray(variance + heavy * scale**2)
