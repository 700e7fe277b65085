"""Each target is reached on one side of its line and not on the other."""

from __future__ import annotations

from typing import Any

import pytest
from tests.bench.made_cells import cell, refused, stopped

from superpose.bench import judge


def verdicts(cells: list[dict[str, Any]]) -> dict[str, bool]:
    return {target.says: target.reached for target in judge(cells)}


def against(side: str, losses: list[tuple[float, float]], ours: str = "superpose") -> list[Any]:
    """Losses of ours and of theirs, a table each."""
    pairs = list(enumerate(losses))
    return [cell(f"t{i}", ours, loss) for i, (loss, _) in pairs] + [
        cell(f"t{i}", side, loss) for i, (_, loss) in pairs
    ]


def test_two_thirds_of_the_tables_are_enough_and_less_is_not() -> None:
    says = "lower loss than ebm on 2/3 of the tables"
    won, lost = (0.1, 0.2), (0.2, 0.1)
    assert verdicts(against("ebm", [won, won, lost]))[says]
    assert not verdicts(against("ebm", [won, won, won, lost, lost]))[says]
    assert not verdicts(
        [*against("ebm", [won, won, lost]), stopped("t3", "superpose"), cell("t3", "ebm")]
    )[says]


def test_a_rank_that_is_the_same_is_not_better() -> None:
    says = "mean rank of superpose better than that of ebm"
    assert not verdicts(against("ebm", [(0.1, 0.2), (0.2, 0.1)]))[says]
    assert verdicts(against("ebm", [(0.1, 0.2), (0.1, 0.1)]))[says]


def test_a_side_that_refuses_a_table_is_not_in_the_ranks_of_the_targets() -> None:
    """With pygam ranked, only the first table would count, where ebm is better."""
    cells = against("ebm", [(0.2, 0.1), (0.1, 0.2), (0.1, 0.2)])
    cells += [cell("t0", "pygam", 0.3), refused("t1", "pygam"), refused("t2", "pygam")]
    assert verdicts(cells)["mean rank of superpose better than that of ebm"]


@pytest.mark.parametrize("peer", ["ebm_mains", "splines"])
def test_the_additive_mode_may_tie(peer: str) -> None:
    loss = f"loss of additive no higher than that of {peer}"
    rank = f"mean rank of additive no worse than that of {peer}"
    tied = verdicts(against(peer, [(0.1, 0.2), (0.2, 0.1)], "additive"))
    assert (tied[loss], tied[rank]) == (True, True)
    worse = verdicts(against(peer, [(0.1, 0.2), (0.5, 0.1)], "additive"))
    assert (worse[loss], worse[rank]) == (False, True)


def test_within_two_per_cent_of_boosted_trees() -> None:
    says = "loss within 2 % of lightgbm's"
    assert verdicts(against("lightgbm", [(1.019, 1.0)]))[says]
    assert not verdicts(against("lightgbm", [(1.021, 1.0)]))[says]


def test_losses_that_are_as_good_as_none_are_judged_as_they_are_and_shown_without() -> None:
    (target,) = judge(against("lightgbm", [(1e-5, 1e-6), (0.9, 1.0)]))
    without = "0.949 times if losses below 0.001 count as 0.001"
    assert target.found == f"3.000 times (2 tables), {without}"
    assert not target.reached


def timed(ours: float, theirs: float, side: str, who: str = "superpose", table: str = "t") -> Any:
    return [cell(table, who, 0.1, ours), cell(table, side, 0.1, theirs)]


def test_cpu_seconds_against_ebm_on_average_and_on_each_table() -> None:
    mean, never = "CPU-seconds at most 1/30 of ebm's", "CPU-seconds on no table more than ebm's"
    found = verdicts(timed(1.0, 31.0, "ebm"))
    assert (found[mean], found[never]) == (True, True)
    assert not verdicts(timed(1.0, 29.0, "ebm"))[mean]
    mixed = verdicts(timed(1.0, 5000.0, "ebm") + timed(2.0, 1.9, "ebm", table="u"))
    assert (mixed[mean], mixed[never]) == (True, False)


def test_cpu_seconds_against_ebm_without_pairs() -> None:
    says = "CPU-seconds of superpose at most 3 times those of ebm_mains"
    assert verdicts(timed(2.9, 1.0, "ebm_mains"))[says]
    assert not verdicts(timed(3.1, 1.0, "ebm_mains"))[says]
    says = "CPU-seconds of additive below those of ebm_mains"
    assert verdicts(timed(0.9, 1.0, "ebm_mains", "additive"))[says]
    assert not verdicts(timed(1.0, 1.0, "ebm_mains", "additive"))[says]


def test_as_many_curves_are_not_fewer() -> None:
    says = "fewer curves and surfaces than ebm wherever it has more than one"
    few = [cell("a", "superpose", curves=4), cell("a", "ebm", curves=5)]
    assert verdicts(few)[says]
    one = [cell("m", "superpose", curves=1), cell("m", "ebm", curves=1)]
    assert verdicts(few + one)[says]
    many = [cell("b", "superpose", curves=5), cell("b", "ebm", curves=5)]
    (target,) = (t for t in judge(few + many) if t.says == says)
    assert (target.found, target.reached) == ("not on 1 of 2 tables: b", False)


def test_what_was_not_measured_is_not_judged() -> None:
    assert judge([cell("a", "superpose")]) == []


def test_a_table_that_only_the_other_side_finished_reaches_nothing() -> None:
    cells = [*timed(1.0, 100.0, "ebm"), stopped("u", "superpose"), cell("u", "ebm")]
    found = judge(cells)
    assert len(found) == 4
    assert not any(target.reached for target in found)
    assert all(target.found.endswith("; not finished: u") for target in found)
