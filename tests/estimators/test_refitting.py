"""A refit learns everything but what was edited."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from tests.estimators.test_editing import N, fitted, height, link, table, target

from superpose import KSTClassifier, KSTRegressor
from superpose.errors import InputError
from superpose.estimators import load
from superpose.estimators.table import read_table
from superpose.fitting.superposition.known_term import known_term

LOSSES = ["gaussian", "poisson", "gamma", "student_t"]


def outcome(loss: str, X: pd.DataFrame) -> np.ndarray:
    y = target(X)
    if loss == "poisson":
        return np.random.default_rng(0).poisson(np.exp(y / 3)).astype(float)
    return np.exp(y / 3) if loss == "gamma" else y


@pytest.mark.parametrize("loss", LOSSES)
def test_without_edits_a_refit_is_the_fit(loss: str) -> None:
    """The same problem, from another start."""
    X = table()
    y = outcome(loss, X)
    model = KSTRegressor(pairs=0, terms=0, loss=loss).fit(X, y)
    again = model.refit(X, y)
    np.testing.assert_allclose(link(again, X), link(model, X), atol=0.01)
    assert again.fit_.evidence == pytest.approx(model.fit_.evidence, abs=0.02)
    assert (again.fit_.noise or 0.0) == pytest.approx(model.fit_.noise or 0.0, rel=1e-3)
    assert again.edits_ == ()


@pytest.mark.parametrize("kind", ["numbers", "two classes", "three classes"])
def test_pairs_are_learned_again_with_no_less_evidence(kind: str) -> None:
    X = table()
    y = target(X) if kind == "numbers" else labels(kind, X)
    model = fitted(kind, pairs=[("age", "bmi")])
    again = model.refit(X, y)
    assert again.fit_.converged
    assert again.fit_.evidence > model.fit_.evidence - 0.1


@pytest.mark.parametrize("loss", LOSSES)
def test_an_offset_is_known(loss: str) -> None:
    """What is held and what is given add up; with a log link an offset multiplies."""
    X = table()
    y, known = outcome(loss, X), np.random.default_rng(2).normal(size=N) / 5
    held = KSTRegressor(pairs=0, terms=0, loss=loss).fit(X, y).edit("hue").fix()
    one = held.refit(X, y)
    if loss in ("gaussian", "student_t"):
        other, level = held.refit(X, y + known, offset=known), 0.0
    else:
        other, level = held.refit(X, y, offset=np.full(N, 0.7)), 0.7
    np.testing.assert_allclose(link(other, X) + level, link(one, X), atol=0.01)


def test_intervals_that_were_measured_before_are_not_kept() -> None:
    X = table()
    model = fitted("numbers")
    assert model.scatter_ is not None
    assert model.edit("age").fix().scatter_ is model.scatter_
    assert model.edit("age").remove().scatter_ is None
    assert model.edit("age").fix().refit(X, target(X)).scatter_ is None
    with pytest.warns(UserWarning, match="0 rows were held out, too few for an interval"):
        model.edit("age").remove().predict_interval(X)


def labels(kind: str, X: object) -> np.ndarray:
    return np.digitize(target(X), [2.7] if kind == "two classes" else [2.0, 3.5])


@pytest.mark.parametrize("kind", ["numbers", "two classes", "three classes"])
def test_what_was_edited_stays_bit_for_bit_and_has_no_band(kind: str) -> None:
    X = table()
    y = target(X) if kind == "numbers" else labels(kind, X)
    model = fitted(kind, pairs=[("age", "bmi")])
    edited = model.edit("age").set({40: height(model, 0.5), 60: height(model, -0.5)})
    edited = edited.edit(("age", "bmi")).fix()
    again = edited.refit(X, y)
    before, after = edited.explain(X), again.explain(X)
    for i in (0, 3):
        np.testing.assert_array_equal(after.values[:, i], before.values[:, i])
        np.testing.assert_array_equal(after.upper[:, i], after.lower[:, i])
    assert (np.abs(after.values[:, 2] - before.values[:, 2]).max(0) > 1e-4).all()
    assert (after.upper[:, 2] > after.lower[:, 2]).all()
    assert again.fit_.converged
    assert len(again.edits_) == 2
    assert again.summary_.held_out is None
    assert again.curves_["age"].by_hand.all()


def test_a_refit_makes_up_for_what_was_set_as_far_as_others_can() -> None:
    """For numbers the held parts are a known offset: the same as a fit to what they leave."""
    X = table()
    y = target(X)
    model = fitted("numbers").edit("age").remove().edit("hue").set({"red": 2.0})
    again = model.refit(X, y)
    offset = model.explain(X).values[:, 1, 0]
    alone = KSTRegressor(pairs=0, terms=0).fit(X[["bmi"]], y - offset)
    np.testing.assert_allclose(again.predict(X) - offset, alone.predict(X[["bmi"]]), atol=2e-3)
    assert again.fit_.noise == pytest.approx(alone.fit_.noise, rel=1e-3)


@pytest.fixture(scope="module")
def with_a_term() -> tuple[pd.DataFrame, np.ndarray, KSTRegressor]:
    rng = np.random.default_rng(3)
    X = pd.DataFrame(rng.uniform(-1, 1, (240, 3)), columns=["a", "b", "c"])
    X.loc[::9, "c"] = np.nan
    y = np.sin(3 * (X["a"] + X["b"])) + X["c"].fillna(0.5) + 0.1 * rng.normal(size=len(X))
    return X, y.to_numpy(), KSTRegressor(pairs=0, terms=[("a", "b")]).fit(X, y)


def test_a_term_is_learned_from_where_it_is(with_a_term: tuple) -> None:
    """On the same rows it stays; a trend and a level go to curve and bias, and it stays, too."""
    X, y, model = with_a_term
    again = model.refit(X, y)
    assert again.fit_.converged
    assert again.fit_.evidence > model.fit_.evidence - 1
    np.testing.assert_allclose(again.predict(X), model.predict(X), atol=0.05 * np.ptp(y))
    assert (again.terms_.keys(), len(again.fit_.network.parts)) == (model.terms_.keys(), 4)
    assert again.explain(X).upper[0, 3] > again.explain(X).lower[0, 3]
    other = model.refit(X, y - 0.6 * X["a"] + 7)
    expected = again.predict(X) - 0.6 * X["a"] + 7
    np.testing.assert_allclose(other.predict(X), expected, atol=0.05 * np.ptp(y))


def test_a_term_follows_other_rows(with_a_term: tuple) -> None:
    """The phase of the wave is another one; a term that was held could not follow it."""
    X, _, model = with_a_term
    y = (np.sin(3 * (X["a"] + X["b"]) + 0.7) + X["c"].fillna(0.5)).to_numpy()
    y = y + 0.1 * np.random.default_rng(4).normal(size=len(y))
    moved = model.refit(X[20:], y[20:])
    held = model.edit(next(iter(model.terms_))).fix().refit(X[20:], y[20:])
    assert np.sqrt(np.mean((moved.predict(X[:20]) - y[:20]) ** 2)) < 0.25
    assert np.sqrt(np.mean((held.predict(X[:20]) - y[:20]) ** 2)) > 0.4
    np.testing.assert_array_equal(held.explain(X).values[:, 3], model.explain(X).values[:, 3])
    np.testing.assert_array_equal(held.explain(X).upper[:, 3], held.explain(X).lower[:, 3])


def test_a_term_is_read_back_as_the_columns_that_it_was_made_of(with_a_term: tuple) -> None:
    """The same function of the rows, to rounding, up to its mean."""
    X, _, model = with_a_term
    network, weight = model.fit_.network, torch.rand(len(X)).double()
    part = network.parts[3]
    u = network.encode(torch.from_numpy(model.schema_.encode(read_table(X))))
    columns, outer, inner = known_term(part, u, weight)
    value, whole = columns.value(outer, inner), part.whole(u)
    np.testing.assert_allclose(value, whole - weight @ whole / weight.sum(), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("loss", [*LOSSES, "two classes", "three classes"])
def test_terms_are_learned_again_for_every_loss(loss: str) -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (400, 3))
    f = np.sin(3 * (X[:, 0] + X[:, 1])) + X[:, 2]
    noise = rng.normal(size=len(X))
    y = {
        "gaussian": f + 0.2 * noise,
        "student_t": f + 0.2 * noise**3,
        "poisson": rng.poisson(np.exp(f)).astype(float),
        "gamma": np.exp(f + 0.2 * noise),
        "two classes": (f + 0.5 * noise > 0).astype(int),
        "three classes": np.digitize(f + 0.5 * noise, [-0.5, 0.7]),
    }[loss]
    make = KSTRegressor(loss=loss, pairs=0, terms=1) if loss in LOSSES else None
    model = (make or KSTClassifier(pairs=0, terms=1)).fit(X, y)
    again = model.refit(X, y)
    assert again.fit_.evidence > model.fit_.evidence - 3
    assert np.corrcoef(again._link(X).ravel(), model._link(X).ravel())[0, 1] > 0.995


def test_with_everything_held_only_the_level_is_learned() -> None:
    X = table()
    y = target(X)
    model = fitted("numbers")
    held = model.edit("age").fix().edit("hue").fix().edit("bmi").fix()
    again = held.refit(X, y + 3)
    np.testing.assert_allclose(again.predict(X), model.predict(X) + 3, atol=1e-3)


def test_weights_count_rows_and_the_file_is_read(tmp_path: object) -> None:
    X = table()
    y, weight = target(X), np.random.default_rng(0).integers(0, 3, N).astype(float)
    model = fitted("numbers").edit("age").fix()
    once = model.refit(X, y, sample_weight=weight)
    rows = np.repeat(np.arange(N), weight.astype(int))
    written = model.refit(X.iloc[rows], y[rows])
    np.testing.assert_array_equal(once.predict(X), written.predict(X))
    once.save(tmp_path / "a")
    np.testing.assert_array_equal(load(tmp_path / "a").predict(X), once.predict(X))


def test_unknown_labels_are_refused() -> None:
    X = table()
    model = fitted("two classes")
    with pytest.raises(InputError, match="labels must be among those of fit: 0, 1; found 2"):
        model.refit(X, np.full(N, 2))
