"""The evidence for one part, against evidences of whole models worked out by hand."""

import pytest
import torch
from tests.fitting.made_problems import generator, normal

from superpose.fitting.superposition.part_evidence import savage_dickey


def log_normal(y, covariance):
    """log N(y | 0, C)."""
    return torch.distributions.MultivariateNormal(y.new_zeros(len(y)), covariance).log_prob(y)


@pytest.mark.parametrize("strength", [0.0, 0.5, 3.0])
def test_in_a_linear_model_it_is_the_gain_of_the_marginal_likelihood(strength):
    """Columns of another part stay in both models; only those of this part come and go."""
    n, noise, own, other = 60, 0.7, 0.9, 1.6
    z = torch.randn(n, 5, generator=generator(1), dtype=torch.float64)
    mine, others = z[:, :3], z[:, 3:]
    y = strength * mine[:, 0] + others[:, 1] + noise * normal(n, 2)
    without = noise**2 * torch.eye(n).double() + other * others @ others.mT
    gain = log_normal(y, without + own * mine @ mine.mT) - log_normal(y, without)
    prior = torch.tensor([own] * 3 + [other] * 2).double()
    covariance = torch.linalg.inv(z.mT @ z / noise**2 + torch.diag(1 / prior))
    theta = covariance @ z.mT @ y / noise**2
    found = savage_dickey(theta[None, :3], covariance[:3, :3], own)
    assert found == pytest.approx(float(gain), rel=1e-9)
    assert (found > 0) == (strength > 0)


def test_of_several_outputs_only_differences_count():
    """What all outputs share is nothing to the loss: adding to it changes no evidence."""
    theta, variance = normal(6).view(3, 2), 2.0
    root = torch.randn(6, 6, generator=generator(3), dtype=torch.float64)
    covariance = root @ root.mT
    common = torch.ones(3, 1).double().kron(torch.eye(2).double())
    found = savage_dickey(theta, covariance, variance)
    shifted = savage_dickey(theta + 5.0, covariance + 7.0 * common @ common.mT, variance)
    assert shifted == pytest.approx(found, rel=1e-9)
