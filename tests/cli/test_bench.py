"""`superpose bench tables`, from the options to the words and the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from superpose.bench.registry import QUICK
from superpose.cli import app


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["bench", "tables", *map(str, arguments)])


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Jobs that were given to a process; superpose is twice as good and half as fast."""
    jobs: list[dict[str, Any]] = []

    def pretend(job: dict[str, Any], package: str) -> dict[str, Any]:
        jobs.append(job)
        ours = job["side"] == "superpose"
        numbers = {"loss": 0.2 if ours else 0.4, "cpu_s": 2.0 if ours else 1.0, "load": 0.5}
        return {**job, "status": "measured", "reason": None, **numbers}

    monkeypatch.setattr("superpose.bench.run.measure_apart", pretend)
    monkeypatch.setattr("superpose.bench.sides.side.find_spec", lambda name: name)
    return jobs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("yacht", *QUICK):
        (tmp_path / f"{name}.csv").write_text("x,y\n")
    return tmp_path


def test_what_was_measured_is_said_and_judged(folder: Path, pretended: list[Any]) -> None:
    out, plot = folder / "bench.json", folder / "pictures" / "bench.svg"
    options = ("--tables", "yacht,penguins", "--sides", "superpose,lightgbm,pygam")
    done = run("--data", folder, *options, "--out", out, "--plot", plot)
    assert done.exit_code == 0, done.output
    words = " ".join(done.stdout.split())
    assert "yacht: regression of residuary_resistance" in words
    assert "pygam: not run: pyGAM has no model for 3 classes" in words
    assert "Together: 2 of 30 tables, 5 of 5 folds, all rows" in words
    assert "superpose / lightgbm 2/10 2 0 0 0.500 ± 0.000 0.500 2 ± 0" in words
    assert "yes loss within 2 % of lightgbm's: 0.500 times (2 tables)" in words
    assert "yacht, fold 1, superpose: loss 0.2000" in done.stderr
    assert plot.exists()
    document = json.loads(out.read_text())
    assert len(document["cells"]) == 2 * 5 * 3
    assert document["summary"]["versus"][0]["loss"]["value"] == pytest.approx(0.5)


def test_json_and_nothing_else_on_standard_output(folder: Path, pretended: list[Any]) -> None:
    options = ("--data", folder, "--tables", "yacht", "--sides", "splines")
    done = run(*options, "--out", folder / "bench.json", "--json")
    assert json.loads(done.stdout) == json.loads((folder / "bench.json").read_text())


def test_a_quick_run_is_six_tables_few_rows_and_one_fold(
    folder: Path, pretended: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    done = run("--data", folder, "--quick")
    assert done.exit_code == 0, done.output
    assert len({job["table"] for job in pretended}) == 6
    assert {(job["fold"], job["most_rows"]) for job in pretended} == {(0, 500)}
    assert len(pretended) == 6 * 7 - 2  # pygam has no model for penguins and for car_evaluation
    assert "1 of 5 folds, at most 500 rows a table" in " ".join(done.stdout.split())


def test_wrong_names_end_with_1_and_say_what_there_is(folder: Path) -> None:
    done = run("--data", folder, "--sides", "trees")
    assert done.exit_code == 1
    assert "--sides must name some of superpose" in done.stderr


@pytest.mark.slow
def test_a_fit_from_end_to_end(tmp_path: Path) -> None:
    x = np.linspace(0, 3, 120)
    pd.DataFrame({"x": x, "accel": np.sin(x)}).to_csv(tmp_path / "mcycle.csv", index=False)
    options = ("--tables", "mcycle", "--sides", "additive,splines", "--first-folds", 1)
    done = run("--data", tmp_path, *options, "--out", tmp_path / "bench.json", "--json")
    assert done.exit_code == 0, done.output
    ours, theirs = json.loads(done.stdout)["cells"]
    assert ours["loss"] < 0.05
    assert (ours["curves"], theirs["curves"]) == (1, 1)
    assert ours["cpu_s"] > theirs["cpu_s"] > 0
