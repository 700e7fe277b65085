"""Curves, surfaces and terms say what the model says, in the attributes' own units."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from superpose.explain import curves, explain, surfaces, terms
from superpose.explain.grids import MARGIN


def test_every_main_curve_is_there_by_name_in_order(fit, summary):
    assert list(curves(fit, summary)) == ["wave", "skew", "hue", "noise"]


def test_a_curve_is_the_part_of_the_model_in_original_units(fake):
    curve = curves(fake.fake_fit())["wave"]
    np.testing.assert_allclose(curve.mean, 4 * (curve.x / 10 - 0.5), atol=1e-12)
    assert curve.units == "log-odds of class = 1"


def test_a_curve_agrees_with_the_explanation_of_a_row(fit, summary):
    curve = curves(fit, summary)["skew"]
    rows = np.full((len(curve.x), 4), 1.0)
    rows[:, 1] = curve.x
    explained = explain(fit, rows).values[:, 1]
    np.testing.assert_allclose(explained, curve.mean.reshape(explained.shape), atol=1e-12)


def test_the_band_holds_the_mean_and_is_as_wide_as_the_posterior_says(fit, summary):
    for curve in curves(fit, summary).values():
        assert (curve.lower <= curve.mean).all()
        assert (curve.mean <= curve.upper).all()
    wave = curves(fit, summary)["wave"]
    np.testing.assert_allclose((wave.upper - wave.mean)[wave.seen()], 1.959964 * 0.1, rtol=1e-6)


def test_the_grid_shows_the_data_and_a_little_beyond(fake, summary):
    curve = curves(fake.fake_fit(), summary)["wave"]
    assert curve.x[0] == pytest.approx(-10 * MARGIN)
    assert curve.x[-1] == pytest.approx(10 * (1 + MARGIN))
    assert (np.diff(curve.x) > 0).all()
    assert set(np.linspace(0, 10, 9)) <= set(curve.x.round(12))
    assert curve.seen().sum() == len(curve.x) - 6


def test_a_category_is_read_by_level_and_a_missing_value_has_its_own(fake, summary):
    curve = curves(fake.fake_fit(), summary)["hue"]
    assert curve.x.tolist() == ["red", "blue", "green"]
    np.testing.assert_allclose(curve.mean, [0.5, -0.5, 0.0])
    assert float(curve.missing.mean) == 0.25
    assert curve.missing.lower < curve.missing.mean < curve.missing.upper
    assert curves(fake.fake_fit())["wave"].missing is None


def test_a_surface_is_the_pair_of_the_model(fake):
    surface = surfaces(fake.fake_fit())["wave × skew"]
    x, y = surface.x[:, None] / 10 - 0.5, (surface.y[None, :] + 5) / 10 - 0.5
    np.testing.assert_allclose(surface.mean, 8 * x * y, atol=1e-12)


def test_a_surface_knows_where_rows_were(fake, rows, summary):
    surface = surfaces(fake.fake_fit(), summary)["wave × skew"]
    assert surface.counts.sum() == len(rows)
    seen = surface.seen()
    corner = seen[np.ix_(surface.x < 1, surface.y > 4)]
    assert not corner.any()  # a low wave never came with a high skew
    for wave, skew in rows[:20, :2]:
        nearest = np.abs(surface.x - wave).argmin(), np.abs(surface.y - skew).argmin()
        assert seen[nearest]


def look_up(curve, values):
    if curve.kind == "number":
        return np.interp(values, curve.x.astype(float), curve.value)
    table = np.append(curve.value, curve.missing)
    return table[np.nan_to_num(values, nan=len(curve.value)).astype(int)]


def test_a_term_is_its_inner_curves_then_its_outer_curve(fit, summary, rows):
    for index, term in zip((4, 5), terms(fit, summary).values(), strict=True):
        inner = sum(look_up(c, rows[:, p]) for p, c in enumerate(term.inner.values()))
        outer = term.mean.reshape(len(term.h), -1)[:, 0]
        moved = [c.moved for c in term.inner.values() if c.moved is not None]
        assert len(moved) == len(fit.network.parts[index].moved)
        flat = [m[:-1].reshape(len(m) - 1, -1)[:, 0] for m in moved]
        gone = sum(np.interp(rows[:, 0], term.inner["wave"].x, m) for m in flat)
        truth = fit.network.parts[index](fit.network.encode(torch.as_tensor(rows))).numpy()[:, 0]
        np.testing.assert_allclose(np.interp(inner, term.h, outer) - gone, truth, atol=2e-4)


def test_a_term_of_two_attributes_is_also_a_surface(fit, summary):
    two, three = terms(fit, summary).values()
    assert two.surface.attributes == ("wave", "skew")
    assert three.surface is None


def test_the_outer_band_is_the_terms_own(fit, rows, summary):
    term = terms(fit, summary)["term 1 (wave, skew)"]
    np.testing.assert_allclose(term.upper - term.mean, 1.959964 * 0.5, rtol=1e-6)
    assert term.counts.sum() == len(rows)


@pytest.mark.parametrize("read", [curves, surfaces, terms])
def test_everything_prints_and_goes_to_json_and_to_a_table(fit, summary, read):
    for item in read(fit, summary).values():
        assert item.name in repr(item)
        assert json.loads(json.dumps(item.to_dict()))["name"] == item.name
        assert len(item.to_frame()) >= len(np.atleast_1d(item.mean).ravel()) / 3


def test_several_outputs_have_a_column_each(fake, rows):
    from superpose.explain import Outputs, summarise

    fit = fake.fake_fit("multinomial")
    y = fake.fake_target(fit, rows)
    kept = summarise(fit, rows, y, outputs=Outputs("kind", ("a", "b", "c")))
    curve = curves(fit, kept)["wave"]
    assert curve.mean.shape == (len(curve.x), 3)
    np.testing.assert_allclose(curve.mean[:, 2], -0.75 * curve.mean[:, 0])
    assert set(curve.to_frame()["output"]) == set(curve.units)
