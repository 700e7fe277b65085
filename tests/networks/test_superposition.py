"""The network is the formula: value, gradients, invariances, limits."""

import numpy as np
import pytest
import torch
from tests.networks.made_networks import Maker, category, number
from tests.oracles.superposition_loops import evaluate

from superpose.curves import Axis, GPBasis
from superpose.errors import InputError
from superpose.networks import Attribute, InputBasis, MainCurve, Superposition, Term

NAN = float("nan")


def mixed(n_outputs=1, seed=0):
    """Two numbers, one that may be missing, and a category; main curves, pairs and terms."""
    attributes = [number("a"), number("b", 5, missing=True), category("c"), number("d", 2)]
    maker = Maker(attributes, n_outputs, seed)
    maker.main(0).main(1, missing=True).main(2).main(3)
    maker.pair(0, 1).pair(0, 2)
    return maker.term(0, 1).term(1, 2, 3)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_value_is_the_formula_in_loops(n_outputs):
    maker = mixed(n_outputs)
    x = maker.rows(12, missing=0.15)
    assert x.isnan().any()
    assert (x == -1).any()
    expected = np.stack([evaluate(row, **maker.described) for row in x.tolist()])
    with torch.no_grad():
        assert maker.network(x).numpy() == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_outputs_are_the_bias_plus_the_contributions(n_outputs):
    maker = mixed(n_outputs)
    network, x = maker.network, maker.rows(30, missing=0.1)
    contributions = network.contributions(x)
    assert contributions.shape == (30, 8, n_outputs)
    assert torch.equal(network(x), network.bias + contributions.sum(1))


def test_what_no_part_reads_is_not_encoded(monkeypatch):
    """The outputs of a wide table cost what its few curves cost."""
    maker = Maker([number("a"), number("b"), number("c")]).main(2).main(0)
    seen = []
    monkeypatch.setattr(Axis, "to_axis", lambda axis, x: seen.append(axis) or x)
    maker.network(maker.rows(10))
    assert seen == [maker.attributes[0].axis, maker.attributes[2].axis]


@pytest.mark.slow
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_gradients_of_every_height_are_finite_differences(n_outputs):
    maker = mixed(n_outputs)
    network, x = maker.network, maker.rows(5, missing=0.1)
    names, values = zip(*network.named_parameters(), strict=True)
    assert sum("inner_heights" in name for name in names) == 5

    def outputs(*heights):
        return torch.func.functional_call(network, dict(zip(names, heights, strict=True)), (x,))

    assert torch.autograd.gradcheck(outputs, values, fast_mode=n_outputs > 1)
    # none of them is inert
    gradients = torch.autograd.grad(network(x).square().sum(), values)
    assert all(g.abs().max() > 0 for g in gradients)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_any_number_of_terms_up_to_the_theorem(n):
    """Q = 0, 1, .., 2n + 1 terms over all attributes."""
    attributes = [number(f"x{p}", 4) for p in range(n)]
    for q in range(2 * n + 2):
        maker = Maker(attributes, seed=q)
        for _ in range(q):
            maker.term(*range(n))
        network, x = maker.network, maker.rows(4)
        assert network.n_curves() == q * (n + 1)
        assert network.n_parameters() == 1 + q * (4 * n + 6)
        expected = np.stack([evaluate(row, **maker.described) for row in x.tolist()])
        with torch.no_grad():
            assert network(x).numpy() == pytest.approx(expected, abs=1e-10)


def test_counts_of_curves_and_parameters():
    """Per output: 7, 5 + 1, 3 and 2 heights; 7·5 and 7·3; outer 6. Inner, once: 12 and 10."""
    for n_outputs in (1, 3):
        network = mixed(n_outputs).network
        assert network.n_curves() == 4 + 2 + 3 + 4
        own = 1 + (7 + 6 + 3 + 2) + (35 + 21) + 2 * 6
        assert network.n_parameters() == n_outputs * own + (7 + 5) + (5 + 3 + 2)
        network.requires_grad_(False)
        assert network.n_parameters() == n_outputs * own + 22


def test_a_part_reads_only_its_own_columns():
    maker = mixed()
    network, x = maker.network, maker.rows(20)
    before = network.contributions(x)
    for p in range(4):
        moved = x.clone()
        moved[:, p] = 1.0 - moved[:, p] if p != 2 else (moved[:, 2] + 1) % 3
        changed = (network.contributions(moved) - before).abs().amax((0, 2)) > 0
        assert changed.tolist() == [p in part.attributes for part in network.parts]


def test_the_order_of_parts_changes_nothing():
    maker = mixed()
    x = maker.rows(50)
    turned = Superposition(maker.attributes, maker.bias, maker.parts[::-1])
    with torch.no_grad():
        assert (turned(x) - maker.network(x)).abs().max() < 1e-12
        assert torch.equal(turned.contributions(x).flip(1), maker.network.contributions(x))


def test_the_order_of_the_attributes_of_a_term_changes_nothing():
    maker = Maker([number("a"), number("b"), number("c")]).term(0, 1, 2)
    (term,), x = maker.parts, maker.rows(40)
    order = [2, 0, 1]
    turned = Term(
        tuple(order),
        [term.bases[i] for i in order],
        [term.inner_heights[i] for i in order],
        term.outer_basis,
        term.heights,
    )
    with torch.no_grad():
        assert (turned(x) - term(x)).abs().max() < 1e-12
        assert list(turned.inner) == order
        assert torch.equal(turned.inner[1](x[:, 1]), term.inner[1](x[:, 1]))


def test_straight_heights_are_a_straight_line_everywhere():
    """Also far outside the data; a term with straight curves is a linear model in its inputs."""
    attributes = [number("a"), number("b")]
    bases = [InputBasis(a, length_scale=0.3) for a in attributes]
    lines = [2.0 * bases[0].knots, -bases[1].knots]
    outer = GPBasis(np.linspace(-3, 3, 8), length_scale=2.0)
    term = Term((0, 1), bases, lines, outer, (0.5 * outer.knots)[None])
    curve = MainCurve(0, bases[0], (1.0 + 3.0 * bases[0].knots)[None])
    network = Superposition(attributes, torch.tensor([0.25], dtype=torch.float64), [curve, term])
    x = torch.tensor([[0.1, 0.9], [0.5, 0.2], [-4.0, 7.0], [9.0, -5.0]], dtype=torch.float64)
    expected = 0.25 + 1 + 3 * x[:, 0] + 0.5 * (2 * x[:, 0] - x[:, 1])
    with torch.no_grad():
        assert network(x)[:, 0].numpy() == pytest.approx(expected.numpy(), abs=1e-9)


def test_missing_values_and_unseen_levels():
    """A missing value reads its own height, or none; an unseen level contributes 0."""
    attributes = [number("a", missing=True), category("c", 3, missing=True), number("b")]
    maker = Maker(attributes, 2)
    maker.main(0, missing=True).main(1, missing=True).main(2).pair(0, 1).term(1, 2)
    network = maker.network.requires_grad_(False)
    x = torch.tensor([[NAN, NAN, NAN], [NAN, -1.0, NAN], [0.3, -1.0, 0.5]], dtype=torch.float64)
    added = network.contributions(x)
    heights = [part.heights for part in network.parts]
    assert torch.equal(added[0, 0], heights[0][:, -1])
    assert torch.equal(added[1, 0], heights[0][:, -1])
    assert torch.equal(added[0, 1], heights[1][:, -1])
    assert torch.equal(added[1:, 1], torch.zeros(2, 2, dtype=torch.float64))
    assert added[:2, 2].abs().max() == 0
    assert added[2, 2].abs().max() > 0
    assert added[:, 3].abs().max() == 0  # a pair with a hole on either side
    silent = network.parts[4].outer(torch.zeros(1, dtype=torch.float64))[0]
    for row in (0, 1):  # no inner curve has anything to add
        assert torch.allclose(added[row, 4], silent, rtol=0, atol=1e-12)


def test_without_parts_there_is_the_bias():
    bias = torch.tensor([0.5, -1.0], dtype=torch.float64)
    network = Superposition([number("a")], bias, [])
    x = torch.rand(3, 1, dtype=torch.float64)
    assert torch.equal(network(x), bias.expand(3, 2))
    assert network.contributions(x).shape == (3, 0, 2)
    assert (network.n_curves(), network.n_parameters(), network.n_outputs) == (0, 2, 2)


def test_encoding_follows_each_axis():
    """Numbers go through their axis, codes and holes stay as they are."""
    maker = Maker([number("a"), category("c")])
    x = torch.tensor([[0.25, 2.0], [NAN, -1.0]], dtype=torch.float64)
    assert torch.equal(maker.network.encode(x).nan_to_num(9.0), x.nan_to_num(9.0))


def test_parts_that_do_not_fit_are_refused():
    maker = Maker([number("a"), number("b")]).main(1)
    with pytest.raises(InputError) as error:
        Superposition([number("a")], maker.bias, maker.parts)
    assert str(error.value) == (
        "a part must read attributes 0 to 0; a curve reads (1,); "
        "give its columns by their place in `attributes`"
    )
    with pytest.raises(InputError) as error:
        Superposition(maker.attributes, torch.zeros(2), maker.parts)
    assert str(error.value) == (
        "a part must have heights for each of the 2 outputs; a curve over (1,) has 1; "
        "stack one set of heights per output on the first axis"
    )


@pytest.mark.parametrize("kind", ["number", "category"])
def test_an_attribute_needs_an_axis_or_levels(kind):
    with pytest.raises(InputError) as error:
        Attribute("age", kind)
    assert str(error.value) == (
        "a number needs an axis and a category needs levels; "
        f"attribute 'age' of kind '{kind}' has neither; "
        "pass axis=Axis.from_data(column) or levels=(...)"
    )
