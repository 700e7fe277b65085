"""Held-out rows: every row once, classes in their shares, the same for the same seed."""

import pytest
import torch

from superpose.fitting.superposition.folds import MEDIUM, SMALL, held_out


@pytest.mark.parametrize(
    ("n", "folds"), [(2, 2), (3, 3), (7, 5), (100, 5), (SMALL, 5), (SMALL + 1, 3), (MEDIUM, 3)]
)
def test_every_row_is_held_out_once(n, folds):
    masks = held_out(n, None, 0)
    assert len(masks) == folds
    assert torch.equal(torch.stack(masks).sum(0), torch.ones(n, dtype=torch.long))
    sizes = [int(mask.sum()) for mask in masks]
    assert max(sizes) - min(sizes) <= 1


def test_large_tables_are_held_out_once():
    (mask,) = held_out(MEDIUM + 1, None, 0)
    assert int(mask.sum()) == (MEDIUM + 1 + 4) // 5


@pytest.mark.parametrize("n", [0, 1])
def test_a_single_row_cannot_be_held_out(n):
    assert held_out(n, None, 0) == []


@pytest.mark.parametrize("n", [100, 3001])
def test_every_fold_has_its_share_of_each_class(n):
    strata = torch.arange(n) % 10
    strata = torch.where(strata == 0, 2, (strata > 6).long())  # a tenth, six and three tenths
    for mask in held_out(n, strata, 3):
        for c in range(3):
            share = (strata == c).sum() / len(held_out(n, strata, 3))
            assert abs(int((strata[mask] == c).sum()) - share) <= 1


def test_the_seed_decides():
    one, two, other = (held_out(50, None, seed) for seed in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    state = torch.random.get_rng_state()
    held_out(50, None, 0)
    assert torch.equal(torch.random.get_rng_state(), state)
