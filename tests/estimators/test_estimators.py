"""What the estimators promise: attributes, shapes, and errors with the whole sentence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from superpose import KSTClassifier, KSTRegressor
from superpose.errors import InputError

ADDITIVE: dict[str, Any] = {"pairs": 0, "terms": 0}


@pytest.fixture(scope="module", name="X")
def a_number_and_a_category() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.normal(size=100), "b": rng.choice(["u", "v", "w"], 100)})


@pytest.fixture(scope="module")
def y(X: pd.DataFrame) -> pd.Series:
    noise = np.random.default_rng(1).normal(size=100)
    return pd.Series(X["a"] ** 2 + (X["b"] == "u") + 0.2 * noise, name="price")


@pytest.fixture(scope="module")
def regressor(X: pd.DataFrame, y: pd.Series) -> KSTRegressor:
    return KSTRegressor(**ADDITIVE).fit(X, y)


@pytest.fixture(scope="module")
def classifier(X: pd.DataFrame, y: pd.Series) -> KSTClassifier:
    return KSTClassifier(**ADDITIVE).fit(X, np.where(y > 1, "dear", "cheap"))


def refused(sentence: str) -> Any:
    return pytest.raises(InputError, match=f"^{re.escape(sentence)}$")


def test_one_class_is_refused(X: pd.DataFrame) -> None:
    sentence = (
        "y must hold two classes or more among the rows of positive weight; found 1 class, 'yes'; "
        "add rows of another class"
    )
    with refused(sentence):
        KSTClassifier().fit(X, ["yes"] * 100)


def test_a_class_of_weight_zero_is_no_class(X: pd.DataFrame) -> None:
    y = np.repeat(["a", "b", "c"], [40, 40, 20])
    weight = np.where(y == "c", 0.0, 1.0)
    model = KSTClassifier(**ADDITIVE).fit(X, y, sample_weight=weight)
    assert model.classes_.tolist() == ["a", "b"]
    assert model.predict_proba(X).shape == (100, 2)


def test_one_row_is_refused() -> None:
    with refused("a fit needs two rows of positive weight or more; found 1 sample; add rows"):
        KSTRegressor().fit([[1.0]], [1.0])


def test_text_in_a_column_of_numbers_is_refused_at_predict(regressor: KSTRegressor) -> None:
    sentence = (
        "column 'a' must hold numbers, as it did in fit; found the text 'old' in row 0; correct "
        "the cell, or leave it empty if the value is not known"
    )
    with refused(sentence):
        regressor.predict(pd.DataFrame({"a": ["old"], "b": ["u"]}))


def test_infinity_is_refused_at_predict(regressor: KSTRegressor) -> None:
    with pytest.raises(InputError, match=r"^column 'a' must hold finite numbers or missing values"):
        regressor.predict(pd.DataFrame({"a": [np.inf], "b": ["u"]}))


def test_columns_that_differ_are_refused_at_predict(regressor: KSTRegressor) -> None:
    with pytest.raises(InputError, match=r"^the feature names should match those of fit"):
        regressor.predict(pd.DataFrame({"b": ["u"], "a": [0.0]}))


def test_a_pair_of_unknown_columns_is_refused(X: pd.DataFrame, y: pd.Series) -> None:
    with pytest.raises(InputError, match=r"^pairs must name columns of the table: 'a', 'b'; found"):
        KSTRegressor(pairs=[("a", "c")]).fit(X, y)


def test_names_and_numbers_of_columns_are_kept(regressor: KSTRegressor) -> None:
    assert regressor.n_features_in_ == 2
    assert regressor.feature_names_in_.tolist() == ["a", "b"]
    assert [attribute.name for attribute in regressor.attributes_] == ["a", "b"]


def test_a_fit_without_names_forgets_those_of_the_fit_before(y: pd.Series) -> None:
    x = np.arange(100.0)[:, None]
    model = KSTRegressor(**ADDITIVE).fit(pd.DataFrame(x, columns=["a"]), y).fit(x, y)
    assert not hasattr(model, "feature_names_in_")


def test_what_was_learned_can_be_read(regressor: KSTRegressor, X: pd.DataFrame) -> None:
    assert set(regressor.curves_) == {"a", "b"}
    assert regressor.curves_["a"].units == "price"
    assert regressor.curves_["b"].x.tolist() == ["u", "v", "w"]
    assert regressor.pairs_ == {}
    assert regressor.terms_ == {}
    assert sorted(regressor.importances_.names) == ["a", "b"]
    assert sum(step.chosen for step in regressor.complexity_path_) == 1
    explanation = regressor.explain(X[:2])
    assert explanation.names == ("a", "b")
    assert explanation.data.shape == (2, 2)


def test_pairs_and_terms_that_are_chosen_are_there(X: pd.DataFrame, y: pd.Series) -> None:
    model = KSTRegressor(pairs=[("b", "a")], terms=0).fit(X, y)
    assert list(model.pairs_) == ["a × b"]


def test_the_standard_deviation_holds_noise_and_doubt(
    regressor: KSTRegressor, X: pd.DataFrame, y: pd.Series
) -> None:
    mean, std = regressor.predict(X, return_std=True)
    np.testing.assert_array_equal(mean, regressor.predict(X))
    assert (std > regressor.fit_.noise).all()
    assert 0.8 < np.mean(np.abs(y - mean) < 1.96 * std) <= 1.0
    far = pd.DataFrame({"a": [30.0], "b": ["u"]})
    assert regressor.predict(far, return_std=True)[1] > 2 * std.max()


def test_probabilities_agree_with_everything_else(
    classifier: KSTClassifier, X: pd.DataFrame
) -> None:
    link, shares = classifier.decision_function(X), classifier.predict_proba(X)
    np.testing.assert_allclose(shares[:, 1], expit(link))
    np.testing.assert_allclose(np.exp(classifier.predict_log_proba(X)), shares)
    np.testing.assert_array_equal(
        classifier.predict(X), np.where(link > 0, "dear", "cheap").astype(object)
    )


def test_missing_values_and_unseen_levels_are_predicted(regressor: KSTRegressor) -> None:
    strange = pd.DataFrame({"a": [np.nan, 0.0, 0.0], "b": ["u", "never seen", None]})
    mean, std = regressor.predict(strange, return_std=True)
    assert np.isfinite(mean).all()
    assert np.isfinite(std).all()
    usual = regressor.predict(pd.DataFrame({"a": [0.0], "b": ["v"]}), return_std=True)[1]
    assert std[1] > usual[0]


@pytest.mark.parametrize("labels", [[0, 1], [1.0, 2.0], [False, True], ["a", "b"], [-1, 1]])
def test_labels_of_every_type_come_back(X: pd.DataFrame, y: pd.Series, labels: list) -> None:
    target = np.array(labels)[(y > 1).astype(int)]
    model = KSTClassifier(**ADDITIVE).fit(X, target)
    assert model.predict(X).dtype == target.dtype
    assert set(model.predict(X)) == set(labels)


def test_a_name_for_every_row_is_a_warning(X: pd.DataFrame, y: pd.Series) -> None:
    table = X.assign(id=[f"row {i}" for i in range(100)])
    table = pd.concat([table, table.assign(id=[f"other {i}" for i in range(100)])])
    words = (
        "column 'id' is a category without a common level and tells nothing (other (200 levels)); "
        "drop it, or turn it into numbers or fewer levels"
    )
    with pytest.warns(UserWarning, match=f"^{re.escape(words)}$"):
        model = KSTRegressor(**ADDITIVE).fit(table, pd.concat([y, y]))
    assert model.importances_["id"].value == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    "options",
    [pytest.param(ADDITIVE, id="additive"), pytest.param({}, id="auto", marks=pytest.mark.slow)],
)
@pytest.mark.parametrize(
    "X",
    [
        pd.DataFrame({"a": [1.0] * 6, "b": [0.0, 1, 2, 3, 4, 5]}),
        pd.DataFrame({"a": [np.nan] * 6, "b": [0.0, 1, 2, 3, 4, 5]}),
        pd.DataFrame({"a": ["only"] * 6, "b": [0.0, 1, 2, 3, 4, 5]}),
        pd.DataFrame({"b": [0.0, 1e9, 1e-9, 3, -4e12, 5]}),
        pd.DataFrame({"a": pd.Categorical([None] * 6), "b": [0.0, 1, 2, 3, 4, 5]}),
        pd.DataFrame({"a": [None, "u"] * 3}),
    ],
    ids=["constant", "empty", "one level", "wild", "no level", "half empty"],
)
def test_columns_that_tell_little_are_no_trouble(X: pd.DataFrame, options: dict) -> None:
    for model, y in (
        (KSTRegressor(**options), [0.0, 1, 2, 3, 4, 5.5]),
        (KSTRegressor(**options), [1.0] * 6),
        (KSTClassifier(**options), [0, 1, 0, 1, 0, 1]),
        (KSTClassifier(**options), [0, 1, 2, 0, 1, 2]),
    ):
        assert np.isfinite(np.asarray(model.fit(X, y).predict(X), dtype=float)).all()


def test_a_report_needs_both_or_neither(regressor: KSTRegressor, tmp_path: Path) -> None:
    sentence = (
        "a report is measured on X and y together; found one of them; pass report(path, X, y), or "
        "report(path) alone"
    )
    with refused(sentence):
        regressor.report(tmp_path / "r.html", X=[[1, "u"]])


def test_a_report_on_unknown_labels_is_refused(
    classifier: KSTClassifier, X: pd.DataFrame, tmp_path: Path
) -> None:
    sentence = (
        "held-out labels must be among those of fit: cheap, dear; found 'free'; leave these rows "
        "out, or fit on rows of every class"
    )
    with refused(sentence):
        classifier.report(tmp_path / "r.html", X[:1], ["free"])
    assert list(tmp_path.iterdir()) == []


def test_a_report_is_one_page(classifier: KSTClassifier, X: pd.DataFrame, tmp_path: Path) -> None:
    page = classifier.report(tmp_path / "r.html", X, classifier.predict(X))
    assert page == tmp_path / "r.html"
    assert "rows given to the report" in page.read_text(encoding="utf-8")
