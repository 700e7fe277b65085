"""An exported graph says what the model says, row for row and part for part."""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.export.made_models import onnx_gap, run_onnx

from superpose import KSTClassifier, KSTRegressor
from superpose.errors import InputError, MissingExtraError
from superpose.export import onnx_inputs, to_onnx

pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")


def session(model: Any) -> Any:
    return runtime.InferenceSession(to_onnx(model).SerializeToString())


def test_predictions_labels_and_contributions(model: Any, rows: pd.DataFrame) -> None:
    assert onnx_gap(model, rows) < 1e-9


def test_one_row_and_no_row(model: Any, rows: pd.DataFrame) -> None:
    assert onnx_gap(model, rows[:1]) < 1e-9
    feed = {name: values[:0] for name, values in onnx_inputs(model, rows).items()}
    assert all(len(it) == 0 for it in session(model).run(None, feed))


def test_inputs_are_named_like_the_columns(model: Any) -> None:
    inputs = {it.name: it.type for it in session(model).get_inputs()}
    numbers, text = "tensor(double)", "tensor(string)"
    assert list(inputs.values()) == [numbers, text, numbers, text, numbers]
    assert list(inputs)[2:] == ["größe", "ok", "x0"]
    assert next(iter(inputs)) == "_label"  # "label" is an output


def test_the_metadata_say_what_is_what(model: Any, rows: pd.DataFrame) -> None:
    found = json.loads(session(model).get_modelmeta().custom_metadata_map["superpose"])
    assert found["parts"] == list(model.explain(rows[:1]).names)
    assert found["baseline"] == model.fit_.network.bias.tolist()
    assert found["inputs"]["_label"] == {"column": "label", "kind": "number", "levels": []}
    assert found["inputs"]["ok"]["levels"] == ["False", "True"]


@pytest.mark.parametrize(
    "labels", [["u", "v"], [3, 7], [False, True], [0.0, 1.0], ["a", "b", "c"]], ids=str
)
def test_labels_keep_their_type(labels: list) -> None:
    x = np.arange(30.0)[:, None]
    model = KSTClassifier(pairs=0, terms=0).fit(x, np.array(labels * 15)[:30])
    found = run_onnx(model, x)["label"]
    assert found.tolist() == model.predict(x).tolist()
    assert type(found.tolist()[0]) is type(labels[0])


@pytest.mark.filterwarnings("ignore::superpose.errors.ConvergenceWarning")
def test_the_squared_exponential() -> None:
    """Its covariance is jittered, so the model itself knows its curves to about 1e-7."""
    x = np.random.default_rng(0).normal(size=(90, 2))
    y = np.sin(3 * x[:, 0]) * x[:, 1]
    model = KSTRegressor(kernel="squared_exponential", pairs=1, terms=0).fit(x, y)
    assert onnx_gap(model, 2 * x) < 1e-6


def test_a_pooled_level_and_numbers_read_as_levels() -> None:
    rng = np.random.default_rng(0)
    code = pd.Series(rng.integers(0, 130, 600)).astype("category")
    X = pd.DataFrame({"code": code, "x": rng.normal(size=600)})
    model = KSTRegressor(pairs=0, terms=0).fit(X, (code.astype(int) % 7) + X["x"])
    assert model.schema_.columns[0].pooled
    again = X.assign(code=code.astype(float) + 3.0)[:200]  # 131.0 and more were never seen
    assert onnx_gap(model, again) < 1e-9


def test_columns_of_nothing() -> None:
    """Constant, and wholly missing, columns."""
    X = np.column_stack([np.full(20, 3.0), np.full(20, np.nan), np.arange(20.0)])
    model = KSTRegressor(pairs=0, terms=0).fit(X, np.arange(20.0) ** 2)
    assert (
        onnx_gap(model, np.array([[3.0, np.nan, 2.5], [4.0, 1.0, np.nan], [np.nan, 0.0, 99.0]]))
        < 1e-9
    )


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    model = KSTRegressor(pairs=0, terms=0).fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
    monkeypatch.setitem(sys.modules, "onnx.helper", None)
    with pytest.raises(MissingExtraError, match='pip install "superpose\\[onnx\\]"$'):
        to_onnx(model)


def test_a_table_with_other_columns_is_refused(model: Any, rows: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="^a table must have the columns of fit"):
        onnx_inputs(model, rows[["ok"]])
