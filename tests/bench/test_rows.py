"""Every side sees the rows and folds of the protocol."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold, StratifiedKFold

from superpose.bench.registry import QUICK, TABLES
from superpose.bench.rows import read_fold
from superpose.errors import InputError


def test_rows_are_drawn_then_split(tmp_path: Path) -> None:
    n, most = 80, 60
    y = np.arange(n) ** 2.0
    pd.DataFrame({"x": np.arange(n), "accel": y}).to_csv(tmp_path / "mcycle.csv", index=False)
    drawn = np.random.default_rng(0).permutation(n)[:most]
    train, test = list(KFold(5, shuffle=True, random_state=0).split(drawn))[3]
    fold = read_fold(tmp_path, TABLES["mcycle"], 3, 5, most)
    assert fold.X["x"].tolist() == drawn[train].tolist()
    assert fold.X_test["x"].tolist() == drawn[test].tolist()
    assert fold.y_test.tolist() == (drawn[test] ** 2.0).tolist()
    assert fold.sd == pytest.approx(y.std())  # of all rows of the file
    everything = read_fold(tmp_path, TABLES["mcycle"], 0, 5, None)
    assert sorted([*everything.X["x"], *everything.X_test["x"]]) == list(range(n))


def test_classes_are_split_evenly_and_the_survey_weight_is_left_out(tmp_path: Path) -> None:
    n = 100
    income = np.where(np.arange(n) % 10 == 0, ">50K", "<=50K")
    frame = pd.DataFrame({"fnlwgt": 1, "age": np.arange(n), "income": income})
    frame.to_csv(tmp_path / "adult.csv.gz", index=False)
    splits = StratifiedKFold(5, shuffle=True, random_state=0).split(frame, income)
    for i, (_, test) in enumerate(splits):
        fold = read_fold(tmp_path, TABLES["adult"], i, 5, None)
        assert list(fold.X) == ["age"]
        assert fold.X_test["age"].tolist() == test.tolist()
        assert (fold.y_test == ">50K").sum() == 2
        assert fold.sd == 1.0


def test_rows_without_a_target_are_left_out_before_rows_are_drawn(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": np.arange(60), "accel": np.arange(60.0)})
    frame.loc[7, "accel"] = np.nan
    frame.to_csv(tmp_path / "mcycle.csv", index=False)
    fold = read_fold(tmp_path, TABLES["mcycle"], 0, 5, 50)
    there = frame["x"].drop(7).to_numpy()[np.random.default_rng(0).permutation(59)[:50]]
    assert sorted([*fold.X["x"], *fold.X_test["x"]]) == sorted(there)
    assert fold.sd == pytest.approx(np.nanstd(frame["accel"]))


def test_another_last_column_is_refused(tmp_path: Path) -> None:
    (tmp_path / "yacht.csv").write_text("residuary_resistance,speed\n1,2\n")
    with pytest.raises(InputError, match="must be its target, residuary_resistance; found speed"):
        read_fold(tmp_path, TABLES["yacht"], 0, 5, None)


def test_thirty_tables_and_six_of_them_for_a_quick_run() -> None:
    assert len(TABLES) == 30
    assert len(QUICK) == 6
    assert set(QUICK) <= set(TABLES)
    assert sum(table.task == "regression" for table in TABLES.values()) == 17


@pytest.mark.slow
def test_the_registry_describes_the_files(data_folder: Path) -> None:
    for name, table in TABLES.items():
        path = next(p for p in data_folder.glob(f"**/{name}.csv*"))
        frame = pd.read_csv(path)
        target = frame.iloc[:, -1]
        assert (name, frame.columns[-1]) == (name, table.target)
        assert set(table.without) <= set(frame.columns)
        assert table.classes in (0, target.nunique()), name
        assert (name, target.isna().any()) == (name, name == "king_county_houses")
        assert (name, table.classes > 0) == (name, target.nunique() < 5 or name == "pendigits")
