"""Loss, offset, exposure, class weights and a limit of time, from the command line."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.cli.test_commands import QUICK, run

from superpose.cli.task import chosen_task
from superpose.errors import InputError
from superpose.estimators import load


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Claims over years at risk, and a model of their rate."""
    folder = tmp_path_factory.mktemp("known")
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"age": rng.uniform(20, 80, 150).round(1)})
    X["years"] = rng.uniform(0.2, 5, 150).round(2)
    X["claims"] = rng.poisson(X["years"] * np.exp(0.02 * X["age"] - 1))
    X.to_csv(folder / "claims.csv", index=False)
    options = ["--loss", "poisson", "--exposure", "years", "--model", folder / "m.safetensors"]
    done = run("fit", folder / "claims.csv", "-t", "claims", *QUICK, *options, "--json")
    assert done.exit_code == 0, done.output
    (folder / "said.json").write_text(done.stdout)
    return folder


def test_a_rate_is_learned_and_measured_with_its_exposure(folder: Path) -> None:
    said = json.loads((folder / "said.json").read_text())
    assert (said["task"], said["reason"]) == ("regression", "--loss is of regression alone")
    assert said["attributes"] == ["age"]
    model, table = load(folder / "m.safetensors"), pd.read_csv(folder / "claims.csv")
    assert (model.loss, model.known_names_) == ("poisson", {"exposure": "years"})
    twice = [model.predict(table[["age"]], exposure=table["years"] * k) for k in (1, 2)]
    np.testing.assert_allclose(twice[1], 2 * twice[0])
    gain = next(
        it for it in said["held_out"]["metrics"] if it["name"] == "share of deviance explained"
    )
    assert gain["value"] > 0.2  # of which age alone explains little


def test_predict_and_explain_read_the_column_of_fit(folder: Path) -> None:
    table = pd.read_csv(folder / "claims.csv")
    model = load(folder / "m.safetensors")
    expected = model.predict(table[["age"]], exposure=table["years"])
    done = run("predict", folder / "m.safetensors", folder / "claims.csv")
    found = pd.read_csv(io.StringIO(done.stdout))
    np.testing.assert_allclose(found["predicted claims"], expected)
    asked = ("explain", folder / "m.safetensors", folder / "claims.csv", "--row", 3, "--json")
    said = json.loads(run(*asked).stdout)
    assert said["offset"][0][0] == pytest.approx(np.log(table["years"][3]))
    assert np.exp(said["prediction"][0][0]) == pytest.approx(expected[3])


def test_a_table_without_it_is_refused_or_told_where_it_is(folder: Path, tmp_path: Path) -> None:
    table = pd.read_csv(folder / "claims.csv").rename(columns={"years": "time"})
    table.to_csv(tmp_path / "t.csv", index=False)
    asked = ("predict", folder / "m.safetensors", tmp_path / "t.csv")
    done = run(*asked)
    assert done.exit_code == 1
    assert done.stderr.splitlines() == [
        "Error: the table must have the exposure of each row, in the column 'years';",
        "  found no such column;",
        "  add it, or name another with --exposure.",
    ]
    again = run(*asked, "--exposure", "time")
    same = run("predict", folder / "m.safetensors", folder / "claims.csv")
    columns = [pd.read_csv(io.StringIO(it.stdout))["predicted claims"] for it in (again, same)]
    np.testing.assert_array_equal(*columns)


def test_a_report_is_measured_with_it_and_compares(folder: Path, tmp_path: Path) -> None:
    model, out = folder / "m.safetensors", tmp_path / "a.html"
    options = ["--data", folder / "claims.csv", "--compare", model]
    done = run("report", model, "--out", out, *options)
    assert done.exit_code == 0, done.output
    page = out.read_text(encoding="utf-8")
    assert "Side by side" in page
    assert "Over 150 rows the correlation of their predictions is 1," in page


def test_balanced_classes_and_a_limit_of_time(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    X = pd.DataFrame({"dose": rng.normal(size=150).round(3)})
    X.assign(ill=(X["dose"] + rng.logistic(size=150) > 2).astype(int)).to_csv(
        tmp_path / "t.csv", index=False
    )
    options = ["--class-weight", "balanced", "--held-out", 0, "--time-limit", 0.001]
    options += ["--model", tmp_path / "m", "--json"]
    said = json.loads(run("fit", tmp_path / "t.csv", "-t", "ill", *options).stdout)
    assert said["reason"] == "--class-weight is of classification alone"
    assert said["stopped"] == "time limit; left undone: settling the main curves, pairs, terms"
    assert any("it was stopped (time limit" in note for note in said["notes"])
    model = load(tmp_path / "m")
    assert model.class_weight == "balanced"
    assert model.predict_proba(X[["dose"]])[:, 1].mean() == pytest.approx(0.5, abs=0.1)
    words = " ".join(run("explain", tmp_path / "m").stdout.split())
    assert "Stopped before its end (time limit; left undone: settling the main curves" in words


def test_options_of_two_tasks_exclude_each_other() -> None:
    said = "found --loss, and --task classification; leave one of them out"
    with pytest.raises(InputError, match=said):
        chosen_task("classification", pd.Series([1, 2]), loss="gamma")
