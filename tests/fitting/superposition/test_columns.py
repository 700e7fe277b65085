"""Columns of main curves, pairs and terms: they are the network's curves, centred and whitened."""

import pytest
import torch
from tests.fitting.made_problems import (
    LENGTH_SCALE,
    encoded,
    normal,
    numbers,
    sides_of,
    uniform,
)

from superpose.fitting.superposition.columns import PAIR_TOLERANCE, main_block, pair_block, side
from superpose.fitting.superposition.term_columns import (
    INNER_RANK,
    TermColumns,
    narrowed,
    outer_basis,
)
from superpose.networks import Attribute, InputBasis

N = 50


def column(kind):
    x = uniform(N, 1)
    if kind == "holes":
        x[::6] = torch.nan
    if kind == "levels":
        return Attribute("c", "category", None, ("a", "b", "c")), (torch.arange(N) % 3).double()
    if kind == "two values":
        x = x.round()
    if kind == "constant":
        x = 0 * x + 3
    (attribute,) = numbers(x)
    return attribute, attribute.encode(x[:, 0])


KINDS = ["number", "holes", "levels", "two values", "constant"]


@pytest.fixture(params=KINDS)
def case(request):
    attribute, u = column(request.param)
    weight = 0.2 + uniform(N, 1, 1)[:, 0]
    basis = InputBasis(attribute, length_scale=LENGTH_SCALE, missing=attribute.missing)
    return basis, u, weight


def test_columns_are_the_curves_of_their_heights(case):
    basis, u, weight = case
    block = main_block(0, basis, u, weight)
    expected = basis.cardinal(u) @ block.directions
    assert (block.columns - expected).abs().max() < 1e-12 if block.labels else True
    assert (weight @ block.columns).abs().sum() < 1e-10
    assert block.columns.shape == (N, len(block.labels))


def test_labels_tell_slope_smooth_and_missing():
    found = {}
    for kind in KINDS:
        attribute, u = column(kind)
        basis = InputBasis(attribute, missing=attribute.missing)
        labels = main_block(0, basis, u, torch.ones(N).double()).labels
        found[kind] = tuple(labels.count(what) for what in ("slope", "smooth", "missing"))
    assert found == {
        "number": (1, 6, 0),
        "holes": (1, 6, 1),
        "levels": (0, 3, 0),
        "two values": (1, 0, 0),
        "constant": (0, 0, 0),
    }


def test_principal_columns_are_uncorrelated_strongest_first(case):
    basis, u, weight = case
    basis = InputBasis(
        Attribute("u", "category", None, ("a", "b", "c"))
        if basis.kind == "category"
        else numbers(u[:, None])[0],
        length_scale=LENGTH_SCALE,
    )
    made = side(basis, u, weight)
    known = weight * ~u.isnan()
    covariance = (made.columns * known[:, None]).mT @ made.columns / known.sum()
    assert covariance.numpy() == pytest.approx(torch.diag(made.scale**2).numpy(), abs=1e-12)
    assert (made.scale.diff() <= 0).all()
    assert (known @ made.columns).abs().sum() < 1e-10
    missing = made.columns[u.isnan()]
    assert missing.abs().sum() == 0
    if made.columns.shape[1]:
        assert (basis.cardinal(u) @ made.directions - made.columns).abs().max() < 1e-12


def test_pairs_are_products_strongest_first():
    x = uniform(N, 2)
    x[::5, 0] = torch.nan
    attributes, weight = numbers(x), 0.2 + uniform(N, 1, 1)[:, 0]
    u = encoded(attributes, x)
    sides = sides_of(attributes, u, weight)
    block = pair_block(0, 1, (sides[0], sides[1]), weight, rank=10)
    assert block.columns.shape == (N, 10)
    first, second = (b.cardinal(u[:, p]) for p, b in enumerate(block.bases))
    lattice = block.directions.view(first.shape[1], second.shape[1], 10)
    expected = torch.einsum("ni,ijm,nj->nm", first, lattice, second)
    assert (block.columns - expected).abs().max() < 1e-12
    assert (weight @ block.columns).abs().max() < 1e-10
    assert block.columns[::5].abs().sum() == 0
    # products of the strongest columns of both sides, but for their mean
    product = sides[0].columns[:, 0] * sides[1].columns[:, 0]
    known = ~x[:, 0].isnan()
    gap = (block.columns[:, 0] - product)[known]
    assert gap.max() - gap.min() < 1e-12
    every = pair_block(0, 1, (sides[0], sides[1]), weight, rank=10_000)
    strengths = torch.outer(sides[0].scale, sides[1].scale)
    kept = int((strengths > PAIR_TOLERANCE * strengths.max()).sum())
    assert every.columns.shape[1] == kept
    assert torch.allclose(every.columns[:, :10], block.columns)


def test_a_pair_with_a_constant_column_is_empty():
    x = uniform(N, 2)
    x[:, 1] = 7.0
    attributes, weight = numbers(x), torch.ones(N).double()
    sides = sides_of(attributes, encoded(attributes, x), weight)
    assert pair_block(0, 1, (sides[0], sides[1]), weight).columns.shape == (N, 0)


def test_rows_of_blocks():
    attribute, u = column("number")
    block = main_block(0, InputBasis(attribute), u, torch.ones(N).double())
    assert torch.equal(block.rows(torch.arange(3)).columns, block.columns[:3])


def term(n_rows=N):
    x = uniform(n_rows, 2)
    attributes, weight = numbers(x), 0.2 + uniform(n_rows, 1, 1)[:, 0]
    sides = sides_of(attributes, encoded(attributes, x), weight)
    return TermColumns((0, 1), tuple(narrowed(s) for s in sides), *outer_basis(), weight)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_slopes_of_a_term_are_finite_differences(n_outputs):
    columns = term()
    outer = normal(n_outputs * columns.n_outer).view(n_outputs, -1)
    inner = [normal(m, i) for i, m in enumerate(columns.n_inner)]
    shared, slopes, value = columns.linearise(outer, inner)
    assert (value - columns.value(outer, inner)).abs().max() < 1e-12
    assert (value - shared @ outer.mT).abs().max() < 1e-12
    assert (columns.weight @ value).abs().max() < 1e-10
    step, place = 1e-6, 0
    for i, m in enumerate(columns.n_inner):
        for j in range(m):
            moves = [[a.clone() for a in inner] for _ in range(2)]
            moves[0][i][j] += step
            moves[1][i][j] -= step
            up, down = (columns.value(outer, a) for a in moves)
            found = slopes[:, :, place].mT
            assert ((up - down) / (2 * step) - found).abs().max() < 1e-7
            place += 1
    assert place == slopes.shape[2]


def test_outer_directions_are_a_line_and_a_white_curve():
    basis, directions = outer_basis()
    knots = basis.knots
    line = directions[:, 0]
    assert torch.allclose(line / line[-1], knots / knots[-1])
    curve = directions[:, 1:]
    white = curve.mT @ basis.precision() @ curve
    assert (white - torch.eye(len(knots) - 2)).abs().max() < 1e-8


def test_inner_curves_keep_the_strongest_columns():
    attribute = numbers(uniform(200, 1), n_knots=40)[0]
    basis = InputBasis(attribute, length_scale=0.1)
    made = side(basis, uniform(200, 1)[:, 0], torch.ones(200).double())
    kept = narrowed(made)
    assert made.columns.shape[1] > INNER_RANK == kept.columns.shape[1]
    assert torch.equal(kept.scale, made.scale[:INNER_RANK])
    assert torch.equal(kept.directions, made.directions[:, :INNER_RANK])
