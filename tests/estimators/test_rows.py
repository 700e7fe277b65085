"""Merged rows are the same for every order and for weights in place of repetitions."""

from __future__ import annotations

import numpy as np
import pytest

from superpose.estimators.rows import merge_rows


@pytest.fixture
def rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, (60, 2)).astype(float)
    x[rng.random(60) < 0.2, 0] = np.nan
    return x, rng.integers(0, 2, 60).astype(float), rng.integers(0, 4, 60).astype(float)


def test_the_order_of_the_rows_is_forgotten(rows: tuple) -> None:
    order = np.random.default_rng(1).permutation(60)
    for a, b in zip(merge_rows(*rows), merge_rows(*(it[order] for it in rows)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_weight_is_a_number_of_repetitions(rows: tuple) -> None:
    x, y, weight = rows
    times = weight.astype(int)
    repeated = merge_rows(x.repeat(times, axis=0), y.repeat(times), np.ones(times.sum()))
    for a, b in zip(merge_rows(x, y, weight), repeated, strict=True):
        np.testing.assert_array_equal(a, b)


def test_every_combination_is_kept_once_with_its_weight(rows: tuple) -> None:
    x, y, weight = merge_rows(*rows)
    keys = [str(row) for row in np.column_stack([x, y])]
    assert len(set(keys)) == len(keys)
    total: dict[str, float] = {}
    for row, w in zip(np.column_stack(rows[:2]), rows[2], strict=True):
        total[str(row)] = total.get(str(row), 0.0) + w
    assert dict(zip(keys, weight, strict=True)) == {k: w for k, w in total.items() if w}


def test_the_order_does_not_depend_on_the_order_of_the_columns() -> None:
    x = np.random.default_rng(0).normal(size=(50, 3))
    y, weight = np.zeros(50), np.ones(50)
    np.testing.assert_array_equal(
        merge_rows(x, y, weight)[0], merge_rows(x[:, ::-1], y, weight)[0][:, ::-1]
    )


def test_the_order_looks_random() -> None:
    x = np.arange(1000.0)[:, None]
    merged = merge_rows(x, np.zeros(1000), np.ones(1000))[0][:, 0]
    assert abs(np.corrcoef(merged, np.arange(1000))[0, 1]) < 0.1
