"""How good predictions are on rows that were not used to fit: measures, errors, calibration."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import beta, rankdata

from superpose.errors import InputError
from superpose.estimators.links import LOG_LINKS
from superpose.explain.summary import Calibration, HeldOut, Metric
from superpose.fitting.superposition.losses import loss_named

__all__ = ["score_held_out"]

Array = NDArray[np.float64]


def score_held_out(
    y: Array,
    prediction: Array,
    *,
    source: str,
    target: str = "target",
    classes: tuple[str, ...] = (),
    loss: str = "gaussian",
    bins: int = 10,
) -> HeldOut:
    """Measure predictions against outcomes that the model never saw.

    Standard errors are those of a mean over independent rows; the area under the curve has
    DeLong's. They do not hold the luck of the split.

    Parameters
    ----------
    y : array [N]
        Outcomes in regression, codes 0..C-1 of the classes otherwise.
    prediction : array [N], or [N, C]
        Predicted values, or probabilities of the classes.
    source : str
        Which rows these are, in a few words, such as "5-fold cross-validation".
    target : str
    classes : tuple of str
        Names of the C classes; empty in regression.
    loss : str
        Of a regression. With "poisson" and "gamma" its deviance comes first.
    bins : int
        At most so many bins of equal size in the calibration table.

    Returns
    -------
    HeldOut

    Raises
    ------
    InputError
        If outcomes and predictions differ in length, or there are none.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.explain import score_held_out
    >>> y = np.array([0, 0, 1, 1])
    >>> p = np.array([0.1, 0.4, 0.35, 0.8])
    >>> held_out = score_held_out(y, np.c_[1 - p, p], source="4 test rows", classes=("no", "yes"))
    >>> for metric in held_out.metrics:
    ...     print(f"{metric.name}: {metric.value:.3f} ± {metric.error:.3f}")
    log loss: 0.472 ± 0.211
    accuracy: 0.750 ± 0.250
    area under the ROC curve: 0.750 ± 0.354
    Brier score: 0.158 ± 0.094
    """
    y, prediction = np.asarray(y), np.asarray(prediction, dtype=np.float64)
    if len(y) == 0 or len(y) != len(prediction):
        raise InputError(
            "held-out outcomes and predictions must be of the same length, one or more",
            f"got {len(y)} outcomes and {len(prediction)} predictions",
            "predict the rows whose outcomes you pass",
        )
    if not classes:
        values = prediction.reshape(-1)
        outcomes = y.astype(np.float64)
        metrics = _deviance(outcomes, values, loss) if loss in LOG_LINKS else ()
        metrics += _regression(outcomes, values, target)
        tables = [_calibrate_mean(outcomes, values, target, bins)]
    else:
        codes = y.astype(np.int64)
        metrics = _classification(codes, prediction, classes)
        shown = range(1, 2) if len(classes) == 2 else range(len(classes))
        tables = [_calibrate_share(codes == k, prediction[:, k], classes[k], bins) for k in shown]
    return HeldOut(source, len(y), metrics, tuple(tables))


def _deviance(y: Array, predicted: Array, loss: str) -> tuple[Metric, ...]:
    """Mean deviance, and how much less of it there is than with the mean."""
    mean = y.mean()
    own, around = (_deviances(y, p, loss) for p in (predicted, np.full_like(y, mean)))
    deviance = Metric(
        "mean deviance",
        float(own.mean()),
        _error(own),
        float(around.mean()),
        "lower",
        f"twice the log-likelihood lost to a perfect prediction ({loss})",
    )
    total = around.mean()
    if not total > 0:
        return (deviance,)
    ratio = own.mean() / total
    explained = Metric(
        "share of deviance explained",
        float(1 - ratio),
        _error((own - ratio * around) / total),
        0.0,
        "higher",
        "1 is perfect, 0 is no better than the mean (D squared)",
    )
    return (deviance, explained)


def _deviances(y: Array, predicted: Array, loss: str) -> Array:
    outcome = torch.from_numpy(y)
    link = torch.from_numpy(np.log(np.maximum(predicted, np.finfo(float).tiny)))[:, None]
    return np.asarray(2 * loss_named(loss, outcome).value(link, outcome).numpy())


def _regression(y: Array, predicted: Array, target: str) -> tuple[Metric, ...]:
    residual, centred = y - predicted, y - y.mean()
    square, around = residual**2, centred**2
    rmse, total = np.sqrt(square.mean()), around.mean()
    absolute = np.abs(residual)
    ratio = square.mean() / total if total > 0 else np.nan
    metrics = [
        Metric(
            "root mean square error",
            float(rmse),
            float(_error(square) / (2 * rmse)) if rmse > 0 else 0.0,
            float(np.sqrt(total)),
            "lower",
            f"typical size of an error, in units of {target}",
        ),
        Metric(
            "mean absolute error",
            float(absolute.mean()),
            _error(absolute),
            float(np.abs(y - np.median(y)).mean()),
            "lower",
            f"mean size of an error, in units of {target}",
        ),
    ]
    if total > 0:
        # Delta method for a ratio of two means over the same rows.
        explained = Metric(
            "share of variance explained",
            float(1 - ratio),
            _error((square - ratio * around) / total),
            0.0,
            "higher",
            "1 is perfect, 0 is no better than the mean (R squared)",
        )
        metrics.append(explained)
    return tuple(metrics)


def _classification(y: NDArray[np.int64], p: Array, classes: tuple[str, ...]) -> tuple[Metric, ...]:
    rows = np.arange(len(y))
    share = np.bincount(y, minlength=len(classes)) / len(y)
    loss = -np.log(np.clip(p[rows, y], 1e-15, 1.0))
    right = (p.argmax(axis=1) == y).astype(np.float64)
    brier = ((p - np.eye(len(classes))[y]) ** 2).sum(axis=1) / (2 if len(classes) == 2 else 1)
    known = share[share > 0]
    metrics = [
        Metric(
            "log loss",
            float(loss.mean()),
            _error(loss),
            float(-(known * np.log(known)).sum()),
            "lower",
            "mean of minus the log of the probability given to what happened",
        ),
        Metric(
            "accuracy",
            float(right.mean()),
            _error(right),
            float(share.max()),
            "higher",
            "share of rows whose likeliest class is the right one",
        ),
    ]
    if len(classes) == 2 and 0 < share[1] < 1:
        metrics.append(_area(y == 1, p[:, 1], classes[1]))
    constant = (1 - (share**2).sum()) / (2 if len(classes) == 2 else 1)
    metrics.append(
        Metric(
            "Brier score",
            float(brier.mean()),
            _error(brier),
            float(constant),
            "lower",
            "mean squared distance between probabilities and what happened",
        )
    )
    return tuple(metrics)


def _area(positive: NDArray[np.bool_], score: Array, name: str) -> Metric:
    """Area under the ROC curve with DeLong's standard error, from placements (midranks)."""
    high, low = score[positive], score[~positive]
    ranks = rankdata(np.concatenate([high, low]))
    of_high = (ranks[: len(high)] - rankdata(high)) / len(
        low
    )  # share of `low` below each of `high`
    of_low = 1 - (ranks[len(high) :] - rankdata(low)) / len(high)
    variance = sum(v.var(ddof=1) / len(v) for v in (of_high, of_low) if len(v) > 1)
    return Metric(
        "area under the ROC curve",
        float(of_high.mean()),
        float(np.sqrt(variance)),
        0.5,
        "higher",
        f"chance that a random {name} row gets a higher probability than a random other row",
    )


def _calibrate_share(hit: NDArray[np.bool_], p: Array, label: str, bins: int) -> Calibration:
    """Predicted probability against share, with Clopper-Pearson intervals."""

    def interval(outcome: Array) -> tuple[float, float]:
        k, n = outcome.sum(), len(outcome)
        low = beta.ppf(0.025, k, n - k + 1) if k > 0 else 0.0
        return float(low), float(beta.ppf(0.975, k + 1, n - k) if k < n else 1.0)

    return _calibrate(hit.astype(np.float64), p, label, bins, interval)


def _calibrate_mean(y: Array, predicted: Array, label: str, bins: int) -> Calibration:
    """Predicted value against mean outcome, with normal intervals."""

    def interval(outcome: Array) -> tuple[float, float]:
        mean, reach = outcome.mean(), 1.96 * _error(outcome)
        return float(mean - reach), float(mean + reach)

    return _calibrate(y, predicted, label, bins, interval)


def _calibrate(
    y: Array,
    predicted: Array,
    label: str,
    bins: int,
    interval: Callable[[Array], tuple[float, float]],
) -> Calibration:
    """Bins of about equal size in the order of the prediction, none smaller than five rows."""
    order = np.argsort(predicted, kind="stable")
    chunks = np.array_split(order, max(1, min(bins, len(y) // 5)))
    bounds = [interval(y[chunk]) for chunk in chunks]
    return Calibration(
        label=label,
        predicted=tuple(float(predicted[chunk].mean()) for chunk in chunks),
        observed=tuple(float(y[chunk].mean()) for chunk in chunks),
        lower=tuple(low for low, _ in bounds),
        upper=tuple(high for _, high in bounds),
        counts=tuple(len(chunk) for chunk in chunks),
    )


def _error(values: Array) -> float:
    """Standard error of the mean."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
