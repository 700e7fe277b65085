"""A saved model is the same model; a file that describes none is refused, never anything else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from superpose import KSTClassifier, KSTRegressor
from superpose.errors import InputError, ModelFileError
from superpose.estimators import load
from superpose.estimators.model_state import model_from

KINDS = [
    "regression",
    "positive",
    "pairs and terms",
    "two classes",
    "three classes",
    "changed by hand",
]


def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "dose": rng.normal(size=80),
            "site": rng.choice(["north", "south", "west"], 80),
            "age": rng.integers(20, 60, 80).astype(float),
        }
    )
    X.loc[::9, "dose"] = np.nan
    X.loc[::7, "site"] = None
    return X


def fitted(kind: str) -> Any:
    X, rng = table(), np.random.default_rng(1)
    y = X["dose"].fillna(0.0) * X["age"] / 40 + (X["site"] == "north") + 0.2 * rng.normal(size=80)
    if kind == "regression":
        return KSTRegressor(pairs=0, terms=0).fit(X, y.rename("price"))
    if kind == "positive":
        return KSTRegressor(loss="gamma", pairs=0, terms=0).fit(X, np.exp(y).rename("price"))
    if kind == "pairs and terms":
        return KSTRegressor(pairs=[("dose", "age"), ("site", "age")], terms=1).fit(X, y)
    if kind == "changed by hand":
        model = KSTRegressor(pairs=[("dose", "age")], terms=0).fit(X, y)
        model = model.edit("age").set({30: 0.5, 40: None}).edit("site").set({"north": 1.0})
        return model.edit("dose").smooth().edit(("dose", "age")).remove()
    if kind == "two classes":
        return KSTClassifier(pairs=0, terms=0).fit(X, np.where(y > 0.5, "yes", "no"))
    return KSTClassifier(pairs=0, terms=0).fit(X, np.digitize(y, [0.0, 1.0]))


@pytest.fixture(scope="module", params=KINDS)
def model(request: pytest.FixtureRequest) -> Any:
    return fitted(request.param)


def predicted(model: Any, X: Any) -> np.ndarray:
    if isinstance(model, KSTClassifier):
        return model.predict_proba(X)
    stated = model.predict(X, return_std=True)
    if model.scatter_ is None:  # a change by hand: intervals were measured before it
        return np.column_stack(stated)
    return np.column_stack([*stated, *model.predict_interval(X, 0.8)])


def test_a_loaded_model_is_the_same_bit_for_bit(model: Any, tmp_path: Path) -> None:
    model.save(tmp_path / "m.safetensors")
    again, X = load(tmp_path / "m.safetensors"), table()
    assert type(again) is type(model)
    assert again.get_params() == model.get_params()
    assert again.schema_ == model.schema_
    assert again.summary_ == model.summary_
    assert again.complexity_path_ == model.complexity_path_
    np.testing.assert_array_equal(predicted(again, X), predicted(model, X))
    np.testing.assert_array_equal(again.feature_names_in_, model.feature_names_in_)
    for name, curve in model.curves_.items():
        for part in ("mean", "lower", "upper"):
            found = getattr(again.curves_[name], part)
            np.testing.assert_array_equal(found, getattr(curve, part))
    one, other = model.explain(X), again.explain(X)
    np.testing.assert_array_equal(one.lower, other.lower)
    np.testing.assert_array_equal(one.prediction_upper, other.prediction_upper)


def test_a_loaded_model_is_saved_as_the_same_file(model: Any, tmp_path: Path) -> None:
    model.save(tmp_path / "a")
    load(tmp_path / "a").save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.slow
def test_a_loaded_model_writes_the_same_report(model: Any, tmp_path: Path) -> None:
    model.save(tmp_path / "a")
    model.report(tmp_path / "a.html")
    load(tmp_path / "a").report(tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_loaded_model_can_be_fitted_again(tmp_path: Path) -> None:
    model, X = fitted("regression"), table()
    model.save(tmp_path / "a")
    y = np.arange(80.0)
    again = load(tmp_path / "a").fit(X, y)
    np.testing.assert_array_equal(again.predict(X), model.fit(X, y).predict(X))


@pytest.mark.parametrize(
    "labels", [[0, 1], [0.5, 1.5], [False, True], ["é", "ü"], [np.int8(3), np.int8(9)]], ids=str
)
def test_labels_keep_their_type(tmp_path: Path, labels: list) -> None:
    y = np.array(labels, dtype=object if isinstance(labels[0], str) else None)[[0, 1] * 10]
    x = np.arange(20.0)[:, None]
    if labels == [0.5, 1.5]:
        y = y.astype(str)
    model = KSTClassifier(pairs=0, terms=0).fit(x, y)
    model.save(tmp_path / "a")
    found = load(tmp_path / "a").predict(x)
    assert found.dtype == model.predict(x).dtype
    assert found.tolist() == model.predict(x).tolist()


def test_each_class_loads_its_own_kind(tmp_path: Path) -> None:
    fitted("regression").save(tmp_path / "a")
    assert isinstance(KSTRegressor.load(tmp_path / "a"), KSTRegressor)
    sentence = (
        "the file must hold a KSTClassifier; found a KSTRegressor; load it with "
        "superpose.estimators.load, which reads either kind"
    )
    with pytest.raises(ModelFileError, match=f"^{re.escape(sentence)}$"):
        KSTClassifier.load(tmp_path / "a")


def test_labels_that_cannot_be_saved_are_refused(tmp_path: Path) -> None:
    days = np.array(["2024-01-01", "2024-01-02", "2024-01-01"], dtype="datetime64[D]")
    model = KSTClassifier(pairs=0, terms=0).fit([[0.0], [1.0], [2.0]], days)
    with pytest.raises(InputError, match="^a model is saved with labels that are numbers, text or"):
        model.save(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_a_header_without_a_model_is_refused() -> None:
    sentence = (
        "the file must describe a model; found that its header does not (KeyError: 'parameters'); "
        "save the model again, or use another file"
    )
    with pytest.raises(ModelFileError, match=f"^{re.escape(sentence)}$"):
        model_from(KSTRegressor, {"estimator": "KSTRegressor"}, {})
