"""The 95 % bands of main curves of superpose, EBM and pyGAM, alike, for `band_coverage.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from coverage_draws import INTERACTION, INTERACTIONS, TOGETHER, Draw

from superpose import KSTClassifier, KSTRegressor
from superpose.explain import simultaneous_bands

Z = 1.959964


@dataclass(frozen=True)
class Band:
    """Mean, lower and upper [G, K] of one curve at given values; and what else its side says."""

    mean: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    says: dict[str, Any]


Bands = Callable[[str, np.ndarray], Band]


def superpose(drawn: Draw, kernel: str = "auto") -> Bands:
    """At the defaults, main curves only, and the pair or the term where attributes interact."""
    settings: dict[str, Any] = {"pairs": 0, "terms": int(drawn.design == "ridge"), "kernel": kernel}
    if drawn.design == "product":
        settings["pairs"] = [TOGETHER]
    if drawn.loss in ("bernoulli", "multinomial"):
        model: Any = KSTClassifier(**settings)
    else:
        model = KSTRegressor(loss=drawn.loss, **settings)
    model.fit(drawn.X, drawn.y)
    found = simultaneous_bands(model.fit_, model.summary_, draws=2_000)

    def band(name: str, values: np.ndarray) -> Band:
        if name == INTERACTION:  # at the first rows
            told = model.explain(drawn.X[: len(values)])
            return Band(told.values[:, -1], told.lower[:, -1], told.upper[:, -1], {})
        curve = found[name]
        columns = [a.reshape(len(curve.x), -1) for a in (curve.mean, curve.lower, curve.upper)]
        truth, seen, whole = drawn.truth(name, curve.x), curve.seen(), curve.simultaneous
        ends = [a.reshape(truth.shape)[seen] for a in (whole.lower, whole.upper)]
        inside = (ends[0] <= truth[seen]) & (truth[seen] <= ends[1])
        says = {
            "whole": float(inside.all(0).mean()),
            "no_effect": curve.no_effect,
            "jump": None if curve.jump is None else curve.jump[1],
        }
        return Band(*(_at(curve.x, column, values) for column in columns), says)

    return band


def _at(x: np.ndarray, columns: np.ndarray, values: np.ndarray) -> np.ndarray:
    if x.dtype == object:
        place = {level: i for i, level in enumerate(x)}
        return columns[[place[value] for value in values]]
    return np.column_stack([np.interp(values, x, column) for column in columns.T])


def corners(drawn: Draw) -> Bands:
    """Main curves with the kernel that takes jumps."""
    return superpose(drawn, "matern12")


def ebm(drawn: Draw) -> Bands:
    """Explainable boosting without interactions: score ± 1.96 of its standard deviations."""
    from interpret.glassbox import ExplainableBoostingClassifier, ExplainableBoostingRegressor

    settings: dict[str, Any] = {"interactions": 0, "n_jobs": 1}
    if drawn.loss in ("bernoulli", "multinomial"):
        model: Any = ExplainableBoostingClassifier(**settings)
    else:
        objective = "poisson_deviance" if drawn.loss == "poisson" else "rmse"
        model = ExplainableBoostingRegressor(objective=objective, **settings)
    model.fit(drawn.X, drawn.y)

    def band(name: str, values: np.ndarray) -> Band:
        i = list(drawn.X).index(name)
        bins, scores = model.bins_[i][0], model.term_scores_[i]
        sd = model.standard_deviations_[i].reshape(len(scores), -1)
        scores = scores.reshape(len(scores), -1)
        if scores.shape[1] > 1:
            scores = scores - scores.mean(1, keepdims=True)
        if isinstance(bins, dict):
            where = np.array([bins[value] for value in values])
        else:
            where = np.searchsorted(bins, values, side="right") + 1
        mean, reach = scores[where], Z * sd[where]
        return Band(mean, mean - reach, mean + reach, {})

    return band


def pygam(drawn: Draw) -> Bands:
    """A spline a number and a factor a category, at the defaults; centred over the rows."""
    from pygam import LinearGAM, LogisticGAM, PoissonGAM, f, s

    names = list(drawn.X)
    levels = {
        name: sorted(drawn.X[name].unique())
        for name in names
        if drawn.X[name].dtype == object or str(drawn.X[name].dtype).startswith("str")
    }
    kinds = {"bernoulli": LogisticGAM, "poisson": PoissonGAM, "gaussian": LinearGAM}
    terms = reduce(add, [f(i) if name in levels else s(i) for i, name in enumerate(names)])

    def coded(name: str, values: np.ndarray) -> np.ndarray:
        if name not in levels:
            return np.asarray(values, dtype=np.float64)
        return np.array([levels[name].index(value) for value in values], dtype=np.float64)

    X = np.column_stack([coded(name, drawn.X[name].to_numpy()) for name in names])
    model = kinds[drawn.loss](terms).fit(X, drawn.y)

    def band(name: str, values: np.ndarray) -> Band:
        i = names.index(name)
        rows = np.zeros((len(values), len(names)))
        rows[:, i] = coded(name, values)
        mean, ends = model.partial_dependence(term=i, X=rows, width=0.95)
        level = model.partial_dependence(term=i, X=X).mean()
        return Band(*(a[:, None] - level for a in (mean, ends[:, 0], ends[:, 1])), {})

    return band


SIDES: dict[str, Callable[[Draw], Bands]] = {
    "superpose": superpose,
    "matern12": corners,
    "ebm": ebm,
    "pygam": pygam,
}


def takes(side: str, drawn_loss: str) -> bool:
    """Whether a side has a model of this loss, and is asked for this design."""
    if drawn_loss in INTERACTIONS:
        return side == "superpose"
    return side != "pygam" or drawn_loss != "multinomial"
