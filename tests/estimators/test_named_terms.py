"""Terms over columns that a user names, and pairs that were screened and not kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from superpose import KSTClassifier, KSTRegressor
from superpose.errors import InputError
from superpose.estimators import load
from superpose.estimators.matching import positions, term_positions
from superpose.explain import NotKept


def made_table(n: int = 300) -> tuple[pd.DataFrame, np.ndarray]:
    """A wave of a sum of three numbers, a product of two others, and one that is nothing."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.uniform(-1, 1, (n, 6)), columns=list("abcdef"))
    y = np.sin(2 * (X["a"] + X["b"] + X["c"])) + 0.8 * X["d"] * X["e"] + 0.1 * rng.normal(size=n)
    return X, y.to_numpy()


def read(model: Any) -> list[tuple[str, ...]]:
    """What the terms of a model read."""
    return [it.attributes for it in model.interactions_.found if it.kind == "term"]


@pytest.fixture(scope="module")
def named() -> KSTRegressor:
    return KSTRegressor(pairs=0, terms=[("c", "a", 1), ("f", "a")], knots=8).fit(*made_table())


def test_a_term_reads_exactly_what_was_named(named: KSTRegressor) -> None:
    """The second as well, though neither pays and a search would have dropped them."""
    assert sorted(read(named)) == [("a", "b", "c"), ("a", "f")]
    assert [it.kind for it in named.fit_.network.parts].count("pair") == 0


def test_the_term_that_is_there_is_learned(named: KSTRegressor) -> None:
    X, y = made_table()
    found = {it.attributes: it for it in named.interactions_.found}
    assert found["a", "b", "c"].evidence > 100
    assert found["a", "f"].evidence < 20
    additive = KSTRegressor(pairs=0, terms=0, knots=8).fit(X, y)
    rest = [((y - model.predict(X)) ** 2).mean() for model in (named, additive)]
    assert rest[0] < 0.5 * rest[1]


@pytest.mark.slow
def test_two_terms_may_read_the_same_columns_and_none_is_none() -> None:
    X, y = made_table(120)
    twice = KSTRegressor(pairs=0, terms=[("d", "e"), ("e", "d")], knots=4).fit(X, y)
    assert read(twice) == [("d", "e"), ("d", "e")]
    none = KSTRegressor(pairs=0, terms=[], knots=4).fit(X, y)
    additive = KSTRegressor(pairs=0, terms=0, knots=4).fit(X, y)
    np.testing.assert_array_equal(none.predict(X), additive.predict(X))


def test_a_column_of_one_value_is_left_out_and_the_next_term_is_there() -> None:
    X, y = made_table(120)
    X["b"], X["c"] = 1.0, 2.0
    model = KSTRegressor(pairs=0, terms=[("b", "c"), ("a", "b", "d")], knots=4).fit(X, y)
    assert read(model) == [("a", "d")]


@pytest.mark.slow
def test_a_file_and_a_clone_keep_the_names(named: KSTRegressor, tmp_path: Path) -> None:
    X, y = made_table()
    named.save(tmp_path / "m.safetensors")
    again = load(tmp_path / "m.safetensors")
    assert again.terms == [("c", "a", 1), ("f", "a")]
    np.testing.assert_array_equal(again.predict(X), named.predict(X))
    np.testing.assert_array_equal(clone(again).fit(X, y).predict(X), named.predict(X))


@pytest.mark.slow
def test_a_wide_table_keeps_the_named_columns() -> None:
    """Only few columns of a wide table get a curve; those of a term always do."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 40))
    y = 3 * np.sin(X[:, 3]) + rng.normal(size=120)
    with pytest.warns(UserWarning, match="have no effect in the model"):
        model = KSTRegressor(pairs=0, terms=[(37, 21)], knots=60).fit(X, y)
    assert {"x21", "x37"} <= set(model.curves_)
    assert len(model.curves_) < 20
    assert read(model) == [("x21", "x37")]


COLUMNS = "'a', 'b', 'c', 'd', 'e', 'f'"


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        (
            [("a",)],
            "every entry of terms must be the columns that a term reads, two or more; found "
            '(\'a\',); write terms=[("age", "bmi", "sex")]',
        ),
        (
            ["ab"],
            "every entry of terms must be the columns that a term reads, two or more; found 'ab'; "
            'write terms=[("age", "bmi", "sex")]',
        ),
        (
            [("a", "z")],
            f"terms must name columns of the table: {COLUMNS}; found 'z'; correct the name, or "
            "give the position from 0",
        ),
        (
            [("b", "a", 1)],
            "a term must read different columns; found 'b' twice in ('b', 'a', 1); name each "
            "column once",
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", [KSTClassifier, KSTRegressor])
def test_names_that_make_no_term_are_refused(kind: type, terms: list, sentence: str) -> None:
    X, y = made_table(40)
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        kind(terms=terms).fit(X, (y > 0).astype(int))


def test_a_column_with_a_shape_is_in_no_term() -> None:
    X, y = made_table(40)
    sentence = (
        "a column with a shape is read by its main curve alone; found the term 'a × b', and that "
        "'b' is increasing; leave it out of terms, or out of shapes"
    )
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        KSTRegressor(terms=[("a", "b")], shapes={"b": "increasing"}).fit(X, y)


@pytest.mark.slow
def test_pairs_that_were_not_kept_are_listed_apart(tmp_path: Path) -> None:
    """One of two true pairs is asked for; screening promises most of the other."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.uniform(-1, 1, (300, 5)), columns=list("abcde"))
    y = 2 * X["a"] * X["b"] + X["c"] * X["d"] + 0.2 * rng.normal(size=300)
    model = KSTRegressor(pairs=1, terms=0, knots=6).fit(X, y)
    found = model.interactions_
    assert [it.name for it in found.found] == ["a × b"]
    best = found.not_kept[0]
    assert (best.name, best.attributes) == ("c × d", ("c", "d"))
    assert best.gain > 20 > 5 * max(it.gain for it in found.not_kept[1:])
    gains = [it.gain for it in found.not_kept]
    assert gains == sorted(gains, reverse=True)
    assert len(gains) <= 10
    assert min(gains) > 0
    lines = repr(found).splitlines()
    assert lines[0] == "1 interaction"
    assert lines[lines.index("not kept") + 2].split()[:3] == ["c", "×", "d"]
    model.save(tmp_path / "m.safetensors")
    assert load(tmp_path / "m.safetensors").interactions_.not_kept == found.not_kept
    page = model.report(tmp_path / "m.html").read_text()
    assert "Pairs that were screened and not kept" in page
    assert f"c × d (+{best.gain:.1f})" in page
    both = KSTRegressor(pairs=2, terms=0, knots=6).fit(X, y).interactions_
    assert "c × d" not in [it.name for it in both.not_kept]


@pytest.mark.parametrize("n", [300, 25])
def test_nothing_is_listed_where_no_pair_was_looked_for(n: int) -> None:
    """Pairs were ruled out; or there are too few rows to look for any."""
    X, y = made_table(n)
    model = KSTRegressor(pairs=0 if n > 30 else "auto", terms=0, knots=4).fit(X, y)
    assert model.interactions_.not_kept == ()


def test_the_promise_is_for_what_is_left() -> None:
    """Of rows without noise and without interaction nothing is promised that amounts to much."""
    X, _ = made_table(200)
    y = X["a"] + X["b"] ** 2 + 0.3 * np.random.default_rng(1).normal(size=200)
    found = KSTRegressor(pairs="auto", terms=0, knots=6).fit(X, y).interactions_
    assert all(isinstance(it, NotKept) and it.gain < 10 for it in found.not_kept)


@pytest.mark.parametrize("read", [positions, term_positions])
def test_a_number_of_numpy_is_a_number(read: Any) -> None:
    """A grid search over `np.arange` gives these."""
    assert read(np.int64(2), ("a", "b")) == 2
    assert type(read(np.int64(2), ("a", "b"))) is int
