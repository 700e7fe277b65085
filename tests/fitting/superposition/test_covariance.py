"""The covariance of a curve is what the evidence says: rough where it jumps."""

import torch
from tests.fitting.made_growths import growth_of
from tests.fitting.made_problems import normal, uniform

from superpose.curves.kernels import Matern12, Matern32
from superpose.fitting.superposition.covariance import choose_covariances, partial_evidence
from superpose.fitting.superposition.growth import with_more


def chosen(f, kernel="auto", n=1500):
    x = uniform(n, 2)
    growth = growth_of(x, f(x[:, 0]) + 0.3 * normal(n, 5), "gaussian", kernel=kernel)
    growth.fit()
    moved = choose_covariances(growth)
    return moved, growth


def kernel_of(growth, i=0):
    return type(growth.design.blocks[i].bases[0].basis.kernel)


def test_a_curve_that_jumps_may():
    moved, growth = chosen(lambda u: 2.0 * ((u > 0.3) & (u < 0.34)) + 2.0 * (u > 0.7))
    assert moved
    assert kernel_of(growth) is Matern12
    assert kernel_of(growth, 1) is Matern32
    growth.fit()
    assert growth.design.split(growth.state.theta)[0].shape[1] == growth.design.n_shared


def test_a_smooth_curve_does_not():
    assert kernel_of(chosen(lambda u: (6 * u).sin())[1]) is Matern32


def test_a_kernel_that_was_asked_for_stays():
    jumps = chosen(lambda u: 2.0 * (u > 0.5) - 3.0 * ((u > 0.2) & (u < 0.23)), kernel="matern32")[1]
    assert kernel_of(jumps) is Matern32


def test_its_evidence_is_that_of_the_dense_covariance():
    """log N(z; 0, I / W + Z Λ⁻¹ Zᵀ) up to what no length scale changes."""
    n = 60
    x = uniform(n, 1)
    growth = growth_of(x, (9 * x[:, 0]).sin() + 0.1 * normal(n), "gaussian")
    block, slope = growth.design.blocks[0], 2.0
    z, w = normal(n, 2)[:, None], 0.5 + uniform(n, 1, 3)
    other = growth.rows.main(0, 0.1)

    def dense(block):
        smooth = torch.tensor([label == "smooth" for label in block.labels])
        best = -torch.inf
        for strength in torch.linspace(-6.0, 14.0, 11, dtype=torch.float64):
            prior = torch.where(smooth, (-strength).exp(), torch.tensor(1 / slope).double())
            covariance = torch.diag(1 / w[:, 0]) + (block.columns * prior) @ block.columns.mT
            normal_at = torch.distributions.MultivariateNormal(
                torch.zeros(n).double(), covariance_matrix=covariance
            )
            best = max(best, float(normal_at.log_prob(z[:, 0])))
        return best

    found = [partial_evidence(it, w * z, w, slope) for it in (block, other)]
    assert abs((found[1] - found[0]) - (dense(other) - dense(block))) < 1e-6


def test_more_knots_stand_where_values_are():
    u = torch.cat([torch.full((50,), 0.2).double(), torch.linspace(0.6, 0.7, 50).double()])
    knots = torch.linspace(0, 1, 5, dtype=torch.float64)
    more = with_more(knots, u)
    assert bool((more.diff() > 0).all())
    assert set(knots.tolist()) <= set(more.tolist())
    new = [k for k in more.tolist() if k not in knots.tolist()]
    assert len(new) == 10
    assert all(abs(k - 0.2) < 1e-6 or 0.599 < k < 0.701 for k in new)


def test_without_noise_a_rough_curve_may_have_more_columns_than_there_are_rows():
    growth = growth_of(uniform(40, 1), torch.zeros(40).double(), "gaussian", n_knots=24)
    growth.fit()
    assert len(growth.rows.rough(0).labels) > 40
    choose_covariances(growth)
    assert kernel_of(growth) is Matern32
