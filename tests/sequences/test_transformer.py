"""The transformer: what its numbers mean, which sequences it reads, and its manners."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from tests.oracles import legendre_loops

from superpose import KSTClassifier
from superpose.errors import InputError
from superpose.sequences import LegendreMemory, read_sequences


def waves(rows: int = 12, steps: int = 40, channels: int = 2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, steps, channels))


def test_numbers_are_those_of_loops_with_time_running_forward() -> None:
    X = waves()
    table = LegendreMemory(4, 15).fit_transform(X)
    for b in range(len(X)):
        for c in range(2):
            m = legendre_loops.memories(4, 15, X[b, :, c], np.zeros(4))[-1]
            ours = table.iloc[b, 4 * c : 4 * c + 4]
            np.testing.assert_allclose(ours, m * [1, -1, 1, -1], rtol=0, atol=1e-12)


def test_level_trend_and_bend_mean_what_they_say() -> None:
    t = np.arange(400.0)
    x = (t - 389.5) / 10  # -1 at the oldest end of the last 20 steps, 1 at the newest
    frames = [pd.DataFrame({"pulse": 5 + 3 * x}), pd.DataFrame({"pulse": (3 * x**2 - 1) / 2})]
    table = LegendreMemory(3, 20).fit_transform(frames)
    assert list(table) == [
        f"pulse: {word} of the last 20 steps" for word in ("level", "trend", "bend")
    ]
    np.testing.assert_allclose(table.iloc[0], [5, 3, 0], atol=0.02)
    assert table.iloc[1, 2] > 0.9  # both ends above the middle
    assert LegendreMemory(5, 20).fit(frames).get_feature_names_out()[-1] == (
        "pulse: wave 4 of the last 20 steps"
    )


def test_every_container_of_the_same_sequences_gives_the_same_table() -> None:
    X = waves(rows=4)
    memory = LegendreMemory(3, 15).fit(X)
    table = memory.transform(X)
    for other in (
        list(X),
        torch.from_numpy(X),
        [pd.DataFrame(x, columns=memory.channels_) for x in X],
    ):
        pd.testing.assert_frame_equal(memory.transform(other), table)
    one = LegendreMemory(3, 15)
    pd.testing.assert_frame_equal(one.fit_transform(X[..., 0]), one.fit_transform(X[..., :1]))
    pd.testing.assert_frame_equal(one.fit_transform(list(X[..., 0])), one.fit_transform(X[..., :1]))


def test_sequences_of_any_length_are_read_to_their_own_end() -> None:
    X = waves(rows=3)
    cut = [X[0], X[1][:7], X[2][:25]]
    memory = LegendreMemory(3, 15).fit(X)
    apart = pd.concat([memory.transform([x]) for x in cut], ignore_index=True)
    pd.testing.assert_frame_equal(memory.transform(cut), apart, rtol=0, atol=1e-12)
    padded = np.full((3, 45, 2), np.nan)
    for row, x in zip(padded, cut, strict=True):
        row[: len(x)] = x
    pd.testing.assert_frame_equal(memory.transform(padded), apart, rtol=0, atol=1e-12)


def test_a_missing_sample_is_the_last_one_observed() -> None:
    X = waves(rows=2)
    X[0, 10:14, 1] = X[0, 9, 1]
    memory = LegendreMemory(3, 15).fit(X)
    holes = X.copy()
    holes[0, 10:14, 1] = np.nan
    pd.testing.assert_frame_equal(memory.transform(holes), memory.transform(X))
    late = X.copy()
    late[1, :5] = np.nan  # a channel that begins later
    expected = memory.transform([X[1, 5:]])
    found = memory.transform(late).iloc[1:].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected, rtol=0, atol=1e-12)


def test_steps_end_with_what_transform_gives() -> None:
    X = [waves(1, 9)[0], waves(1, 30, seed=2)[0]]
    memory = LegendreMemory(3, 15).fit(X)
    steps = memory.transform_steps(X)
    assert len(steps) == 39
    ends = steps.iloc[[8, 38]].reset_index(drop=True)
    pd.testing.assert_frame_equal(ends, memory.transform(X), rtol=0, atol=1e-12)


def test_the_window_is_drawn_back() -> None:
    t = np.arange(300.0)
    X = np.stack([np.sin(t / 12), np.cos(t / 20)], 1)[None]
    memory = LegendreMemory(10, 60).fit(X)
    drawn = memory.inverse_transform(memory.transform(X))
    assert drawn.shape == (1, 60, 2)
    np.testing.assert_allclose(drawn[0], X[0, -60:], rtol=0, atol=0.02)
    with pytest.raises(InputError, match="a table of this memory must have 20 columns; found the"):
        memory.inverse_transform(np.zeros((1, 19)))


def test_manners_of_scikit_learn() -> None:
    X = waves(60)
    y = X[:, -15:, 0].mean(1) > 0
    memory = LegendreMemory(3, 15)
    assert clone(memory.fit(X)).get_params() == {"order": 3, "theta": 15, "method": "zoh"}
    assert not hasattr(clone(memory), "channels_")
    assert type(memory.set_output(transform="polars").transform(X)).__module__.startswith("polars")
    search = GridSearchCV(
        make_pipeline(LegendreMemory(1, 40), LogisticRegression()),
        {"legendrememory__theta": [15, 40]},
        cv=3,
    )
    assert search.fit(X, y).best_params_ == {"legendrememory__theta": 15}


NAMED = [pd.DataFrame({"a": [1.0]}), pd.DataFrame({"b": [1.0]})]


@pytest.mark.parametrize(
    ("X", "sentence"),
    [
        ([], "sequences of the same channels; found none; pass a list of arrays"),
        ([np.zeros((3, 2)), np.zeros((3, 1))], "of the same channels; found 1 and 2 channels; "),
        ([np.zeros((3, 2)), np.zeros((0, 2))], "one step or more; found none in sequence 1; "),
        (np.zeros(5), "the shape [sequences, steps, channels]; found the shape [5]; "),
        ([np.zeros((2, 2, 2))], "an array [steps, channels]; found 3 dimensions in sequence 0; "),
        ([["a", "b"]], "sequence 0 must hold numbers; found that it cannot be read"),
        (NAMED[0], "X must hold several sequences; found one data frame; "),
        ([[1.0, np.inf]], "found infinity in sequence 0, step 1, channel 1; "),
        (NAMED, "must have the same columns, in the same order; found ['a'] and ['b']; "),
    ],
)
def test_what_are_no_sequences_is_refused(X: object, sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        read_sequences(X)
    assert sentence in str(refused.value)


def test_other_channels_than_those_of_fit_are_refused() -> None:
    memory = LegendreMemory(2, 5).fit([pd.DataFrame({"a": [1.0], "b": [2.0]})])
    assert memory.transform(np.zeros((1, 3, 2))).shape == (1, 4)  # an array has no names to differ
    with pytest.raises(InputError, match="must have the 2 channels of fit; found 1"):
        memory.transform([[1.0]])
    with pytest.raises(InputError, match="must have the channels of fit: a, b; found b, a"):
        memory.transform([pd.DataFrame({"b": [1.0], "a": [2.0]})])
    memory = LegendreMemory(2, 5).fit([pd.DataFrame({"channel 2": [1.0], "channel 1": [2.0]})])
    with pytest.raises(InputError, match="channels of fit: channel 2, channel 1; found channel b"):
        memory.transform([pd.DataFrame({"channel b": [1.0], "channel 2": [2.0]})])


@pytest.mark.slow
def test_the_report_says_what_each_curve_reads(tmp_path: Path) -> None:
    X = waves(80, steps=20)
    y = np.where(X[:, -15:, 1].mean(1) > 0, "up", "down")
    model = make_pipeline(LegendreMemory(2, 15), KSTClassifier(pairs=0, terms=0)).fit(X, y)
    names = list(model[0].get_feature_names_out())
    assert list(model[-1].curves_) == names
    page = model[-1].report(tmp_path / "report.html").read_text()
    assert names[2] == "channel 2: level of the last 15 steps"
    assert all(name in page for name in names)
