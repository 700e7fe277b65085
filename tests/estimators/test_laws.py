"""What must not change a model: orders, names, containers, weights for repetitions, the clock."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from superpose import KSTClassifier, KSTRegressor

N = 120


def frame(seed: int = 0) -> pd.DataFrame:
    """Numbers, a category, a boolean, and missing values in most of them."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "dose": rng.normal(size=N),
            "age": rng.integers(20, 80, N).astype(float),
            "site": rng.choice(["north", "south", "west"], N),
            "smokes": rng.random(N) < 0.4,
        }
    )
    X.loc[rng.random(N) < 0.1, "age"] = np.nan
    X.loc[rng.random(N) < 0.1, "site"] = None
    return X


def link(X: pd.DataFrame) -> np.ndarray:
    site = X["site"].map({"north": 1.0, "south": -1.0}).fillna(0.0).to_numpy(dtype=float)
    return np.sin(2 * X["dose"].to_numpy()) + site + 0.7 * X["smokes"].to_numpy(dtype=float)


def problem(kind: str) -> tuple[Any, pd.DataFrame, np.ndarray]:
    X, rng = frame(), np.random.default_rng(1)
    if kind == "regression":
        return KSTRegressor(pairs=0, terms=0), X, link(X) + 0.3 * rng.normal(size=N)
    if kind == "counts":
        return KSTRegressor(loss="poisson", pairs=0, terms=0), X, rng.poisson(np.exp(link(X)))
    noisy = link(X) + rng.logistic(size=N)
    if kind == "two classes":
        return KSTClassifier(pairs=0, terms=0), X, np.where(noisy > 0, "yes", "no")
    return KSTClassifier(pairs=0, terms=0), X, np.digitize(noisy, [-1.0, 1.0])


KINDS = ["regression", "counts", "two classes", "three classes"]


def predicted(model: Any, X: Any) -> np.ndarray:
    if isinstance(model, KSTClassifier):
        return model.predict_proba(X)
    return np.column_stack(model.predict(X, return_std=True))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_and_data_give_the_same_bits(kind: str) -> None:
    model, X, y = problem(kind)
    first = predicted(model.fit(X, y), X)
    np.testing.assert_array_equal(first, predicted(model.fit(X, y), X))


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_the_rows_changes_no_bit(kind: str) -> None:
    model, X, y = problem(kind)
    first = predicted(model.fit(X, y), X)
    order = np.random.default_rng(2).permutation(N)
    again = predicted(model.fit(X.iloc[order], y[order]), X)
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_repetitions_and_zero_is_absence(kind: str) -> None:
    model, X, y = problem(kind)
    times = np.random.default_rng(3).integers(0, 4, N)
    weighted = predicted(model.fit(X, y, sample_weight=times), X)
    rows = np.repeat(np.arange(N), times)
    np.testing.assert_array_equal(weighted, predicted(model.fit(X.iloc[rows], y[rows]), X))


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_the_columns_changes_nothing(kind: str) -> None:
    model, X, y = problem(kind)
    first = predicted(model.fit(X, y), X)
    other = X[X.columns[::-1]]
    np.testing.assert_allclose(predicted(model.fit(other, y), other), first, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("kind", KINDS)
def test_names_of_levels_change_nothing(kind: str) -> None:
    model, X, y = problem(kind)
    first = predicted(model.fit(X, y), X)
    other = X.assign(site=X["site"].map({"north": "z", "south": "a", "west": "m"}))
    np.testing.assert_allclose(predicted(model.fit(other, y), other), first, rtol=1e-5, atol=1e-7)


def test_names_of_two_classes_change_nothing() -> None:
    model, X, y = problem("two classes")
    first = predicted(model.fit(X, y), X)
    swapped = predicted(model.fit(X, np.where(y == "yes", "a", "b")), X)
    np.testing.assert_allclose(swapped[:, ::-1], first, rtol=1e-5, atol=1e-7)


def test_names_of_three_classes_change_nothing() -> None:
    model, X, y = problem("three classes")
    first = predicted(model.fit(X, y), X)
    turned = predicted(model.fit(X, (y + 1) % 3), X)
    np.testing.assert_allclose(turned[:, [1, 2, 0]], first, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_pandas_polars_and_arrays_give_one_model(kind: str) -> None:
    model, X, y = problem(kind)
    first = predicted(model.fit(X, y), X)
    frames = pl.from_pandas(X)
    np.testing.assert_array_equal(predicted(model.fit(frames, pl.Series(y)), frames), first)
    array = X.astype(object).to_numpy()
    np.testing.assert_array_equal(predicted(model.fit(array, y.tolist()), array), first)


@pytest.mark.parametrize("kind", KINDS)
def test_the_parts_sum_to_the_prediction(kind: str) -> None:
    model, X, y = problem(kind)
    explanation = model.fit(X, y).explain(X)
    total = explanation.baseline + explanation.values.sum(axis=1)
    link = model._link(X)
    np.testing.assert_allclose(total, link, rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_units_of_a_column_change_nothing(kind: str) -> None:
    model, X, y = problem(kind)
    first = predicted(model.fit(X, y), X)
    other = X.assign(dose=X["dose"] * 1000.0 + 5.0)
    np.testing.assert_allclose(predicted(model.fit(other, y), other), first, rtol=1e-4, atol=1e-5)


def test_units_of_the_target_scale_the_prediction() -> None:
    model, X, y = problem("regression")
    first = predicted(model.fit(X, y), X)
    scaled = predicted(model.fit(X, 1000.0 * y + 7.0), X)
    np.testing.assert_allclose(scaled[:, 0], 1000.0 * first[:, 0] + 7.0, rtol=1e-4)
    np.testing.assert_allclose(scaled[:, 1], 1000.0 * first[:, 1], rtol=1e-4)
