"""The arithmetic over cells, against numbers worked by hand."""

from __future__ import annotations

import math

import pytest
from tests.bench.made_cells import cell, refused, stopped

from superpose.bench.summary import geometric_mean, mean_ranks, rows_of, versus


def test_geometric_mean_and_its_error_by_hand() -> None:
    """Logs 0, 1 and 2 times log 3: mean 1, sd 1, error 1 / sqrt 3, all times log 3."""
    found = geometric_mean([1.0, 3.0, 9.0])
    assert found.value == pytest.approx(3.0)
    assert found.error == pytest.approx(3.0 * math.log(3.0) / math.sqrt(3.0))
    assert math.isnan(geometric_mean([2.0]).error)
    assert math.isnan(geometric_mean([]).value)


def test_sides_are_compared_by_means_over_the_folds_both_have() -> None:
    cells = [
        cell("a", "we", 0.2, 4.0),
        cell("a", "we", 0.4, 8.0, fold=1),
        cell("a", "we", 9.0, 999.0, fold=2),  # theirs has no such fold
        cell("a", "they", 0.6, 2.0),
        cell("a", "they", 0.6, 1.0, fold=1),
        cell("b", "we", 0.5, 1.0),
        cell("b", "they", 0.25, 1.0),
        cell("c", "we", 0.1),  # theirs has no such table
        cell("d", "we", 0.7, 2.0),
        cell("d", "they", 0.7, 1.0),
    ]
    found = versus(cells, "we", "they")
    assert (found.tables, found.folds) == (("a", "b", "d"), 4)
    assert (found.won, found.lost, found.tied) == (("a",), ("b",), ("d",))
    assert found.loss.value == pytest.approx((0.3 / 0.6 * 0.5 / 0.25) ** (1 / 3))
    assert found.cpu_ratios == pytest.approx({"a": 4.0, "b": 1.0, "d": 2.0})
    assert found.cpu.value == pytest.approx(2.0)
    assert found.cpu.error == pytest.approx(2.0 * math.log(2.0) / math.sqrt(3))


def test_losses_near_none_count_as_small_in_one_of_two_ratios() -> None:
    cells = [cell("a", "we", 1e-8), cell("a", "they", 1e-4)]
    found = versus(cells, "we", "they")
    assert found.loss.value == pytest.approx(1e-4)
    assert found.loss_above_small.value == 1.0
    assert found.won == ("a",)


def test_a_fit_that_only_the_other_side_finished_is_named() -> None:
    cells = [
        stopped("a", "we"),
        cell("a", "they"),
        stopped("b", "we"),
        stopped("b", "they"),
        {**cell("c", "we"), "status": "failed"},
        cell("c", "they"),
        cell("d", "we"),
        stopped("d", "they"),
        refused("e", "we"),
        cell("e", "they"),
    ]
    found = versus(cells, "we", "they")
    assert found.unfinished == ("a", "c")
    assert found.tables == ()


def test_curves_are_compared_where_both_can_be_read() -> None:
    cells = [
        cell("a", "we", curves=4),
        cell("a", "they", curves=7),
        cell("b", "we", curves=4),
        cell("b", "they"),
    ]
    assert versus(cells, "we", "they").curves == {"a": (4.0, 7.0)}


def test_ranks_by_hand_with_a_tie_and_a_missing_side() -> None:
    cells = [
        *(cell("a", side, loss) for side, loss in (("x", 0.1), ("y", 0.2), ("z", 0.3))),
        *(cell("b", side, loss) for side, loss in (("x", 0.5), ("y", 0.2), ("z", 0.5))),
        *(cell("c", side, loss) for side, loss in (("x", 0.1), ("y", 0.2))),
    ]
    found = mean_ranks(cells, ["x", "y", "z"])
    assert found.tables == ("a", "b")
    assert found.ranks["x"].value == pytest.approx((1 + 2.5) / 2)
    assert found.ranks["y"].value == pytest.approx((2 + 1) / 2)
    assert found.ranks["z"].value == pytest.approx((3 + 2.5) / 2)
    assert found.ranks["x"].error == pytest.approx(0.75)  # half the distance of two values
    assert mean_ranks(cells, ["x", "y"]).ranks["x"].value == pytest.approx((1 + 2 + 1) / 3)


def test_ranks_of_all_sides_add_up() -> None:
    cells = [cell(t, s, (i * 7 + ord(t)) % 5) for i, s in enumerate("uvwxy") for t in "abcde"]
    ranks = mean_ranks(cells, list("uvwxy")).ranks
    assert sum(rank.value for rank in ranks.values()) == pytest.approx(1 + 2 + 3 + 4 + 5)


def test_a_row_has_means_over_folds_and_says_what_is_missing() -> None:
    cells = [
        cell("a", "we", 0.1, 1.0, auc=0.9, curves=3),
        cell("a", "we", 0.3, 2.0, fold=1, auc=0.7, curves=4),
        stopped("a", "we", fold=2),
        refused("a", "they"),
        cell("b", "we", 9.0),
    ]
    ours, theirs = rows_of(cells, "a", ["we", "they", "others"])
    assert ours.means == pytest.approx({"loss": 0.2, "cpu_s": 1.5, "auc": 0.8, "curves": 3.5})
    assert ours.loss_error == pytest.approx(0.1)
    assert (ours.folds, ours.notes) == (2, ("more than 9 CPU-seconds (1 of 3 folds)",))
    assert (theirs.means, theirs.folds, theirs.notes) == ({}, 0, ("not run: no model",))
