"""The unit of an inner sum: its prior by autograd, and what it does to a term and its band."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.fitting.made_problems import design_of, normal, numbers, problem_of, uniform

from superpose import KSTRegressor
from superpose.fitting.superposition.equations import NormalEquations
from superpose.fitting.superposition.gauge import STIFFNESS, Gauged, gauged

X = uniform(60, 3)


def rows_and_design(terms=((0, 1), (1, 2))):
    design = design_of(numbers(X), X, n_outputs=1, terms=terms)
    return NormalEquations(design, problem_of(normal(60), "gaussian")), design


def log_unit(design, theta: torch.Tensor) -> torch.Tensor:
    """log σ_h of every term, straight from its inner sum over the rows."""
    inner = design.split(theta)[2]
    sums = [t.inner_sum(a) for t, a in zip(design.terms, inner, strict=True)]
    return torch.stack([h.std(correction=0).log() for h in sums])


def test_the_prior_is_what_it_says() -> None:
    equations, design = rows_and_design()
    theta = 0.3 * normal(design.n_coefficients, 5)
    theta.requires_grad_()
    prior = 0.5 * STIFFNESS * (log_unit(design, theta) ** 2).sum()
    (gradient,) = torch.autograd.grad(prior, theta)
    slopes = torch.autograd.functional.jacobian(lambda t: log_unit(design, t), theta)
    theta = theta.detach()
    held = Gauged(equations, design)
    assert held.value(theta) - equations.value(theta) == pytest.approx(prior.item())
    (information, right), (plain, plain_right) = held.at(theta), equations.at(theta)
    torch.testing.assert_close(information - plain, STIFFNESS * slopes.mT @ slopes)
    downhill, rows = right - information @ theta, plain_right - plain @ theta
    torch.testing.assert_close(downhill - rows, -gradient)


def test_without_terms_and_before_a_term_moves_nothing_is_added() -> None:
    equations, design = rows_and_design(terms=())
    assert gauged(equations, design) is equations
    equations, design = rows_and_design()
    silent = torch.zeros(design.n_coefficients, dtype=torch.float64)
    assert Gauged(equations, design).value(silent) == equations.value(silent)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_term_is_known_better_than_before_the_rows_were_seen(seed: int) -> None:
    """The unit drifted on these, and the band was ten times as wide as the target's deviation."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (300, 2))
    y = np.sin(2 * x.sum(1)) + rng.normal(size=300)
    model = KSTRegressor(pairs=0, terms=[(0, 1)]).fit(x, y)
    place = [part.kind for part in model.fit_.network.parts].index("term")
    u = model.fit_.network.encode(torch.from_numpy(x))
    sd = model.fit_.posterior.part_variance(place, u).sqrt()
    assert float(sd.max()) < y.std()
