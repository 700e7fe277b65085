"""Pure interactions of fitted estimators: what is shown, listed, kept, edited and learned again."""

import numpy as np
import pandas as pd
import pytest
import torch

from superpose import KSTClassifier, KSTRegressor
from superpose.estimators import load


def made_table(n=600, seed=0):
    """Two correlated numbers that act together, a category that acts with neither, and holes."""
    rng = np.random.default_rng(seed)
    a = rng.uniform(-1, 1, n)
    b = 0.5 * a + rng.uniform(-1, 1, n)
    hue = rng.choice(["red", "green", "blue"], n)
    y = (a + 1) * (b + 0.5) + (hue == "red") + rng.normal(0, 0.2, n)
    b[rng.random(n) < 0.1] = np.nan
    return pd.DataFrame({"a": a, "b": b, "hue": hue}), y


@pytest.fixture(scope="module")
def table():
    return made_table()


@pytest.fixture(scope="module")
def model(table):
    return KSTRegressor(pairs=[("a", "b"), ("a", "hue")], terms=1, knots=8).fit(*table)


def test_contributions_are_pure_and_add_up_to_the_prediction(model, table):
    x, _ = table
    explanation = model.explain(x)
    assert explanation.gap < 1e-10
    np.testing.assert_allclose(explanation.prediction[:, 0], model.predict(x), atol=1e-10)
    pair = explanation.values[:, explanation.names.index("a × b"), 0]
    axis = model.attributes_[0].axis
    line = axis.to_axis(torch.tensor(x["a"].to_numpy())).numpy()
    assert np.abs(np.corrcoef(pair, line)[0, 1]) < 1e-8  # a straight line always moves
    assert pair.mean() == pytest.approx(0, abs=1e-12)


def test_the_curves_shown_are_those_that_contributions_read(model, table):
    x, _ = table
    explanation, curve = model.explain(x), model.curves_["a"]
    found = np.interp(x["a"], curve.x, curve.mean)
    values = explanation.values[:, explanation.names.index("a"), 0]
    np.testing.assert_allclose(found, values, atol=2e-3)


def test_a_term_is_rebuilt_from_what_is_shown(model, table):
    x, _ = table
    explanation = model.explain(x)
    (name, term), rows = next(iter(model.terms_.items())), x.dropna().index
    inner, gone = np.zeros(len(rows)), np.zeros(len(rows))
    for curve in term.inner.values():
        column = x.loc[rows, curve.name]
        if curve.kind == "category":
            at = [list(curve.x).index(level) for level in column]
            inner, gone = inner + curve.value[at], gone + curve.moved[at]
        else:
            inner = inner + np.interp(column, curve.x, curve.value)
            gone = gone + np.interp(column, curve.x, curve.moved[:-1])
    shown = np.interp(inner, term.h, term.mean) - gone
    values = explanation.values[rows, explanation.names.index(name), 0]
    np.testing.assert_allclose(shown, values, atol=5e-3)


def test_a_true_interaction_has_evidence_and_a_false_one_has_none(table):
    model = KSTRegressor(pairs=[("a", "b"), ("a", "hue")], terms=0, knots=8).fit(*table)
    found = {it.name: it for it in model.interactions_.found}
    assert model.interactions_[0].attributes == ("a", "b")
    assert found["a × b"].evidence > 50
    assert found["a × hue"].evidence < 3
    assert found["a × b"].share > 20 * found["a × hue"].share
    assert "a × b" in repr(model.interactions_)
    assert list(model.interactions_.to_frame()["part"]) == [
        it.name for it in model.interactions_.found
    ]


def test_the_share_is_of_the_variance_of_the_predictions(model, table):
    x, _ = table
    values = model.explain(x).values[:, :, 0]
    for it in model.interactions_.found:
        own = values[:, model.explain(x[:1]).names.index(it.name)]
        assert it.share == pytest.approx(own.var() / values.sum(1).var())


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 3])
def test_a_file_keeps_what_moved(tmp_path, classes):
    x, y = made_table(300)
    labels = np.digitize(y, np.quantile(y, np.arange(1, classes) / classes))
    model = KSTClassifier(pairs=[("a", "b")], terms=1, knots=6).fit(x, labels)
    model.save(tmp_path / "model.safetensors")
    again = load(tmp_path / "model.safetensors")
    before, after = model.explain(x[:40]), again.explain(x[:40])
    for name in ("values", "lower", "upper", "prediction_upper"):
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))
    for kept, own in zip(again.interactions_.found, model.interactions_.found, strict=True):
        assert kept.evidence == pytest.approx(own.evidence, rel=1e-9)
        assert (kept.name, kept.share, kept.moved) == (own.name, own.share, own.moved)


def test_a_value_missing_only_now_adds_the_mean_with_the_whole_spread_as_band(tmp_path):
    """A column without holes in fit: nothing is known of its curve but its mean and its size."""
    x, y = made_table(300)
    x["b"] = x["b"].fillna(0.0)
    model = KSTRegressor(pairs=0, terms=0, knots=6).fit(x, y)
    model.save(tmp_path / "model.safetensors")
    holes = x[:2].assign(b=np.nan, hue=[None, "red"])
    for it in (model, load(tmp_path / "model.safetensors")):
        found = it.explain(holes)
        values, reach = found.values[:, :, 0], (found.upper - found.lower)[:, :, 0] / 2
        assert values[0, 1:].tolist() == [0.0, 0.0]
        for j, name in enumerate(found.names[1:], 1):
            assert reach[0, j] == pytest.approx(1.959964 * it.importances_[name].value, rel=1e-6)
        assert reach[1, 2] < reach[0, 2]  # red was seen
        whole = found.prediction_upper - found.prediction
        assert (whole[:, 0] > 0.9 * reach[:, 1]).all()
        assert (whole > (it.explain(x[:2]).prediction_upper - it.explain(x[:2]).prediction)).all()


def test_removing_an_interaction_leaves_the_main_curves(model, table):
    x, _ = table
    explanation = model.explain(x)
    edited = model.edit("a × b").remove()
    gone = explanation.values[:, explanation.names.index("a × b"), 0]
    np.testing.assert_allclose(edited.predict(x), model.predict(x) - gone, atol=1e-10)
    np.testing.assert_array_equal(edited.curves_["a"].mean, model.curves_["a"].mean)
    np.testing.assert_allclose(edited.curves_["a"].upper, model.curves_["a"].upper)
    evidence = {it.name: it.evidence for it in edited.interactions_.found}
    assert evidence["a × b"] is None


def test_a_curve_that_was_set_has_no_band_there_whatever_moved_to_it(model, table):
    edited = model.edit("a").set({-0.5: 0.1, 0.5: 0.3}).edit("hue").set({"red": 0.2})
    curve, hue = edited.curves_["a"], edited.curves_["hue"]
    inside = np.abs(curve.x) < 0.5
    np.testing.assert_allclose(curve.upper[inside], curve.lower[inside], atol=1e-12)
    assert (curve.upper[~inside] - curve.lower[~inside]).max() > 0.01
    width = hue.upper - hue.lower
    assert width[list(hue.x).index("red")] == 0 < width.max()


def test_a_refit_is_pure_again_and_holds_what_was_fixed(model, table):
    x, y = table
    again = model.edit("a").fix().refit(x, y)
    explanation, before = again.explain(x), model.explain(x)
    assert explanation.gap < 1e-10
    j = explanation.names.index("a")
    np.testing.assert_array_equal(explanation.values[:, j], before.values[:, j])
    pair = again.fit_.network.parts[explanation.names.index("a × b")]
    assert [curve.attributes[0] for curve in pair.moved] == [1]  # a is held
