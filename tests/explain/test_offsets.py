"""What is known of the sum enters explanations, quality and groups as it enters predictions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from superpose import KSTClassifier, KSTRegressor
from superpose.errors import InputError
from superpose.estimators import load
from superpose.estimators.reading import held_out
from superpose.explain import by_group
from superpose.explain.text import number
from superpose.plots import WaterfallDisplay


@pytest.fixture(scope="module")
def counts():
    """Claims over years at risk, and their model."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"age": rng.uniform(20, 80, 200)})
    years = pd.Series(rng.uniform(0.2, 5, 200), name="years")
    y = rng.poisson(years * np.exp(0.02 * X["age"] - 1)).astype(float)
    model = KSTRegressor(loss="poisson", pairs=0, terms=0).fit(X, y, exposure=years)
    return model, X, y, years


def test_contributions_and_the_offset_add_up_to_the_prediction(counts) -> None:
    model, X, _, years = counts
    found = model.explain(X[:5], exposure=years[:5])
    np.testing.assert_allclose(found.offset[:, 0], np.log(years[:5]))
    total = found.baseline + found.offset + found.values.sum(axis=1)
    np.testing.assert_allclose(np.exp(total[:, 0]), model.predict(X[:5], exposure=years[:5]))
    bare = model.explain(X[:5])
    assert bare.offset is None
    np.testing.assert_allclose(found.values, bare.values)
    width = found.prediction_upper - found.prediction_lower
    np.testing.assert_allclose(width, bare.prediction_upper - bare.prediction_lower)


def test_a_person_sees_the_offset_and_its_factor(counts) -> None:
    model, X, *_ = counts
    lines = repr(model.explain(X[:1], exposure=[2.0])).splitlines()
    offset = next(line.split() for line in lines if line.strip().startswith("offset"))
    assert offset == ["offset", "+0.693", "×2"]
    assert model.explain(X[:1], exposure=[2.0]).to_dict()["offset"] == [[np.log(2.0)]]
    assert model.explain(X[:1]).to_dict()["offset"] is None


def test_a_waterfall_starts_from_the_average_and_the_offset(counts) -> None:
    model, X, *_ = counts
    found = model.explain(X[:1], exposure=[2.0])
    bars = WaterfallDisplay(found).plot().bars_
    assert bars[0].get_x() == pytest.approx(found.baseline[0] + np.log(2.0))
    assert bars[-1].get_x() + bars[-1].get_width() == pytest.approx(found.prediction[0, 0])


def test_classes_take_an_offset_and_no_exposure() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(150, 1))
    given = rng.normal(size=150)
    y = rng.random(150) < 1 / (1 + np.exp(-x[:, 0] - given))
    model = KSTClassifier(pairs=0, terms=0).fit(x, y, offset=given)
    found = model.explain(x, offset=given)
    np.testing.assert_allclose(found.prediction[:, 0], model.decision_function(x, offset=given))
    said = "exposure needs a log link: .*; found a KSTClassifier; pass what is known"
    with pytest.raises(InputError, match=said):
        model.explain(x, exposure=np.ones(150))


def test_quality_is_that_of_the_predictions(counts, tmp_path) -> None:
    model, X, y, years = counts
    known = held_out(model, X, y, "these", exposure=years)
    squares = (y - model.predict(X, exposure=years)) ** 2
    by_name = {metric.name: metric.value for metric in known.metrics}
    assert by_name["root mean square error"] == pytest.approx(np.sqrt(squares.mean()))
    page = model.report(tmp_path / "a.html", X, y, exposure=years).read_text(encoding="utf-8")
    blind = model.report(tmp_path / "b.html", X, y).read_text(encoding="utf-8")
    shown = f"<b>{number(by_name['root mean square error'])}</b>"
    assert shown in page
    assert shown not in blind


def test_groups_are_measured_with_it(counts) -> None:
    model, X, y, years = counts
    group = np.where(X["age"] > 50, "old", "young")
    view = by_group(model, X, y, group, exposure=years)
    gap = next(it for it in view.metrics if it.name == "mean error")
    own = model.predict(X, exposure=years) - y
    np.testing.assert_allclose(gap.values, [own[group == it].mean() for it in view.groups])


def test_the_names_of_what_was_known_go_with_the_model(counts, tmp_path) -> None:
    model, X, y, _ = counts
    assert model.known_names_ == {"exposure": "years"}
    model.save(tmp_path / "model")
    assert load(tmp_path / "model").known_names_ == {"exposure": "years"}
    other = KSTRegressor(pairs=0, terms=0).fit(X, y, offset=np.zeros(200))
    assert other.known_names_ == {"offset": "offset"}
    assert other.fit(X, y).known_names_ == {}
