"""How the commands read their options and look at a target."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from superpose.cli.options import parse_pairs, parse_shapes, parse_terms
from superpose.cli.sparkline import sentence, sparkline
from superpose.cli.study import split
from superpose.cli.task import looks_like_row_number, task_of
from superpose.errors import InputError
from superpose.explain import Curve


@pytest.mark.parametrize(
    ("values", "task", "reason"),
    [
        ([0.5, 1.0], "regression", "its values are numbers with fractions"),
        (list(range(11)), "regression", "it has 11 different whole numbers"),
        (list(range(10)) * 2, "classification", "it has 10 different whole numbers"),
        ([1.0, 2.0, None], "classification", "it has 2 different whole numbers"),
        (["a", "b", "c"], "classification", "it has 3 different labels"),
        ([True, False], "classification", "it has 2 different labels"),
    ],
    ids=str,
)
def test_the_task_is_seen_from_the_target(values: list, task: str, reason: str) -> None:
    assert task_of(pd.Series(values)) == (task, reason)


def test_text_without_classes_is_no_target() -> None:
    sentence = (
        "a target of text must be a class label; found 200 different texts in 'name'; choose "
        "another target, or pass --task classification"
    )
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        task_of(pd.Series([f"name {i}" for i in range(200)], name="name"))


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([5, 3, 4], True),
        ([1, 2, 4], False),
        ([1, 1, 2], False),
        (["u", "v", "w"], True),
        (["u", "v", "u"], False),
        ([1.0, 2.0, 3.5], False),
        (pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03"]), False),
        (["u", None, "w"], False),
        (pd.array(["u", "v", "w"], dtype="string"), True),
        (pd.Categorical(["u", "v", "w"]), True),
    ],
    ids=str,
)
def test_columns_that_only_number_the_rows(values: object, verdict: bool) -> None:
    assert looks_like_row_number(pd.Series(values)) is verdict


@pytest.mark.parametrize("text", ["age", "a:b:c", "a:,b:c", ""])
def test_pairs_that_cannot_be_read(text: str) -> None:
    sentence = (
        f"--pairs must be auto, a number, or pairs of columns; found {text!r}; "
        'write --pairs "age:bmi,age:sex"'
    )
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        parse_pairs(text)


@pytest.mark.parametrize("text", ["many", "a:b,c", "a::b", ""])
def test_terms_that_cannot_be_read(text: str) -> None:
    sentence = (
        f"--terms must be auto, a number, or the columns that each term reads; found {text!r}; "
        'write --terms "age:bmi:sex"'
    )
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        parse_terms(text)


def test_rows_set_aside_keep_the_shares_of_the_classes() -> None:
    y = np.array(["a"] * 100 + ["b"] * 10 + ["c"])
    aside = split(y, "classification", 0.2, seed=0)
    assert [aside[y == name].sum() for name in "abc"] == [20, 2, 0]
    assert (aside == split(y, "classification", 0.2, seed=0)).all()
    assert (aside != split(y, "classification", 0.2, seed=1)).any()
    assert not split(y, "classification", 0.0, seed=0).any()
    assert split(np.arange(100.0), "regression", 0.2, seed=0).sum() == 20


def curve(mean: np.ndarray, width: float = 0.1) -> Curve:
    x = np.linspace(0, 1, len(mean))
    return Curve("a", "number", x, mean, mean - width, mean + width, level=0.95, units="y")


X = np.linspace(0, 1, 101)


@pytest.mark.parametrize(
    ("mean", "words"),
    [
        (2 * X - 1, "rises by 2 from 0 to 1"),
        (1 - 2 * X, "falls by 2 from 0 to 1"),
        (np.abs(2 * X - 1) - 0.4, "highest at 0 (+0.6), lowest at 0.5 (-0.4)"),
        (0.4 - np.abs(2 * X - 1), "highest at 0.5 (+0.4), lowest at 0 (-0.6)"),
        (0.05 * X, "rises by 0.05 from 0 to 1"),
    ],
)
def test_a_curve_in_a_sentence(mean: np.ndarray, words: str) -> None:
    assert sentence(curve(mean)) == words


def test_a_category_in_a_sentence() -> None:
    mean = np.array([-0.5, 1.0, 0.0])
    levels = np.array(["red", "blue", "green"], dtype=object)
    found = Curve("c", "category", levels, mean, mean - 0.1, mean + 0.1, level=0.95, units="y")
    assert sentence(found) == "highest for blue (+1), lowest for red (-0.5)"


def test_a_curve_in_blocks() -> None:
    assert sparkline(np.array([-1.0, 0.0, 1.0]), -1.0, 1.0) == "▁▅█"
    assert sparkline(np.array([3.0, 3.0]), 3.0, 3.0) == "▁▁"


def test_shapes_are_read_from_their_options() -> None:
    """The last equals sign parts them: a column may have one in its name."""
    assert parse_shapes(None) is None
    assert parse_shapes([]) is None
    assert parse_shapes(["a=b=convex"]) == {"a=b": ("convex",)}


@pytest.mark.parametrize("texts", [["age"], ["=convex", "=concave"], ["a=convex", "a=concave"]])
def test_shapes_that_cannot_be_read_are_refused(texts: list[str]) -> None:
    sentence = (
        f"--shape must be a column and its shape, once a column or once a class of it; "
        f"found {texts[-1]!r}; "
        'write --shape "age=increasing" --shape "dose=ill:increasing,concave"'
    )
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        parse_shapes(texts)
