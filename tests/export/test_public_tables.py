"""Every form of export, on every public table: the model's numbers on rows it has not seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from tests.export.made_models import additive_part, gap, onnx_gap, plain, reader, sql_gap

from superpose import KSTClassifier, KSTRegressor
from superpose.export import to_tables

TABLES = [
    "adult",
    "bank8FM",
    "bank_marketing",
    "banknote",
    "bike_sharing_hour",
    "car_evaluation",
    "concrete",
    "cpu_act",
    "credit_default",
    "delta_ailerons",
    "diamonds",
    "electricity",
    "energy_efficiency",
    "energy_efficiency_cooling",
    "friedman40k",
    "heart_cleveland",
    "house_8L",
    "king_county_houses",
    "mcycle",
    "mushroom",
    "pendigits",
    "penguins",
    "phoneme",
    "protein_casp",
    "seoul_bike",
    "spambase",
    "titanic",
    "wage",
    "wine_quality_white",
    "yacht",
]


def split(whole: pd.DataFrame) -> tuple[type, pd.DataFrame, pd.Series, pd.DataFrame]:
    """The estimator, a few rows to fit, and up to 500 others, in which levels may be new."""
    whole = whole.sample(frac=1.0, random_state=0)
    X, y = whole.iloc[:, :-1], whole.iloc[:, -1]
    few = min(300, len(X) // 2)
    classes = y.dtype.kind not in "if" or y.nunique() <= 10
    kind = KSTClassifier if classes else KSTRegressor
    return kind, X[:few], y[:few], X[few : few + 500]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TABLES)
def test_onnx(name: str, table: Callable[[str], pd.DataFrame]) -> None:
    """With pairs and a term; a curve for each of 10 classes costs minutes, so there without."""
    pytest.importorskip("onnxruntime")
    kind, X, y, rows = split(table(name))
    dial = {"pairs": 2, "terms": 1} if y.nunique() != 10 else {"pairs": 1, "terms": 0}
    model = kind(**dial, knots=12).fit(X, y)
    assert onnx_gap(model, rows) < 1e-5


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TABLES)
def test_onnx_of_the_dial_that_the_fit_chooses(
    name: str, table: Callable[[str], pd.DataFrame]
) -> None:
    """As it comes: pairs and terms where 300 rows ask for them, and as many knots as usual."""
    pytest.importorskip("onnxruntime")
    kind, X, y, rows = split(table(name))
    assert onnx_gap(kind().fit(X, y), rows) < 1e-5


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TABLES)
def test_tables_and_sql(name: str, table: Callable[[str], pd.DataFrame]) -> None:
    pytest.importorskip("duckdb")
    kind, X, y, rows = split(table(name))
    model = kind(pairs=0, terms=0, knots=12).fit(X, y)
    tables = json.loads(json.dumps(to_tables(model)))
    some = rows[:50]
    found = [reader("read_json").score(row, tables) for row in plain(some)]
    assert gap(found, additive_part(model, some)) < 1e-9
    assert sql_gap(model, rows) < 1e-8


def test_every_public_table_is_in_the_list(data_folder: Path) -> None:
    folder = data_folder / "tables" if (data_folder / "tables").is_dir() else data_folder
    assert sorted({it.name.split(".")[0] for it in folder.glob("*.csv*")}) == sorted(TABLES)
