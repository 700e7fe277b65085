"""Measures by group are those of the group alone, and contributions explain the difference."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, log_loss, roc_auc_score
from tests.explain.made_tables import fitted

from superpose import KSTRegressor
from superpose.errors import InputError
from superpose.explain import by_group

KINDS = ["numbers", "two classes", "three classes"]


@pytest.mark.parametrize("kind", KINDS)
def test_differences_sum_to_the_difference_of_the_mean_predictions(kind: str) -> None:
    model, X, y = fitted(kind, pairs=[("age", "bmi")])
    view = by_group(model, X, y, X["hue"])
    explanation = model.explain(X)
    for g, name in enumerate(view.groups):
        rows = (X["hue"] == name).to_numpy()
        np.testing.assert_allclose(view.predictions[g], explanation.prediction[rows].mean(0))
        np.testing.assert_allclose(view.contributions[g], explanation.values[rows].mean(0))
        np.testing.assert_allclose(
            view.baseline + view.contributions[g].sum(0), view.predictions[g], atol=1e-10
        )
    for k in range(model.fit_.network.n_outputs):
        table = view.difference("blue", "red", k)
        gap = view.predictions[2, k] - view.predictions[0, k]
        assert view.groups == ("blue", "green", "red")
        assert table["difference"].sum() == pytest.approx(gap, abs=1e-10)
        assert (np.diff(table["difference"].abs()) <= 0).all()


def test_rates_are_those_of_the_confusion_matrix() -> None:
    model, X, y = fitted("two classes")
    group = np.where(X["bmi"] > 25, 1, 0)
    view = by_group(model, X, y, group, threshold=0.3)
    measures = {metric.name: metric for metric in view.metrics}
    for g in (0, 1):
        rows = group == g
        p = model.predict_proba(X[rows])[:, 1]
        hit = np.asarray(y)[rows] == model.classes_[1]
        (tn, fp), (fn, tp) = confusion_matrix(hit, p >= 0.3)
        value = {name: metric.values[g] for name, metric in measures.items()}
        assert value["false alarms"] == pytest.approx(fp / (fp + tn))
        assert value["misses"] == pytest.approx(fn / (fn + tp))
        assert value["share selected"] == pytest.approx((fp + tp) / rows.sum())
        assert value["log loss"] == pytest.approx(log_loss(hit, p))
        assert value["area under the ROC curve"] == pytest.approx(roc_auc_score(hit, p))
        assert value["mean error"] == pytest.approx(p.mean() - hit.mean())
        share = fp / (fp + tn)
        error = np.sqrt(share * (1 - share) / (fp + tn))
        assert measures["false alarms"].errors[g] == pytest.approx(error)


def test_numbers_have_errors_with_a_sign() -> None:
    model, X, y = fitted("numbers")
    view = by_group(model, X, y + (X["hue"] == "red"), X["hue"])
    measures = {metric.name: metric for metric in view.metrics}
    rows = (X["hue"] == "red").to_numpy()
    gap = model.predict(X[rows]) - y[rows] - 1
    assert measures["mean error"].values[2] == pytest.approx(gap.mean())
    assert measures["mean error"].errors[2] == pytest.approx(gap.std(ddof=1) / rows.sum() ** 0.5)
    assert measures["root mean square error"].values[2] == pytest.approx((gap**2).mean() ** 0.5)
    assert abs(measures["mean error"].values[0]) < 0.2


def test_counts_are_measured_as_counts() -> None:
    """Parts add up in the log of the mean; errors are those of the mean."""
    _, X, y = fitted("numbers")
    y = np.random.default_rng(0).poisson(np.exp(y / 3)).astype(float)
    model = KSTRegressor(pairs=0, terms=0, loss="poisson").fit(X, y)
    view = by_group(model, X, y, X["hue"])
    measures = {metric.name: metric for metric in view.metrics}
    rows = (X["hue"] == "red").to_numpy()
    gap = model.predict(X[rows]) - y[rows]
    assert measures["mean error"].values[2] == pytest.approx(gap.mean())
    np.testing.assert_allclose(view.predictions[2], np.log(model.predict(X[rows])).mean())
    assert view.outputs.units == ("log of y",)


def test_a_group_of_one_class_has_no_area_and_a_missing_group_is_one() -> None:
    model, X, y = fitted("two classes")
    group = np.where(np.asarray(y) == "high", "only", "rest").astype(object)
    group[:5] = None
    view = by_group(model, X, y, group)
    assert view.groups[-1] == "missing"
    assert view.counts.sum() == len(X)
    area = next(metric for metric in view.metrics if metric.name == "area under the ROC curve")
    assert np.isnan(area.values[0])
    assert "–" in repr(view)
    assert view.to_frame().loc["only", "rows"] == (group == "only").sum()


def test_what_is_the_same_in_all_rows_of_a_group_has_no_error() -> None:
    model, X, y = fitted("numbers")
    table = by_group(model, X, y, X["hue"]).difference("blue", "red")
    assert table.loc[table["part"] == "hue", "error"].tolist() == [0.0]


def test_refusals() -> None:
    model, X, y = fitted("numbers")
    with pytest.raises(InputError, match="group must have one value for each of the 150 rows"):
        by_group(model, X, y, [1, 2])
    with pytest.raises(InputError, match="group must have 1 to 50 different values; found 150"):
        by_group(model, X, y, X["bmi"])
    with pytest.raises(InputError, match="a group must be one of blue, green, red; found 'pink'"):
        by_group(model, X, y, X["hue"]).difference("red", "pink")
