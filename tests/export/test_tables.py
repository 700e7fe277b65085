"""The readers in the guide, which know nothing of superpose, give the model's numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.export.made_models import GUIDE, additive_part, gap, made_model, plain, reader

from superpose import KSTRegressor
from superpose.export import to_tables
from superpose.export.tables import csv_of


def test_json(model: Any, rows: pd.DataFrame, tmp_path: Path) -> None:
    model.export(tmp_path / "m.json")
    tables, score = json.loads((tmp_path / "m.json").read_text()), reader("read_json").score
    found = [score(row, tables) for row in plain(rows)]
    assert gap(found, additive_part(model, rows)) < 1e-9
    assert tables["largest_difference"] < 1e-9
    parts = zip(model.explain(rows[:1]).names, model.fit_.network.parts, strict=True)
    assert tables["left_out"] == [name for name, part in parts if part.kind != "curve"]


def test_csv(model: Any, rows: pd.DataFrame, tmp_path: Path) -> None:
    model.export(tmp_path / "m.csv")
    some = rows[50:72]
    found = [reader("read_csv").score(tmp_path / "m.csv", row) for row in plain(some)]
    assert gap(found, additive_part(model, some)) < 1e-9


@pytest.mark.parametrize("kind", ["regression", "poisson", "gamma"])
def test_the_link_turns_the_score_into_the_prediction(kind: str, rows: pd.DataFrame) -> None:
    model = made_model(kind)
    tables, predict = to_tables(model), reader("read_json").predict
    assert gap([predict(row, tables) for row in plain(rows)], model.predict(rows)) < 1e-9
    first = csv_of(tables).splitlines()[1]
    assert first == f"link,,,{'identity' if kind == 'regression' else 'log'},,"
    assert tables["units"] == ["y" if kind == "regression" else "log of y"]


def test_pooled_levels() -> None:
    rng = np.random.default_rng(0)
    code = rng.integers(0, 130, 600)
    X = pd.DataFrame({"code": [f"c{it}" for it in code]})
    model = KSTRegressor(pairs=0, terms=0).fit(X, code % 7)
    assert model.schema_.columns[0].pooled
    tables, score = to_tables(model), reader("read_json").score
    X.loc[0, "code"] = "never seen"
    assert gap([score(row, tables) for row in plain(X)], additive_part(model, X)) < 1e-12


@pytest.mark.parametrize("name", ["read_json", "read_csv"])
def test_the_readers_are_short_and_need_nothing(name: str) -> None:
    lines = (GUIDE / f"{name}.py").read_text().splitlines()
    imports = [it.split()[1] for it in lines if it.startswith(("import", "from"))]
    assert imports == {"read_json": ["bisect", "math"], "read_csv": ["csv"]}[name]
    code = [it for it in lines if it.strip() and '"""' not in it and not it.startswith("from")]
    assert len(code) <= 25
