"""The dial: what a model costs to read, and the one-standard-error rule by hand."""

import pytest
import torch

from superpose.fitting.superposition.dial import choose, reading_cost

ONES = torch.ones(4, dtype=torch.float64)


def rows(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_what_a_model_costs_to_read():
    """A main curve 1, a pair 2, a term its inner curves and one more."""
    assert reading_cost(0, 0, []) == 0
    assert reading_cost(7, 0, []) == 7
    assert reading_cost(7, 3, []) == 13
    assert reading_cost(7, 3, [2, 4]) == 13 + 3 + 5


def test_a_step_that_is_surely_better_is_chosen():
    losses = [rows(1, 1, 1, 1), rows(0.5, 0.5, 0.5, 0.6)]
    chosen, means, errors = choose(losses, ONES, [4, 6])
    assert chosen == 1
    assert means == pytest.approx([1.0, 0.525])
    # gaps .5, .5, .5, .4 about .475: √(Σ gap² / 16)
    assert errors == pytest.approx([(3 * 0.025**2 + 0.075**2) ** 0.5 / 4, 0.0])


def test_within_one_standard_error_the_cheaper_step_is_chosen():
    """Mean gap .1; the rows say .5, -.3, .5, -.3: the error of their mean is .2."""
    cheap, dear = rows(1.5, 0.7, 1.5, 0.7), rows(1, 1, 1, 1)
    chosen, means, errors = choose([cheap, dear], ONES, [4, 6])
    assert means[0] - means[1] == pytest.approx(0.1)
    assert errors[0] == pytest.approx(0.2)
    assert chosen == 0
    assert choose([cheap, dear], ONES, [6, 4])[0] == 1


def test_just_beyond_one_standard_error_the_better_step_is_chosen():
    """Mean gap .11; the rows say .31, -.09, .31, -.09: the error of their mean is .1."""
    cheap = rows(1.31, 0.91, 1.31, 0.91)
    chosen, means, errors = choose([cheap, ONES], ONES, [4, 6])
    assert means[0] - means[1] == pytest.approx(0.11)
    assert errors[0] == pytest.approx(0.1)
    assert chosen == 1
    assert choose([cheap - 0.02, ONES], ONES, [4, 6])[0] == 0


def test_the_cheapest_of_many_and_not_the_first():
    losses = [rows(2, 2, 2, 2), *(rows(1, 1, 1, 1) for _ in range(3))]
    assert choose(losses, ONES, [4, 9, 5, 7])[0] == 2


def test_among_equal_costs_the_lower_loss():
    """Both are within the error of the best; neither is dearer."""
    losses = [rows(1.5, 0.7, 1.5, 0.7), rows(1.4, 0.7, 1.4, 0.7), rows(1, 1, 1, 1)]
    assert choose(losses, ONES, [4, 4, 6])[0] == 1


def test_a_tie_is_the_cheapest():
    assert choose([ONES, ONES, ONES], ONES, [5, 3, 4])[0] == 1


def test_a_difference_without_worth_is_none():
    """Sure to be better, by less than a thousandth: not worth a curve."""
    assert choose([1.0005 * ONES, ONES], ONES, [4, 6])[0] == 0
    assert choose([1.002 * ONES, ONES], ONES, [4, 6])[0] == 1
    # nor where next to nothing is left of the constant's loss
    assert choose([1.5e-4 * ONES, 1e-4 * ONES], ONES, [4, 6])[0] == 1
    assert choose([1.5e-4 * ONES, 1e-4 * ONES], ONES, [4, 6], constant=1.0)[0] == 0


def test_rows_that_some_step_did_not_hold_out_are_left_out():
    nan = float("nan")
    losses = [rows(1, nan, 3, nan), rows(0, 50, nan, nan), rows(0.2, nan, 0, nan)]
    chosen, means, errors = choose(losses, ONES, [1, 2, 3])
    assert means == pytest.approx([1.0, 0.0, 0.2])
    assert (chosen, errors) == (1, [0.0, 0.0, 0.0])


def test_weights_are_the_rows_weights():
    weight = rows(3, 1, 0, 0)
    chosen, means, errors = choose([rows(1, 0, 9, 9), rows(0, 1, 0, 0)], weight, [2, 1])
    assert means == pytest.approx([0.75, 0.25])
    # gaps 1, -1 about .5 with shares 3/4 and 1/4
    assert errors[0] == pytest.approx(((0.75 * 0.5) ** 2 + (0.25 * 1.5) ** 2) ** 0.5)
    assert chosen == 1
    scaled = choose([rows(1, 0, 9, 9), rows(0, 1, 0, 0)], 1000 * weight, [2, 1])
    assert scaled[2] == pytest.approx(errors)
