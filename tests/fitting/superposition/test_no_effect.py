"""Is a curve null? Against dense algebra of the marginal model, and by counting."""

import numpy as np
import pytest
import torch
from tests.fitting.made_problems import generator, normal, uniform

from superpose.fitting.superposition.no_effect import _strength, no_effect
from superpose.fitting.superposition.quadratic_form import upper_tail


def ridge(y: torch.Tensor, Z: torch.Tensor, precision: torch.Tensor, noise: float):
    """Mode and covariance of y = Zθ + e with prior precision of θ; noise is the variance of e."""
    covariance = torch.linalg.inv(Z.mT @ Z / noise + torch.diag(precision))
    return covariance @ Z.mT @ y / noise, covariance


def test_it_is_the_point_optimal_test_of_the_marginal_model() -> None:
    n, own, noise = 60, slice(2, 7), 0.7
    Z, y = uniform(n, 9) - 0.5, normal(n)
    precision = torch.linspace(0.5, 4, 9).double()
    theta, covariance = ridge(y, Z, precision, noise)
    p = no_effect(theta[own], covariance[own][:, own], precision[own])

    others = torch.cat([Z[:, :2], Z[:, 7:]], 1)
    prior = torch.cat([precision[:2], precision[7:]])
    V = noise * torch.eye(n) + others @ torch.diag(1 / prior) @ others.mT  # under the null
    score = Z[:, own].mT @ torch.linalg.solve(V, y)
    M = Z[:, own].mT @ torch.linalg.solve(V, Z[:, own])
    values = torch.linalg.eigvalsh(M)
    strength = _strength(values)
    B = torch.linalg.inv(M + strength * torch.eye(5))
    assert float((values / (values + strength)).sum()) == pytest.approx(2.5)
    expected = upper_tail(values / (values + strength), float(score @ B @ score))
    assert p == pytest.approx(expected, rel=1e-6)


def test_it_does_not_depend_on_how_smooth_the_curve_was_found_to_be() -> None:
    Z, y, found = uniform(50, 8) - 0.5, normal(50), []
    for own in (1e-3, 1.0, 1e6):
        precision = torch.tensor([own] * 5 + [2.0] * 3).double()
        theta, covariance = ridge(y, Z, precision, 1.0)
        found.append(no_effect(theta[:5], covariance[:5, :5], precision[:5]))
    assert found == pytest.approx([found[0]] * 3, rel=1e-5)


def test_its_level_holds_and_a_curve_is_found() -> None:
    n, seeds = 100, 400
    Z = uniform(n, 10) - 0.5
    precision = torch.full((10,), 1.0, dtype=torch.float64)
    draws = torch.randn(n, seeds, generator=generator(1), dtype=torch.float64)
    f = 2 * Z[:, 7]

    def below(y: torch.Tensor) -> bool:
        theta, covariance = ridge(y, Z, precision, 1.0)
        p = no_effect(theta[:6], covariance[:6, :6], precision[:6])
        return p is not None and p < 0.05

    null = np.mean([below(f + e) for e in draws.T])
    assert 0.028 <= null <= 0.072  # two standard errors
    assert np.mean([below(f + 3 * Z[:, 2] + e) for e in draws.T[:50]]) > 0.9


def test_a_curve_that_no_row_tells_of_is_not_asked() -> None:
    precision = torch.ones(3).double()
    assert no_effect(torch.zeros(3).double(), torch.eye(3).double(), precision) is None
    none = precision[:0]  # a constant column has no coefficients
    assert no_effect(none, none[:, None] * none, none) is None
