"""A comparison says where two models differ, by how much, and how sure that is."""

from __future__ import annotations

import numpy as np
import pytest
from tests.explain.made_tables import fitted, made

from superpose import KSTRegressor
from superpose.errors import InputError
from superpose.explain import compare, compare_groups

KINDS = ["numbers", "two classes", "three classes"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_does_not_differ_from_itself(kind: str) -> None:
    model, X, _ = fitted(kind)
    found = compare(model, model, X)
    for pair in found.curves.values():
        assert np.abs(pair.difference).max() == 0
        assert (pair.size, pair.moved, pair.apart) == (0, 0, 0)
    assert found.agreement.correlation == pytest.approx(1.0)
    assert found.agreement.distance == 0
    assert found.agreement.same == (None if kind == "numbers" else 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_other_way_round_the_sign_changes(kind: str) -> None:
    (first, X, y), order = fitted(kind), np.arange(150) < 80
    second = type(first)(pairs=0, terms=0).fit(X[order], np.asarray(y)[order])
    one, other = compare(first, second, X), compare(second, first, X)
    assert list(one.curves) == list(other.curves)
    for name, pair in one.curves.items():
        back = other.curves[name]
        assert pair.moved == pytest.approx(back.moved)
        if pair.kind == "number":
            np.testing.assert_allclose(pair.difference, -back.difference)
            np.testing.assert_allclose(pair.lower, -back.upper)


def test_the_difference_of_an_edit_is_the_edit() -> None:
    model, X, _ = fitted("numbers")
    edited = model.edit("hue").set({"red": 3.0})
    found = compare(model, edited, X)
    assert next(iter(found.curves)) == "hue"
    before, after = (it.explain(X).values[:, 1, 0] for it in (model, edited))
    red = list(found.curves["hue"].x).index("red")
    gap = 3.0 - model.curves_["hue"].mean[red]  # the second less the first
    assert found.curves["hue"].difference[red, 0] == pytest.approx(gap)
    assert found.curves["hue"].moved == pytest.approx((after - before).std())
    assert found.curves["hue"].size == pytest.approx(np.sqrt(((after - before) ** 2).mean()))
    moved = edited.predict(X) - model.predict(X)
    assert found.agreement.distance == pytest.approx(np.sqrt((moved**2).mean()))
    assert found.to_frame()["moved"].iloc[1:].max() == 0


@pytest.mark.slow
def test_the_band_of_the_difference_is_that_of_independent_errors() -> None:
    model, X, y = fitted("numbers")
    other = KSTRegressor(pairs=0, terms=0).fit(X[:75], y[:75])
    pair = compare(model, other).curves["bmi"]
    widths = (pair.uppers - pair.lowers) / 2
    np.testing.assert_allclose((pair.upper - pair.lower) / 2, np.hypot(widths[0], widths[1]))


@pytest.mark.slow
def test_the_band_of_the_difference_holds_zero_when_nothing_differs() -> None:
    """Two samples of one truth, 20 times."""
    inside = []
    for seed in range(20):
        models = [
            KSTRegressor(pairs=0, terms=0).fit(*made(300, seed=s)) for s in (seed, 1000 + seed)
        ]
        pairs = compare(*models).curves
        seen = [(p.x > 25) & (p.x < 85) if n == "age" else slice(None) for n, p in pairs.items()]
        inside += [
            np.mean((p.lower <= 0)[s] & (p.upper >= 0)[s])
            for p, s in zip(pairs.values(), seen, strict=True)
        ]
    assert 0.88 < np.mean(inside) <= 1.0


def test_levels_that_only_one_model_knows() -> None:
    X, y = made()
    first = KSTRegressor(pairs=0, terms=0).fit(X[X["hue"] != "red"], y[X["hue"] != "red"])
    second = KSTRegressor(pairs=0, terms=0).fit(X[X["hue"] != "blue"], y[X["hue"] != "blue"])
    pair = compare(first, second, X).curves["hue"]
    assert list(pair.x) == ["blue", "green", "red"]
    np.testing.assert_array_equal(
        np.isnan(pair.means[..., 0]), [[False, False, True], [True, False, False]]
    )
    assert np.isfinite(pair.moved)


def test_pairs_and_terms_of_one_model_alone_are_listed() -> None:
    model, X, y = fitted("numbers")
    richer = KSTRegressor(pairs=[("age", "bmi")], terms=0).fit(X, y)
    found = compare(model, richer, names=("plain", "rich"))
    assert found.alone == ((), ("age × bmi",))
    assert "only in rich: age × bmi" in repr(found)
    assert found.agreement is None


@pytest.mark.slow
def test_groups_are_two_models_of_their_own_rows() -> None:
    model, X, y = fitted("two classes")
    group = np.where(X["bmi"] > 25, "big", "small")
    found = compare_groups(model, X, y, group)
    alone = type(model)(pairs=0, terms=0).fit(X[group == "big"], y[group == "big"])
    other = type(model)(pairs=0, terms=0).fit(X[group == "small"], y[group == "small"])
    by_hand = compare(alone, other, X, names=("big", "small"))
    assert found.names == ("big", "small")
    for name, pair in by_hand.curves.items():
        np.testing.assert_allclose(found.curves[name].difference, pair.difference, atol=1e-9)


@pytest.mark.slow
def test_refusals() -> None:
    model, X, y = fitted("numbers")
    other = KSTRegressor(pairs=0, terms=0).fit(X[["hue", "age", "bmi"]], y)
    with pytest.raises(InputError, match="models are compared that have the same columns"):
        compare(model, other)
    with pytest.raises(InputError, match="models are compared that have the same classes"):
        compare(model, fitted("two classes")[0])
    with pytest.raises(InputError, match="two groups are compared; found 3"):
        compare_groups(model, X, y, X["hue"])
