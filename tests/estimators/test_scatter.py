"""Prediction intervals: they hold the stated share of new rows, and follow the noise."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from superpose import KSTRegressor
from superpose.errors import InputError, ModelFileError
from superpose.estimators import load
from superpose.estimators.model_file import read_model, write_model
from superpose.estimators.scatter import Scatter

ADDITIVE = {"pairs": 0, "terms": 0}


def drawn(kind: str, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 1, (n, 2))
    f = 2 * x[:, 0] + np.sin(5 * x[:, 1])
    noise = {
        "normal": lambda: 0.3 * rng.normal(size=n),
        "growing": lambda: (0.05 + 0.4 * (f + 1)) * rng.normal(size=n),
        "skew": lambda: rng.exponential(0.5, n) - 0.5,
        "heavy": lambda: 0.2 * rng.standard_t(2, n),
    }[kind]()
    return x, f + noise


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["normal", "growing", "skew", "heavy"])
def test_intervals_hold_the_stated_share_of_new_rows(kind: str) -> None:
    """Whatever the noise: at 90 % and at 50 %, in all and on each side."""
    shares = []
    for seed in range(3):
        model = KSTRegressor(**ADDITIVE).fit(*drawn(kind, 300, seed))
        X, y = drawn(kind, 2000, seed + 50)
        low, high = model.predict_interval(X, 0.9)
        inner_low, inner_high = model.predict_interval(X, 0.5)
        inside = np.mean((y >= inner_low) & (y <= inner_high))
        shares.append([np.mean(y < low), np.mean(y > high), inside])
        assert (low < inner_low).all()
        assert (inner_high < high).all()
    below, above, inside = np.mean(shares, axis=0)
    assert below == pytest.approx(0.05, abs=0.025)
    assert above == pytest.approx(0.05, abs=0.025)
    assert inside == pytest.approx(0.5, abs=0.06)


def test_intervals_are_wide_where_the_noise_is() -> None:
    x, y = drawn("growing", 800, 0)
    model = KSTRegressor(**ADDITIVE).fit(x, y)
    X, new = drawn("growing", 4000, 1)
    low, high = model.predict_interval(X)
    third = np.digitize(model.predict(X), np.quantile(model.predict(X), [1 / 3, 2 / 3]))
    for k in range(3):
        inside = (new >= low) & (new <= high)
        assert inside[third == k].mean() == pytest.approx(0.9, abs=0.05)
    mean, std = model.predict(X, return_std=True)
    plain = np.abs(new - mean) <= 1.645 * std
    assert plain[third == 2].mean() < 0.85  # what one noise level for all gives there
    assert plain[third == 0].mean() > 0.97


@pytest.mark.parametrize("loss", ["poisson", "gamma"])
def test_intervals_with_a_log_link_and_an_exposure(loss: str) -> None:
    rng = np.random.default_rng(0)
    x, years = rng.uniform(0, 1, (1500, 1)), rng.uniform(0.5, 10, 1500)
    mean = years * np.exp(2 * x[:, 0])
    y = rng.poisson(mean).astype(float) if loss == "poisson" else rng.gamma(3, mean / 3)
    model = KSTRegressor(loss=loss, **ADDITIVE).fit(x[:500], y[:500], exposure=years[:500])
    low, high = model.predict_interval(x[500:], exposure=years[500:])
    assert np.mean((y[500:] >= low) & (y[500:] <= high)) == pytest.approx(0.9, abs=0.03)
    assert low.min() >= 0


def test_scores_are_ranks_of_one_row_more() -> None:
    """With 19 scores the interval of 90 % goes from the lowest to the highest: 18 of 20 gaps."""
    scatter = Scatter(np.zeros(1), np.ones(1), np.arange(19.0))
    assert scatter.rows_needed(0.9) == 19
    assert scatter.quantiles(0.9) == (0.0, 18.0)
    assert scatter.quantiles(0.8) == (1.0, 17.0)
    assert Scatter(np.zeros(1), np.ones(1), np.arange(100.0)).quantiles(0.9) == (4.0, 95.0)


def test_a_row_of_weight_three_has_three_scores() -> None:
    rng = np.random.default_rng(0)
    output, error = rng.normal(size=60), rng.normal(size=60)
    times = rng.integers(1, 4, 60)
    rows = np.repeat(np.arange(60), times)
    one = Scatter.of(output, error, np.ones(60), times.astype(float))
    assert sorted(np.unique(one.scores, return_counts=True)[1]) == sorted(times)
    two = Scatter.of(output[rows], error[rows], np.ones(len(rows)), np.ones(len(rows)))
    np.testing.assert_allclose(one.factor_at(output), two.factor_at(output), rtol=1e-3)


def test_a_score_is_made_without_its_own_error() -> None:
    """One error in 100 is made a thousand times larger: its score grows by as much."""
    rng = np.random.default_rng(0)
    output, error = rng.normal(size=100), rng.normal(size=100)
    ones = np.ones(100)
    before = Scatter.of(output, error, ones, ones)
    error[7] = 1000 * np.abs(error).max()
    after = Scatter.of(output, error, ones, ones)
    assert after.scores[-1] > 300 * before.scores[-1]


def test_many_scores_are_thinned_and_keep_their_quantiles() -> None:
    rng = np.random.default_rng(0)
    error = rng.normal(size=5000)
    scatter = Scatter.of(np.zeros(5000), error, np.ones(5000), np.ones(5000))
    assert len(scatter.scores) == 2000
    found = np.array(scatter.quantiles(0.9)) * scatter.factor[0]
    np.testing.assert_allclose(found, np.quantile(error, [0.05, 0.95]), atol=0.02)


def test_with_too_few_rows_the_model_speaks_for_itself_and_says_so() -> None:
    x, y = drawn("normal", 15, 0)
    model = KSTRegressor(**ADDITIVE).fit(x, y)
    sentence = (
        "15 rows were held out, too few for an interval of 0.9 that is measured; this one is "
        "posterior and noise of the model, taken as normal"
    )
    with pytest.warns(UserWarning, match=f"^{re.escape(sentence)}$"):
        low, high = model.predict_interval(x)
    mean, std = model.predict(x, return_std=True)
    np.testing.assert_allclose(high - low, 2 * 1.6448536 * std, rtol=1e-6)
    np.testing.assert_allclose((high + low) / 2, mean)


@pytest.mark.parametrize("level", [0.0, 1.0, 90])
def test_a_level_is_a_probability(level: float) -> None:
    x, y = drawn("normal", 40, 0)
    with pytest.raises(InputError, match=f"^level must be between 0 and 1; found {level}; pass"):
        KSTRegressor(**ADDITIVE).fit(x, y).predict_interval(x, level)


def test_intervals_survive_saving_and_a_forged_scatter_does_not(tmp_path: Path) -> None:
    x, y = drawn("growing", 60, 0)
    model = KSTRegressor(**ADDITIVE).fit(x, y)
    model.save(tmp_path / "a")
    np.testing.assert_array_equal(
        load(tmp_path / "a").predict_interval(x), model.predict_interval(x)
    )
    header, arrays = read_model(tmp_path / "a")
    for name, wrong in (("scores", arrays["scatter.scores"][::-1]), ("factor", -np.ones(65))):
        write_model(tmp_path / "b", header, {**arrays, f"scatter.{name}": wrong})
        with pytest.raises(ModelFileError, match="of a scatter increase, and factors are positive"):
            load(tmp_path / "b")
