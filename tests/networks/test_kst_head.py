"""The readable last layer: names, centring, explanations."""

import numpy as np
import pytest
import torch

from superpose.errors import InputError
from superpose.networks import KSTHead


def fitted():
    head = KSTHead(["a", "b"], ["x", "y", "z"], generator=torch.Generator().manual_seed(0))
    rows = torch.randn(300, 2, generator=torch.Generator().manual_seed(1))
    head(rows)
    head.curves.heights.data += torch.randn(
        head.curves.heights.shape, generator=torch.Generator().manual_seed(2)
    )
    return head.eval(), rows


def test_centring_moves_levels_to_the_bias_and_no_prediction():
    head, rows = fitted()
    before = head(rows).detach()
    head.centre(rows)
    assert (head(rows) - before).abs().max() < 1e-5
    assert head.explain(rows).contributions.mean(0).abs().max() < 1e-5
    assert head.bias.detach() == pytest.approx(before.mean(0), abs=1e-5)


def test_no_rows_to_centre_over_are_refused():
    head, rows = fitted()
    with pytest.raises(InputError, match="got no rows"):
        head.centre(rows[:0])


def test_an_explanation_adds_up_and_is_the_curves():
    head, rows = fitted()
    found = head.explain(rows)
    assert (found.scores - head(rows)).abs().max() < 1e-5
    read = head.curve("b", "z")(rows[:, 1])
    assert (found.contributions[:, 1, 2] - read).abs().max() < 1e-5
    assert found.against_others.sum(-1).abs().max() < 1e-5
    chance = torch.softmax(head.bias - head.bias.mean() + found.against_others.sum(1), 1)
    assert (chance - torch.softmax(head(rows), 1)).abs().max() < 1e-6


def test_outside_says_what_was_not_seen():
    head, rows = fitted()
    new = torch.stack([rows.amin(0), rows.amax(0) + torch.tensor([0.0, 1e-3])])
    assert head.explain(new).outside.tolist() == [[False, False], [False, True]]


def test_names():
    head, _ = fitted()
    assert torch.equal(head.curve("a", "y").heights, head.curve(0, 1).heights)
    assert KSTHead(2, 1).features == ("feature 1", "feature 2")
    with pytest.raises(InputError, match="the feature must be one of a, b; got 'c'"):
        head.curve("c")
    with pytest.raises(InputError, match="in_features must be a number, or names that differ"):
        KSTHead(["a", "a"], 1)
    with pytest.raises(InputError, match="out_features"):
        KSTHead(2, "abc")


def test_sizes_and_places_may_be_numbers_of_numpy():
    head = KSTHead(np.int64(2), np.int64(3))
    assert head.features == ("feature 1", "feature 2")
    assert torch.equal(head.curve(np.int64(1), np.int64(2)).heights, head.curve(1, 2).heights)


def test_an_explanation_calls_a_missing_feature_outside():
    head, _ = fitted()
    assert head.explain(torch.tensor([[float("nan"), 0.0]])).outside.tolist() == [[True, False]]
