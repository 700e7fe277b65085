"""Scores against numbers worked by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from superpose.bench.scores import calibration_error, score_classes, score_numbers


def test_calibration_error_by_hand() -> None:
    """Two bins: |1/3 - .2| and |1/2 - .7|, weighted by 3 and 2 rows of 5."""
    p = [0.1, 0.2, 0.3, 0.6, 0.8]
    happened = [0, 1, 0, 0, 1]
    expected = 3 / 5 * abs(1 / 3 - 0.2) + 2 / 5 * abs(1 / 2 - 0.7)
    assert calibration_error(happened, p, bins=2) == pytest.approx(expected)


def test_rows_of_equal_probability_have_no_order() -> None:
    rng = np.random.default_rng(0)
    p = rng.choice([0.2, 0.3, 0.9], 200)
    happened = rng.random(200) < 0.5
    found = {calibration_error(happened[k], p[k]) for k in map(rng.permutation, [200] * 5)}
    assert max(found) - min(found) < 1e-12
    assert calibration_error(happened, np.full(200, 0.1)) == pytest.approx(happened.mean() - 0.1)


def test_true_probabilities_are_calibrated_and_wrong_ones_are_not() -> None:
    rng = np.random.default_rng(1)
    p = rng.random(60_000)
    happened = rng.random(60_000) < p
    assert calibration_error(happened, p) < 0.01
    assert calibration_error(happened, p**2) == pytest.approx((p - p**2).mean(), abs=0.01)


def test_two_classes_have_the_same_calibration_whichever_is_counted() -> None:
    rng = np.random.default_rng(2)
    p = rng.random(300)
    happened = rng.random(300) < p
    assert calibration_error(happened, p) == pytest.approx(calibration_error(~happened, 1 - p))


def test_scores_of_classes_by_hand() -> None:
    y = pd.Series(["a", "b", "c"])
    p = np.array([[0.5, 0.25, 0.25], [0.6, 0.3, 0.1], [0.1, 0.4, 0.5]])
    found = score_classes(y, p, ["a", "b", "c"])
    assert found["loss"] == pytest.approx(-np.log([0.5, 0.3, 0.5]).mean())
    # a: beaten by row 2, beats row 3; b: beats row 1, beaten by row 3; c: beats both
    assert found["auc"] == pytest.approx((0.5 + 0.5 + 1.0) / 3)
    per_class = [np.abs([0.5, 0.6, 0.1] - np.eye(3)[0]), np.abs([0.25, 0.3, 0.4] - np.eye(3)[1])]
    per_class += [np.abs([0.25, 0.1, 0.5] - np.eye(3)[2])]
    assert found["calibration"] == pytest.approx(np.mean(per_class))


def test_the_mean_of_the_target_has_a_loss_of_one() -> None:
    y = pd.Series([1.0, 2.0, 6.0])
    assert score_numbers(y, np.full(3, 3.0), y.std(ddof=0)) == {"loss": pytest.approx(1.0)}
    assert score_numbers(y, np.array([1.0, 2.0, 4.0]), 2.0)["loss"] == pytest.approx(3**-0.5)
