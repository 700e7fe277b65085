"""What is rare in a model is exported like the rest: other curves, other links, no curve at all."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from tests.export.made_models import (
    gap,
    made_table,
    made_target,
    new_rows,
    onnx_gap,
    plain,
    reader,
    run_onnx,
    sql_answer,
    sql_gap,
)

from superpose import KSTClassifier, KSTRegressor
from superpose.export import to_onnx, to_sql, to_tables
from superpose.networks import InputBasis, MainCurve, Superposition

pytest.importorskip("onnxruntime")
pytest.importorskip("duckdb")


def every_gap(model: Any, X: pd.DataFrame, path: Any) -> float:
    """Largest difference of all four forms of an additive model."""
    tables = json.loads(json.dumps(to_tables(model)))
    model.export(path / "m.csv")
    link = np.asarray(model.fit_.network(torch.from_numpy(model._encode(X))))
    rows = plain(X)
    from_json = [reader("read_json").score(row, tables) for row in rows]
    from_csv = [reader("read_csv").score(path / "m.csv", row) for row in rows[::7]]
    return max(
        *(gap(from_json, link), gap(from_csv, link[::7])), *(onnx_gap(model, X), sql_gap(model, X))
    )


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["poisson", "gamma"])
def test_a_log_link_with_pairs_and_a_term(loss: str) -> None:
    """The contributions are on the scale of the logarithm, the prediction is not."""
    X = made_table()
    y = np.exp(made_target(X))
    pair = [("label", "größe")]
    model = KSTRegressor(loss=loss, pairs=pair, terms=1, knots=6).fit(X, y)
    rows = new_rows()
    assert onnx_gap(model, rows) < 1e-9
    metadata = {it.key: it.value for it in to_onnx(model).metadata_props}
    assert json.loads(metadata["superpose"])["link"] == "log"
    found = run_onnx(model, X)
    logs = found["contributions"].sum(axis=1) + model.fit_.network.bias.numpy()
    np.testing.assert_allclose(np.exp(logs[:, 0]), model.predict(X), rtol=1e-9)


def test_a_log_link_does_not_overflow() -> None:
    """Far outside the data the line of a curve goes on, and the exponential stays finite."""
    x = np.linspace(0, 1, 40)[:, None]
    model = KSTRegressor(loss="poisson", pairs=0, terms=0).fit(x, np.round(np.exp(4 * x[:, 0])))
    X = pd.DataFrame({"x0": [1e6, -1e6, 0.5]})
    wanted = model.predict(X.to_numpy())
    assert wanted[0] == np.exp(700.0)
    np.testing.assert_allclose(run_onnx(model, X.to_numpy())["prediction"], wanted, rtol=1e-9)
    np.testing.assert_allclose(sql_answer(model, X)["prediction"], wanted, rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 3])
def test_pairs_and_terms_whose_additive_part_moved(classes: int) -> None:
    """The tables hold main curves with what moved to them, and leave the rest of the parts out."""
    X = made_table()
    y = np.digitize(made_target(X), [0.0, 1.5][: classes - 1])
    model = KSTClassifier(pairs=[("label", "größe")], terms=1, knots=6).fit(X, y)
    parts = [part for part in model.fit_.network.parts if part.kind != "curve"]
    assert [part.kind for part in parts] == ["pair", "term"]
    assert all(any(bool(it.heights.any()) for it in part.moved) for part in parts)
    rows = new_rows()
    assert onnx_gap(model, rows) < 1e-9
    found = run_onnx(model, rows)
    tables, names = to_tables(model), list(model.explain(rows[:1]).names)
    others = [names.index(name) for name in tables["left_out"]]
    additive = [reader("read_json").score(row, tables) for row in plain(rows)]
    whole = np.array(additive) + found["contributions"][:, others].sum(axis=1)
    assert gap(whole, found["score"]) < 1e-9


def test_curves_whose_kernel_and_knots_are_not_those_of_the_axis(tmp_path: Any) -> None:
    """A curve that jumps may have a rougher kernel, and more knots than its axis."""
    X = made_table()[["größe", "x0"]]
    model = KSTRegressor(pairs=0, terms=0, knots=8).fit(X, made_target(made_table()))
    network = model.fit_.network
    knots = torch.linspace(0, 1, 60, dtype=torch.float64) ** 1.2
    curves = []
    for p, (kernel, places) in enumerate([("matern12", knots), ("matern52", knots[::7])]):
        basis = InputBasis(network.attributes[p], places, kernel=kernel, length_scale=0.05 + p)
        heights = torch.where(places < 0.4, -1.0, 2.0) + 0.1 * places
        curves.append(MainCurve(p, basis, heights[None]))
    other = Superposition(network.attributes, network.bias, curves).requires_grad_(False)
    model.fit_ = type("Fit", (), {"network": other, "loss": "gaussian"})()
    rows = new_rows()[["größe", "x0"]]
    wanted = model.predict(rows)
    assert gap(run_onnx(model, rows)["prediction"], wanted) < 1e-9


def wide(signal: bool) -> tuple[KSTRegressor, pd.DataFrame]:
    """Forty columns of 60 control points, of which two tell something, or none."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(150, 40))).add_prefix("c")
    X["hue"] = rng.choice(["red", "blue"], 150)
    y = rng.normal(size=150)
    y += signal * (4 * np.sin(2 * X["c21"]) + 3 * (X["hue"] == "red"))
    with pytest.warns(UserWarning, match="have no effect in the model"):
        return KSTRegressor(pairs=0, terms=0, knots=60).fit(X, y), X


def test_attributes_without_a_curve_are_read_by_none(tmp_path: Any) -> None:
    model, X = wide(signal=True)
    assert {"c21", "hue"} <= set(model.curves_)
    assert len(model.curves_) < 20
    X.loc[3, "c21"], X.loc[4, "hue"] = np.nan, "green"
    assert every_gap(model, X, tmp_path) < 1e-9
    assert [it["column"] for it in to_tables(model)["curves"]] == list(model.curves_)
    assert "c39" not in to_sql(model)
    assert len(to_onnx(model).graph.input) == 41  # the columns of fit, as predict takes them
    assert len(to_onnx(model).graph.node) < 60 * len(model.curves_)


def test_a_model_without_any_curve(tmp_path: Any) -> None:
    """Of pure noise nothing is worth a curve; the prediction is a constant."""
    model, X = wide(signal=False)
    assert model.curves_ == {}
    assert every_gap(model, X, tmp_path) < 1e-12
    assert run_onnx(model, X)["contributions"].shape == (150, 0, 1)
