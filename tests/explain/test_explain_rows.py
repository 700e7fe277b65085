"""Contributions add up to the prediction, whatever the model and the rows."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from superpose.errors import InputError
from superpose.explain import Explanation, Outputs, explain


def test_contributions_add_up_to_the_prediction_of_the_network(fit, rows):
    explanation = explain(fit, rows)
    total = explanation.baseline + explanation.values.sum(axis=1)
    np.testing.assert_allclose(total, fit.network(torch.as_tensor(rows)).numpy(), atol=1e-12)
    assert explanation.gap < 1e-12


def test_every_row_part_and_output_has_a_place(fit, rows, outputs):
    explanation = explain(fit, rows, outputs)
    width = len(outputs.units)
    assert explanation.values.shape == (len(rows), 7, width)
    assert explanation.prediction.shape == (len(rows), width)
    assert len(explanation.to_frame()) == len(rows) * 7 * width
    assert len(explanation) == len(rows)


def test_values_are_the_parts_own(fit, rows):
    explanation = explain(fit, rows)
    expected = fit.network.contributions(torch.as_tensor(rows)).numpy()
    np.testing.assert_array_equal(explanation.values, expected)


def test_bands_hold_the_contribution_and_have_the_posterior_width(fit, rows):
    explanation = explain(fit, rows, level=0.95)
    np.testing.assert_allclose(explanation.upper[:, 2] - explanation.values[:, 2], 1.959964 * 0.3)
    np.testing.assert_allclose(explanation.values[:, 2] - explanation.lower[:, 2], 1.959964 * 0.3)
    total = np.sqrt(sum((0.1 * i) ** 2 for i in range(1, 8)))
    inside = explanation.prediction_upper - explanation.prediction
    assert inside.min() == pytest.approx(1.959964 * total)


def test_a_wider_level_gives_a_wider_band(fit, rows):
    narrow, wide = (explain(fit, rows, level=level) for level in (0.8, 0.99))
    assert (wide.upper > narrow.upper).all()
    assert (wide.lower < narrow.lower).all()


def test_one_row_is_explained_as_it_is_among_others(fit, rows):
    alone, among = explain(fit, rows[3:4]), explain(fit, rows)
    np.testing.assert_array_equal(alone.values[0], among.values[3])


def test_what_was_read_is_written_out(fake):
    fit = fake.fake_fit()
    rows = np.array([[2.5, 0.0, np.nan, 0.5], [2.5, 0.0, 1.0, 0.5], [2.5, 0.0, -1.0, 0.5]])
    data = explain(fit, rows).data
    assert data[0, 0] == "wave = 2.5"
    assert data[0, 3] == "wave = 2.5, skew = 0"
    assert list(data[:, 2]) == ["hue is missing", "hue = blue", "hue = (never seen)"]


def test_it_leaves_the_rows_alone(fit, rows):
    before = rows.copy()
    explain(fit, rows)
    np.testing.assert_array_equal(rows, before)


def test_contributions_that_do_not_add_up_are_refused():
    values = np.array([[[1.0]]])
    with pytest.raises(InputError, match=r"add up to the prediction; found a gap of 0\.5"):
        Explanation(
            names=("a",),
            values=values,
            lower=values,
            upper=values,
            baseline=np.zeros(1),
            prediction=np.array([[1.5]]),
            prediction_lower=np.array([[1.5]]),
            prediction_upper=np.array([[1.5]]),
            data=np.array([["a = 1"]]),
            level=0.95,
            outputs=Outputs("y"),
        )


def test_it_prints_and_goes_to_json(fit, rows, outputs):
    explanation = explain(fit, rows[:5], outputs)
    text = repr(explanation)
    assert text.startswith("Explanation of 5 rows in ")
    assert "and 2 more" in text
    assert json.loads(json.dumps(explanation.to_dict()))["gap"] < 1e-12
