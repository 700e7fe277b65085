"""How good predictions of rows not seen are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import log_loss, roc_auc_score

__all__ = ["calibration_error", "score_classes", "score_numbers"]

BINS = 15

Floats = NDArray[np.float64]


def calibration_error(happened: Any, probability: Any, bins: int = BINS) -> float:
    """How far probabilities are from how often things happen.

    Rows are sorted by their probability and cut into bins of equal mass; with the share of rows
    w_b in bin b, the error is ``sum_b w_b |mean happened - mean probability|``. Rows of equal
    probability are one thing: their outcomes are averaged first, so the order of rows does not
    matter.

    Parameters
    ----------
    happened : array-like of shape (n_rows,)
        1 where it happened, 0 where not.
    probability : array-like of shape (n_rows,)
        What was predicted, between 0 and 1.
    bins : int, default=15
        How many bins; fewer where there are fewer rows.

    Returns
    -------
    float
        Between 0 and 1; .03 says that probabilities are off by 3 points on average. It is not 0
        even for true probabilities, because few rows are in a bin.

    Examples
    --------
    >>> from superpose.bench import calibration_error
    >>> round(calibration_error([0, 1, 1, 1], [0.5, 0.5, 0.9, 0.9], bins=2), 9)
    0.05
    """
    p = np.asarray(probability, dtype=np.float64)
    outcome = np.asarray(happened, dtype=np.float64)
    _, group = np.unique(p, return_inverse=True)
    averaged = (np.bincount(group, weights=outcome) / np.bincount(group))[group]
    order = np.argsort(p, kind="stable")
    cut = np.array_split(order, min(bins, len(p)))
    gaps = [abs(averaged[rows].mean() - p[rows].mean()) * len(rows) for rows in cut]
    return float(np.sum(gaps) / len(p))


def score_classes(y: pd.Series, probability: Floats, classes: Any) -> dict[str, float]:
    """Log loss, area under the curve and calibration error of probabilities.

    Parameters
    ----------
    y : Series of shape (n_rows,)
        Labels.
    probability : ndarray of shape (n_rows, n_classes)
        What was predicted.
    classes : array-like of shape (n_classes,)
        Labels of its columns, sorted.

    Returns
    -------
    dict
        ``loss`` in nats; ``auc`` and ``calibration``, the mean over classes of each against the
        rest: of two classes both have the same, up to where bins are cut.
    """
    labels = list(classes)
    happened = np.stack([(y == label).to_numpy() for label in labels], axis=1)
    errors = [calibration_error(happened[:, k], probability[:, k]) for k in range(len(labels))]
    areas = [roc_auc_score(happened[:, k], probability[:, k]) for k in range(len(labels))]
    return {
        "loss": float(log_loss(y, probability, labels=labels)),
        "auc": float(np.mean(areas)),
        "calibration": float(np.mean(errors)),
    }


def score_numbers(y: pd.Series, predicted: Floats, sd: float) -> dict[str, float]:
    """Root mean square error in standard deviations of the target.

    Parameters
    ----------
    y, predicted : array-like of shape (n_rows,)
        Truth and prediction.
    sd : float
        The unit.

    Returns
    -------
    dict
        ``loss``; 1 is what the mean of the target gives.
    """
    residual = y.to_numpy(dtype=np.float64) - np.asarray(predicted, dtype=np.float64).ravel()
    return {"loss": float(np.sqrt((residual**2).mean()) / sd)}
