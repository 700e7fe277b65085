"""Tables in batches: drawing, encoding, and the same model whichever way the rows come."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow
import pytest
import torch

from superpose import KSTClassifier, KSTRegressor
from superpose.datasets import ParquetBatches
from superpose.errors import InputError
from superpose.estimators import base, batches
from superpose.estimators.batches import Rows, Sliced, draw
from superpose.estimators.table import read_table

N = 900
ADDITIVE = dict(pairs=0, terms=0, knots=8)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """What is large, and how large a sample is, in the size of a test."""
    monkeypatch.setattr(batches, "LARGE", 500)
    monkeypatch.setattr(base, "SAMPLE", 250)
    monkeypatch.setattr(batches, "SLICE", 400)


def table(seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"dose": rng.uniform(0, 1, N), "colour": rng.choice(["red", "blue"], N)})
    X.loc[::9, "dose"] = np.nan
    f = np.sin(6 * X["dose"].fillna(0.2)) + (X["colour"] == "red")
    return X, pd.Series(f + 0.2 * rng.normal(size=N), name="effect")


def in_pieces(X, y, *more, size=130):
    return [
        tuple(part[start : start + size] for part in (X, y, *more)) for start in range(0, N, size)
    ]


def test_a_draw_does_not_depend_on_where_batches_end():
    X, y = table()
    whole, rows = draw([(X, y)], 100, seed=3)
    pieces, same = draw(in_pieces(X, y, size=7), 100, seed=3)
    assert rows == same == N
    assert len(whole) == 100
    assert pieces.X.reset_index(drop=True).equals(whole.X.reset_index(drop=True))
    assert pieces.y.tolist() == whole.y.tolist()


def test_every_row_is_drawn_alike():
    """Means of 400 draws of 30 of 90: each row 1/3 of the time, within 4.5 standard errors."""
    x = np.arange(90.0)[:, None]
    seen = np.zeros(90)
    for seed in range(400):
        seen[draw([(x[:50], x[:50, 0]), (x[50:], x[50:, 0])], 30, seed)[0].y.astype(int)] += 1
    assert abs(seen / 400 - 1 / 3).max() < 4.5 * np.sqrt(2 / 9 / 400)


def test_a_draw_is_independent_of_a_table_made_with_the_same_seed():
    x = np.random.default_rng(0).uniform(size=(4000, 1))
    drawn = draw([(x, x[:, 0])], 400, seed=0)[0].y
    assert abs(drawn.mean() - 0.5) < 4.5 * np.sqrt(1 / 12 / 400)


@pytest.mark.parametrize("kind", ["pandas", "polars", "array", "float32"])
def test_any_container_is_cut_and_joined(kind):
    X = np.random.default_rng(0).uniform(size=(N, 2))
    y = np.sin(6 * X[:, 0]) + X[:, 1]
    of = {
        "pandas": lambda x: pd.DataFrame(x, columns=["a", "b"]),
        "polars": lambda x: pl.DataFrame(x, schema=["a", "b"]),
        "array": lambda x: x,
        "float32": lambda x: x.astype(np.float32),
    }[kind]
    model = KSTRegressor(**ADDITIVE).fit(of(X), y)
    assert model.summary_.rows == N
    assert np.abs(model.predict(of(X)) - y).max() < 0.1


def test_fit_of_a_large_table_is_fit_batches(tmp_path):
    """In memory, in batches, and from Parquet: the same model to 1e-6."""
    X, y = table()
    model = KSTRegressor(**ADDITIVE).fit(X, y)
    right, band = model.predict(X, return_std=True)
    X.assign(effect=y).to_parquet(tmp_path / "table.parquet", row_group_size=200)
    file = ParquetBatches(tmp_path / "table.parquet", target="effect", rows=170)
    for source in (in_pieces(X, y), file):
        found, std = KSTRegressor(**ADDITIVE).fit_batches(source).predict(X, return_std=True)
        np.testing.assert_allclose(found, right, atol=1e-6)
        np.testing.assert_allclose(std, band, atol=1e-6)
    assert file.n_rows == N


def test_bands_are_those_of_all_rows(monkeypatch):
    """As wide as those of a fit of the whole table in memory, whose axes differ a little."""
    X, y = table(seed=1)  # sample and table choose the same length scales
    found = KSTRegressor(**ADDITIVE).fit(X, y)
    monkeypatch.setattr(batches, "LARGE", N)
    right = KSTRegressor(**ADDITIVE).fit(X, y)
    rows = X[:100]
    bands = [
        m.fit_.posterior.variance(m.fit_.network.encode(tensor(m, rows))) for m in (found, right)
    ]
    assert float(bands[0].sqrt().mean()) == pytest.approx(float(bands[1].sqrt().mean()), rel=0.1)
    assert found.fit_.noise == pytest.approx(right.fit_.noise, rel=0.05)


def tensor(model, rows):
    return torch.from_numpy(model.schema_.encode(read_table(rows)))


@pytest.mark.parametrize("labels", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_weights_of_rows_and_classes_come_through(labels):
    """Against a fit of the whole table in memory, whose axes differ a little."""
    X, y = table()
    y = pd.Series(np.array(["no", "yes", "very"])[np.digitize(y, [0.6, 1.4][: labels - 1])])
    weight = np.random.default_rng(1).uniform(0.5, 2, N)
    model = KSTClassifier(**ADDITIVE, class_weight={"yes": 8.0})
    found = model.fit_batches(in_pieces(X, y, weight)).predict_proba(X)
    batches.LARGE = N
    right = KSTClassifier(**ADDITIVE, class_weight={"yes": 8.0}).fit(X, y, weight).predict_proba(X)
    assert np.abs(found - right).mean() < 0.02


def test_offsets_come_through():
    X, y = table()
    known = np.linspace(-3, 3, N)
    model = KSTRegressor(**ADDITIVE).fit(X, y + known, offset=known)
    assert np.sqrt(np.mean((model.predict(X) - y) ** 2)) < 0.25
    counts = np.random.default_rng(0).poisson(np.exp(y))
    rates = KSTRegressor(loss="poisson", **ADDITIVE).fit(X, 3 * counts, exposure=np.full(N, 3.0))
    assert rates.predict(X).mean() == pytest.approx(counts.mean(), rel=0.02)


def test_a_table_no_larger_than_the_sample_is_fitted_as_it_is(monkeypatch):
    monkeypatch.setattr(base, "SAMPLE", N)
    X, y = table()
    found = KSTRegressor(**ADDITIVE).fit_batches(in_pieces(X, y)).predict(X)
    monkeypatch.setattr(batches, "LARGE", N)
    np.testing.assert_allclose(found, KSTRegressor(**ADDITIVE).fit(X, y).predict(X), atol=1e-9)


def test_batches_that_are_used_up_are_refused():
    X, y = table()
    with pytest.raises(InputError, match="gone through several times; found a generator"):
        KSTRegressor().fit_batches(piece for piece in in_pieces(X, y))
    with pytest.raises(InputError, match="must hold rows; found none"):
        KSTRegressor().fit_batches([])
    with pytest.raises(InputError, match=r"\(X, y, weight\).*; found a DataFrame"):
        KSTRegressor().fit_batches([X])


def test_a_class_that_the_sample_missed_is_named():
    X, y = table()
    labels = np.where(y > 1, "yes", "no").astype(object)
    labels[5] = "perhaps"
    model = KSTClassifier(**ADDITIVE, random_state=1)
    with pytest.raises(InputError, match="found 'perhaps'"):
        model.fit_batches(in_pieces(X, labels))


def test_rows_are_taken_of_each_part():
    rows = Rows(np.arange(4.0)[:, None], [1, 2, 3, 4], None, np.ones(4))
    assert rows.take(slice(1, 3)).y.tolist() == [2, 3]
    assert [len(it) for it in Sliced(rows)] == [4]


def test_a_file_that_is_no_parquet_is_refused(tmp_path):
    (tmp_path / "x.parquet").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="must be a Parquet file"):
        ParquetBatches(tmp_path / "x.parquet", target="b")
    pd.DataFrame({"a": [1.0], "b": [2.0]}).to_parquet(tmp_path / "y.parquet")
    with pytest.raises(InputError, match="found no column 'c'"):
        ParquetBatches(tmp_path / "y.parquet", target="c")


def test_a_file_is_not_kept_in_memory(tmp_path):
    """What pyarrow holds while a file is read does not grow with its row groups."""

    def held(n):
        X = pd.DataFrame(np.random.default_rng(0).normal(size=(n, 8))).add_prefix("x")
        X.to_parquet(tmp_path / "x.parquet", row_group_size=10_000)
        before = pyarrow.total_allocated_bytes()
        file = ParquetBatches(tmp_path / "x.parquet", target="x7", rows=10_000)
        return max(pyarrow.total_allocated_bytes() - before for _ in file)

    assert held(200_000) < 1.2 * held(20_000)
