"""Measures of quality equal scikit-learn's, with standard errors that repeated samples confirm."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from superpose.errors import InputError
from superpose.explain import score_held_out


def measure(held_out):
    return {metric.name: metric for metric in held_out.metrics}


def two_classes(seed, count=400):
    rng = np.random.default_rng(seed)
    p = rng.beta(2, 2, count).round(2)
    return (rng.random(count) < p).astype(int), np.column_stack([1 - p, p])


def test_two_classes_agree_with_scikit_learn():
    y, p = two_classes(0)
    found = measure(score_held_out(y, p, source="test", classes=("no", "yes")))
    assert found["log loss"].value == pytest.approx(metrics.log_loss(y, p))
    assert found["accuracy"].value == pytest.approx(metrics.accuracy_score(y, p.argmax(1)))
    assert found["Brier score"].value == pytest.approx(metrics.brier_score_loss(y, p[:, 1]))
    area = metrics.roc_auc_score(y, p[:, 1])
    assert found["area under the ROC curve"].value == pytest.approx(area)
    share = y.mean()
    assert found["log loss"].constant == pytest.approx(
        metrics.log_loss(y, np.tile([1 - share, share], (len(y), 1)))
    )


def test_regression_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    y = rng.normal(size=200)
    guess = y + rng.normal(0, 0.5, 200)
    found = measure(score_held_out(y, guess, source="test"))
    assert found["root mean square error"].value == pytest.approx(
        metrics.root_mean_squared_error(y, guess)
    )
    assert found["mean absolute error"].value == pytest.approx(
        metrics.mean_absolute_error(y, guess)
    )
    assert found["share of variance explained"].value == pytest.approx(metrics.r2_score(y, guess))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["log loss", "accuracy", "area under the ROC curve"])
def test_standard_errors_are_the_spread_over_repeated_samples(name):
    found = [
        measure(score_held_out(*two_classes(seed), source="t", classes=("n", "y")))[name]
        for seed in range(200)
    ]
    spread = np.std([metric.value for metric in found], ddof=1)
    assert np.mean([metric.error for metric in found]) == pytest.approx(spread, rel=0.2)


@pytest.mark.parametrize("name", ["root mean square error", "share of variance explained"])
def test_standard_errors_of_ratios_and_roots_are_right_too(name):
    found = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        y = rng.normal(size=300)
        found.append(
            measure(score_held_out(y, 0.8 * y + rng.normal(0, 0.5, 300), source="t"))[name]
        )
    spread = np.std([metric.value for metric in found], ddof=1)
    assert np.mean([metric.error for metric in found]) == pytest.approx(spread, rel=0.2)


def test_calibration_bins_hold_all_rows_and_cover_the_truth():
    y, p = two_classes(1, 2000)
    table = score_held_out(y, p, source="test", classes=("no", "yes")).calibration[0]
    assert table.label == "yes"
    assert sum(table.counts) == len(y)
    assert np.all(np.diff(table.predicted) > 0)
    inside = [
        a <= q <= b for a, q, b in zip(table.lower, table.predicted, table.upper, strict=True)
    ]
    assert sum(inside) >= 8


def test_several_classes_have_a_table_each():
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1, 1, 1], 300)
    y = np.array([rng.choice(3, p=row) for row in p])
    found = score_held_out(y, p, source="test", classes=("a", "b", "c"))
    assert [table.label for table in found.calibration] == ["a", "b", "c"]
    assert "area under the ROC curve" not in measure(found)


def test_lengths_that_differ_are_refused():
    with pytest.raises(InputError, match="got 3 outcomes and 2 predictions"):
        score_held_out(np.zeros(3), np.zeros(2), source="test")
