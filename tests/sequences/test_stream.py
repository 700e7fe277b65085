"""Streams: the answers of one pass, a state that is put aside, files, and memory that stays."""

from __future__ import annotations

import gc
import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

from superpose import KSTClassifier, KSTRegressor
from superpose.errors import InputError, ModelFileError
from superpose.sequences import LegendreMemory, Stream, load_pipeline, save_pipeline


def samples(steps: int = 300, seed: int = 0) -> np.ndarray:
    t, rng = np.arange(steps), np.random.default_rng(seed)
    return np.stack([np.sin(t / 6), rng.normal(size=steps)], 1)


def made(kind: str) -> Any:
    u = samples()
    memory = LegendreMemory(3, 12).fit([u])
    rows = memory.transform_steps([u])
    if kind == "regression":
        return make_pipeline(memory, KSTRegressor(pairs=0, terms=0).fit(rows[:-1], u[1:, 0]))
    edges = [0.0] if kind == "two" else [-0.4, 0.4]
    labels = np.array(["low", "mid", "high"])[np.digitize(u[:, 0] + 0.4 * u[:, 1], edges)]
    return make_pipeline(memory, KSTClassifier(pairs=0, terms=0).fit(rows, labels))


@pytest.fixture(scope="module")
def pipelines() -> dict[str, Any]:
    return {kind: made(kind) for kind in ("regression", "two", "three")}


@pytest.mark.parametrize("kind", ["regression", "two", "three"])
def test_answers_are_those_of_the_model_and_lie_in_their_bands(kind: str, pipelines: Any) -> None:
    pipeline, u = pipelines[kind], samples(40, seed=1)
    found = Stream(pipeline).answer(u)
    rows = pipeline[0].transform_steps([u])
    model = pipeline[1]
    assert (found["prediction"] == model.predict(rows)).all()
    if kind == "regression":
        lower, upper = model.predict_interval(rows, level=0.9)
        np.testing.assert_allclose(found[["lower", "upper"]], np.stack([lower, upper], 1))
        return
    chances = model.predict_proba(rows)
    np.testing.assert_allclose(found["probability"], chances.max(1), rtol=1e-9)
    assert (found["lower"] < found["probability"]).all()
    assert (found["probability"] < found["upper"]).all()
    if kind == "two":  # the band of the log-odds, taken to probabilities of the class named
        seen = model.explain(rows)
        ends = [
            1 / (1 + np.exp(-end[:, 0])) for end in (seen.prediction_lower, seen.prediction_upper)
        ]
        second = found["prediction"].to_numpy() == model.classes_[1]
        np.testing.assert_allclose(found["lower"], np.where(second, ends[0], 1 - ends[1]))
        np.testing.assert_allclose(found["upper"], np.where(second, ends[1], 1 - ends[0]))


@pytest.mark.parametrize("block", [1, 7, 40])
def test_blocks_of_any_length_give_the_answers_of_one_pass(block: int, pipelines: Any) -> None:
    u = samples(40, seed=1)
    u[5, 0], u[6:9, 1] = np.nan, np.nan  # held over the ends of blocks
    stream = Stream(pipelines["regression"])
    parts = [stream.answer(u[i : i + block]) for i in range(0, 40, block)]
    whole = Stream(pipelines["regression"]).answer(u)
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), whole, rtol=1e-10)
    assert stream.steps == 40


def test_a_state_that_was_put_aside_goes_on_to_the_last_bit(pipelines: Any, tmp_path: Path) -> None:
    u = samples(40, seed=1)
    u[19:22, 1] = np.nan
    stream = Stream(pipelines["regression"])
    stream.answer(u[:20])
    stream.save_state(tmp_path / "state.json")
    again = Stream(pipelines["regression"])
    again.load_state(tmp_path / "state.json")
    pd.testing.assert_frame_equal(again.answer(u[20:]), stream.answer(u[20:]), rtol=0, atol=0)
    assert again.steps == 40


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": "other"}, "must be that of this memory; found format 'other' instead of"),
        ({"theta": 13.0}, "must be that of this memory; found theta 13.0 instead of 12.0"),
        ({"channels": ["a", "b"]}, "found channels ['a', 'b'] instead of ['channel 1', "),
        ({"held": [1.0]}, "must be that of this memory; found another shape"),
        ({"held": ["x", 1.0]}, "must hold numbers; found others"),
        ({"held": [1e999, 1.0]}, "must hold finite numbers; found others"),
        ({"steps": None}, "must hold numbers; found others"),
        ({"steps": 1e999}, "must hold numbers; found others"),
        ({"held": [10**400, 1.0]}, "must hold numbers; found others"),
    ],
)  # fmt: skip
def test_another_state_is_refused(
    change: dict[str, Any], sentence: str, pipelines: Any, tmp_path: Path
) -> None:
    stream, path = Stream(pipelines["regression"]), tmp_path / "state.json"
    stream.save_state(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ModelFileError) as refused:
        stream.load_state(path)
    assert sentence in str(refused.value)
    path.write_text("[")
    with pytest.raises(ModelFileError, match="must be a JSON file"):
        stream.load_state(path)


@pytest.mark.parametrize("kind", ["regression", "three"])
def test_a_saved_pipeline_predicts_the_same(kind: str, pipelines: Any, tmp_path: Path) -> None:
    path, u = tmp_path / "m.superpose", samples(30, seed=2)
    save_pipeline(pipelines[kind], path)
    again = load_pipeline(path)
    assert again[0].get_params() == {"order": 3, "theta": 12.0, "method": "zoh"}
    pd.testing.assert_frame_equal(
        Stream(again).answer(u), Stream(pipelines[kind]).answer(u), rtol=0, atol=0
    )


def test_other_files_and_pipelines_are_refused(pipelines: Any, tmp_path: Path) -> None:
    from superpose.estimators import load

    alone, both = tmp_path / "alone.superpose", tmp_path / "both.superpose"
    pipelines["regression"][1].save(alone)
    save_pipeline(pipelines["regression"], both)
    with pytest.raises(ModelFileError, match="must hold a memory with a model; found a KSTReg"):
        load_pipeline(alone)
    with pytest.raises(ModelFileError, match="found a LegendreMemory with a model"):
        load(both)
    for other in (LinearRegression(), make_pipeline(LegendreMemory(), LinearRegression())):
        with pytest.raises(InputError, match="must be a fitted pipeline of a LegendreMemory and"):
            save_pipeline(other, both)


@pytest.mark.parametrize(
    "change",
    [
        {"order": 4},
        {"order": "3"},
        {"order": 10**7},
        {"theta": 10**400},
        {"method": "x"},
        {"channels": []},
    ],
)
def test_a_file_that_describes_no_memory_is_refused(
    change: dict[str, Any], pipelines: Any, tmp_path: Path
) -> None:
    from superpose.estimators.model_file import read_model, write_model

    path = tmp_path / "m.superpose"
    save_pipeline(pipelines["regression"], path)
    header, arrays = read_model(path)
    header["memory"] |= change
    write_model(path, header, arrays)
    with pytest.raises(ModelFileError):
        load_pipeline(path)


def test_samples_of_other_channels_are_refused(pipelines: Any) -> None:
    stream = Stream(pipelines["regression"])
    stream.answer(samples(2))
    with pytest.raises(InputError, match="every step must have 2 samples: channel 1, channel 2; f"):
        stream.answer([[1.0]])
    with pytest.raises(InputError, match="found infinity in step 3;"):
        stream.answer([[1.0, 1.0], [np.inf, 1.0]])


@pytest.mark.slow
def test_many_steps_need_no_more_memory_than_few(pipelines: Any) -> None:
    stream, u = Stream(pipelines["regression"]), samples(500)
    tracemalloc.start()
    try:
        few = _traced(stream, u, 10)  # by then what is kept for the next time is there
        many = _traced(stream, u, 20)
    finally:
        tracemalloc.stop()
    assert stream.steps == 15_000
    assert many - few < 40_000  # four bytes a step; one number a step would be eight


def _traced(stream: Stream, u: np.ndarray, times: int) -> int:
    for _ in range(times):
        stream.answer(u)
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def test_a_state_is_order_and_one_numbers_a_channel(pipelines: Any) -> None:
    stream = Stream(pipelines["regression"])
    stream.answer(samples(50))
    kept = sum(part.untyped_storage().nbytes() for part in stream.state)
    assert kept == 8 * 2 * (3 + 1)  # and no view of the steps before
