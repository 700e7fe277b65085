"""The commands, from end to end on small tables."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import superpose
from superpose.cli import app
from superpose.datasets import known_curves
from superpose.estimators import load

QUICK = ["--pairs", "0", "--terms", "0"]


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(it) for it in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table for regression, one for classification, and a model of each."""
    folder = tmp_path_factory.mktemp("tables")
    known = known_curves(150, noise=0.3, shapes=("sine", "linear", "null"))
    known.X.assign(y=known.y.round(6)).to_csv(folder / "numbers.csv", index=False)
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"dose": rng.normal(size=150).round(3), "site": rng.choice(["n", "s"], 150)})
    high = X["dose"] + (X["site"] == "n") + rng.logistic(size=150) > 0.5
    X.assign(ill=np.where(high, "yes", "no")).to_csv(folder / "labels.csv", index=False)
    for name, target in (("numbers", "y"), ("labels", "ill")):
        model = folder / f"{name}.safetensors"
        done = run("fit", folder / f"{name}.csv", "-t", target, *QUICK, "--model", model)
        assert done.exit_code == 0, done.output
    return folder


def test_the_version_is_that_of_the_package() -> None:
    done = run("--version")
    assert (done.exit_code, done.stdout) == (0, f"superpose {superpose.__version__}\n")


@pytest.mark.parametrize(
    "command", ["demo", "fit", "predict", "explain", "report", "export", "stream"]
)
def test_every_command_has_help(command: str) -> None:
    done = run(command, "--help")
    assert done.exit_code == 0
    assert "Usage" in done.stdout
    assert "--json" in done.stdout


@pytest.mark.parametrize("arguments", [["fit"], ["nothing"], ["fit", "t.csv", "--seed", "x"]])
def test_wrong_usage_ends_with_2(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_an_error_is_three_lines_and_ends_with_1(tmp_path: Path) -> None:
    done = run("fit", tmp_path / "no.csv", "--target", "y")
    assert (done.exit_code, done.stdout) == (1, "")
    lines = [
        f"Error: {str(tmp_path / 'no.csv')!r} must be a file with a table;",
        "  found nothing there;",
        "  check the path.",
    ]
    assert done.stderr.splitlines() == lines


def test_fit_says_what_it_found(folder: Path) -> None:
    done = run("fit", folder / "labels.csv", "-t", "ill", *QUICK)
    assert done.exit_code == 0
    words = " ".join(done.stdout.split())
    assert "Classification of ill, because it has 2 different labels" in words
    assert "150 rows, 2 attributes: 1 numbers, 1 categories" in words
    assert "log loss" in words
    assert "chosen" in words
    assert re.search(r"dose .* rises by", words)
    assert "highest for n" in words


def test_json_is_all_there_is_on_the_standard_output(folder: Path) -> None:
    done = run("fit", folder / "numbers.csv", "-t", "y", *QUICK, "--json")
    found = json.loads(done.stdout)
    assert found["task"] == "regression"
    assert found["reason"] == "its values are numbers with fractions"
    assert found["rows"] == 150
    assert set(found["curves"]) <= {"sine", "linear", "null"}
    assert [step["chosen"] for step in found["dial"]].count(True) == 1
    assert {metric["name"] for metric in found["held_out"]["metrics"]} >= {"mean absolute error"}


def test_a_row_number_is_noticed_and_can_be_left_out(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    table = pd.read_csv(folder / "numbers.csv")
    table.insert(0, "id", range(len(table)))
    table.to_csv(path, index=False)
    first = json.loads(run("fit", path, "-t", "y", *QUICK, "--json").stdout)
    second = json.loads(run("fit", path, "-t", "y", *QUICK, "--json", "--drop", "id").stdout)
    assert first["notes"] == [
        "column 'id' only numbers or names the rows; leave it out with --drop 'id'"
    ]
    assert second["notes"] == []
    assert "id" not in second["attributes"]


def test_weights_come_from_a_column(folder: Path, tmp_path: Path) -> None:
    table = pd.read_csv(folder / "numbers.csv")
    half = np.arange(len(table)) % 2
    table.assign(w=half).to_csv(tmp_path / "w.csv", index=False)
    table[half == 1].to_csv(tmp_path / "half.csv", index=False)
    options = ["-t", "y", *QUICK, "--held-out", "0", "--json"]
    weighted = json.loads(run("fit", tmp_path / "w.csv", "--weight", "w", *options).stdout)
    fewer = json.loads(run("fit", tmp_path / "half.csv", *options).stdout)
    assert weighted["curves"] == fewer["curves"]
    assert weighted["held_out"] is None


def test_the_task_can_be_said(folder: Path) -> None:
    done = run("fit", folder / "labels.csv", "-t", "ill", "--task", "regression")
    assert done.exit_code == 1
    assert done.stderr.splitlines()[0] == "Error: y must hold numbers;"


def test_predict_writes_probabilities(folder: Path) -> None:
    done = run("predict", folder / "labels.safetensors", folder / "labels.csv")
    assert done.exit_code == 0
    found = pd.read_csv(io.StringIO(done.stdout))
    shares = ["probability of no", "probability of yes"]
    assert list(found.columns) == ["dose", "site", "ill", "predicted ill", *shares]
    np.testing.assert_allclose(found[shares].sum(axis=1), 1.0)
    best = found[shares].to_numpy().argmax(axis=1)
    assert found["predicted ill"].tolist() == [("no", "yes")[k] for k in best]


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz", "out.parquet"])
def test_predict_writes_files(folder: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    done = run("predict", folder / "numbers.safetensors", folder / "numbers.csv", "--out", out)
    assert (done.exit_code, done.stdout) == (0, "")
    found = pd.read_parquet(out) if name.endswith("parquet") else pd.read_csv(out)
    X = pd.read_csv(folder / "numbers.csv").drop(columns="y")
    mean, std = load(folder / "numbers.safetensors").predict(X, return_std=True)
    np.testing.assert_allclose(found["predicted y"], mean, rtol=1e-12)
    np.testing.assert_allclose(found["standard deviation"], std, rtol=1e-12)
    assert [it.name for it in tmp_path.iterdir()] == [name]


def test_predict_as_json(folder: Path) -> None:
    done = run("predict", folder / "numbers.safetensors", folder / "numbers.csv", "--json")
    found = json.loads(done.stdout)
    assert found["rows"] == len(found["predictions"]) == 150
    assert set(found["predictions"][0]) == {"predicted y", "standard deviation"}


def test_predict_names_the_columns_that_are_missing(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("sine,other\n1,2\n")
    done = run("predict", folder / "numbers.safetensors", tmp_path / "t.csv")
    assert done.exit_code == 1
    assert done.stderr.splitlines() == [
        "Error: the table must have the 3 columns that the model was fitted on;",
        "  found none named 'linear', 'null';",
        "  add the columns; leave cells empty where the value is not known.",
    ]


def test_a_foreign_model_is_refused(folder: Path) -> None:
    done = run("predict", folder / "numbers.csv", folder / "numbers.csv")
    assert done.exit_code == 1
    assert "must be a safetensors file" in done.stderr


def test_explain_describes_a_model(folder: Path) -> None:
    done = run("explain", folder / "labels.safetensors")
    assert done.exit_code == 0
    assert "What it found, in order of importance" in done.stdout
    found = json.loads(run("explain", folder / "labels.safetensors", "--json").stdout)
    assert found["classes"] == ["no", "yes"]


def test_explain_adds_up(folder: Path) -> None:
    arguments = ["explain", folder / "labels.safetensors", folder / "labels.csv", "--row", 3]
    assert "dose" in run(*arguments).stdout
    assert json.loads(run(*arguments, "--json").stdout)["rows"] == [3]


def test_explain_counts_rows(folder: Path) -> None:
    done = run("explain", folder / "labels.safetensors", folder / "labels.csv", "--row", 150)
    assert done.exit_code == 1
    assert done.stderr.splitlines()[:2] == [
        "Error: --row must be below 150, the number of rows;",
        "  found 150;",
    ]


def test_a_report_is_written(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "r.html"
    model, table = folder / "labels.safetensors", folder / "labels.csv"
    done = run("report", model, "--out", out, "--data", table)
    assert done.exit_code == 0, done.output
    assert "dose" in out.read_text(encoding="utf-8")


def test_fit_writes_model_and_report(folder: Path, tmp_path: Path) -> None:
    model, page = tmp_path / "m.safetensors", tmp_path / "r.html"
    files = ["--model", model, "--report", page]
    done = run("fit", folder / "labels.csv", "-t", "ill", *QUICK, *files, "--json")
    assert json.loads(done.stdout)["files"] == {"model": str(model), "report": str(page)}
    assert page.read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html>")
    assert load(model).classes_.tolist() == ["no", "yes"]


def test_the_demo_on_a_file_of_yours(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "demo" / "report.html"
    table = folder / "labels.csv"
    done = run("demo", "--data", table, "--target", "ill", *QUICK, "--report", page, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["target"] == "ill"
    assert page.exists()


def test_a_demo_on_a_file_needs_a_target(folder: Path) -> None:
    done = run("demo", "--data", folder / "labels.csv")
    assert done.exit_code == 1
    assert done.stderr.splitlines()[0] == "Error: --data needs --target, the column to predict;"


@pytest.mark.slow
def test_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("demo")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "demo" / "report.html").exists()
    words = " ".join(done.stdout.split())
    assert "Classification of diagnosis" in words
    assert "569 rows, 30 attributes" in words


@pytest.mark.parametrize(("name", "ending"), [("m.sql", []), ("m", ["--to", "json"])])
def test_export_writes_a_file(folder: Path, tmp_path: Path, name: str, ending: list) -> None:
    out = tmp_path / "deep" / name
    done = run("export", folder / "labels.safetensors", out, *ending, "--table", "visits")
    assert (done.exit_code, done.stdout) == (0, f"Export: {out}\n")
    assert ('FROM "visits"' in out.read_text()) == (name == "m.sql")


def test_an_export_of_no_form_is_refused(folder: Path, tmp_path: Path) -> None:
    done = run("export", folder / "labels.safetensors", tmp_path / "m.xml")
    assert done.exit_code == 1
    assert done.stderr.splitlines()[0] == "Error: an export must be one of onnx, json, csv, sql;"


def test_report_shows_changes_by_hand_and_groups(folder: Path) -> None:
    model, out = folder / "edited.safetensors", folder / "edited.html"
    edited = load(folder / "labels.safetensors").edit("dose", reason="by law", who="R. Reader")
    edited.remove().save(model)
    data = ["--data", folder / "labels.csv", "--group", "site"]
    done = run("report", model, "--out", out, *data)
    assert done.exit_code == 0, done.output
    text = out.read_text()
    assert "dose removed by R. Reader" in text
    assert "by law" in text
    assert "Group by group" in text
    assert run("report", model, "--out", out, "--group", "site").exit_code == 2
    done = run("report", model, "--out", out, "--data", folder / "labels.csv", "--group", "sitee")
    assert done.exit_code == 1


def test_a_large_parquet_file_is_learned_in_batches(folder, tmp_path, monkeypatch):
    """Here 150 rows are many, and 80 a sample; the options reach the fit."""
    monkeypatch.setattr("superpose.cli.large.LARGE", 100)
    monkeypatch.setattr("superpose.estimators.base.SAMPLE", 80)
    table = pd.read_csv(folder / "numbers.csv").assign(twice=2.0, row=range(150))
    table.to_parquet(tmp_path / "table.parquet")
    model = tmp_path / "model.safetensors"
    options = ["--drop", "row", "--weight", "twice", "--json", "--model", model]
    done = run("fit", tmp_path / "table.parquet", "-t", "y", *QUICK, *options)
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["rows"] == 150
    assert any("learned in batches" in note for note in said["notes"])
    assert load(model).schema_.names == tuple(table.columns[:3])
    missing = run("fit", tmp_path / "table.parquet", "-t", "z", *QUICK)
    assert missing.exit_code != 0
