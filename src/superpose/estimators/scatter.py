r"""How far observations fall from predictions, learned from rows that were held out.

Each held-out row has an error y - μ. Divided by the standard deviation that the model states, and
by the typical size of such quotients at its prediction (a curve), it is a score. An interval at a
new row goes from one quantile of the scores to another, multiplied back. Rows and scores of new
rows are exchangeable up to the difference between a fold's model and the final one, so the share
of new rows inside is the level, whatever the shape of the noise: this is cross-validation with
standardised residuals around the final model (Barber and others, 2021, "Predictive inference with
the jackknife+"), the quantiles of both sides apart (Romano and others, 2019). Ranks are those of
:math:`m + 1` exchangeable scores, which is exact for a split and, for folds, holds where leaving
one fold out hardly moves a prediction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from superpose.fitting.superposition.noise_curve import noise_curve

__all__ = ["MOST_ROWS", "Scatter"]

Floats = NDArray[np.float64]

MOST_ROWS = 4_000
"""Held-out rows that are used at most; they come in no order, so the first are as good as any."""

MOST_SCORES = 2_000

FOLDS = 5
"""A row's score is made by a curve that has not seen its error, as a new row's will be."""


@dataclass(frozen=True, eq=False)
class Scatter:
    """The noise level along the prediction, and the shape of the noise.

    Parameters
    ----------
    at : ndarray [G]
        Outputs (link scale) in increasing order.
    factor : ndarray [G]
        Mean size of an error there, in standard deviations as the model states them. Between the
        places it is interpolated, beyond them it stays.
    scores : ndarray [m]
        Errors divided by that and by the factor, in increasing order; evenly spread over their
        ranks where they were more than 2,000.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.estimators.scatter import Scatter
    >>> rng = np.random.default_rng(0)
    >>> f = rng.normal(size=500)
    >>> scatter = Scatter.of(f, rng.normal(size=500), np.ones(500), np.ones(500))
    >>> low, high = scatter.quantiles(0.9)
    >>> lower = low * scatter.factor_at(np.array([0.0]))
    >>> round(float(lower[0]), 1)
    -1.6
    """

    at: Floats
    factor: Floats
    scores: Floats

    @classmethod
    def of(cls, output: Floats, error: Floats, std: Floats, weight: Floats) -> Scatter:
        """Learn from held-out rows.

        Parameters
        ----------
        output, error, std, weight : ndarray [N]
            Output without the row, what the target differed from its mean by, the standard
            deviation that the model states, and how many rows the row stands for.
        """
        ratio = error / std
        fold = np.arange(len(ratio)) % FOLDS
        scores = np.empty_like(ratio)
        for k in range(min(FOLDS, len(ratio))):
            kept = fold != k if len(ratio) > 1 else fold == k
            curve = _curve(output[kept], np.abs(ratio[kept]), weight[kept])
            scores[fold == k] = ratio[fold == k] / np.interp(output[fold == k], *curve)
        at, factor = _curve(output, np.abs(ratio), weight)
        order = np.argsort(scores, kind="stable")
        share = np.cumsum(weight[order]) / weight.sum()
        count = max(1, min(round(weight.sum()), MOST_SCORES))
        places = np.searchsorted(share, (np.arange(count) + 0.5) / count)
        return cls(at, factor, scores[order][np.minimum(places, len(order) - 1)])

    def factor_at(self, output: Floats) -> Floats:
        """Return the factor at these outputs, [N]."""
        return np.asarray(np.interp(output, self.at, self.factor))

    def rows_needed(self, level: float) -> int:
        """Return how many scores an interval of this level takes.

        Examples
        --------
        >>> Scatter(np.zeros(1), np.ones(1), np.zeros(1)).rows_needed(0.9)
        19
        """
        return math.ceil(2 / (1 - level) - 1 - 1e-9)

    def quantiles(self, level: float) -> tuple[float, float]:
        """Return the lowest and the highest score of the interval, the ranks those of m + 1."""
        m = len(self.scores)
        beyond = math.floor((m + 1) * (1 - level) / 2 + 1e-9)
        return float(self.scores[beyond - 1]), float(self.scores[m - beyond])


def _curve(output: Floats, size: Floats, weight: Floats) -> tuple[Floats, Floats]:
    at, factor = noise_curve(*(torch.from_numpy(it) for it in (output, size, weight)))
    return at.numpy(), factor.numpy()
