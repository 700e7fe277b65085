"""Changes by hand, stability and groups stand on the page when there are any."""

from __future__ import annotations

import re

import numpy as np
import pytest
from sklearn.base import clone
from tests.explain.made_tables import fitted
from tests.report.test_page import Outline

from superpose.explain import by_group, compare, stability
from superpose.report.comparison import _chart
from superpose.report.tables import add_up, exactness, lookup_tables


def outline(model, path, **more):
    model.report(path, **more)
    return Outline(path.read_text(encoding="utf-8"))


def sections(page):
    return [values.get("id") for tag, values in page.seen if tag == "section"]


@pytest.fixture(scope="module", params=["numbers", "two classes", "three classes"])
def given(request):
    return fitted(request.param, pairs=[("age", "bmi")])


def test_without_them_the_page_is_as_it_was(given, tmp_path):
    found = sections(outline(given[0], tmp_path / "a.html"))
    assert not {"edits", "stability", "groups", "comparison"} & set(found)


def test_changes_by_hand(given, tmp_path):
    model, X, y = given
    level = [1.0] * model.fit_.network.n_outputs
    note = {"reason": "<b>law</b>", "who": "R. Reader", "when": "2026-05-04"}
    edited = model.edit("age", X=X, y=y, **note).set({40: level, 60: None, None: level})
    edited = edited.edit("hue").remove().edit(("age", "bmi")).fix()
    page = outline(edited, tmp_path / "a.html")
    assert "edits" in sections(page)
    assert "3 changes were made by hand, to age, hue and age × bmi." in page.text
    assert "age set from 40 to 60 and where missing by R. Reader on 2026-05-04: <b>law</b>" in (
        page.text
    )
    assert "the mean prediction moved by" in page.text
    assert re.search(r"The mean loss of these rows (rose|fell) from", page.text)
    assert "Nothing changed then; a refit leaves this part as it is." in page.text
    charts = [v["aria-label"] for t, v in page.seen if t == "svg"]
    assert "age before and after it was set" in charts
    paths = [values for tag, values in page.seen if tag == "path"]
    assert sum(values.get("class") == "by-hand" for values in paths) == len(level)


def test_the_form_knows_where_a_curve_steps():
    model, X, _ = fitted("numbers")
    edited = model.edit("age").set({40: 2.0, 60: -2.0}).edit("bmi").set({20: 0.0, 60: 1.0})
    tables = lookup_tables(edited.fit_, edited.summary_)
    assert exactness(edited.fit_, edited.summary_, tables)[1] < 0.02
    for bmi in (19.99, 20.01, 59.9, 60.5, 70.0):
        row = X.iloc[[0]].assign(age=40.0, bmi=bmi)
        found = add_up(tables, edited._encode(row)[0])[0][:, 0]
        np.testing.assert_allclose(found, edited.explain(row).values[0, :, 0], atol=0.01)


@pytest.mark.slow
def test_stability_and_groups(given, tmp_path):
    model, X, y = given
    found, view = stability(model, X, y, n_resamples=2), by_group(model, X, y, X["hue"])
    page = outline(model, tmp_path / "a.html", X=X, y=y, stability=found, groups=view)
    assert {"stability", "groups"} <= set(sections(page))
    assert "fitted 2 more times to resampled rows" in page.text
    refits = [values for _, values in page.seen if values.get("class") == "refit"]
    assert len(refits) == 2 * (2 + 3)  # two curves, and three levels
    assert len(set(page.ids)) == len(page.ids)
    for metric in view.metrics:
        assert metric.name in page.text
    assert "The mean prediction" in page.text
    assert page.text.count("less") >= len(view.outputs.labels)


def test_two_models_side_by_side(given, tmp_path):
    model, X, _ = given
    other = model.edit("age").remove()
    found = compare(model, other, X, names=("<all>", "less"))
    page = outline(model, tmp_path / "a.html", comparison=found)
    assert "comparison" in sections(page)
    assert "The main curves of <all> and of less over one axis" in page.text
    assert f"Over {len(X):,} rows the correlation of their predictions is" in page.text
    charts = [v["aria-label"] for t, v in page.seen if t == "svg"]
    both = [f"{name} in <all> and in less" for name in found.curves]
    assert [it for it in charts if it in both] == both
    assert both[0] == "age in <all> and in less"


def test_a_chart_of_two_curves_holds_both_in_their_units(given):
    """The heights of the drawn lines are those of the curves: one scale serves both."""
    model, X, _ = given
    pair = compare(model, model.edit("age").remove(), X).curves["age"]
    paths = re.findall(r'd="M([^"]*)" class="curve c(\d)"', _chart(pair, ("a", "b")))
    drawn = {c: np.array([it.split(",") for it in d.split("L")], float)[:, 1] for d, c in paths}
    assert np.ptp(drawn["1"]) == 0  # a removed curve is flat, at zero
    assert np.ptp(drawn["0"]) > 20


@pytest.mark.slow
def test_what_only_one_of_two_models_has_is_named(given, tmp_path):
    model, X, y = given
    other = fitted_plain(model, X, y)
    found = compare(model, other)
    page = outline(model, tmp_path / "a.html", comparison=found)
    assert "Only first has age × bmi." in page.text
    assert "correlation of their predictions" not in page.text


def fitted_plain(model, X, y):
    return clone(model).set_params(pairs=0, terms=0).fit(X, y)
