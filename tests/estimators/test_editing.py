"""An edited model changes by what the edit says, by nothing else, and remembers it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from superpose import KSTClassifier, KSTRegressor
from superpose.errors import InputError, ModelFileError
from superpose.estimators import load, reading
from superpose.estimators.model_file import read_model, write_model
from superpose.fitting.superposition.by_hand import smoothed
from superpose.networks import MainCurve

N = 150


def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "age": rng.uniform(20, 90, N),
            "hue": rng.choice(["red", "blue", "green"], N),
            "bmi": rng.normal(25, 4, N),
        }
    )
    X.loc[::9, "age"] = np.nan
    return X


def target(X: pd.DataFrame) -> np.ndarray:
    rng = np.random.default_rng(1)
    age, bmi = X["age"].fillna(30.0).to_numpy(), X["bmi"].to_numpy()
    signal = np.sin(age / 15) + (X["hue"] == "red") + 0.1 * bmi + 0.004 * (age - 50) * (bmi - 25)
    return np.asarray(signal + rng.normal(0, 0.3, N))


def fitted(kind: str, **dial: Any) -> Any:
    X = table()
    y = target(X)
    dial = {"pairs": 0, "terms": 0} | dial
    if kind == "numbers":
        return KSTRegressor(**dial).fit(X, y)
    edges = [2.7] if kind == "two classes" else [2.0, 3.5]
    return KSTClassifier(**dial).fit(X, np.digitize(y, edges))


def link(model: Any, X: Any) -> np.ndarray:
    return model._link(X)


@pytest.fixture(scope="module", params=["numbers", "two classes", "three classes"])
def model(request: pytest.FixtureRequest) -> Any:
    return fitted(request.param)


@pytest.fixture(scope="module")
def rich() -> Any:
    return fitted("numbers", pairs=[("age", "bmi")], terms=1)


def height(model: Any, value: float) -> list[float]:
    return [value * (k + 1) for k in range(model.fit_.network.n_outputs)]


def test_a_stretch_is_what_was_set_and_the_rest_is_as_it_was(model: Any) -> None:
    X = table()
    edited = model.edit("age").set({40: height(model, 0.2), 60: height(model, -0.5)})
    inside = X["age"].between(40, 60).to_numpy()
    said = np.interp(X["age"][inside], [40, 60], [0.2, -0.5])[:, None] * height(model, 1.0)
    before, after = model.explain(X), edited.explain(X)
    np.testing.assert_allclose(after.values[inside, 0], said, atol=1e-12)
    np.testing.assert_allclose(after.values[~inside], before.values[~inside], atol=1e-13)
    np.testing.assert_array_equal(after.values[:, 1:], before.values[:, 1:])
    moved = link(edited, X) - link(model, X)
    np.testing.assert_allclose(moved[inside], said - before.values[inside, 0], atol=1e-12)
    assert np.abs(moved[~inside]).max() < 1e-13


def test_what_was_set_has_no_band_and_all_else_keeps_its_own(model: Any) -> None:
    X = table()
    edited = model.edit("age").set({40: height(model, 0.2), 60: height(model, -0.5)})
    inside = X["age"].between(40, 60).to_numpy()
    before, after = model.explain(X), edited.explain(X)
    np.testing.assert_array_equal(after.lower[inside, 0], after.upper[inside, 0])
    np.testing.assert_allclose(after.upper[~inside], before.upper[~inside], atol=1e-13)
    np.testing.assert_array_equal(after.upper[:, 1:], before.upper[:, 1:])
    assert (after.prediction_upper > after.prediction_lower).all()
    np.testing.assert_allclose(after.prediction_upper[~inside], before.prediction_upper[~inside])
    assert after.gap < 1e-12
    curve = edited.curves_["age"]
    np.testing.assert_array_equal(curve.by_hand, (curve.x >= 40) & (curve.x <= 60))
    assert model.curves_["age"].by_hand is None


def test_the_band_of_a_prediction_is_that_of_everything_else(model: Any) -> None:
    """With one part silent the variance is J S Jᵀ over the coefficients of the others."""
    X, fit = table(), model.edit("bmi").remove().fit_
    u = fit.network.encode(torch.from_numpy(model._encode(X)))
    whole = fit.posterior.variance(u).numpy()[:, 0]
    share = fit.posterior.shares
    rows = [np.ones((N, 1))]
    places = [0]
    for i in (0, 1):
        part = fit.network.parts[i]
        rows.append((part.basis.cardinal(u[:, i]) @ share[i].directions[0]).numpy())
        places += range(share[i].shared[0], sum(share[i].shared))
    jacobian = np.concatenate(rows, 1)
    known = fit.posterior.covariance.numpy()[np.ix_(places, places)]
    left = share[0].open_variance[0] * fit.network.parts[0].basis.conditional_variance(u[:, 0])
    count = fit.network.n_outputs
    expected = np.einsum("ni,ij,nj->n", jacobian, known, jacobian)
    expected += left.numpy() * (1 - 1 / count if count > 1 else 1)
    np.testing.assert_allclose(whole, expected, rtol=1e-9)


def test_the_original_is_never_touched(rich: Any) -> None:
    X = table()
    before = rich.predict(X, return_std=True)
    rich.edit("hue").set({"red": 3.0}).edit("bmi").smooth(1).edit(("bmi", "age")).remove()
    rich.edit(rich.summary_.parts[-1].name).remove().refit(X, target(X))
    np.testing.assert_array_equal(rich.predict(X, return_std=True), before)
    assert rich.edits_ == ()


def test_levels_and_missing_values(model: Any) -> None:
    X = table()
    edited = model.edit("hue").set({"red": height(model, 1.5)})
    edited = edited.edit("age").set({None: height(model, -1.0)})
    before, after = model.explain(X), edited.explain(X)
    red, gone = (X["hue"] == "red").to_numpy(), X["age"].isna().to_numpy()
    np.testing.assert_array_equal(after.values[red, 1], [height(model, 1.5)] * red.sum())
    np.testing.assert_array_equal(after.values[~red, 1], before.values[~red, 1])
    np.testing.assert_array_equal(after.upper[~red, 1], before.upper[~red, 1])
    np.testing.assert_array_equal(after.upper[red, 1], after.lower[red, 1])
    np.testing.assert_array_equal(after.values[gone, 0], [height(model, -1.0)] * gone.sum())
    np.testing.assert_array_equal(after.values[~gone, 0], before.values[~gone, 0])
    assert [edit.what for edit in edited.edits_] == ["at red", "where missing"]


def test_none_keeps_the_height_that_is_there(model: Any) -> None:
    edited = model.edit("age").set({40: None, 45: height(model, 2.0), 60: None, None: None})
    curve, old = edited.curves_["age"], model.curves_["age"]
    for place in (40.0, 60.0):
        found = curve.mean[np.searchsorted(curve.x, place)]
        at = model.edit("age").set({place: None, place + 1: None}).curves_["age"]
        np.testing.assert_allclose(found, at.mean[np.searchsorted(at.x, place)], atol=1e-12)
    np.testing.assert_array_equal(curve.missing.mean, old.missing.mean)


def test_removed_parts_contribute_nothing_and_keep_their_place(rich: Any) -> None:
    X = table()
    for name in [part.name for part in rich.summary_.parts]:
        edited = rich.edit(name).remove()
        i = [part.name for part in rich.summary_.parts].index(name)
        before, after = rich.explain(X), edited.explain(X)
        assert np.abs(after.values[:, i]).max() == 0
        assert np.abs(after.upper[:, i] - after.lower[:, i]).max() == 0
        np.testing.assert_array_equal(np.delete(after.values, i, 1), np.delete(before.values, i, 1))
        moved = edited.predict(X) - rich.predict(X)
        np.testing.assert_allclose(moved, -before.values[:, i, 0], atol=1e-12)
        assert edited.importances_[name].value == 0
        assert edited.fit_.posterior.dof[i] == 0
        assert list(edited.summary_.parts)[i].name == name
    assert rich.terms_.keys() == edited.terms_.keys()
    term = edited.terms_[name]
    np.testing.assert_array_equal(term.upper, term.lower)


def test_smoothing_keeps_the_mean_and_ends_in_a_straight_line(model: Any) -> None:
    X = table()
    known = ~X["age"].isna().to_numpy()
    rough, wiggles = model.explain(X).values[known, 0], []
    order = np.argsort(X["age"][known].to_numpy())
    for dof in (6.0, 3.0, 1.0):
        edited = model.edit("age", X=X).smooth(dof)
        smooth = edited.explain(X).values[known, 0]
        np.testing.assert_allclose(smooth.mean(0), rough.mean(0), atol=1e-8)
        np.testing.assert_array_equal(
            edited.explain(X).values[:, 1:], model.explain(X).values[:, 1:]
        )
        fit = np.polyfit(X["age"][known], smooth, 1)
        line = np.outer(X["age"][known], fit[0]) + fit[1]
        wiggles.append(np.abs(smooth - line)[order[5:-5]].max())
    assert wiggles[0] > wiggles[1] > 5 * wiggles[2]
    assert wiggles[2] < 0.02 * np.ptp(smooth)
    assert edited.edits_[0].what == "to a straight line"


def test_smoothing_less_than_there_is_changes_nothing() -> None:
    model, X = fitted("numbers"), table()
    edited = model.edit("bmi").smooth(100.0)
    np.testing.assert_allclose(edited.predict(X), model.predict(X), atol=1e-12)


def test_the_band_of_a_smoothed_curve_is_the_same_map_of_the_posterior() -> None:
    """S D C Dᵀ Sᵀ at the knots, with S from smoothing curves that are 1 at one knot."""
    model, i = fitted("numbers"), 2
    fit, edited = model.fit_, model.edit("bmi").smooth(2.0)
    part, share = fit.network.parts[i], fit.posterior.shares[i]
    u = part.basis.knots
    unit = torch.eye(len(u), dtype=torch.float64)
    rows = torch.from_numpy(reading.kept_rows(fit, model.summary_, i)[0])[:, i]
    attribute = fit.network.attributes[i]
    columns = []
    for one in unit:
        spike = MainCurve(i, part.basis, one[None])
        spike, _ = smoothed(spike, share, attribute, attribute.encode(rows), 2.0)
        columns.append(spike.heights[0].detach())
    S, D = torch.stack(columns, 1), share.directions[0]
    place, width = share.shared
    C = fit.posterior.covariance[place : place + width, place : place + width]
    expected = (S @ D @ C @ D.mT @ S.mT).diagonal().sqrt()
    at = torch.full((len(u), 3), 0.5, dtype=torch.float64)
    at[:, i] = u
    found = edited.fit_.posterior.part_variance(i, at)[:, 0].sqrt()
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(edited.fit_.network.parts[i].heights[0], S @ part.heights[0])
    assert float(S.trace()) == pytest.approx(3.0, abs=1e-6)
    before = fit.posterior.part_variance(i, at)[:, 0].sqrt()
    assert float((found / before - 1).abs().max()) > 1e-3


def test_the_trail_says_who_when_why_and_how_much(model: Any) -> None:
    X = table().iloc[:60]  # over these rows the curve had another mean
    y = model.predict(X)
    note = {"reason": "no such rows", "who": "R. Reader", "when": "2026-05-04"}
    edited = model.edit("hue", X=X, y=y, **note).set({"red": height(model, 1.5)})
    (edit,) = edited.edits_
    moved = link(edited, X) - link(model, X)
    np.testing.assert_allclose(edit.mean_change, moved.mean(0), atol=1e-12)
    values = edited.explain(X).values[:, 1]
    assert edit.size_after == pytest.approx(np.sqrt((values**2).sum(1).mean()))
    np.testing.assert_array_equal(edit.after[:-1], edited.curves_["hue"].mean.reshape(3, -1))
    np.testing.assert_array_equal(edit.before[:-1], model.curves_["hue"].mean.reshape(3, -1))
    assert edit.sentence == "hue set at red by R. Reader on 2026-05-04: no such rows"
    assert edit.rows == 60
    if isinstance(model, KSTClassifier):
        p = [m.predict_proba(X)[np.arange(60), y.astype(int)] for m in (model, edited)]
        losses = [-np.log(q).mean() for q in p]
    else:
        losses = [((m.predict(X) - y) ** 2).mean() for m in (model, edited)]
    assert [edit.loss_before, edit.loss_after] == pytest.approx(losses)


def test_without_rows_the_change_is_that_over_the_training_rows() -> None:
    """The rug of fewer than 200 rows is all of them."""
    model, X = fitted("numbers"), table()
    kept = model.edit("age").set({30: 1.0, 70: 2.0}).edits_[0]
    given = model.edit("age", X=X).set({30: 1.0, 70: 2.0}).edits_[0]
    assert kept.size_after == pytest.approx(given.size_after)
    assert kept.size_before == pytest.approx(model.importances_["age"].value)
    np.testing.assert_allclose(kept.mean_change, given.mean_change)
    assert kept.loss_after is None
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", kept.when)


def test_the_file_keeps_the_trail(model: Any, tmp_path: Path) -> None:
    X = table()
    edited = model.edit("age", reason="x").set({40: height(model, 0.2), 60: None})
    edited = edited.edit("age").set({50: height(model, 0.0), 55: height(model, 1.0)})
    edited = edited.edit("bmi", X=X, y=model.predict(X)).smooth().edit("hue").fix()
    edited.save(tmp_path / "a")
    again = load(tmp_path / "a")
    again.save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert [repr(edit) for edit in again.edits_] == [repr(edit) for edit in edited.edits_]
    for one, other in zip(again.edits_, edited.edits_, strict=True):
        np.testing.assert_array_equal(one.before, other.before)
    np.testing.assert_array_equal(again.explain(X).upper, edited.explain(X).upper)
    edited.report(tmp_path / "a.html")
    again.report(tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_file_from_before_there_were_edits_is_read(tmp_path: Path) -> None:
    model = fitted("numbers")
    model.save(tmp_path / "a")
    header, arrays = read_model(tmp_path / "a")
    del header["fit"]["edits"]
    write_model(tmp_path / "a", header, arrays)
    assert load(tmp_path / "a").edits_ == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda it: it.update(action="paint"),
        lambda it: it.update(index=3),
        lambda it: it.update(index=-1),
        lambda it: it.update(reason=None),
        lambda it: it.update(size_after=None),
        lambda it: it.pop("when"),
    ],
)
def test_a_forged_trail_is_refused(tmp_path: Path, change: Any) -> None:
    fitted("numbers").edit("hue").remove().save(tmp_path / "a")
    header, arrays = read_model(tmp_path / "a")
    change(header["fit"]["edits"][0])
    write_model(tmp_path / "a", header, arrays)
    with pytest.raises(ModelFileError, match="must describe a model"):
        load(tmp_path / "a")


@pytest.mark.parametrize(
    ("name", "places", "sentence"),
    [
        ("age", {}, "set needs places and heights; found none; write set({40: 0.2, 60: 0.5})"),
        (
            "age",
            {40: 1.0},
            "'age' is a number: it is set between two finite values or more; found [40]; for the "
            "single whole number 2 write {1.5: 0.3, 2.5: 0.3}",
        ),
        (
            "hue",
            {"pink": 1.0},
            "a level of 'hue' must be one of blue, green, red; found 'pink'; correct the name; "
            "None stands for a missing value",
        ),
        (
            "bmi",
            {None: 1.0},
            "missing values of 'bmi' must have a height of their own to be set; none were missing "
            "in fit, so they contribute 0; leave None out",
        ),
        (
            "hue",
            {"red": [1.0, 2.0]},
            "a height must be one finite number; found [1.0, 2.0] at 'red'; give contributions on "
            "the link scale",
        ),
        (
            ("age", "bmi"),
            {40: 1.0},
            "only a main curve can be set; found 'age × bmi', a pair; fix() or remove() it, or "
            "name an attribute",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(
    rich: Any, name: Any, places: dict[Any, Any], sentence: str
) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        rich.edit(name).set(places)


def test_other_refusals(rich: Any) -> None:
    with pytest.raises(InputError, match="a part to edit must be one of age, hue, bmi, age × bmi"):
        rich.edit("weight")
    with pytest.raises(InputError, match="a curve is smoothed along a number; found that 'hue'"):
        rich.edit("hue").smooth()
    with pytest.raises(InputError, match=re.escape("dof must be 1 (a straight line) or above")):
        rich.edit("age").smooth(0.5)
    with pytest.raises(InputError, match="found y alone; pass X too"):
        rich.edit("age", y=[1.0])


def test_what_was_measured_before_says_so() -> None:
    model = fitted("numbers")
    assert model.summary_.held_out is not None
    once = model.edit("age").fix()
    assert once.summary_ == model.summary_
    twice = once.edit("age").remove().edit("hue").remove()
    assert twice.summary_.held_out.source.count("; before changes by hand") == 1
