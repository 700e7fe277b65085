"""Benchmarks run, write what they found, and judge it as their protocol says."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import torch

from superpose.datasets import known_curves

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Import a benchmark as running it does, with its own folder on the path."""
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module


def run(module: ModuleType, monkeypatch: pytest.MonkeyPatch, *options: object) -> None:
    threads = torch.get_num_threads()
    monkeypatch.setattr(sys, "argv", [module.__name__, *map(str, options)])
    try:
        module.main()
    finally:
        torch.set_num_threads(threads)


@pytest.mark.slow
def test_tables_are_fitted_judged_and_written(
    benchmark: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    drawn = known_curves(120, shapes=("linear", "null"), noise=0.01)
    drawn.X.assign(y=drawn.y).to_csv(tmp_path / "concrete.csv", index=False)
    noise = np.random.default_rng(0).integers(0, 2, 120)
    drawn.X.assign(y=noise).to_csv(tmp_path / "banknote.csv.gz", index=False)
    out = tmp_path / "results" / "tables.json"
    options = ("--data", tmp_path, "--tables", "banknote,concrete", "--folds", 2)
    run(benchmark("tables"), monkeypatch, *options, "--peer", "none", "--out", out)
    answer = json.loads(out.read_text())
    assert answer["summary"] == {"tables": 2, "reached": 1}
    assert all(fold["loss"] < 0.1 for fold in answer["tables"]["concrete"]["folds"]["superpose"])
    assert answer["tables"]["banknote"]["loss"] > 0.6
    assert answer["surroundings"]["packages"]["torch"]
    assert "1 of 2 goals reached" in capsys.readouterr().out


def test_a_goal_needs_its_loss_and_its_area_and_ratios_compare_the_same_folds(
    benchmark: Callable[[str], ModuleType],
) -> None:
    tables = benchmark("tables")
    ours = [{"loss": 0.004, "auc": 1.0, "cpu_s": s} for s in (1.0, 2.0, 30.0)]
    theirs = [{"loss": 0.01, "auc": 1.0, "cpu_s": s} for s in (10.0, 20.0)]
    judged = tables.judge("banknote", {"superpose": ours, "ebm": theirs})
    assert judged["reached"]
    assert judged["ebm"]["cpu_ratio"] == pytest.approx(10.0)
    ours[0]["auc"] = 0.99
    assert not tables.judge("banknote", {"superpose": ours})["reached"]
    summary = tables.summarise({"a": judged, "b": {**judged, "ebm": {"cpu_ratio": 40.0}}}, ["ebm"])
    assert summary["ebm_cpu_ratio"] == pytest.approx(20.0)


def test_joined_tables_keep_the_surroundings_of_their_runs(
    benchmark: Callable[[str], ModuleType],
) -> None:
    def answer(date: str, names: list[str], loss: float) -> dict:
        tables = {name: {"loss": loss, "reached": loss < 1} for name in names}
        where = {"surroundings": {"date": date}, "protocol": {"folds": 3}, "question": "how?"}
        return {**where, "tables": tables}

    first = answer("monday", ["concrete", "banknote"], 2.0)
    joined = benchmark("join").join([first, answer("tuesday", ["concrete", "adult"], 0.5)])
    assert list(joined["tables"]) == ["banknote", "concrete", "adult"]
    dates = [table["surroundings"]["date"] for table in joined["tables"].values()]
    assert dates == ["monday", "tuesday", "tuesday"]
    assert joined["summary"] == {"tables": 3, "reached": 2}


def test_rows_are_drawn_and_columns_left_out_as_the_protocol_says(
    benchmark: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    n = 9_500
    frame = pd.DataFrame({"fnlwgt": 1, "row": np.arange(n), "income": "a"})
    frame.to_csv(tmp_path / "adult.csv", index=False)
    X, y, _ = benchmark("tables").load(tmp_path, "adult")
    assert list(X) == ["row"]
    assert X["row"].tolist() == np.random.default_rng(0).permutation(n)[:9_000].tolist()
    assert y.name == "income"


def test_a_drawn_truth_is_centred_and_adds_up(benchmark: Callable[[str], ModuleType]) -> None:
    draws = benchmark("coverage_draws")
    for design, names in draws.DESIGNS.items():
        drawn = draws.draw(design, 400, 0)
        for name in names:
            truth = drawn.truth(name, drawn.X[name].to_numpy())
            assert truth.mean(0) == pytest.approx(np.zeros(truth.shape[1]), abs=1e-12)
            assert truth.std() > 0 or "null" in name
        again = draws.draw(design, 400, 0)
        assert again.X.equals(drawn.X)
        assert (again.y == drawn.y).all()
    drawn = draws.draw("plain", 20_000, 1)
    total = sum(drawn.truth(name, drawn.X[name].to_numpy())[:, 0] for name in drawn.X)
    assert np.var(drawn.y - total) == pytest.approx(1.0, abs=0.03)


def test_what_interacts_is_pure(benchmark: Callable[[str], ModuleType]) -> None:
    """Its mean over either attribute is 0 (midpoints, 400 a side: to 1e-5)."""
    draws = benchmark("coverage_draws")
    middles = (np.arange(400) + 0.5) / 200 - 1
    for surface in draws.INTERACTIONS.values():
        values = surface(*np.meshgrid(middles, middles))
        assert np.abs(values).mean() > 0.1
        assert max(np.abs(values.mean(side)).max() for side in (0, 1)) < 1e-5
    drawn = draws.draw("product", 20_000, 0)
    total = sum(drawn.truth(name, drawn.X[name].to_numpy())[:, 0] for name in drawn.X)
    assert np.var(drawn.y - total - drawn.interaction()) == pytest.approx(1.0, abs=0.03)


def test_a_cell_counts_seeds_and_is_honest_from_92_to_98_per_cent(
    benchmark: Callable[[str], ModuleType],
) -> None:
    coverage = benchmark("band_coverage")
    said = {"error": 0.1, "half": 0.2, "whole": 1.0, "no_effect": 0.04, "jump": 0.5}
    key = {"design": "plain", "n": 300, "side": "superpose"}
    fits = [
        {**key, "seed": seed, "curves": {"smooth": {"held": held, **said}}}
        for seed, held in enumerate((0.9, 1.0))
    ]
    (cell,) = coverage.cells(fits)
    assert (cell["coverage"], cell["honest"], cell["seeds"]) == (0.95, True, 2)
    assert cell["standard_error"] == pytest.approx(0.05)
    assert (cell["rejected"], cell["flagged"], cell["whole"]) == (1.0, 0.0, 1.0)
    fits[1]["curves"]["smooth"]["held"] = 0.9
    assert not next(coverage.cells(fits))["honest"]


@pytest.mark.slow
def test_bands_of_every_side_are_measured_written_and_resumed(
    benchmark: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    coverage, out = benchmark("band_coverage"), tmp_path / "coverage.json"
    options = ("--sizes", 100, "--designs", "plain,multinomial", "--sides", "superpose")
    run(coverage, monkeypatch, *options, "--seeds", 1, "--out", out)
    first = json.loads(out.read_text())["fits"]
    assert set(first[0]["curves"]) == {"smooth", "linear", "null"}
    assert all(0 <= it["held"] <= 1 for fit in first for it in fit["curves"].values())
    run(coverage, monkeypatch, *options, "--seeds", 2, "--out", out)
    assert json.loads(out.read_text())["fits"][:2] == first
    assert "cells" in capsys.readouterr().out


@pytest.mark.slow
def test_moments_are_measured_beside_draws(
    benchmark: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    moments, out = benchmark("moments"), tmp_path / "moments.json"
    monkeypatch.setattr(moments, "PART", 20_000)
    monkeypatch.setattr(moments, "NETWORKS", ([3, 2], [3, 2, 1]))
    run(moments, monkeypatch, "--draws", 20_000, "--count", 1, "--out", out)
    answer = json.loads(out.read_text())
    assert answer["curves"]["superpose"]["mean_error_in_sd"]["most"] < 0.05
    assert 0.9 < answer["curves"]["superpose"]["variance_over_drawn"]["median"] < 1.1
    assert answer["curves"]["gp_kan"]["variance_over_drawn"]["median"] < 0.5
    assert 0.9 < answer["layers"]["[3, 2] matern32"]["variance_over_drawn"]["median"] < 1.1
    assert answer["layers"]["[3, 2, 1] matern32"]["cpu_s"]["moments"] > 0
    assert answer["posterior"]["variance_over_drawn"]["median"] == pytest.approx(1.0, abs=0.3)


@pytest.mark.slow
def test_a_training_is_measured_side_by_side(
    benchmark: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    out = tmp_path / "training.json"
    sides = ("--sides", "curves, file;MLP", "--seeds", 1)
    run(benchmark("training"), monkeypatch, "--rows", 3000, "--epochs", 3, *sides, "--out", out)
    answer = json.loads(out.read_text())
    assert [fit["side"] for fit in answer["fits"]] == ["curves, file", "MLP"]
    assert all(0.01 < side["error"] < 1.1 for side in answer["sides"].values())


def test_sides_take_turns_and_the_long_one_comes_last(
    benchmark: Callable[[str], ModuleType],
) -> None:
    turns = benchmark("training").turns(["curves", "KSTRegressor", "MLP"], 2)
    assert turns == [("curves", 0), ("MLP", 0), ("curves", 1), ("MLP", 1), ("KSTRegressor", 0)]
