"""The laws of reading hold on models that were really fitted, with holes, levels and classes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from superpose import KSTClassifier, KSTRegressor
from superpose.explain import Importances, TrainingSummary, importances


def table(count=240, seed=0):
    """Two numbers (one with holes), a category with holes, and a column that says nothing."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "size": rng.normal(10, 3, count),
            "age": rng.exponential(5, count),
            "colour": rng.choice(["red", "green", "blue"], count),
            "noise": rng.random(count),
        }
    )
    signal = np.sin(frame["size"] / 2) + 0.3 * frame["age"] + (frame["colour"] == "red")
    signal += 0.1 * (frame["size"] - 10) * (frame["age"] - 5)
    frame.loc[rng.random(count) < 0.1, "age"] = np.nan
    frame.loc[rng.random(count) < 0.1, "colour"] = None
    return frame, (signal + rng.normal(0, 0.3, count)).to_numpy()


@pytest.fixture(scope="module", params=["number", "two classes", "three classes"])
def fitted(request):
    frame, y = table()
    pairs = [("size", "age")]
    if request.param == "number":
        return KSTRegressor(pairs=pairs, terms=0).fit(frame, pd.Series(y, name="price")), frame
    cuts = [np.median(y)] if request.param == "two classes" else np.quantile(y, [0.3, 0.6])
    labels = pd.Series(np.array(["low", "mid", "top"])[np.digitize(y, cuts)], name="grade")
    return KSTClassifier(pairs=pairs, terms=0).fit(frame, labels), frame


def test_contributions_add_up_to_what_the_model_predicts(fitted):
    model, frame = fitted
    explanation = model.explain(frame)
    assert explanation.gap <= 1e-10
    total = explanation.baseline + explanation.values.sum(axis=1)
    given = explanation.outputs.inverse_link(total)
    if hasattr(model, "classes_"):
        np.testing.assert_allclose(given, model.predict_proba(frame), atol=1e-10)
    else:
        np.testing.assert_allclose(given[:, 0], model.predict(frame), atol=1e-10)


def test_bands_hold_their_estimates(fitted):
    model, frame = fitted
    explanation = model.explain(frame)
    assert (explanation.lower <= explanation.values).all()
    assert (explanation.values <= explanation.upper).all()
    assert (explanation.prediction_lower < explanation.prediction_upper).all()
    for curve in model.curves_.values():
        assert (curve.lower <= curve.mean).all()
        assert (curve.mean <= curve.upper).all()


def test_curves_say_what_explanations_say(fitted):
    model, frame = fitted
    size = model.curves_["size"]
    part = list(model.explain(frame).names).index("size")
    explained = model.explain(frame).values[:, part]
    mean = size.mean.reshape(len(size.x), -1)
    for k in range(mean.shape[1]):
        read = np.interp(frame["size"], size.x, mean[:, k])
        np.testing.assert_allclose(read, explained[:, k], atol=0.03 * np.ptp(mean))


def test_holes_have_contributions_of_their_own(fitted):
    model, frame = fitted
    holes = frame["age"].isna().to_numpy()
    explanation = model.explain(frame)
    part = list(explanation.names).index("age")
    expected = np.broadcast_to(model.curves_["age"].missing.mean, explanation.baseline.shape)
    np.testing.assert_allclose(
        explanation.values[holes, part], expected[None, :].repeat(holes.sum(), 0)
    )
    assert set(explanation.data[holes, part]) == {"age is missing"}


def test_the_summary_of_a_saved_model_is_the_one_it_had(fitted, tmp_path):
    model, _ = fitted
    model.save(tmp_path / "model.superpose")
    again = type(model).load(tmp_path / "model.superpose")
    assert again.summary_ == model.summary_
    assert TrainingSummary.from_dict(model.summary_.to_dict()) == model.summary_
    assert repr(again.importances_) == repr(model.importances_)


def test_the_column_that_says_nothing_comes_last_or_near(fitted):
    model, _ = fitted
    ranked = model.importances_
    assert isinstance(ranked, Importances)
    assert ranked.names.index("noise") >= 3
    assert ranked["noise"].lower == 0


def test_importances_of_the_training_rows_are_those_kept(fitted):
    model, frame = fitted
    direct = importances(model.fit_, model._encode(frame))
    assert direct.names == model.importances_.names
    np.testing.assert_allclose(direct.values, model.importances_.values)


def test_the_report_of_a_fitted_model(fitted, tmp_path):
    model, _ = fitted
    rows, y = table(seed=1)
    if hasattr(model, "classes_"):
        y = model.predict(rows)
    text = model.report(tmp_path / "report.html", rows, y).read_text(encoding="utf-8")
    for words in ("size × age", "Missing values", "rows given to the report", 'id="part-4"'):
        assert words in text
