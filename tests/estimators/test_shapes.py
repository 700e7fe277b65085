"""A shape holds everywhere, for curve, draws and limits, whatever the data and the loss say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

from superpose import KSTClassifier, KSTRegressor
from superpose.errors import InputError, ModelFileError
from superpose.estimators import load
from superpose.estimators.model_file import read_model, write_model
from superpose.explain import stability
from superpose.export import to_tables

N = 90
SHAPES = {"a": "increasing", "b": ("decreasing", "concave"), "c": "convex"}
LOSSES = ["gaussian", "student_t", "poisson", "gamma", "bernoulli"]


def table(seed: int = 0, n: int = N) -> pd.DataFrame:
    """A number with holes, one with a long tail, one that repeats, and a category."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "a": rng.normal(size=n),
            "b": np.exp(2 * rng.normal(size=n)),
            "c": rng.integers(0, 9, n).astype(float),
            "d": rng.choice(["u", "v"], n),
        }
    )
    X.loc[::7, "a"] = np.nan
    return X


def target(X: pd.DataFrame, loss: str, seed: int = 0) -> np.ndarray:
    """Waves, which contradict every shape somewhere."""
    rng = np.random.default_rng(seed + 1)
    a, b, c = X["a"].fillna(0.0), np.log(X["b"]), X["c"]
    f = np.sin(2 * a) + np.cos(b) - np.sin(c) + (X["d"] == "u")
    f = f.to_numpy() / 2
    noise = rng.normal(size=len(X))
    found = {
        "gaussian": f + 0.3 * noise,
        "student_t": f + 0.3 * noise**3,
        "poisson": rng.poisson(np.exp(f)),
        "gamma": np.exp(f) * rng.gamma(3, 1 / 3, len(X)),
        "bernoulli": (f + 0.3 * noise > 0).astype(int),
    }[loss]
    return np.asarray(found)


def fitted(loss: str, X: Any = None, y: Any = None, **options: Any) -> Any:
    X = table() if X is None else X
    y = target(X, loss) if y is None else y
    options = {"pairs": 0, "terms": 0, "shapes": SHAPES} | options
    if loss == "bernoulli":
        return KSTClassifier(**options).fit(X, y)
    return KSTRegressor(loss=loss, **options).fit(X, y)


def dense(model: Any, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Curve [G, 1], draws [G, D] and limits [G, 2] on a fine grid in units, far outside too."""
    place = model.schema_.names.index(name)
    axis = model.attributes_[place].axis
    low, high = axis.points_x[[0, -1]]
    knots = np.asarray(axis.from_axis(axis.knots))
    grid = np.linspace(low - 2 * (high - low), high + 2 * (high - low), 3001)
    close = (knots[:, None] + (high - low) * np.linspace(-1e-3, 1e-3, 9)).ravel()
    rows = np.full((len(grid) + len(close), len(model.schema_.names)), np.nan)
    rows[:, place] = np.sort(np.concatenate([grid, close]))
    u = model.fit_.network.encode(torch.from_numpy(rows))
    part, share = model.fit_.network.parts[place], model.fit_.posterior.shares[place]
    draws = part.basis.cardinal(u[:, place]) @ share.draws[:, 0].mT
    limits = torch.cat(model.fit_.posterior.part_limits(place, u, 0.9), 1)
    return rows[:, place], part(u).numpy(), np.column_stack([draws, limits])


def worst(x: np.ndarray, values: np.ndarray, shape: Any) -> float:
    """The largest rise or bend in the forbidden direction, over the size of the values."""
    words = (shape,) if isinstance(shape, str) else shape
    apart = np.concatenate([[True], np.diff(x) > 1e-9 * np.ptp(x)])
    x, values = x[apart], values[apart] / (float(np.ptp(values)) + 1e-3)
    rise = np.diff(values, axis=0)
    left, right = np.diff(x)[:-1, None], np.diff(x)[1:, None]
    chord = (values[:-2] * right + values[2:] * left) / (left + right)
    bend = chord - values[1:-1]
    kinds = {"increasing": -rise, "decreasing": rise, "convex": -bend, "concave": bend}
    return max(float(kinds[word].max()) for word in words)


def check(model: Any, shapes: dict[str, Any]) -> None:
    for name, shape in shapes.items():
        x, curve, others = dense(model, name)
        assert worst(x, curve, shape) < 1e-12, name
        draws, limits = others[:, :-2], others[:, -2:]
        assert worst(x, draws, shape) < 1e-12, name
        words = (shape,) if isinstance(shape, str) else shape
        for word in words:
            if word in ("increasing", "decreasing"):
                assert worst(x, limits, word) < 1e-12, name
        assert (limits[:, :1] <= curve).all()
        assert (curve <= limits[:, 1:]).all()


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
def test_shapes_hold_everywhere_for_every_loss(loss: str) -> None:
    check(fitted(loss), SHAPES)


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("seed", range(3))
def test_shapes_hold_for_other_data_and_shapes(loss: str, seed: int) -> None:
    shapes = [
        {"a": "decreasing", "b": "increasing", "c": "concave"},
        {"a": ("increasing", "convex"), "b": "convex", "c": ("decreasing", "convex")},
        {"a": "concave", "b": ("increasing", "concave"), "c": "decreasing"},
    ][seed]
    X = table(seed, 60)
    check(fitted(loss, X, target(X, loss, seed), shapes=shapes), shapes)


def test_the_whole_model_keeps_the_shape_with_pairs_and_terms() -> None:
    """No pair and no term reads the attribute, so every prediction moves as the curve does."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (200, 3))
    y = X[:, 0] * X[:, 1] + np.sin(3 * X[:, 1] * X[:, 2]) + 0.1 * rng.normal(size=200)
    model = KSTRegressor(pairs=2, terms=1, shapes={0: "increasing"}).fit(X, y)
    assert list(model.pairs_) == ["x1 × x2"]
    assert all(0 not in part.attributes for part in model.fit_.network.parts[3:])
    rows = np.repeat(X[:20], 60, axis=0)
    rows[:, 0] = np.tile(np.linspace(-3, 3, 60), 20)
    assert np.diff(model.predict(rows).reshape(20, 60), axis=1).min() > -1e-12
    every = KSTRegressor(terms=1, shapes=dict.fromkeys(range(3), "increasing")).fit(X, y)
    assert every.fit_.network.n_curves() == 3


def test_a_curve_goes_flat_where_the_data_contradict() -> None:
    x = np.random.default_rng(0).uniform(0, 1, (200, 1))
    y = np.where(x[:, 0] < 0.5, -4 * x[:, 0], 8 * x[:, 0] - 6) + 0.01 * np.sin(99 * x[:, 0])
    model = KSTRegressor(pairs=0, terms=0, shapes={0: "increasing"}).fit(x, y)
    f = model.predict(np.linspace(0, 1, 101)[:, None])
    assert np.ptp(f[:45]) < 1e-6 * np.ptp(f)
    assert f[100] - f[60] > 2.5
    against = KSTRegressor(pairs=0, terms=0, shapes={0: "decreasing"}).fit(x, x[:, 0])
    assert np.ptp(against.predict(x)) < 1e-9
    assert against.fit_.dof() == pytest.approx(0, abs=1e-6)


@pytest.mark.slow
def test_rising_in_x_is_falling_in_minus_x() -> None:
    X = table()[["a", "b", "c"]].fillna(0.0)
    y = target(table(), "gaussian")
    rising = {"a": "increasing", "b": ("increasing", "convex"), "c": "concave"}
    falling = {"a": "decreasing", "b": ("decreasing", "convex"), "c": "concave"}
    options = {"pairs": 0, "terms": 0}
    one = KSTRegressor(shapes=rising, **options).fit(X, y)
    other = KSTRegressor(shapes=falling, **options).fit(-X, y)
    np.testing.assert_allclose(one.predict(X), other.predict(-X), atol=2e-4 * np.ptp(y))
    up = KSTRegressor(shapes=rising, **options).fit(X, -y).predict(X)
    turned = {"a": "decreasing", "b": ("decreasing", "concave"), "c": "convex"}
    down = KSTRegressor(shapes=turned, **options).fit(X, y).predict(X)
    np.testing.assert_allclose(up, -down, atol=2e-4 * np.ptp(y))


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["increasing", "convex", ("increasing", "convex")], ids=str)
def test_a_shape_that_is_not_felt_changes_little(shape: Any) -> None:
    """The basis differs, so to a fifth of the band's width on average; bands are as wide."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 2, (400, 1))
    y = np.exp(x[:, 0]) + 0.3 * rng.normal(size=400)
    grid = np.linspace(0, 2, 101)[:, None]
    plain = KSTRegressor(pairs=0, terms=0).fit(x, y)
    shaped = KSTRegressor(pairs=0, terms=0, shapes={0: shape}).fit(x, y)
    band = plain.predict(grid, return_std=True)[1]
    sd = np.sqrt(band**2 - plain.fit_.noise**2)
    gap = shaped.predict(grid) - plain.predict(grid)
    assert np.sqrt(np.mean((gap / sd) ** 2)) < 0.8
    width = shaped.curves_["x0"].upper - shaped.curves_["x0"].lower
    other = plain.curves_["x0"].upper - plain.curves_["x0"].lower
    assert 0.6 < np.median(width) / np.median(other) < 1.2


def test_a_curve_that_is_convex_is_so_in_units_of_the_attribute() -> None:
    """The axis of a column with a long tail bends; that of a convex curve does not."""
    x = np.exp(2 * np.random.default_rng(0).normal(size=(300, 1)))
    y = np.log(x[:, 0])
    straight = KSTRegressor(pairs=0, terms=0, shapes={0: "convex"}).fit(x, -y)
    axis = straight.attributes_[0].axis
    assert axis.to_axis(np.array([1.0, 2.0, 3.0])) @ [1, -2, 1] == pytest.approx(0, abs=1e-12)
    assert len(axis.knots) == 24
    assert straight.score(x, -y) > 0.99  # the long tail does not squeeze the curve flat


@pytest.mark.parametrize("column", [[1.0] * 30, [0.0, 1.0] * 15, [np.nan] * 30], ids=str)
@pytest.mark.parametrize("shape", ["increasing", "convex"])
def test_columns_of_one_and_two_values_and_of_none(column: list[float], shape: str) -> None:
    X = np.column_stack([column, np.linspace(0, 1, 30)])
    model = KSTRegressor(pairs=0, terms=0, shapes={0: shape}).fit(X, X[:, 1])
    assert np.isfinite(model.predict(X)).all()
    assert np.isfinite(model.curves_["x0"].upper).all()


@pytest.fixture(scope="module")
def model() -> Any:
    return fitted("bernoulli")


def test_a_model_comes_back_from_its_file_with_its_shapes(model: Any, tmp_path: Path) -> None:
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.shapes == SHAPES
    assert [a.shape for a in again.attributes_] == [a.shape for a in model.attributes_]
    np.testing.assert_array_equal(again.predict_proba(table()), model.predict_proba(table()))
    for name, curve in model.curves_.items():
        np.testing.assert_array_equal(again.curves_[name].lower, curve.lower)
    assert clone(again).get_params()["shapes"] == SHAPES


@pytest.mark.parametrize("damage", ["fewer heights", "no draws", "a flat list", "no such shape"])
def test_a_forged_shape_is_refused_by_name(model: Any, damage: str, tmp_path: Path) -> None:
    model.save(tmp_path / "model")
    header, arrays = read_model(tmp_path / "model")
    name = next(it for it in arrays if it.endswith("draws"))
    if damage == "no such shape":
        header["fit"]["parts"][0]["bases"][0]["shape"] = ["rising"]
    else:
        wrong = {"fewer heights": (..., slice(1)), "no draws": slice(0), "a flat list": 0}
        arrays[name] = np.ascontiguousarray(arrays[name][wrong[damage]])
    write_model(tmp_path / "forged", header, arrays)
    with pytest.raises(ModelFileError, match="found that its fit does not"):
        load(tmp_path / "forged")


@pytest.mark.slow
def test_refits_resamples_and_pages_keep_the_shape(model: Any, tmp_path: Path) -> None:
    X, y = table(), target(table(), "bernoulli")
    check(model.edit("d").fix().refit(X, y), SHAPES)
    found = stability(model, X, y, n_resamples=2).curves["a"].refits[:, :, 0]
    assert np.diff(found, axis=1).min() > -1e-12
    page = Path(model.report(tmp_path / "page.html")).read_text()
    assert "The fit was told that it is decreasing and concave." in page
    assert "told to be increasing" in repr(model.curves_["a"])


def test_a_shaped_curve_is_set_and_removed_but_not_smoothed_by_hand(model: Any) -> None:
    edited = model.edit("a").set({0: 0.1, 1: 0.3, None: -0.2})
    curve, inside = edited.curves_["a"], 0
    for x, low, mean, high in zip(curve.x, curve.lower, curve.mean, curve.upper, strict=True):
        if 0 <= x <= 1:
            assert [low, mean, high] == pytest.approx([0.1 + 0.2 * x] * 3)
            inside += 1
    assert inside > 20
    assert curve.missing is not None
    assert [curve.missing.lower, curve.missing.upper] == pytest.approx([-0.2] * 2)
    assert not edited.edit("a").remove().curves_["a"].upper.any()
    sentence = (
        "a curve is smoothed by hand where nothing is known of its shape; found that 'b' is "
        "decreasing and concave; set or remove it, or fit again without the shape"
    )
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        model.edit("b").smooth()


def test_tables_hold_the_curve_itself(model: Any) -> None:
    assert to_tables(model)["largest_difference"] < 1e-12


@pytest.mark.parametrize(
    ("shapes", "options", "sentence"),
    [
        (
            {"z": "increasing"},
            {},
            "shapes must name columns of the table: 'a', 'b', 'c', 'd'; found 'z'; correct the "
            "name, or give the position from 0",
        ),
        (
            {"d": "increasing"},
            {},
            "a shape is of a number; found that 'd' is a category; turn its levels into numbers "
            "in their order, or leave it out of shapes",
        ),
        (
            {"a": "increasing", 0: "convex"},
            {},
            "every column may have one entry in shapes; found 'a' by name and by position; write "
            "both words in one entry, as in ('increasing', 'concave')",
        ),
        (
            {"a": ("increasing", "convex")},
            {"pairs": [("a", "b")]},
            "a column with a shape is read by its main curve alone; found the pair 'a × b', and "
            "that 'a' is increasing and convex; leave it out of pairs, or out of shapes",
        ),
    ],
)
def test_shapes_that_make_no_sense_are_refused(
    shapes: Any, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        fitted("gaussian", shapes=shapes, **options)
