"""Closed forms of the curves of a network, and their composition."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sympy
import torch

from superpose.curves import FORMS
from superpose.errors import InputError, MissingExtraError
from superpose.networks import FormulaNetwork, KSTNetwork
from superpose.networks.formula_gauge import settle

FORMS_OF_LINKS = {
    (0, 0, 0): "sin",
    (0, 1, 0): "square",
    (0, 0, 1): "affine",
    (0, 1, 1): "log",
    (1, 0, 0): "exp",
    (1, 1, 0): "Gaussian",
    (1, 1, 1): "sqrt",
}


def made_network(seed: int = 0) -> FormulaNetwork:
    """Seven links, two of them from one hidden node, with arguments that stay defined."""
    draw = np.random.default_rng(seed).uniform(0.4, 0.8, (7, 4))
    draw[3, 1] = draw[6, 1] = 2.0
    parameters = {
        place: tuple(row) for place, row in zip(sorted(FORMS_OF_LINKS), draw.tolist(), strict=True)
    }
    forms = {place: FORMS[name] for place, name in FORMS_OF_LINKS.items()}
    return FormulaNetwork((2, 2, 2), forms, parameters)


def rows(n: int = 50) -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (n, 2))


def test_the_expression_is_the_network() -> None:
    network, x = made_network(), rows()
    expressions = network.expressions(["u", "v"])
    found = sympy.lambdify(sympy.symbols("u v", real=True), expressions)(*x.T)
    np.testing.assert_allclose(np.stack(found, 1), network(x), rtol=1e-12, atol=1e-12)


def test_values_are_sums_of_curves() -> None:
    """The formula once more, link by link."""
    network, x = made_network(), rows()

    def link(place: tuple[int, int, int], value: np.ndarray) -> np.ndarray:
        a, b, c, d = network.parameters[place]
        return c * FORMS[FORMS_OF_LINKS[place]].value(a * value + b) + d

    first = link((0, 0, 0), x[:, 0]) + link((0, 1, 0), x[:, 1])
    second = link((0, 0, 1), x[:, 0]) + link((0, 1, 1), x[:, 1])
    expected = [link((1, 0, 0), first) + link((1, 1, 0), second), link((1, 1, 1), second)]
    np.testing.assert_allclose(network(x), np.stack(expected, 1), rtol=1e-14)


def test_the_gradient_agrees_with_finite_differences() -> None:
    network, x, h = made_network(), rows(8), 1e-6
    outputs, slopes = network.gradient(x)
    np.testing.assert_array_equal(outputs, network(x))
    vector = network.vector()
    for k in range(len(vector)):
        step = np.eye(len(vector))[k] * h
        numeric = (network.moved(vector + step)(x) - network.moved(vector - step)(x)) / (2 * h)
        np.testing.assert_allclose(slopes[:, :, k], numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_the_gauge_keeps_the_function_and_leaves_nothing_redundant(seed: int) -> None:
    network, x = made_network(seed), rows(200)
    settled, free = settle(network, x)
    np.testing.assert_allclose(settled(x), network(x), rtol=1e-12)
    slopes = settled.gradient(x)[1].reshape(-1, len(free))[:, free]
    values = np.linalg.svd(slopes / np.linalg.norm(slopes, axis=0), compute_uv=False)
    assert values[-1] > 1e-9  # of full rank: no direction leaves the function as it is
    before = np.array([n in network.forms[p].free for p in network.places for n in "abcd"])
    slopes = settled.gradient(x)[1].reshape(-1, len(before))[:, before]
    values = np.linalg.svd(slopes / np.linalg.norm(slopes, axis=0), compute_uv=False)
    assert (values < 1e-13).sum() == before.sum() - free.sum()  # and it was, by as many


def test_idle_links_go_and_their_constants_stay() -> None:
    network = made_network()
    forms = {**network.forms, (0, 0, 1): FORMS["constant"], (0, 1, 1): FORMS["constant"]}
    idle, x = FormulaNetwork((2, 2, 2), forms, network.parameters), rows()
    settled, _ = settle(idle, x)
    np.testing.assert_allclose(settled(x), idle(x), rtol=1e-12)
    assert settled.places == [(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 1)]


def wavy_network() -> KSTNetwork:
    """exp(sin πx + y²) drawn by hand: the curves are known."""
    network = KSTNetwork([2, 1, 1], 24, "matern52", bounds=(-1, 1), length_scale=1.0).double()
    inner, outer = network.each_layer()
    outer.axis.centre.fill_(0.5)
    outer.axis.variance.fill_((1.6 / 3) ** 2)
    with torch.no_grad():
        inner.heights[0, :, 0] = torch.sin(torch.pi * inner.basis.knots)
        inner.heights[1, :, 0] = inner.basis.knots**2
        outer.heights[0, :, 0] = torch.exp(0.5 + 1.6 * outer.basis.knots)
    inner.axis.lowest.fill_(-1)
    inner.axis.highest.fill_(1)
    outer.axis.lowest.fill_(-1)
    outer.axis.highest.fill_(2)
    return network.eval()


def test_a_network_gives_the_formulas_of_its_curves() -> None:
    found = wavy_network().formula()
    assert {p: f.chosen.name for p, f in found.curves.items()} == {
        (0, 0, 0): "sin",
        (0, 1, 0): "square",
        (1, 0, 0): "exp",
    }
    assert found.outside == []
    x = rows()
    composed = sympy.lambdify(sympy.symbols("x y", real=True), found.expressions(["x", "y"])[0])
    np.testing.assert_allclose(composed(*x.T), found.network(x)[:, 0], rtol=1e-10)
    np.testing.assert_allclose(
        composed(*x.T), np.exp(np.sin(np.pi * x[:, 0]) + x[:, 1] ** 2), rtol=1e-3
    )


def test_the_width_of_the_band_decides_the_form() -> None:
    """The same curve of sin(x / 2): a straight line where little is known, the wave where much."""
    network = KSTNetwork([1, 1], 16, "matern52", length_scale=1.0, bounds=(-1, 1))
    layer = network.double().each_layer()[0]
    with torch.no_grad():
        layer.heights[0, :, 0] = torch.sin(0.5 * layer.basis.knots)
    layer.axis.lowest.fill_(-1)
    layer.axis.highest.fill_(1)
    curve, one = layer.curve(0, 0), torch.eye(16, dtype=torch.float64)
    wide = replace(curve, covariance=0.02**2 * one).formula()
    narrow = replace(curve, covariance=1e-4**2 * one).formula()
    assert (wide.chosen.name, wide.inside) == ("affine", True)
    assert (narrow.chosen.name, narrow.inside) == ("sin", True)
    assert narrow.chosen.parameters[0] == pytest.approx(0.5, abs=0.02)


def test_the_band_is_that_of_the_heights() -> None:
    """At a knot it is 1.96 standard deviations of the height there."""
    layer = KSTNetwork([1, 1], 9, bounds=(-1, 1)).double().each_layer()[0]
    deviation = torch.linspace(0.1, 0.9, 9, dtype=torch.float64)
    curve = replace(layer.curve(0, 0), covariance=deviation.square().diag())
    lower, upper = curve.band(curve.knots)
    np.testing.assert_allclose((upper - lower) / 2, 1.959964 * deviation, rtol=1e-6)
    with pytest.raises(InputError, match="a band needs the covariance"):
        layer.curve(0, 0).band(curve.knots)


def test_a_network_that_has_seen_nothing_has_no_formula() -> None:
    with pytest.raises(InputError, match="the support of a curve must be a range"):
        KSTNetwork([1, 1]).formula()


def test_names_are_one_an_input() -> None:
    with pytest.raises(InputError, match="names must name the 2 inputs"):
        made_network().expressions(["x"])


def test_without_sympy_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sympy", None)
    with pytest.raises(MissingExtraError, match=r'pip install "superpose\[formulas\]"'):
        made_network().expressions()
