"""Displays of stability, comparison and groups draw the numbers that they hold."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from tests.explain.made_tables import fitted

from superpose.errors import InputError
from superpose.explain import by_group, compare, stability
from superpose.plots import ComparisonDisplay, CurveDisplay, GroupDisplay, StabilityDisplay


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture(scope="module", params=["numbers", "three classes"])
def model(request):
    return fitted(request.param)


@pytest.mark.slow
def test_every_refit_is_behind_the_curve(model):
    found = stability(*model, n_resamples=2)
    for name in ("age", "hue"):
        display = StabilityDisplay.from_stability(found, name).plot()
        assert len(display.refits_) == 2
        for b, line in enumerate(display.refits_):
            np.testing.assert_array_equal(line.get_ydata(), found.curves[name].refits[b, :, 0])
        front = display.curve_.lines_[0].get_zorder()
        assert all(line.get_zorder() < front for line in display.refits_)
    with pytest.raises(InputError, match="output must be from 0 to"):
        StabilityDisplay.from_stability(found, "age", output=9)


def test_both_curves_and_their_difference(model):
    first, X, y = model
    second = type(first)(pairs=0, terms=0).fit(X[:100], np.asarray(y)[:100])
    found = compare(first, second, names=("all", "some"))
    k = first.fit_.network.n_outputs - 1
    for name in ("age", "hue"):
        display = ComparisonDisplay.from_comparison(found, name, output=k).plot()
        pair = found.curves[name]
        drawn = [line.get_ydata() for line in display.lines_]
        np.testing.assert_array_equal(drawn[0], pair.means[0, :, k])
        np.testing.assert_array_equal(drawn[1], pair.means[1, :, k])
        np.testing.assert_array_equal(drawn[2], pair.difference[:, k])
        assert display.axes_[1].get_ylabel() == "some less all"
    with pytest.raises(InputError, match="output must be from 0 to"):
        ComparisonDisplay.from_comparison(found, "age", output=-1)


def test_the_bars_lead_from_one_mean_to_the_other(model):
    fit, X, y = model
    view = by_group(fit, X, y, X["hue"])
    for most in (10, 1):
        bars = GroupDisplay(view, "blue", "red", most=most).plot().bars_
        assert bars[0].get_x() == pytest.approx(view.predictions[0, 0])
        end = bars[-1].get_x() + bars[-1].get_width()
        assert end == pytest.approx(view.predictions[2, 0])
    assert len(bars) == 2


def test_what_was_set_by_hand_is_marked():
    model, _, _ = fitted("numbers")
    edited = model.edit("age").set({40: 1.0, 60: 2.0}).edit("hue").set({"red": 1.0})
    (line,) = CurveDisplay.from_estimator(edited, "age").plot().by_hand_
    x, y = line.get_data()
    shown = np.isfinite(y)
    assert (x[shown].min(), x[shown].max()) == (40, 60)
    np.testing.assert_allclose(y[shown], np.interp(x[shown], [40, 60], [1, 2]))
    (cross,) = CurveDisplay.from_estimator(edited, "hue").plot().by_hand_
    assert np.isfinite(cross.get_ydata()).tolist() == [False, False, True]
    assert CurveDisplay.from_estimator(model, "age").plot().by_hand_ == []
