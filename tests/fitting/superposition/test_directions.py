"""Candidate terms: the closed form is that of its formula, and a planted direction is found."""

import numpy as np
import torch
from tests.fitting.made_problems import encoded, generator, normal, numbers, sides_of, uniform

from superpose.fitting.superposition.directions import candidates

STRENGTHS = (1.0, 10.0, 100.0)


def searched(f, noise, count=5, n=1500):
    x = uniform(n, 4, seed=3)
    attributes, one = numbers(x), torch.ones(n, dtype=torch.float64)
    sides = sides_of(attributes, encoded(attributes, x), one)
    residual = (f(x) + noise * normal(n, 7))[:, None]
    mains = x - x.mean(0)
    found = candidates(sides, mains, one, residual, one[:, None], generator(0), count)
    return found, residual[:, 0].numpy()


def gain(columns, residual):
    """½ (gᵀ (H + τ)⁻¹ g - log det (H/τ + 1)), largest over τ, on the rows themselves."""
    score, hessian, eye = columns.T @ residual, columns.T @ columns, np.eye(columns.shape[1])
    return max(
        0.5 * score @ np.linalg.solve(hessian + t * eye, score)
        - 0.5 * np.linalg.slogdet(hessian / t + eye)[1]
        for t in STRENGTHS
    )


def test_the_gain_in_bins_is_that_of_the_formula_on_the_rows():
    found, residual = searched(lambda x: 2 * (x[:, 0] + x[:, 1] - 1) ** 2, 0.3)
    for it in found:
        h = it.columns.inner_sum(it.inner)
        assert abs(float(h.std()) - 1) < 1e-9
        expected = gain(it.columns.outer_columns(h).numpy(), residual)
        np.testing.assert_allclose(it.gain, expected, rtol=0.02)
    assert [it.gain for it in found] == sorted((it.gain for it in found), reverse=True)


def test_the_outer_curve_that_comes_with_a_candidate_fits_the_residual():
    found, residual = searched(lambda x: (6 * (x[:, 0] + x[:, 1])).sin(), 0.05)
    best = found[0]
    fitted = best.columns.value(best.outer, best.inner)[:, 0].numpy()
    assert np.corrcoef(fitted, residual)[0, 1] > 0.8
    assert {0, 1} <= set(best.columns.attributes)


def test_noise_promises_little():
    found, _ = searched(lambda x: 0 * x[:, 0], 1.0)
    assert found[0].gain < 8.0


def test_one_row_has_no_direction():
    x, one = uniform(2, 2), torch.tensor([1.0, 0.0]).double()
    sides = sides_of(numbers(x), encoded(numbers(x), x), torch.ones(2).double())
    weighted = one[:, None]
    assert candidates(sides, 0 * x, one, weighted, weighted, generator(0), 1, only=(0, 1)) == []
