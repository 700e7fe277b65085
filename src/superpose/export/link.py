"""From the score, on which parts add up, to the prediction: a word for it."""

from __future__ import annotations

from typing import Any

from superpose.estimators.links import LOG_LINKS

__all__ = ["link_of"]


def link_of(model: Any) -> str:
    """Say what the score of a fitted model is.

    "identity" where it is the prediction, "log" where it is the logarithm of it (Poisson, Gamma),
    "logit" where it is the log-odds of the second of two classes, and "softmax" where it is a
    log-probability, up to a constant, of each of more.

    Examples
    --------
    >>> from superpose import KSTRegressor
    >>> from superpose.export.link import link_of
    >>> x = [[1.0], [2.0], [4.0]]
    >>> link_of(KSTRegressor(loss="poisson", pairs=0, terms=0).fit(x, [1, 0, 3]))
    'log'
    """
    classes = getattr(model, "classes_", None)
    if classes is None:
        return "log" if model.fit_.loss in LOG_LINKS else "identity"
    return "logit" if len(classes) == 2 else "softmax"
