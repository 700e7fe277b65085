"""Of three classes or more one has the shape: its log-odds against each other one have it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

from superpose import KSTClassifier
from superpose.errors import InputError
from superpose.estimators import load
from superpose.estimators.schema import ColumnPlan, Schema
from superpose.estimators.shapes import read_shapes

N, LABELS = 150, ("ill", "sick", "well")
SHAPES = {"a": {"ill": "increasing"}, "b": {"well": ("decreasing", "concave")}}
BOTH = {"a": {"ill": "increasing", "well": "decreasing"}, "b": {"sick": "convex"}}
SIGN = {"increasing": 1, "decreasing": -1, "convex": 1, "concave": -1}


def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "a": rng.normal(size=N),
            "b": rng.exponential(size=N),
            "c": rng.choice(["u", "v"], N),
        }
    )
    X.loc[::7, "a"] = np.nan
    return X


def target(X: pd.DataFrame) -> np.ndarray:
    """Waves, which contradict every shape somewhere."""
    rng = np.random.default_rng(1)
    a, b = X["a"].fillna(0).to_numpy(), X["b"].to_numpy()
    f = np.column_stack([np.sin(2 * a), np.cos(3 * b), 0.5 * a * (X["c"] == "u")])
    return np.array(LABELS)[(2 * f + rng.gumbel(size=f.shape)).argmax(1)]


def fitted(shapes: Any, **options: Any) -> Any:
    X = table()
    return KSTClassifier(pairs=0, terms=0, shapes=shapes, **options).fit(X, target(X))


@pytest.fixture(scope="module", params=[SHAPES, BOTH], ids=["one", "two"])
def model(request: Any) -> Any:
    return fitted(request.param)


def everything(model: Any, name: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """A dense grid in units, far outside too, and curve, draws and limits there, [.., G, K]."""
    place = model.schema_.names.index(name)
    axis = model.attributes_[place].axis
    low, high = axis.points_x[[0, -1]]
    knots = np.asarray(axis.from_axis(axis.knots))
    grid = np.linspace(low - 2 * (high - low), high + 2 * (high - low), 601)
    close = (knots[:, None] + (high - low) * np.linspace(-1e-3, 1e-3, 5)).ravel()
    x = np.sort(np.concatenate([grid, close]))
    x = x[np.concatenate([[True], np.diff(x) > 1e-9 * np.ptp(x)])]
    rows = np.full((len(x), len(model.schema_.names)), np.nan)
    rows[:, place] = x
    u = model.fit_.network.encode(torch.from_numpy(rows))
    part, share = model.fit_.network.parts[place], model.fit_.posterior.shares[place]
    found = {
        "curve": part(u),
        "draws": part.basis.cardinal(u[:, place]) @ share.draws.mT,
        "limits": torch.stack(model.fit_.posterior.part_limits(place, u, 0.9)),
    }
    return x, {what: values.numpy() for what, values in found.items()}


def worst(x: np.ndarray, values: np.ndarray, word: str) -> float:
    """The largest step of values [.., G] in the forbidden direction, over their size."""
    values = values / (np.ptp(values) + 1e-3)
    rise = np.diff(values)
    if word in ("increasing", "decreasing"):
        return float((-SIGN[word] * rise).max())
    left, right = np.diff(x)[:-1], np.diff(x)[1:]
    chord = (values[..., :-2] * right + values[..., 2:] * left) / (left + right)
    return float((SIGN[word] * (values[..., 1:-1] - chord)).max())


def test_log_odds_against_each_other_class_have_the_shape_everywhere(model: Any) -> None:
    for name, by_class in model.shapes.items():
        x, found = everything(model, name)
        for label, shape in by_class.items():
            own = LABELS.index(label)
            for word in (shape,) if isinstance(shape, str) else shape:
                for what in ("curve", "draws"):
                    odds = found[what][..., [own]] - np.delete(found[what], own, axis=-1)
                    assert worst(x, np.moveaxis(odds, -1, 0), word) < 1e-12, (name, label, what)
                if word in ("increasing", "decreasing"):
                    assert worst(x, found["limits"][..., own], word) < 1e-12, (name, label)


def test_limits_hold_the_curve_and_draws_sum_to_nothing_over_the_classes(model: Any) -> None:
    for name in model.shapes:
        _, found = everything(model, name)
        low, high = found["limits"]
        assert (low <= found["curve"]).all()
        assert (found["curve"] <= high).all()
        assert np.abs(found["draws"].sum(-1)).max() < 1e-9 * np.abs(found["draws"]).max()


def test_the_probability_of_the_class_rises_whatever_the_rest_of_the_row_says(model: Any) -> None:
    rows = table().dropna().head(10)
    rows = rows.loc[rows.index.repeat(200)].reset_index(drop=True)
    rows["a"] = np.tile(np.linspace(-9, 9, 200), 10)
    p = model.predict_proba(rows).reshape(10, 200, 3)
    assert np.diff(p[:, :, 0], axis=1).min() > -1e-12
    assert np.ptp(p[:, :, 0], axis=1).min() > 0.1
    if "well" in model.shapes["a"]:
        assert np.diff(p[:, :, 2], axis=1).max() < 1e-12
    free = fitted(None).predict_proba(rows).reshape(10, 200, 3)
    assert np.diff(free[:, :, 0], axis=1).min() < -1e-3, "the data do not contradict the shape"


def test_naming_one_of_two_classes_is_naming_the_direction() -> None:
    X = table()
    y = np.where(target(X) == "ill", "no", "yes")
    models = [
        KSTClassifier(pairs=0, terms=0, shapes={"a": shape}).fit(X, y)
        for shape in (("increasing", "convex"), {"yes": ("increasing", "convex")})
    ]
    models.append(
        KSTClassifier(pairs=0, terms=0, shapes={"a": {"no": ("decreasing", "concave")}}).fit(X, y)
    )
    for other in models[1:]:
        np.testing.assert_array_equal(other.predict_proba(X), models[0].predict_proba(X))


def test_the_names_and_order_of_the_classes_do_not_matter() -> None:
    X = table()
    y = target(X)
    one = KSTClassifier(pairs=0, terms=0, shapes={"a": {"ill": "increasing"}}).fit(X, y)
    codes = {"ill": 3, "sick": 1, "well": 2}
    shapes = {"a": {3: "increasing"}}
    other = KSTClassifier(pairs=0, terms=0, shapes=shapes).fit(X, [codes[label] for label in y])
    np.testing.assert_allclose(
        other.predict_proba(X)[:, [2, 0, 1]], one.predict_proba(X), rtol=0, atol=1e-4
    )


def test_a_model_comes_back_from_its_file_with_its_shapes(model: Any, tmp_path: Path) -> None:
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.shapes == model.shapes
    assert [(a.shape, a.shape_of) for a in again.attributes_] == [
        (a.shape, a.shape_of) for a in model.attributes_
    ]
    np.testing.assert_array_equal(again.predict_proba(table()), model.predict_proba(table()))
    for name, curve in model.curves_.items():
        np.testing.assert_array_equal(again.curves_[name].lower, curve.lower)


def test_classes_that_are_true_and_false_come_back_as_such(tmp_path: Path) -> None:
    X, y = table()[["b"]], np.resize([True, False], N)
    options = {"pairs": 0, "terms": 0, "kernel": "matern32", "knots": 4}
    model = KSTClassifier(shapes={"b": {True: "increasing"}}, **options).fit(X, y)
    model.save(tmp_path / "model")
    again = clone(load(tmp_path / "model")).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def test_curves_and_edits_say_what_the_fit_was_told(model: Any) -> None:
    told = "increasing in the log-odds of 'ill' against every other class"
    curve = model.curves_["a"]
    assert curve.told.startswith(told)
    assert f"  told to be {told}" in repr(curve)
    assert curve.to_dict()["shape_of"] == list(model.shapes["a"])
    edited = model.edit("a").set({0: [0.0] * 3, 1: [0.3, -0.1, -0.2]}).curves_["a"]
    inside = (edited.x >= 0) & (edited.x <= 1)
    np.testing.assert_allclose(edited.lower[inside], edited.upper[inside], atol=1e-12)
    np.testing.assert_allclose(edited.mean[inside][:, 0], 0.3 * edited.x[inside], atol=1e-12)


@pytest.mark.parametrize(
    ("shapes", "sentence"),
    [
        (
            {"a": "increasing"},
            "with three classes or more a shape is of one of them; found 'increasing' for 'a', and "
            "the classes 'ill', 'sick', 'well': their log-probabilities only differ and cannot all "
            "rise; name the class, as in {'a': {'well': 'increasing'}}",
        ),
        (
            {"a": {"healthy": "increasing"}},
            "a shape by class must name classes of the target: 'ill', 'sick', 'well'; found "
            "'healthy' for 'a'; correct the names",
        ),
        (
            {"a": {"ill": "increasing", "sick": "increasing"}},
            "one class of a column can have a shape, and a second one the opposite shape; found "
            "{'ill': 'increasing', 'sick': 'increasing'} for 'a': log-odds that rise for one fall "
            "for the other; name the class that matters most",
        ),
        (
            {"a": {"ill": None}},
            "a shape must be increasing or decreasing, convex or concave, or one of each; found "
            'None; write "increasing", or ("increasing", "concave")',
        ),
    ],
)
def test_what_no_model_could_have_is_refused(shapes: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        fitted(shapes)


def test_a_class_is_named_once() -> None:
    schema = Schema((ColumnPlan("dose", "number"),), named=True)
    shapes = {"dose": {1: "increasing", "1": "decreasing"}}
    with pytest.raises(InputError, match="^a shape by class must name a class once; found"):
        read_shapes(shapes, schema, ("0", "1", "2"))


def test_a_number_has_no_classes() -> None:
    from superpose import KSTRegressor

    sentence = (
        "a shape by class must name classes of the target: it has none; found 'ill' for 'a'; give "
        "the shape itself, as in 'increasing'"
    )
    X = table()
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        KSTRegressor(shapes=SHAPES).fit(X, X["b"])
