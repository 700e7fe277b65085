"""What AMP, SAM and ASAM compute, against the theory of their papers."""

import math

import pytest
import torch
from tests.fitting.made_steps import (
    closure_of,
    gradient_of,
    made_network,
    made_rows,
    outer_gradient,
    weights_of,
)

from superpose.fitting import AMP, ASAM, SAM

X, Y = made_rows()


def square(gradients):
    return sum(g.square().sum() for g in gradients)


def norm(gradients):
    return square(gradients).sqrt()


def plain():
    return gradient_of(lambda loss, gradients: loss, made_network(), X, Y)


def extra(small, **options):
    """What perturbing by a little adds to the gradient, per unit of the little."""
    return (outer_gradient(AMP, X, Y, **options) - plain()) / small


def mismatch(found, expected):
    return float((found - expected).norm() / expected.norm())


def penalty(of):
    return gradient_of(lambda loss, gradients: of(gradients), made_network(), X, Y)


INSIDE = {  # to first order in ζ the step is that of L + ζ times this
    1: lambda gradients: square(gradients) / 2,
    2: lambda gradients: 2 * square(gradients) / 2,
    3: lambda gradients: 3 * square(gradients) / 2,
}


@pytest.mark.parametrize("inner_steps", INSIDE)
def test_inside_the_ball_it_is_the_gradient_of_half_the_square_and_no_more(inner_steps):
    expected = penalty(INSIDE[inner_steps])
    off = [
        mismatch(extra(z, epsilon=math.inf, zeta=z, inner_steps=inner_steps), expected)
        for z in (1e-3, 1e-4)
    ]
    assert off[1] < 1e-3
    assert off[0] / off[1] == pytest.approx(10, rel=0.05)  # it falls with ζ
    twice = mismatch(extra(1e-4, epsilon=math.inf, zeta=1e-4), 2 * penalty(INSIDE[1]))
    assert twice == pytest.approx(0.5, abs=1e-3)  # the papers' slides have ζ for ζ / 2


BALLS = {  # on the surface it is that of L + ε times this
    "one ball": (False, norm),
    "a ball for each tensor": (True, lambda gradients: sum(g.norm() for g in gradients)),
}


@pytest.mark.parametrize("ball", BALLS)
def test_on_the_surface_it_is_the_gradient_of_the_norm(ball):
    per_tensor, of = BALLS[ball]
    off = [
        mismatch(extra(e, epsilon=e, zeta=1e6, per_tensor=per_tensor), penalty(of))
        for e in (1e-3, 1e-4)
    ]
    assert off[1] < 1e-3
    assert off[0] / off[1] == pytest.approx(10, rel=0.05)


def on_a_parabola(optimizer, weight, curvature):
    def closure():
        optimizer.zero_grad()
        loss = curvature * weight.square().sum() / 2
        loss.backward()
        return loss

    return closure


@pytest.mark.parametrize("inner_steps", [1, 2, 3])
def test_a_parabola_is_exact(inner_steps):
    curvature, zeta, start = 0.7, 0.3, 2.0
    for epsilon in (math.inf, 0.05):
        weight = torch.tensor([start], dtype=torch.float64, requires_grad=True)
        reach = {"epsilon": epsilon, "zeta": zeta, "inner_steps": inner_steps}
        optimizer = AMP([weight], lr=0.1, **reach)
        optimizer.step(on_a_parabola(optimizer, weight, curvature))
        grown = start * (1 + zeta * curvature) ** inner_steps if epsilon > 1 else start + epsilon
        assert weight.item() == pytest.approx(start - 0.1 * curvature * grown, rel=1e-14)


def test_the_worst_case_of_a_round_parabola_is_found():
    """Of all D in the ball none has a higher loss: L(θ + D) = λ (‖θ‖ + ε)² / 2."""
    weight = torch.tensor([3.0, -4.0], dtype=torch.float64, requires_grad=True)
    optimizer = AMP([weight], epsilon=0.5, zeta=100.0)
    on_a_parabola(optimizer, weight, 2.0)()
    optimizer.perturb()
    assert weight.square().sum().item() == pytest.approx(5.5**2, rel=1e-14)


@pytest.mark.parametrize("per_tensor", [False, True])
def test_at_a_large_zeta_amp_is_sam(per_tensor):
    amp = outer_gradient(AMP, X, Y, epsilon=0.3, zeta=1e6, per_tensor=per_tensor)
    sam = outer_gradient(SAM, X, Y, rho=0.3, per_tensor=per_tensor)
    assert amp == pytest.approx(sam, rel=1e-12)
    away = outer_gradient(AMP, X, Y, epsilon=0.3, zeta=1e-3, per_tensor=per_tensor)
    assert mismatch(away, sam) > 1e-2


def moves_of(kind, passes=1, network=None, **options):
    """D of every tensor, as `perturb` leaves it on the weights."""
    network = made_network() if network is None else network
    optimizer = kind(network.parameters(), lr=1.0, **options)
    before = [p.detach().clone() for p in network.parameters()]
    for _ in range(passes):
        closure_of(optimizer, network, X, Y)()
        optimizer.perturb()
    return [p.detach() - b for p, b in zip(network.parameters(), before, strict=True)]


@pytest.mark.parametrize("passes", [1, 3])
def test_no_move_leaves_its_ball(passes):
    for zeta in (0.01, 0.3, 50.0):
        all_of_it = moves_of(AMP, passes, epsilon=0.2, zeta=zeta)
        assert norm(all_of_it) <= 0.2 * (1 + 1e-12)
        each = moves_of(AMP, passes, epsilon=0.2, zeta=zeta, per_tensor=True)
        assert max(move.norm() for move in each) <= 0.2 * (1 + 1e-12)
    assert norm(each) == pytest.approx(0.2 * 4**0.5)  # four tensors, all on their surfaces
    assert norm(moves_of(SAM, rho=0.2)) == pytest.approx(0.2)


def by_hand(epsilon, zeta, inner_steps, per_tensor):
    """D of AMP, from the formula, with tensors made anew at every step."""
    network = made_network()
    clean = [p.detach().clone() for p in network.parameters()]
    moves = [torch.zeros_like(p) for p in clean]
    for _ in range(inner_steps):
        for p, c, d in zip(network.parameters(), clean, moves, strict=True):
            p.data = c + d
        gradients = torch.autograd.grad(((network(X) - Y) ** 2).mean(), list(network.parameters()))
        moves = [d + zeta * g for d, g in zip(moves, gradients, strict=True)]
        length = float(sum((d**2).sum() for d in moves)) ** 0.5
        for i, d in enumerate(moves):
            ball = float((d**2).sum()) ** 0.5 if per_tensor else length
            moves[i] = d * min(1.0, epsilon / ball)
    return torch.cat([d.reshape(-1) for d in moves])


@pytest.mark.parametrize("per_tensor", [False, True])
@pytest.mark.parametrize("epsilon", [0.1, 0.6, 5.0])
def test_amp_is_its_formula(epsilon, per_tensor):
    options = {"epsilon": epsilon, "zeta": 0.4, "per_tensor": per_tensor}
    found = moves_of(AMP, 3, **options)
    expected = by_hand(inner_steps=3, **options)
    assert torch.cat([d.reshape(-1) for d in found]) == pytest.approx(expected, rel=1e-9)


def test_asam_is_its_formula():
    network = made_network()
    (gradients,) = [torch.autograd.grad(((network(X) - Y) ** 2).mean(), [*network.parameters()])]
    wide = [p.detach().abs() + 0.05 for p in network.parameters()]
    size = sum(((t * g) ** 2).sum() for t, g in zip(wide, gradients, strict=True)) ** 0.5
    expected = [0.3 * t**2 * g / size for t, g in zip(wide, gradients, strict=True)]
    found = moves_of(ASAM, rho=0.3, eta=0.05)
    for d, e in zip(found, expected, strict=True):
        assert d == pytest.approx(e, rel=1e-9)


def test_asam_does_not_mind_how_layers_share_a_scale():
    """Without biases and η, weights c times and 1 / c times as large climb to the same loss."""

    def climbed(c):
        torch.manual_seed(1)
        first, second = torch.randn(3, 5).double() * c, torch.randn(5, 1).double() / c
        weights = [w.requires_grad_() for w in (first, second)]
        optimizer = ASAM(weights, rho=0.4, eta=0.0)

        def loss():
            return (torch.relu(X @ first) @ second - Y).square().mean()

        loss().backward()
        optimizer.perturb()
        return loss().item()

    assert climbed(7.0) == pytest.approx(climbed(1.0), rel=1e-10)


def test_groups_have_their_own_reach():
    """One ball with half-axes of its own for each group; a group of radius 0 stays."""
    network = made_network()
    first, second = network[0], network[2]
    groups = [
        {"params": first.parameters(), "epsilon": 0.1},
        {"params": second.parameters()},
    ]
    before = [p.detach().clone() for p in network.parameters()]
    optimizer = AMP(groups, epsilon=0.4, zeta=100.0)
    closure_of(optimizer, network, X, Y)()
    optimizer.perturb()
    moves = [p.detach() - b for p, b in zip(network.parameters(), before, strict=True)]
    assert (norm(moves[:2]) / 0.1).hypot(norm(moves[2:]) / 0.4) == pytest.approx(1.0)
    optimizer.restore()
    optimizer.param_groups[0]["epsilon"] = 0.0
    closure_of(optimizer, network, X, Y)()
    optimizer.perturb()
    moves = [p.detach() - b for p, b in zip(network.parameters(), before, strict=True)]
    assert norm(moves[:2]) == 0
    assert norm(moves[2:]) == pytest.approx(0.4)


def test_sam_of_unequal_groups_is_the_worst_case_of_their_ellipsoid():
    """No D of the ellipsoid has a larger product with the gradient."""
    weights = [torch.tensor([1.0], dtype=torch.float64, requires_grad=True) for _ in range(2)]
    groups = [{"params": [weights[0]], "rho": 0.1}, {"params": [weights[1]], "rho": 0.5}]
    optimizer = SAM(groups, rho=1.0)
    (2 * weights[0] + weights[1]).sum().backward()
    optimizer.perturb()
    found = 2 * (weights[0].item() - 1) + (weights[1].item() - 1)
    angle = torch.linspace(0, 2 * math.pi, 100_001, dtype=torch.float64)
    best = (2 * 0.1 * angle.cos() + 0.5 * angle.sin()).max().item()
    assert found == pytest.approx(best, rel=1e-8)


def test_how_groups_are_cut_does_not_matter():
    network = made_network()
    groups = [{"params": [p]} for p in network.parameters()]
    optimizer = SAM(groups, torch.optim.SGD, lr=1.0, rho=0.3)
    before = weights_of(network)
    optimizer.step(closure_of(optimizer, network, X, Y))
    assert before - weights_of(network) == pytest.approx(outer_gradient(SAM, X, Y, rho=0.3))


def test_a_wide_minimum_is_preferred_to_a_deeper_narrow_one():
    """Two wells, depths 1 and 1.2, widths 1 and 0.05: from between, only the base falls deep."""

    def valley(w):
        return -torch.exp(-(w + 2).square() / 2) - 1.2 * torch.exp(-w.square() / (2 * 0.05**2))

    def trained(optimizer, w):
        for _ in range(400):

            def closure():
                optimizer.zero_grad()
                loss = valley(w).sum()
                loss.backward()
                return loss

            optimizer.step(closure)
        return w.item()

    w = torch.tensor([0.03], dtype=torch.float64, requires_grad=True)
    assert trained(torch.optim.SGD([w], lr=1e-3), w) == pytest.approx(0.0, abs=0.02)
    w = torch.tensor([0.03], dtype=torch.float64, requires_grad=True)
    optimizer = AMP([w], torch.optim.SGD, lr=0.05, epsilon=0.4, zeta=10.0)
    assert trained(optimizer, w) == pytest.approx(-2.0, abs=0.5)
