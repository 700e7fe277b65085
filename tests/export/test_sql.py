"""The query gives the model's numbers in a real engine, whatever the names are."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.export.made_models import HOSTILE, sql_answer, sql_gap

from superpose import KSTClassifier, KSTRegressor
from superpose.errors import InputError
from superpose.export import to_sql

pytest.importorskip("duckdb")


def test_the_query_is_the_model(additive: Any, rows: pd.DataFrame) -> None:
    rows = rows.copy()
    rows.loc[70, HOSTILE] = "  "  # as missing as NULL is
    assert sql_gap(additive, rows, nan='"größe"') < 1e-9


def test_certainty_does_not_overflow() -> None:
    x = np.linspace(-1, 1, 60)[:, None]
    model = KSTClassifier(pairs=0, terms=0).fit(x, (x[:, 0] > 0) ^ (np.arange(60) % 9 == 0))
    X = pd.DataFrame({"x0": [-1e7, 1e7, 0.0]})
    found = sql_answer(model, X)[["probability_0", "probability_1"]].to_numpy()
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
