"""From coefficients to a network: the same outputs, centred parts, terms in their gauge."""

import pytest
import torch
from tests.fitting.made_problems import (
    design_of,
    normal,
    numbers,
    start_of,
    uniform,
)

from superpose.fitting.superposition.assemble import assemble
from superpose.fitting.superposition.newton import Solution, State
from superpose.networks import Attribute

N = 60
PAIRS, TERMS = ((0, 1), (1, 3)), ((0, 1), (1, 2, 3))


def table():
    x = uniform(N, 4)
    x[::5, 2] = torch.nan
    x[:, 3] = torch.arange(N) % 3
    attributes = numbers(x[:, :3])
    return [*attributes, Attribute("c", "category", None, ("u", "v", "w"))], x


def made(n_outputs=1, seed=0, weight=None, **units):
    """A network at random coefficients: what assembling does must not depend on a good fit."""
    attributes, x = table()
    design = design_of(attributes, x, n_outputs=n_outputs, pairs=PAIRS, terms=TERMS, weight=weight)
    start = start_of(design)
    state = State(normal(design.n_coefficients, seed), start.rho)
    network, posterior = assemble(attributes, design, solution_at(design, state), **units)
    return design, state, network, posterior, x


def solution_at(design, state):
    """A solution that ended at this state, however good it is."""
    p, n_groups = design.n_coefficients, design.groups()[1]
    eye = torch.eye(p, dtype=torch.float64)
    freedom, hessian = eye[:n_groups, 0], eye[:n_groups, :n_groups]
    return Solution(state, state.theta, eye, freedom, hessian, 0.0, 0.0, 0.0, 1, True)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_the_network_says_what_the_design_says(n_outputs):
    design, state, network, _, x = made(n_outputs, centre=5.0, spread=2.0)
    expected = 5.0 + 2.0 * design.predict(state.theta)
    assert (network(x) - expected).abs().max() < 1e-10
    kinds = [part.kind for part in network.parts]
    assert kinds == ["curve"] * 4 + ["pair"] * 2 + ["term"] * 2
    assert [part.attributes for part in network.parts[4:]] == [*PAIRS, *TERMS]
    assert not any(p.requires_grad for p in network.parameters())


@pytest.mark.parametrize("weighted", [False, True])
def test_contributions_are_centred_over_the_training_rows(weighted):
    weight = 0.1 + uniform(N, 1, 3)[:, 0] if weighted else None
    _, _, network, _, x = made(3, weight=weight)
    w = torch.ones(N, dtype=torch.float64) if weight is None else weight
    means = torch.einsum("n,npk->pk", w / w.sum(), network.contributions(x))
    assert means.abs().max() < 1e-12


@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_contributions_are_centred_whatever_the_weights_sum_to(scale):
    weight = scale * uniform(N, 1, 3)[:, 0] / N
    _, _, network, _, x = made(weight=weight)
    means = torch.einsum("n,npk->pk", weight / weight.sum(), network.contributions(x))
    assert means.abs().max() < 1e-12


@pytest.mark.parametrize("seed", range(4))
def test_terms_are_in_their_gauge(seed):
    """Inner curves and sum have mean 0, the sum variance 1, the steepest outer curve rises."""
    weight = 0.1 + uniform(N, 1, 3)[:, 0]
    design, state, network, _, x = made(3, seed, weight)
    u, w = network.encode(x), weight / weight.sum()
    _, outer, _ = design.split(state.theta)
    for i, (term, c) in enumerate(zip(network.parts[-2:], outer, strict=True)):
        h = term.inner_sum(u)
        assert (w @ h).item() == pytest.approx(0.0, abs=1e-12)
        assert (w @ h**2).item() == pytest.approx(1.0)
        for p, curve in term.inner.items():
            known = ~u[:, p].isnan()
            assert (weight[known] @ curve(u[:, p])[known]).item() == pytest.approx(0, abs=1e-10)
        knots = term.outer_knots
        assert (knots.diff() > 0).all()
        line = torch.stack([torch.ones_like(knots), knots], 1)
        slopes = torch.linalg.lstsq(line, term.heights.mT).solution[1]
        assert slopes[slopes.abs().argmax()] > 0
        assert slopes.abs().argmax() == c[:, 0].abs().argmax()
        assert design.terms[i].attributes == term.attributes


@pytest.mark.parametrize("slopes", [(2.0, -1.0, -1.0), (-2.0, 1.0, 1.0), (1.0, 1.0, -1.5)])
def test_the_steepest_class_rises(slopes):
    """Slopes of classes sum to nothing: their sum cannot say which way a term is read."""
    design, state, _, _, _ = made(3)
    fixed, outer, inner = design.split(state.theta)
    outer = [torch.cat([torch.tensor(slopes)[:, None].double(), 0.1 * c[:, 1:]], 1) for c in outer]
    state = State(design.join(fixed, outer, inner), state.rho, state.noise)
    network, _ = assemble(table()[0], design, solution_at(design, state))
    for term in network.parts[-2:]:
        rises = term.heights[:, -1] - term.heights[:, 0]
        assert rises[rises.abs().argmax()] > 0


def test_a_turned_term_is_the_same_term():
    """Minus the inner curves under a mirrored outer curve is read as the same term."""
    design, state, _, _, x = made()
    fixed, outer, inner = design.split(state.theta)
    turned = [
        torch.linalg.lstsq(t.directions, t.directions.flip(0) @ c.mT).solution.mT
        for c, t in zip(outer, design.terms, strict=True)
    ]
    theta = design.join(fixed, turned, [[-a for a in term] for term in inner])
    assert (design.predict(theta) - design.predict(state.theta)).abs().max() < 1e-9
    states = (state, State(theta, state.rho))
    one, two = (assemble(table()[0], design, solution_at(design, s))[0] for s in states)
    for a, b in zip(one.parts[-2:], two.parts[-2:], strict=True):
        assert torch.allclose(a.outer_knots, b.outer_knots, atol=1e-9)
        assert torch.allclose(a.heights, b.heights, atol=1e-9)
        for p in a.inner:
            assert torch.allclose(a.inner[p](x[:, p]), b.inner[p](x[:, p]), atol=1e-9)


def test_counts_follow_the_design():
    design, _, network, posterior, _ = made()
    assert network.n_curves() == 4 + 2 + (3 + 4)
    assert [share.shared[1] for share in posterior.shares] == [
        *(b.columns.shape[1] for b in design.blocks),
        *(t.n_outer for t in design.terms),
    ]
    assert sum(share.inner[1] for share in posterior.shares) == design.n_inner
