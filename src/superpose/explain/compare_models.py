"""From two fitted models, or two groups of rows, to a comparison of their curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from superpose.errors import InputError
from superpose.explain.at_rows import curve_at, original
from superpose.explain.comparison import Agreement, Comparison, CurvePair
from superpose.explain.edit_effect import kept_rows
from superpose.explain.parts import half_width, part_names, parts_of
from superpose.explain.refit_resamples import at_its_dial
from superpose.explain.rows_of import rows_where

if TYPE_CHECKING:
    from superpose.estimators import KSTClassifier, KSTRegressor

__all__ = ["compare", "compare_groups"]

Array = NDArray[np.float64]


def compare(
    first: KSTClassifier | KSTRegressor,
    second: KSTClassifier | KSTRegressor,
    X: Any = None,
    *,
    names: tuple[str, str] = ("first", "second"),
    level: float = 0.95,
) -> Comparison:
    r"""Compare two models of the same attributes, curve by curve.

    The band of a difference takes the errors of the two curves to be independent,
    :math:`g_2 - g_1 \pm z\sqrt{\mathrm{sd}_1^2 + \mathrm{sd}_2^2}`, which they are for models of
    different rows. For two models of the same rows errors are shared, and it is too wide.

    Parameters
    ----------
    first, second : KSTClassifier or KSTRegressor
        Fitted, with columns of the same names, and the same classes.
    X : array-like or dataframe, optional
        Rows over which differences are measured and predictions compared; without them, the
        values that the first model keeps of its training rows.
    names : tuple of two str, optional
        What the models are called; "first" and "second" if not given.
    level : float, default 0.95
        Probability of each band at one place.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If attributes, kinds of column or classes differ.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose import KSTRegressor
    >>> from superpose.explain import compare
    >>> x = np.random.default_rng(0).uniform(-1, 1, (200, 2))
    >>> model = KSTRegressor(pairs=0, terms=0).fit(x, x[:, 0] + x[:, 1])
    >>> compare(model, model.edit("x1").remove(), x, names=("all", "less")).to_frame().round(1)
      curve  moved  size  apart
    0    x1    0.6   0.6    1.0
    1    x0    0.0   0.0    0.0
    """
    _check(first, second)
    attributes = [attribute.name for attribute in first.fit_.network.attributes]
    rows = None if X is None else first._encode(X)
    curves = [_curve(first, second, p, rows, level) for p in range(len(attributes))]
    curves.sort(key=lambda it: -it.moved)
    read = [[n for n, part in _named(it) if part.kind != "curve"] for it in (first, second)]
    return Comparison(
        names=names,
        curves={it.name: it for it in curves},
        alone=(
            tuple(it for it in read[0] if it not in read[1]),
            tuple(it for it in read[1] if it not in read[0]),
        ),
        baselines=np.stack([it.fit_.network.bias.numpy() for it in (first, second)]),
        agreement=None if X is None else _agreement(first, second, X),
    )


def compare_groups(
    model: KSTClassifier | KSTRegressor,
    X: Any,
    y: Any,
    group: Any,
    *,
    level: float = 0.95,
) -> Comparison:
    """Fit the model to each of two groups of rows by itself, and compare the curves.

    Both fits stand at the model's step of the dial. What differs is what the attributes mean in
    the two groups; whether one model serves both is what `by_group` shows.

    Parameters
    ----------
    model : KSTClassifier or KSTRegressor
        Fitted.
    X : array-like or dataframe of shape (n_rows, n_columns)
    y : array-like of shape (n_rows,)
    group : array-like of shape (n_rows,)
        Two different values.
    level : float, default 0.95
        Probability of each band at one place.

    Returns
    -------
    Comparison
        With the two values of `group` as names, in order.

    Raises
    ------
    InputError
        If there are not two groups.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose import KSTRegressor
    >>> from superpose.explain import compare_groups
    >>> rng = np.random.default_rng(0)
    >>> x, sex = rng.uniform(-1, 1, (120, 2)), np.array(["f", "m"] * 60)
    >>> y = x[:, 0] + np.where(sex == "m", 2 * x[:, 1], 0) + rng.normal(0, 0.2, 120)
    >>> model = KSTRegressor(pairs=0, terms=0).fit(x, y)
    >>> found = compare_groups(model, x, y, sex)
    >>> found.names, list(found.curves)
    (('f', 'm'), ['x1', 'x0'])
    """
    labels, chosen = rows_where(group, len(X))
    if len(labels) != 2:
        raise InputError(
            "two groups are compared",
            f"found {len(labels)}",
            "pass the rows of two of them, or compare(first, second) models of your own",
        )
    other = at_its_dial(model)
    weights = [np.asarray(rows, dtype=np.float64) for rows in chosen]
    first, second = (clone(other).fit(X, y, sample_weight=weight) for weight in weights)
    if getattr(first, "classes_", np.zeros(0)).tolist() != _labels(second):
        raise InputError(
            "both groups must have rows of every class",
            f"found {_labels(first)} and {_labels(second)}",
            "compare larger groups",
        )
    return compare(first, second, X, names=(labels[0], labels[1]), level=level)


def _labels(model: Any) -> list[Any]:
    return list(getattr(model, "classes_", np.zeros(0)).tolist())


def _named(model: Any) -> list[tuple[str, Any]]:
    return list(zip(part_names(model.fit_), parts_of(model.fit_), strict=True))


def _check(first: Any, second: Any) -> None:
    """Refuse models whose curves do not lie on the same axes or scale."""
    told = []
    for model in (first, second):
        plans = [(plan.name, plan.kind) for plan in model.schema_.columns]
        told.append((plans, _labels(model), model.fit_.loss))
    for what, one, other in zip(("columns", "classes", "losses"), *told, strict=True):
        if one != other:
            raise InputError(
                f"models are compared that have the same {what}",
                f"found {one} and {other}",
                "fit both on the same columns, with the same kind of target",
            )


def _curve(first: Any, second: Any, p: int, rows: Array | None, level: float) -> CurvePair:
    attribute = first.fit_.network.attributes[p]
    curves = [model.curves_[attribute.name] for model in (first, second)]
    x = _both(curves, attribute.kind)
    found = [curve_at(model, p, x) for model in (first, second)]
    means, sds = (np.stack(arrays) for arrays in zip(*found, strict=True))
    z, difference = half_width(level), means[1] - means[0]
    reach = z * np.sqrt((sds**2).sum(0))
    size, moved = _sizes(first, second, p, rows)
    return CurvePair(
        name=attribute.name,
        kind=attribute.kind,
        x=x,
        means=means,
        lowers=means - z * sds,
        uppers=means + z * sds,
        difference=difference,
        lower=difference - reach,
        upper=difference + reach,
        size=size,
        moved=moved,
        units=curves[0].units,
        support=curves[0].support,
    )


def _both(curves: list[Any], kind: str) -> NDArray[Any]:
    """The places of both grids; levels of the first, then those that only the second has."""
    if kind == "number":
        return np.union1d(curves[0].x, curves[1].x)
    more = [level for level in curves[1].x if level not in curves[0].x]
    return np.asarray([*curves[0].x, *more], dtype=object)


def _sizes(first: Any, second: Any, p: int, rows: Array | None) -> tuple[float, float]:
    """Root mean square and standard deviation of the difference over rows."""
    if rows is None:
        index = next(i for i, it in enumerate(parts_of(first.fit_)) if it.attributes == (p,))
        rows, weight = kept_rows(first.fit_, first.summary_, index)
    else:
        weight = np.ones(len(rows))
    values = original(first, p, rows[:, p])
    gap = curve_at(second, p, values)[0] - curve_at(first, p, values)[0]
    known = np.isfinite(gap).all(axis=1)
    if not known.any():
        return 0.0, 0.0
    gap, weight = gap[known], weight[known]
    around = gap - np.average(gap, axis=0, weights=weight)
    sums = [(d**2).sum(axis=1) for d in (gap, around)]
    size, moved = (float(np.sqrt(np.average(s, weights=weight))) for s in sums)
    return size, moved


def _agreement(first: Any, second: Any, X: Any) -> Agreement:
    links = [model._link(X) for model in (first, second)]
    flat = [link.ravel() for link in links]
    constant = any(np.ptp(values) == 0 for values in flat)
    gap = ((links[1] - links[0]) ** 2).sum(axis=1)
    labelled = hasattr(first, "classes_")
    return Agreement(
        rows=len(links[0]),
        correlation=float("nan") if constant else float(np.corrcoef(*flat)[0, 1]),
        distance=float(np.sqrt(gap.mean())),
        same=float(np.mean(first.predict(X) == second.predict(X))) if labelled else None,
    )
