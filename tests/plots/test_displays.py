"""The artists hold the data that they are said to show."""

from __future__ import annotations

import itertools
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest

from superpose.errors import InputError, MissingExtraError
from superpose.explain import Outputs, curves, explain, importances, summarise, surfaces, terms
from superpose.plots import (
    CurveDisplay,
    DialDisplay,
    ImportanceDisplay,
    SurfaceDisplay,
    TermDisplay,
    WaterfallDisplay,
)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def test_a_curve_is_drawn_inside_the_data_and_dashed_beyond(fit, summary):
    curve = curves(fit, summary)["wave"]
    display = CurveDisplay(curve).plot()
    count = len(summary.classes) if len(summary.classes) > 2 else 1
    mean = curve.mean.reshape(len(curve.x), count)
    for k in range(count):
        drawn = display.lines_[k].get_ydata()
        np.testing.assert_array_equal(drawn[curve.seen()], mean[curve.seen(), k])
        assert np.isnan(drawn[~curve.seen()]).all()
        np.testing.assert_array_equal(display.lines_[count + k].get_ydata(), mean[:, k])


def test_the_band_is_the_curves_band(fake, rows):
    curve = curves(fake.fake_fit())["skew"]
    band = CurveDisplay(curve).plot().bands_[0].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(curve.lower.min())
    assert band[:, 1].max() == pytest.approx(curve.upper.max())


def test_rug_and_histogram_are_the_training_rows(fit, summary):
    display = CurveDisplay(curves(fit, summary)["wave"]).plot()
    support = summary.attributes[0]
    heights = np.array([bar.get_height() for bar in display.histogram_])
    np.testing.assert_allclose(
        heights / heights.max(), np.array(support.counts) / max(support.counts)
    )
    np.testing.assert_array_equal(display.rug_.get_xdata(), support.rug)


def test_a_category_and_its_missing_values_are_points_with_bars(fake, rows):
    fit = fake.fake_fit()
    kept = summarise(fit, rows, fake.fake_target(fit, rows))
    display = CurveDisplay(curves(fit, kept)["hue"]).plot()
    np.testing.assert_allclose(display.lines_[0].get_ydata(), [0.5, -0.5, 0.0, 0.25])
    ticks = [text.get_text() for text in display.ax_.get_xticklabels()]
    assert ticks == ["red", "blue", "green", "missing"]


def test_extreme_values_do_not_squeeze_the_figure(fake, rows):
    fit = fake.fake_fit()
    odd = rows.copy()
    odd[0, 0] = 1e9
    kept = summarise(fit, odd, fake.fake_target(fit, odd))
    display = CurveDisplay(curves(fit, kept)["wave"]).plot()
    assert display.ax_.get_xlim()[1] < 20
    assert display.ax_.get_xlabel() == "wave (middle 99 % of the rows)"


def test_a_surface_is_the_heat_map_and_its_scale_is_even(fit, summary):
    surface = surfaces(fit, summary)["wave × skew"]
    display = SurfaceDisplay(surface).plot()
    mean = surface.mean.reshape(*surface.mean.shape[:2], -1)[..., 0]
    np.testing.assert_array_equal(display.mesh_.get_array(), mean.T)
    low, high = display.mesh_.get_clim()
    assert low == -high == -np.abs(mean[surface.seen()]).max()
    assert display.shade_.get_array().count() == (~surface.seen()).sum()


def test_a_term_is_drawn_as_inner_and_outer_curves(fit, summary):
    term = list(terms(fit, summary).values())[1]
    display = TermDisplay(term).plot()
    assert [ax.get_xlabel() for ax in display.axes_] == ["wave", "skew", "hue", "inner sum"]
    for line, curve in zip(display.inner_lines_, term.inner.values(), strict=True):
        np.testing.assert_array_equal(line.get_ydata(), curve.value)
    outer = term.mean.reshape(len(term.h), -1)
    for k, line in enumerate(display.outer_lines_):
        np.testing.assert_array_equal(line.get_ydata(), outer[:, k])
    scales = {ax.get_ylim() for ax in display.axes_[:-1]}
    assert len(scales) == 1


def test_the_dial_shows_every_step_and_marks_the_chosen_one(fit):
    display = DialDisplay(fit.path).plot()
    expected = [[step.cost, step.loss] for step in fit.path]
    np.testing.assert_allclose(display.line_.get_xydata(), expected)
    np.testing.assert_allclose(display.chosen_.get_xydata(), [[13, 0.38]])


def test_waterfall_bars_lead_from_the_baseline_to_the_prediction(fit, rows, outputs):
    explanation = explain(fit, rows[:3], outputs)
    for k in range(len(outputs.units)):
        for most in (2, 10):
            display = WaterfallDisplay(explanation, row=1, output=k, most=most).plot()
            bars = list(display.bars_)
            assert bars[0].get_x() == pytest.approx(explanation.baseline[k])
            end = bars[-1].get_x() + bars[-1].get_width()
            assert end == pytest.approx(explanation.prediction[1, k])
            for above, below in itertools.pairwise(bars):
                assert below.get_x() == pytest.approx(above.get_x() + above.get_width())


def test_importances_stand_in_order(fit, rows):
    ranked = importances(fit, rows)
    widths = [bar.get_width() for bar in ImportanceDisplay(ranked, most=5).plot().bars_]
    np.testing.assert_allclose(widths, ranked.values[:5])


def test_plot_draws_on_the_axes_it_is_given_and_returns_itself(fit, summary, rows):
    read = curves(fit, summary)["wave"]
    for display in (
        CurveDisplay(read),
        SurfaceDisplay(surfaces(fit, summary)["wave × skew"]),
        DialDisplay(fit.path),
        WaterfallDisplay(explain(fit, rows[:1])),
        ImportanceDisplay(importances(fit, rows)),
    ):
        _, ax = plt.subplots()
        before = len(plt.get_fignums())
        assert display.plot(ax) is display
        assert display.ax_ is ax
        assert len(plt.get_fignums()) == before


def test_a_row_or_output_that_is_not_there_is_refused(fit, rows, summary):
    explanation = explain(fit, rows[:2])
    with pytest.raises(InputError, match="row must be from 0 to 1; got row=2"):
        WaterfallDisplay(explanation, row=2)
    with pytest.raises(InputError, match="got output=9; pass the position of a class"):
        SurfaceDisplay(surfaces(fit, summary)["wave × skew"], output=9)


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch, fit):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingExtraError, match='pip install "matplotlib"'):
        DialDisplay(fit.path).plot()


@pytest.mark.slow
def test_importing_the_room_does_not_import_matplotlib():
    import subprocess

    code = "import sys, superpose.plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_several_classes_have_a_line_each(fake, rows):
    fit = fake.fake_fit("multinomial")
    y = fake.fake_target(fit, rows)
    kept = summarise(fit, rows, y, outputs=Outputs("kind", ("a", "b", "c")))
    display = CurveDisplay(curves(fit, kept)["hue"]).plot()
    words = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert words == [f"log-probability of kind = {name} (centred)" for name in "abc"]
