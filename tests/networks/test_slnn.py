"""Networks of polynomial curves: their degree, their polynomial, their training step."""

from __future__ import annotations

import re
import sys
from fractions import Fraction

import pytest
import torch
from torch import nn

from superpose.curves import SLAF
from superpose.errors import InputError, MissingExtraError
from superpose.networks import SLNN, routine_step


def network(sizes, degree, basis, routine="clipped", seed=0):
    torch.manual_seed(seed)
    made = SLNN(sizes, degree, basis, routine).double()
    for curve in made.curves:
        curve.coefficients.data += 0.3 * torch.randn_like(curve.coefficients)
    made(rows(500, sizes[0]))
    return made.eval()


def rows(n, inputs):
    draw = torch.Generator().manual_seed(1)
    return torch.rand(n, inputs, generator=draw, dtype=torch.float64) * 2 - 1


def inside(made, x):
    """Rows at which every curve is within its support."""
    kept = torch.ones(len(x), dtype=torch.bool)
    z = x
    for layer in made.layers:
        if isinstance(layer, SLAF):
            kept &= ((z >= layer.support[:, 0]) & (z <= layer.support[:, 1])).all(1)
        z = layer(z)
    return x[kept]


POLYNOMIAL = [
    (basis, routine)
    for basis in ("powers", "hermite", "empirical")
    for routine in ("clipped", "scaled", "normalised")
]


@pytest.mark.parametrize(("basis", "routine"), POLYNOMIAL)
def test_the_polynomial_is_the_network(basis, routine):
    made = network([2, 4, 3, 2], 3, basis, routine)
    formulas = made.polynomial(["u", "v"])
    x = inside(made, rows(400, 2))[:4]
    assert len(x) == 4
    for formula, outputs in zip(formulas, made(x).T, strict=True):
        polynomial = formula.as_poly()
        assert polynomial.total_degree() == 9
        for place, value in zip(x.tolist(), outputs.tolist(), strict=True):
            exact = polynomial(*map(Fraction, place))
            assert float(exact) == pytest.approx(value, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("basis", ["powers", "hermite", "empirical"])
@pytest.mark.parametrize(("layers", "degree"), [(1, 4), (2, 2), (2, 3), (3, 2)])
def test_along_any_line_it_is_a_polynomial_of_degree_k_to_the_l(layers, degree, basis):
    made = network([3, *[5] * layers, 1], degree, basis)
    total = degree**layers
    assert made.degree == total
    line = torch.linspace(-0.3, 0.3, total + 2, dtype=torch.float64).unsqueeze(1)
    x = line * torch.tensor([0.9, -0.5, 0.7])
    assert len(inside(made, x)) == total + 2  # else the curves go on straight
    y = made(x).squeeze(1)
    rounding = 2 ** (total + 1) * 1e-15 * y.abs().max()  # of the sums of which differences are
    assert y.diff(n=total + 1).abs().max() < rounding
    assert y.diff(n=total).abs().max() > 10 * rounding


def test_without_curves_it_is_linear():
    made = SLNN([2, 1]).double()
    (formula,) = made.polynomial()
    (a, b), (c,) = made.layers[0].weight.tolist()[0], made.layers[0].bias.tolist()
    assert float(formula.subs({"x1": 1, "x2": 0})) == pytest.approx(a + c)
    assert float(formula.subs({"x1": 0, "x2": 1})) == pytest.approx(b + c)


def test_it_starts_as_a_linear_map():
    torch.manual_seed(0)
    made, x = SLNN([3, 6, 6, 1]).double(), rows(200, 3)
    weights = torch.eye(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    for layer in made.layers:
        if isinstance(layer, nn.Linear):
            weights = layer.weight @ weights[0], layer.weight @ weights[1] + layer.bias
    assert (made(x) - (x @ weights[0].T + weights[1])).abs().max() < 1e-10


def test_its_prior_is_that_of_its_curves():
    made = network([2, 4, 3, 1], 3, "hermite")
    assert made.prior().item() == pytest.approx(sum(c.prior().item() for c in made.curves))
    assert SLNN([2, 1]).prior().item() == 0


def test_errors_say_what_to_do():
    with pytest.raises(InputError, match=re.escape("got sizes=[2]; pass for instance [2, 20")):
        SLNN([2])
    with pytest.raises(InputError, match=re.escape("2 inputs and degree 343 have 59340")):
        SLNN([2, 5, 5, 5, 1], 7, "powers").polynomial()
    with pytest.raises(InputError, match="the curves must be polynomials"):
        SLNN([2, 3, 1], 2).polynomial()
    with pytest.raises(InputError, match="names must name the 2 inputs; got 1 names"):
        SLNN([2, 3, 1], 2, "powers").polynomial(["a"])


def test_without_sympy_the_message_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sympy", None)
    with pytest.raises(MissingExtraError, match=re.escape('pip install "superpose[formulas]"')):
        SLNN([2, 3, 1], 2, "powers").polynomial()


@pytest.mark.parametrize(("routine", "clips"), [("clipped", True), ("normalised", False)])
def test_the_routine_decides_whether_a_step_clips_and_shrinks(routine, clips):
    made = network([2, 3, 1], 4, "hermite", routine)
    before = [p.detach().clone() for p in made.parameters()]
    bent = made.curves[0].coefficients.detach().clone()
    for p in made.parameters():
        p.grad = torch.full_like(p, 100.0)
    routine_step(made, torch.optim.SGD(made.parameters(), lr=0.1), shrink=0.5)
    n = sum(p.numel() for p in made.parameters())
    step = 0.1 * (5 / n**0.5 if clips else 100.0)
    for p, old in zip(made.parameters(), before, strict=True):
        if p is not made.curves[0].coefficients:
            assert (p - (old - step)).abs().max() < 1e-6 * step
    bending = torch.tensor([0, 0, 2, 6, 12]) if clips else torch.zeros(5)
    expected = (bent - step) / (1 + 0.1 * 0.5 * bending)
    assert (made.curves[0].coefficients - expected).abs().max() < 1e-6 * expected.abs().max()


@pytest.mark.slow
def test_two_spirals_are_learned_from_any_seed():
    """A turn each, [2, 20, 20, 1] of degree 7, the distribution over five seeds."""
    loss_of = nn.functional.binary_cross_entropy_with_logits
    right = []
    for seed in range(5):
        torch.manual_seed(seed)
        made = SLNN([2, 20, 20, 1])
        optimiser = torch.optim.Adam(made.parameters(), lr=0.01)
        arm = (torch.rand(3000) < 0.5).float()
        radius = torch.rand(3000).sqrt()
        angle = torch.pi * (2 * radius + arm)
        x = radius.unsqueeze(1) * torch.stack([angle.cos(), angle.sin()], 1)
        for step in range(300):
            some = slice(step * 128 % 2000, step * 128 % 2000 + 128)
            optimiser.zero_grad()
            loss_of(made(x[:2000][some]).squeeze(1), arm[:2000][some]).backward()
            routine_step(made, optimiser)
        correct = (made.eval()(x[2000:]).squeeze(1) > 0) == arm[2000:].bool()
        right.append(correct.float().mean().item())
    assert min(right) > 0.97, right
