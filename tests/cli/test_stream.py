"""`superpose stream`: lines in, answers out, and a state between two runs."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from typer.testing import CliRunner

from superpose import KSTRegressor
from superpose.cli import app
from superpose.sequences import LegendreMemory, Stream, save_pipeline


def run(*arguments: object, input: str | None = None) -> Any:
    return CliRunner().invoke(app, ["stream", *map(str, arguments)], input=input)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A model of two channels that predicts the next sample of the first."""
    t = np.arange(300)
    wave = pd.DataFrame({"pulse": np.sin(t / 6), "breath": np.cos(t / 20)})
    memory = LegendreMemory(3, 12).fit([wave])
    rows = memory.transform_steps([wave])
    fitted = KSTRegressor(pairs=0, terms=0).fit(rows[:-1], wave["pulse"][1:])
    pipeline = make_pipeline(memory, fitted)
    path = tmp_path_factory.mktemp("model") / "pulse.superpose"
    save_pipeline(pipeline, path)
    return path, pipeline


LINES = ["0.5,0.25", "0.75 nan", "1;0.5", "", "0.5,", "?,-0.5"]
SAMPLES = [[0.5, 0.25], [0.75, np.nan], [1, 0.5], [0.5, np.nan], [np.nan, -0.5]]


@pytest.mark.parametrize("header", [[], ["pulse,breath"]])
@pytest.mark.parametrize("block", [[], ["--block", "3"]])
def test_every_line_is_answered(header: list[str], block: list[str], model: Any) -> None:
    path, pipeline = model
    done = run(path, *block, input="\n".join([*header, *LINES]))
    assert done.exit_code == 0, done.output
    found = pd.read_csv(io.StringIO(done.stdout))
    pd.testing.assert_frame_equal(found, Stream(pipeline).answer(SAMPLES), rtol=1e-9)


def test_a_file_and_json_give_the_same(model: Any, tmp_path: Path) -> None:
    path, pipeline = model
    (tmp_path / "in.txt").write_text("\n".join(LINES))
    done = run(path, "--input", tmp_path / "in.txt", "--json", "--level", "0.8")
    found = pd.DataFrame([json.loads(line) for line in done.stdout.splitlines()])
    expected = Stream(pipeline, level=0.8).answer(SAMPLES)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9)


def test_two_runs_with_a_state_are_one(model: Any, tmp_path: Path) -> None:
    path, _ = model
    state = tmp_path / "state.json"
    first = run(path, "--state", state, input="\n".join(LINES[:2]))
    second = run(path, "--state", state, input="\n".join(LINES[2:]))
    both = first.stdout.splitlines() + second.stdout.splitlines()[1:]
    assert both == run(path, input="\n".join(LINES)).stdout.splitlines()
    assert json.loads(state.read_text())["steps"] == 5


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("1,2,3", ["every line must have 2 samples: pulse, breath", "found 3 in line 2"]),
        ("1,x", ["every sample must be a number", "found 'x' in line 2"]),
        ("1,inf", ["samples must be finite", "found infinity in step 1"]),
    ],
)
def test_a_line_that_cannot_be_read_ends_it(
    line: str, words: list[str], model: Any, tmp_path: Path
) -> None:
    path, _ = model
    state = tmp_path / "state.json"
    done = run(path, "--state", state, input=f"0.5,0.25\n{line}\n")
    assert done.exit_code == 1
    assert all(word in done.stderr for word in words)
    assert len(done.stdout.splitlines()) == 2  # the header and the line before were written
    assert json.loads(state.read_text())["steps"] == 1  # and are kept


def test_a_model_without_a_memory_is_refused(model: Any, tmp_path: Path) -> None:
    model[1][1].save(tmp_path / "alone.superpose")
    done = run(tmp_path / "alone.superpose", input="1,2\n")
    assert done.exit_code == 1
    assert "must hold a memory with a model" in done.stderr


def test_json_keeps_every_digit_and_a_header_may_have_spaces(tmp_path: Path) -> None:
    u = np.random.default_rng(0).normal(size=(60, 20))
    pipeline = make_pipeline(LegendreMemory(2, 10), KSTRegressor(pairs=0, terms=0))
    pipeline.fit(u, 1e-9 * u[:, -10:].mean(1))
    save_pipeline(pipeline, tmp_path / "small.superpose")
    done = run(tmp_path / "small.superpose", "--json", input="channel 1\n0.5\n")
    assert done.exit_code == 0
    expected = Stream(pipeline).answer([[0.5]]).to_dict("records")
    assert [json.loads(line) for line in done.stdout.splitlines()] == expected
