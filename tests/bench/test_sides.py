"""The same laws for every side: it takes a table as it comes, and says what there is to read."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from superpose.bench.measure import warm_up
from superpose.bench.registry import TABLES
from superpose.bench.sides import SIDES, Side

SLOW = {"superpose", "ebm", "ebm_mains"}
EACH = [pytest.param(s, marks=pytest.mark.slow if s.name in SLOW else ()) for s in SIDES.values()]
each_side = pytest.mark.parametrize("side", EACH, ids=list(SIDES))


def table(rows: int = 240) -> tuple[pd.DataFrame, pd.Series]:
    """Numbers with holes, a constant, names that some libraries refuse, and categories."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a[1]": rng.normal(size=rows), "b:{": rng.normal(size=rows), "one": 1.0})
    X["word"] = rng.choice(["u", "v", "w"], rows)
    signal = 2 * X["a[1]"] + (X["word"] == "u") * 2
    X.loc[::7, "b:{"] = np.nan
    X.loc[::11, "word"] = None
    return X, signal


def fitted(side: Side, classes: int, X: pd.DataFrame, y: pd.Series) -> Any:
    pytest.importorskip(side.module)
    model = side.make(classes, **side.brief) if side.name != "lightgbm" else side.make(classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, y)


@each_side
def test_numbers_are_predicted_better_than_by_their_mean(side: Side) -> None:
    X, y = table()
    model = fitted(side, 0, X[:200], y[:200])
    unseen = X[200:].assign(word=X["word"][200:].where(X["word"][200:] != "w", "never seen"))
    predicted = np.asarray(model.predict(unseen), dtype=np.float64).ravel()
    floor = 1.0 if side.brief and side.name.startswith("ebm") else 0.5  # a brief fit only starts
    assert np.sqrt(((predicted - y[200:]) ** 2).mean()) < floor * y[200:].std()


@each_side
@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_are_those_of_the_labels(side: Side, classes: int) -> None:
    if side.refuses(next(t for t in TABLES.values() if t.classes == classes)):
        pytest.skip(f"{side.name} has no model for {classes} classes")
    X, signal = table()
    y = pd.Series(np.array(["no", "yes", "very"])[pd.qcut(signal, classes, labels=False)])
    model = fitted(side, classes, X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        p = model.predict_proba(X)
    assert list(model.classes_) == sorted(y.unique())
    assert np.allclose(p.sum(axis=1), 1)
    right = np.array(model.classes_)[p.argmax(axis=1)] == y
    assert right.mean() > (y.value_counts(normalize=True).max() + 1) / 2 - 0.1


@each_side
def test_parts_to_read_are_counted(side: Side) -> None:
    X, y = table()
    parts = side.parts(fitted(side, 0, X, y))
    assert parts.get("curves") == {"lightgbm": None, "pygam": 3}.get(side.name, parts.get("curves"))
    if side.name in ("additive", "ebm_mains"):
        assert parts["pairs"] == 0
    if side.name in ("ebm_mains", "splines"):
        assert parts["curves"] == 4


def test_pygam_counts_a_missing_category_as_a_level_and_an_unseen_one_as_the_commonest() -> None:
    from superpose.bench.sides.gam import _codes, _encoded

    codes = _codes(pd.Series(["u", "v", "v", None], dtype=object))
    assert codes == ["v", "u", "missing"]
    unseen = pd.Series(["u", "x", None, "v"], dtype=object)
    assert _encoded(unseen, codes).tolist() == [1.0, 0.0, 2.0, 0.0]
    numbers = pd.Series([1.0, np.nan, 4.0, 10.0])
    assert _encoded(numbers, _codes(numbers)).tolist() == [1.0, 4.0, 4.0, 10.0]


def test_the_fit_that_warms_up_is_of_every_kind() -> None:
    for classes in (0, 2, 4):
        warm_up(SIDES["splines"], classes)
