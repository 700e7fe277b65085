"""From a fitted model and groups of rows to how it treats each group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from superpose.errors import InputError
from superpose.estimators.target import codes_of, read_offset
from superpose.explain.group_view import GroupMetric, GroupView
from superpose.explain.held_out import score_held_out
from superpose.explain.parts import contribution, encode, outputs_of, part_names
from superpose.explain.rows_of import rows_where
from superpose.explain.summary import HeldOut

if TYPE_CHECKING:
    from superpose.estimators import KSTClassifier, KSTRegressor

__all__ = ["by_group"]

Array = NDArray[np.float64]
_MOST = 50


def by_group(
    model: KSTClassifier | KSTRegressor,
    X: Any,
    y: Any,
    group: Any,
    *,
    threshold: float = 0.5,
    offset: Any = None,
    exposure: Any = None,
) -> GroupView:
    """Measure a model in each group of rows, and say which part makes the difference.

    For two classes the measures are log loss, accuracy, area under the ROC curve, Brier score,
    share selected (predicted to be of the second class), and the shares of false alarms among rows
    of the first class and of misses among rows of the second; and the mean error, predicted less
    observed share, which is 0 in a group where the model is calibrated on average. For numbers they
    are root mean square error, mean absolute error, share of variance explained and mean error.
    Pass rows that fit has not seen. Standard errors are those of independent rows.

    No set of measures makes a model fair: with different shares of the second class in two groups,
    calibration and equal rates of error exclude each other (Kleinberg et al., 2017; Chouldechova,
    2017).

    Parameters
    ----------
    model : KSTClassifier or KSTRegressor
        Fitted.
    X : array-like or dataframe of shape (n_rows, n_columns)
        Rows with the columns of fit.
    y : array-like of shape (n_rows,)
        Their target.
    group : array-like of shape (n_rows,)
        The group of each row, of 50 at most; it need not be a column of X.
    threshold : float, default 0.5
        Probability from which a row counts as selected, for two classes.
    offset, exposure : array-like, optional
        What is known of the sum of each row, as in fit. The measures take it in; mean predictions
        are those of the parts, without it.

    Returns
    -------
    GroupView

    Raises
    ------
    InputError
        If groups and rows do not fit together, or there are too many.

    References
    ----------
    J. Kleinberg, S. Mullainathan and M. Raghavan, "Inherent trade-offs in the fair determination of
    risk scores", ITCS 2017. A. Chouldechova, "Fair prediction with disparate impact", Big Data 5,
    2017.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose import KSTClassifier
    >>> from superpose.explain import by_group
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(400, 2))
    >>> y = rng.random(400) < 1 / (1 + np.exp(-2 * x[:, 0]))
    >>> model = KSTClassifier(pairs=0, terms=0).fit(x, y)
    >>> view = by_group(model, x, y, np.where(x[:, 0] + rng.normal(size=400) > 0, "a", "b"))
    >>> view.difference("b", "a")["part"].tolist()
    ['x0', 'x1']
    """
    x = model._encode(X)
    names, chosen = rows_where(group, len(x))
    if not 0 < len(names) <= _MOST:
        raise InputError(
            f"group must have 1 to {_MOST} different values",
            f"found {len(names)}",
            "cut a number into a few ranges",
        )
    outputs, link = outputs_of(model.fit_, model.summary_), _links(model, x)
    outcome = codes_of(y, len(x), type(model).__name__, getattr(model, "classes_", None))
    known = model._known(len(x), offset, exposure)
    known = read_offset(known, len(x), model.fit_.network.n_outputs)
    predicted = outputs.inverse_link(link if known is None else link + known)
    measured = [_score(model, outcome[rows], predicted[rows], threshold) for rows in chosen]
    means, errors = _contributions(model, x, chosen)
    return GroupView(
        groups=tuple(names),
        counts=np.array([rows.sum() for rows in chosen]),
        metrics=_joined([metrics for metrics, _ in measured]),
        calibration=tuple(held_out.calibration for _, held_out in measured),
        parts=tuple(part_names(model.fit_)),
        contributions=means,
        errors=errors,
        baseline=model.fit_.network.bias.detach().numpy().reshape(-1),
        predictions=np.stack([link[rows].mean(axis=0) for rows in chosen]),
        outputs=outputs,
    )


def _links(model: Any, x: Array) -> Array:
    with torch.no_grad():
        link: Array = model.fit_.network(torch.as_tensor(x)).numpy()
    return link


def _contributions(model: Any, x: Array, chosen: list[NDArray[np.bool_]]) -> tuple[Array, Array]:
    """Mean and standard error of every part over the rows of each group [G, P, K]."""
    fit, u = model.fit_, encode(model.fit_, x)
    shape = (len(chosen), len(part_names(fit)), fit.network.n_outputs)
    means, errors = np.zeros(shape), np.zeros(shape)
    for j in range(shape[1]):
        values = contribution(fit, j, u)
        for g, rows in enumerate(chosen):
            means[g, j] = values[rows].mean(axis=0)
            errors[g, j] = _error(values[rows])
    return means, errors


def _error(values: Array) -> Any:
    """Standard error of the mean over rows; 0 for a constant, NaN for a single row."""
    count = len(values)
    if count < 2:
        return np.full(values.shape[1:], np.nan)
    error = values.std(axis=0, ddof=1) / np.sqrt(count)
    return np.where(np.ptp(values, axis=0) == 0, 0.0, error)


Named = dict[str, tuple[float, float, str]]


def _score(model: Any, outcome: Array, predicted: Array, threshold: float) -> tuple[Named, HeldOut]:
    """Every measure of one group, by name: value, error, meaning."""
    target, classes = model.summary_.target, model.summary_.classes
    found = score_held_out(
        outcome,
        predicted if classes else predicted[:, 0],
        source="one group",
        target=target,
        classes=classes,
        loss=model.fit_.loss,
    )
    named: Named = {it.name: (it.value, it.error, it.meaning) for it in found.metrics}
    if not classes:
        gap = predicted[:, 0] - outcome
        meaning = f"predicted less observed, in units of {target}"
        named["mean error"] = (float(gap.mean()), float(_error(gap[:, None])[0]), meaning)
    elif len(classes) == 2:
        named |= _rates(outcome == 1, predicted[:, 1], threshold, classes)
    return named, found


def _rates(hit: NDArray[np.bool_], p: Array, threshold: float, classes: tuple[str, ...]) -> Named:
    selected, (first, second) = p >= threshold, classes
    gap = p - hit
    return {
        "share selected": (*_share(selected), f"predicted to be {second}"),
        "false alarms": (*_share(selected[~hit]), f"share selected of those that are {first}"),
        "misses": (*_share(~selected[hit]), f"share not selected of those that are {second}"),
        "mean error": (
            float(gap.mean()),
            float(_error(gap[:, None])[0]),
            f"predicted less observed share of {second}",
        ),
    }


def _share(yes: NDArray[np.bool_]) -> tuple[float, float]:
    """A share and its binomial standard error; NaN of nothing."""
    if not len(yes):
        return float("nan"), float("nan")
    share = float(yes.mean())
    return share, float(np.sqrt(share * (1 - share) / len(yes)))


def _joined(measured: list[Named]) -> tuple[GroupMetric, ...]:
    """One metric from the groups; NaN where a group has none of the name."""
    names = list(dict.fromkeys(name for it in measured for name in it))
    nothing = (float("nan"), float("nan"), "")
    metrics = []
    for name in names:
        cells = [it.get(name, nothing) for it in measured]
        values, errors = (np.array([cell[i] for cell in cells]) for i in (0, 1))
        meaning = next(cell[2] for cell in cells if cell[2])
        metrics.append(GroupMetric(name, values, errors, meaning))
    return tuple(metrics)
