"""From outputs on the link scale to probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

__all__ = ["probabilities"]

Floats = NDArray[np.float64]


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
