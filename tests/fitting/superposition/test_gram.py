"""Products of columns, against the plain product."""

import torch
from tests.fitting.made_problems import design_of, normal, numbers, uniform

from superpose.fitting.superposition.gram import bordered, gram, sparse_gram


def plain(columns, weight):
    return columns.mT @ torch.diag(weight) @ columns


def test_products_are_those_of_the_formula(monkeypatch):
    monkeypatch.setattr("superpose.fitting.superposition.gram.PANEL", 3)
    monkeypatch.setattr("superpose.fitting.superposition.gram.ENTRIES", 70)  # ten rows at a time
    columns, weight = normal(60 * 7).view(60, 7), uniform(60, 1)[:, 0]
    assert torch.allclose(gram(columns, weight), plain(columns, weight), atol=1e-12)
    whole = bordered(gram(columns[:, :4], weight), columns[:, :4], columns[:, 4:], weight)
    assert torch.allclose(whole, plain(columns, weight), atol=1e-12)


def test_rows_of_next_to_no_weight_are_left_out_at_no_cost():
    columns, weight = normal(200 * 5).view(200, 5), uniform(200, 1)[:, 0]
    weight[50:] *= -1e-9
    expected = plain(columns, weight)
    assert torch.allclose(sparse_gram(columns, weight), expected, atol=1e-6)
    assert torch.allclose(sparse_gram(columns[:80], weight[:80]), plain(columns[:80], weight[:80]))


def test_a_design_builds_on_what_a_smaller_one_knew():
    x, weight = uniform(80, 3), uniform(80, 1, 1)[:, 0]
    design = design_of(numbers(x), x, pairs=((0, 1),))
    small = design_of(numbers(x), x)
    small.gram(weight)
    grown = small.with_block(*design.blocks[3:])
    assert "gram" in grown._cache
    assert torch.allclose(grown.gram(weight), plain(design.fixed, weight), atol=1e-12)
    other = weight.flip(0)
    assert torch.allclose(grown.gram(other), plain(design.fixed, other), atol=1e-12)
