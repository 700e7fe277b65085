"""The summary keeps what it says of the training rows, and survives JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from superpose.explain import Importances, TrainingSummary, importances, summarise
from superpose.explain.rank_parts import root_mean_square_band


def test_it_survives_json(summary):
    assert TrainingSummary.from_dict(json.loads(json.dumps(summary.to_dict()))) == summary


def test_attributes_are_counted(rows, summary):
    wave, _, hue, _ = summary.attributes
    assert sum(wave.counts) == len(rows)
    assert wave.range == (rows[:, 0].min(), rows[:, 0].max())
    assert wave.quantiles[4] == np.median(rows[:, 0])
    assert set(wave.rug) <= set(rows[:, 0])
    assert len(wave.rug) == 200
    known = rows[:, 2][~np.isnan(rows[:, 2])].astype(int)
    assert hue.counts == tuple(np.bincount(known))
    assert hue.missing == pytest.approx(np.isnan(rows[:, 2]).mean())


def test_importances_are_those_of_the_rows(fit, rows, summary):
    direct, kept = importances(fit, rows), Importances.from_summary(summary)
    assert direct.names == kept.names
    np.testing.assert_allclose(direct.values, kept.values)
    assert (direct.lower <= direct.values).all()
    assert (direct.values <= direct.upper).all()
    assert direct["noise"].value == 0


def test_importance_is_the_root_mean_square_contribution(fake, rows):
    fit = fake.fake_fit()
    expected = np.sqrt(np.mean((4 * (rows[:, 0] / 10 - 0.5)) ** 2))
    assert importances(fit, rows)["wave"].value == pytest.approx(expected)


@pytest.mark.parametrize("rank", [1, 3, 30])
def test_the_band_of_an_importance_holds_it_often_enough(rank):
    rng = np.random.default_rng(0)
    mean, factor = rng.normal(size=30), rng.normal(size=(30, rank)) / np.sqrt(rank)
    sd = np.sqrt((factor**2).sum(axis=1))
    draws = mean + rng.normal(size=(4000, rank)) @ factor.T
    _, low, high = root_mean_square_band(mean[:, None], sd[:, None])
    truth = np.sqrt((draws**2).mean(axis=1))
    assert ((low <= truth) & (truth <= high)).mean() >= 0.945


def test_attributes_that_move_together_are_named_with_a_number(summary):
    pair = summary.correlated[0]
    assert {pair.first, pair.second} == {"wave", "skew"}
    assert 0.7 < pair.correlation < 1


def test_a_part_that_others_imitate_is_told(fake, rows):
    fit = fake.fake_fit()
    copied = [*fit.network.parts, fit.network.parts[0]]
    fit.network = fake.FakeNetwork(fit.network.attributes, copied, fit.network.bias)
    fit.posterior = fake.FakePosterior(fit.network)
    kept = summarise(fit, rows, fake.fake_target(fit, rows))
    assert kept.parts[0].concurvity == pytest.approx(1, abs=1e-6)
    assert kept.parts[2].concurvity < 0.2
    assert kept.concurrent[0].correlation == pytest.approx(1)


def test_a_row_of_weight_zero_is_no_row(fake, rows):
    fit = fake.fake_fit()
    y = fake.fake_target(fit, rows)
    weight = (np.arange(len(rows)) < 200).astype(float)
    assert summarise(fit, rows, y, sample_weight=weight) == summarise(
        fit, rows[:200], y[:200], sample_weight=weight[:200]
    )


def test_odd_columns_are_summarised_too(fake, rows):
    fit = fake.fake_fit()
    odd = rows.copy()
    odd[:, 0], odd[:, 1], odd[0, 3] = 4.0, np.nan, 1e9
    kept = summarise(fit, odd, fake.fake_target(fit, odd))
    constant, empty, _, tailed = kept.attributes
    assert constant.distinct == 1
    assert sum(constant.counts) == len(odd)
    assert empty.missing == 1
    assert empty.range is None
    assert tailed.range[1] == 1e9
    assert tailed.view[1] <= 1
    assert sum(tailed.counts) == len(odd)


def test_summarising_leaves_the_rows_alone(fit, rows, fake):
    before = rows.copy()
    summarise(fit, rows, fake.fake_target(fit, rows))
    np.testing.assert_array_equal(rows, before)
