"""The query gives the model's numbers in a real engine, whatever the names are."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from superpose import KSTClassifier, KSTRegressor
from superpose.errors import InputError
from superpose.export import to_sql

duckdb = pytest.importorskip("duckdb")


def answer(model: Any, X: pd.DataFrame, table: str = 'my "data"; --', key: str = "k'\"") -> Any:
    """What DuckDB says, in the order of the rows."""
    with duckdb.connect() as engine:
        engine.register(table, X.assign(**{key: np.arange(len(X))}))
        found = engine.sql(to_sql(model, table, [key])).df()
    return found.sort_values(key).drop(columns=key)


def gap(found: Any, wanted: np.ndarray) -> float:
    found = np.asarray(found, dtype=np.float64).reshape(wanted.shape)
    return float((np.abs(found - wanted) / (1 + np.abs(wanted))).max())


def test_the_query_is_the_model(additive: Any, rows: pd.DataFrame) -> None:
    found = answer(additive, rows)
    if isinstance(additive, KSTRegressor):
        assert list(found) == ["score", "prediction"]
        assert gap(found["prediction"], additive.predict(rows)) < 1e-9
        return
    shares = [f"probability_{k}" for k in range(len(additive.classes_))]
    scores = [name for name in found if name.startswith("score")]
    assert gap(found[scores], additive.decision_function(rows)) < 1e-9
    assert gap(found[shares], additive.predict_proba(rows)) < 1e-9
    assert found["prediction"].tolist() == additive.predict(rows).tolist()


def test_nan_and_empty_text_are_missing(additive: Any, rows: pd.DataFrame) -> None:
    """Whether they come as NULL or not."""
    one = rows[:1].copy()
    one["größe"], one['it\'s "x"; DROP TABLE data; --'] = 40.0, "  "
    query = to_sql(additive, "data")
    with duckdb.connect() as engine:
        engine.register("whole", one)
        engine.sql("CREATE TABLE data AS SELECT * REPLACE ('NaN'::DOUBLE AS \"größe\") FROM whole")
        found = engine.sql(query).df()
    wanted = additive.predict(one.assign(größe=np.nan))
    if isinstance(additive, KSTRegressor):
        assert gap(found["prediction"], wanted) < 1e-9
    else:
        assert found["prediction"].tolist() == wanted.tolist()


def test_certainty_does_not_overflow() -> None:
    x = np.linspace(-1, 1, 60)[:, None]
    model = KSTClassifier(pairs=0, terms=0).fit(x, (x[:, 0] > 0) ^ (np.arange(60) % 9 == 0))
    X = pd.DataFrame({"x0": [-1e7, 1e7, 0.0]})
    found = answer(model, X)[["probability_0", "probability_1"]].to_numpy()
    np.testing.assert_allclose(found, model.predict_proba(X.to_numpy()), atol=1e-12)


def test_pairs_and_terms_are_refused() -> None:
    x = np.random.default_rng(0).normal(size=(80, 2))
    model = KSTRegressor(pairs=[(0, 1)], terms=0).fit(x, x[:, 0] * x[:, 1])
    sentence = (
        "SQL is written of additive models only; found x0 × x1; fit with pairs=0, terms=0, or "
        "export to ONNX"
    )
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        to_sql(model)


@pytest.mark.parametrize("name", ["", "a\x00b"])
def test_names_that_no_engine_takes_are_refused(name: str) -> None:
    model = KSTRegressor(pairs=0, terms=0).fit(pd.DataFrame({name: [1.0, 2.0, 4.0]}), [1, 2, 3])
    with pytest.raises(InputError, match="^a name in SQL must hold one character or more"):
        to_sql(model)
