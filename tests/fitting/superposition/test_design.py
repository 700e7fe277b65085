"""The layout of the coefficients, and the outputs as a function of them."""

import pytest
import torch
from tests.fitting.made_problems import design_of, normal, numbers, uniform


def made(n_outputs=1, terms=((0, 1), (0, 1, 2))):
    x = uniform(40, 3)
    x[::6, 2] = torch.nan
    return design_of(numbers(x, 5), x, n_outputs=n_outputs, pairs=((0, 2),), terms=terms)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_derivatives_are_finite_differences_of_the_outputs(n_outputs):
    design = made(n_outputs)
    theta, step = normal(design.n_coefficients), 1e-6
    at = design.linearise(theta)
    assert (at.outputs - design.predict(theta)).abs().max() < 1e-12
    own = design.n_outputs * design.n_shared
    shared = torch.cat([at.fixed, at.outer], 1)
    for j in range(design.n_coefficients):
        move = torch.zeros_like(theta)
        move[j] = step
        slope = (design.predict(theta + move) - design.predict(theta - move)) / (2 * step)
        if j < own:
            expected = torch.zeros(design.n_rows, n_outputs, dtype=torch.float64)
            expected[:, j // design.n_shared] = shared[:, j % design.n_shared]
        else:
            expected = at.inner[:, :, j - own].mT
        assert (slope - expected).abs().max() < 1e-6


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_pieces_join_to_what_was_split(n_outputs):
    design = made(n_outputs)
    theta = normal(design.n_coefficients)
    fixed, outer, inner = design.split(theta)
    assert torch.equal(design.join(fixed, outer, inner), theta)
    assert fixed.shape == (n_outputs, 1 + sum(design.widths[0]))
    assert [len(a) for a in inner] == [2, 3]
    assert len(theta) == n_outputs * design.n_shared + design.n_inner


def test_groups_share_slopes_and_nothing_else():
    """Three slopes together; smooth parts 3, missing 1, pair 1; two outer and five inner curves."""
    design = made(2)
    groups, count = design.groups()
    assert count == 1 + 3 + 1 + 1 + 2 + 5
    assert len(groups) == design.n_coefficients
    own = groups[: 2 * design.n_shared].view(2, -1)
    assert torch.equal(own[0], own[1])
    assert (groups == -1).sum() == 2
    assert (own[0] == 0).sum() == 3
    assert sorted(set(groups.tolist())) == list(range(-1, count))
    labels = [label for b in design.blocks for label in b.labels]
    for label, group in zip(labels, own[0, 1:].tolist(), strict=False):
        assert (label == "slope") == (group == 0)
    inner = groups[2 * design.n_shared :]
    assert not set(inner.tolist()) & set(own.flatten().tolist())


def test_some_of_the_rows():
    """Blocks and slopes of rows are the rows of blocks, by mask or by place."""
    design = made(terms=())
    theta = normal(design.n_coefficients)
    mask = torch.arange(40) % 3 == 0
    for kept in (mask, torch.nonzero(mask)[:, 0]):
        part = design.rows(kept)
        assert part.n_rows == 14
        assert torch.equal(part.predict(theta), design.predict(theta)[kept])


def test_more_blocks_and_terms_leave_the_others_alone():
    design, without = made(), made(terms=())
    assert torch.equal(without.with_terms(*design.terms).fixed, without.fixed)
    assert without.with_terms(*design.terms).n_coefficients == design.n_coefficients
    grown = without.with_block(without.blocks[0])
    assert grown.fixed.shape[1] == without.fixed.shape[1] + without.blocks[0].columns.shape[1]
    assert without.fixed.shape[1] == 1 + sum(without.widths[0])
