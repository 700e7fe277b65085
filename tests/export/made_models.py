"""Small tables with everything in them, models of them, and how exports are compared."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from superpose import KSTClassifier, KSTRegressor
from superpose.export import onnx_inputs, to_onnx, to_sql

GUIDE = Path(__file__).parents[2] / "docs" / "guide"
HOSTILE = 'it\'s "x"; DROP TABLE data; --'


def made_table(n: int = 120) -> pd.DataFrame:
    """Numbers, categories and booleans under names that mean harm, with holes."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "label": rng.normal(size=n),
            HOSTILE: rng.choice(["n'", 's"', "w;\n--", "1"], n),
            "größe": rng.integers(20, 60, n).astype(float),
            "ok": rng.random(n) < 0.5,
            "x0": np.exp(3 * rng.normal(size=n)),
        }
    )
    X.loc[::9, "label"] = np.nan
    X.loc[::7, HOSTILE] = None
    return X


def made_target(X: pd.DataFrame) -> np.ndarray:
    rng = np.random.default_rng(1)
    y = X["label"].fillna(0.0) * X["größe"] / 40 + (X[HOSTILE] == "n'") + X["ok"]
    return y.to_numpy() + 0.2 * rng.normal(size=len(X))


def new_rows() -> pd.DataFrame:
    """Rows inside, between and far beyond the training rows, unseen levels, holes everywhere."""
    X = made_table()
    axis = np.sort(X["größe"].unique())
    X.loc[: len(axis) - 1, "größe"] = axis  # on the knots
    X.loc[50:55, "label"] = [1e3, -1e3, 1e9, -1e300, 3.0, -3.0]
    X.loc[56:60, "größe"] = [np.nan, 19.999, 1e6, -1e6, 40.5]
    X.loc[61:63, HOSTILE] = ["never seen", "n", "N'"]
    X.loc[64:66, "x0"] = [np.nan, -5.0, 1e12]
    X["ok"] = X["ok"].astype(object)
    X.loc[67, "ok"] = None
    return X


def made_model(kind: str) -> Any:
    X = made_table()
    y = made_target(X)
    if kind == "changed by hand":
        model = KSTRegressor(pairs=0, terms=0, knots=8).fit(X, y).edit("größe").set({30: 2, 40: -1})
        model = model.edit("größe").set({35: None, 50: 3, 58: 0}).edit("label").smooth(2)
        return model.edit("x0").set({-1: 0.5, 3: 1, 1e4: 0}).edit("label").set({None: 4})
    if kind in ("poisson", "gamma"):
        positive = np.round(np.exp(y)) if kind == "poisson" else np.exp(y)
        return KSTRegressor(loss=kind, pairs=0, terms=0, knots=8).fit(X, positive)
    if kind == "shapes":
        known = {"größe": "increasing", "x0": ("decreasing", "convex"), "label": "concave"}
        return KSTRegressor(pairs=0, terms=0, knots=8, shapes=known).fit(X, y)
    if kind == "regression":
        return KSTRegressor(pairs=0, terms=0, knots=8).fit(X, y)
    if kind == "two classes":
        labels = np.where(y > 1, "yes", "no's")
        return KSTClassifier(pairs=0, terms=0, kernel="matern52", knots=8).fit(X, labels)
    if kind == "three classes":
        three = KSTClassifier(pairs=0, terms=0, kernel="matern12", knots=8)
        return three.fit(X, np.digitize(y, [0, 2]))
    pairs = [("label", "größe"), (HOSTILE, "größe"), ("ok", HOSTILE)]
    return KSTRegressor(pairs=pairs, terms=1, knots=8).fit(X, y)


ADDITIVE = [
    "regression",
    "two classes",
    "three classes",
    "changed by hand",
    "poisson",
    "gamma",
    "shapes",
]


def reader(name: str) -> Any:
    """A module that the guide shows."""
    spec = spec_from_file_location(name, GUIDE / f"{name}.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def plain(X: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as another language has them: floats, text, and nothing."""
    rows = X.astype(object).where(X.notna(), None).to_dict(orient="records")
    return [{k: str(v) if isinstance(v, bool) else v for k, v in row.items()} for row in rows]


def additive_part(model: Any, X: pd.DataFrame) -> np.ndarray:
    found = model.explain(X)
    kinds = np.array([part.kind for part in model.fit_.network.parts])
    return found.baseline + found.values[:, kinds == "curve"].sum(axis=1)


def gap(found: Any, wanted: np.ndarray) -> float:
    """Largest difference, as a share of the number where that is large."""
    found = np.asarray(found, dtype=np.float64).reshape(wanted.shape)
    return float((np.abs(found - wanted) / (1 + np.abs(wanted))).max(initial=0.0))


def run_onnx(model: Any, X: Any) -> dict[str, np.ndarray]:
    """What onnxruntime says, by name of the output."""
    import onnxruntime

    own = onnxruntime.InferenceSession(to_onnx(model).SerializeToString())
    names = [it.name for it in own.get_outputs()]
    return dict(zip(names, own.run(None, onnx_inputs(model, X)), strict=True))


def onnx_gap(model: Any, X: Any) -> float:
    """Largest difference of all that a graph gives; labels must be the same."""
    found = run_onnx(model, X)
    worst = [gap(found["contributions"], model.explain(X).values)]
    if isinstance(model, KSTRegressor):
        link = model.fit_.network.bias.numpy() + model.explain(X).values.sum(axis=1)
        worst += [gap(found["score"], link)] if "score" in found else []
        return max(*worst, gap(found["prediction"], model.predict(X)))
    np.testing.assert_array_equal(found["label"], model.predict(X))
    score = model.decision_function(X)
    worst += [gap(found["probabilities"], model.predict_proba(X)), gap(found["score"], score)]
    return max(worst)


def sql_answer(model: Any, X: pd.DataFrame, nan: str = "") -> pd.DataFrame:
    """What DuckDB says, in the order of the rows; missing values of one column are NaN there."""
    import duckdb

    table, key = 'my "data"; --', "k'\""
    with duckdb.connect() as engine:
        engine.register("given", X.assign(**{key: np.arange(len(X))}))
        nans = f"* REPLACE (COALESCE({nan}, 'NaN'::DOUBLE) AS {nan})" if nan else "*"
        engine.sql(f'CREATE TABLE "my ""data""; --" AS SELECT {nans} FROM given')
        found = engine.sql(to_sql(model, table, [key])).df()
    return found.sort_values(key).drop(columns=key)


def sql_gap(model: Any, X: pd.DataFrame, nan: str = "") -> float:
    """Largest difference of all that the query gives; labels must be the same."""
    found = sql_answer(model, X, nan)
    if isinstance(model, KSTRegressor):
        assert list(found) == ["score", "prediction"]
        return gap(found["prediction"], model.predict(X))
    assert found["prediction"].tolist() == model.predict(X).tolist()
    shares = [f"probability_{k}" for k in range(len(model.classes_))]
    scores = [name for name in found if name.startswith("score")]
    return max(
        gap(found[scores], model.decision_function(X)), gap(found[shares], model.predict_proba(X))
    )
