"""Targets and weights: what is refused, with the whole sentence."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from superpose.errors import InputError
from superpose.estimators.target import read_classes, read_numbers, read_weight, target_name


@pytest.mark.parametrize(
    ("read", "y", "sentence"),
    [
        (
            read_classes,
            None,
            "KST requires y to be passed, but the target y is None; found no target; call fit(X, "
            "y) with one value of y for each row of X",
        ),
        (
            read_classes,
            ["a", None, "b"],
            "y must have a value in every row; found no value in row 1; correct or drop these rows",
        ),
        (
            read_numbers,
            [1.0, np.nan, np.nan],
            "y must have a value in every row; found no value in row 1 and 1 more; correct or drop "
            "these rows",
        ),
        (
            read_numbers,
            [1.0, np.inf, 2.0],
            "y must hold finite numbers; found infinity in row 1; correct or drop these rows",
        ),
        (
            read_numbers,
            ["1.5", "many", "2"],
            "y must hold numbers; found 'many' in row 1; use KSTClassifier for a target of labels, "
            "or correct the value",
        ),
        (
            read_numbers,
            [1.0, 2.0],
            "y must have one value for each of the 3 rows of X; found 2; pass X and y of the same "
            "length",
        ),
    ],
    ids=lambda it: getattr(it, "__name__", str(it)),
)
def test_a_target_that_cannot_be_used_is_refused(read: Any, y: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        read(y, 3, "KST")


def test_measurements_are_no_labels() -> None:
    with pytest.raises(InputError, match=r"^y must hold class labels, .*continuous.*; use KSTRegr"):
        read_classes([0.5, 1.5, 2.5], 3, "KST")


@pytest.mark.parametrize("y", [[1, "a", 2], np.array([1, "a", 2], dtype=object)])
def test_labels_of_two_types_are_refused(y: Any) -> None:
    labels = np.array(y, dtype=object)
    with pytest.raises(InputError, match=r"^y must hold class labels, all of one type; "):
        read_classes(labels, 3, "KST")


@pytest.mark.parametrize(
    "y",
    [
        ["u", "v", "u"],
        np.array(["u", "v", "u"], dtype=object),
        pd.Series(["u", "v", "u"], dtype="category"),
        pd.Series(["u", "v", "u"], dtype="string"),
        pl.Series(["u", "v", "u"]),
    ],
    ids=lambda it: type(it).__name__,
)
def test_labels_from_every_container(y: Any) -> None:
    classes, codes = read_classes(y, 3, "KST")
    assert classes.tolist() == ["u", "v"]
    assert codes.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("weight", "sentence"),
    [
        (
            [1.0, 2.0],
            "sample_weight must have one weight for each of the 3 rows; found the shape (2,); pass "
            "a one-dimensional array as long as X",
        ),
        (
            [1.0, -1.0, 2.0],
            "sample_weight must hold finite numbers, 0 or above; found a negative or infinite "
            "weight, or none, in row 1; correct or drop these rows",
        ),
        (
            [0, 0, 0],
            "sample_weight must be above 0 for some rows; found that all weights are zero; give "
            "the rows to learn from a positive weight",
        ),
    ],
    ids=lambda it: getattr(it, "__name__", str(it)),
)
def test_weights_that_cannot_be_used_are_refused(weight: list[float], sentence: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        read_weight(weight, 3)


def test_a_target_keeps_its_name() -> None:
    assert target_name(pd.Series([1], name="price")) == "price"
    assert target_name(pl.Series("price", [1])) == "price"
    assert target_name(np.ones(1)) == "y"
