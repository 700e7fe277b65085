"""What this library sets out to reach on tables, and whether the results say it does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from superpose.bench.summary import Ranks, Versus, mean_ranks, versus

__all__ = ["Target", "judge", "ranked_sides"]

Cell = dict[str, Any]

TWO_THIRDS = 2 / 3


@dataclass(frozen=True)
class Target:
    """One thing to reach.

    Parameters
    ----------
    says : str
        What is to be reached.
    found : str
        What the results say, with the number of tables.
    reached : bool
        Whether it is reached on the tables that were compared.
    """

    says: str
    found: str
    reached: bool


def judge(cells: Iterable[Cell]) -> list[Target]:
    """Compare the results with what is to be reached; what was not measured is left out.

    A table that the other side finished and ours did not counts against ours.

    Parameters
    ----------
    cells : iterable of dict
        Cells of the results.

    Examples
    --------
    >>> from superpose.bench import judge
    >>> def cell(side, loss, cpu):
    ...     return {"table": "a", "fold": 0, "side": side, "status": "measured",
    ...             "loss": loss, "cpu_s": cpu}
    >>> for target in judge([cell("superpose", 0.30, 1), cell("lightgbm", 0.20, 1)]):
    ...     print(target.says, "|", target.found, "|", target.reached)
    loss within 2 % of lightgbm's | 1.500 times (1 table) | False
    """
    cells = list(cells)
    ranks = mean_ranks(cells, ranked_sides(cells))
    return [
        *_against_ebm(versus(cells, "superpose", "ebm"), ranks),
        *_no_worse(versus(cells, "additive", "ebm_mains"), ranks),
        *_no_worse(versus(cells, "additive", "splines"), ranks),
        *_near(versus(cells, "superpose", "lightgbm")),
        *_cpu_of_ebm(versus(cells, "superpose", "ebm")),
        *_cpu(versus(cells, "superpose", "ebm_mains"), 3.0),
        *_cpu(versus(cells, "additive", "ebm_mains"), 1.0),
        *_fewer_curves(versus(cells, "superpose", "ebm")),
    ]


def ranked_sides(cells: Iterable[Cell]) -> list[str]:
    """Name the sides that were measured and refused no table, so that they share all tables.

    Parameters
    ----------
    cells : iterable of dict
        Cells of the results.
    """
    cells = list(cells)
    refused = {cell["side"] for cell in cells if cell["status"] == "not run"}
    measured = [cell["side"] for cell in cells if cell["status"] == "measured"]
    return [side for side in dict.fromkeys(measured) if side not in refused]


def _against_ebm(found: Versus, ranks: Ranks) -> list[Target]:
    if not found.tables:
        return []
    all_tables = len(set(found.tables) | set(found.unfinished))
    share = len(found.won) / all_tables
    wins = f"{len(found.won)} of {_tables(all_tables)}"
    return [
        Target("lower loss than ebm on 2/3 of the tables", wins, share >= TWO_THIRDS),
        *_better_rank(found, ranks, strictly=True),
    ]


def _better_rank(found: Versus, ranks: Ranks, strictly: bool = False) -> list[Target]:
    if not ranks.tables or not {found.ours, found.theirs} <= set(ranks.ranks):
        return []
    ours, theirs = ranks.ranks[found.ours].value, ranks.ranks[found.theirs].value
    numbers = f"{ours:.2f} and {theirs:.2f} ({_tables(len(ranks.tables))})"
    reached = ours < theirs if strictly else ours <= theirs
    word = "better than" if strictly else "no worse than"
    says = f"mean rank of {found.ours} {word} that of {found.theirs}"
    return [Target(says, numbers, reached and not found.unfinished)]


def _no_worse(found: Versus, ranks: Ranks) -> list[Target]:
    if not found.tables:
        return []
    says = f"loss of {found.ours} no higher than that of {found.theirs}"
    reached = found.loss.value <= 1 and not found.unfinished
    return [*_better_rank(found, ranks), Target(says, _times(found, found.loss.value), reached)]


def _near(found: Versus) -> list[Target]:
    if not found.tables:
        return []
    reached = found.loss.value <= 1.02 and not found.unfinished
    return [Target("loss within 2 % of lightgbm's", _times(found, found.loss.value), reached)]


def _cpu_of_ebm(found: Versus) -> list[Target]:
    if not found.tables:
        return []
    worst = max(found.cpu_ratios, key=lambda table: found.cpu_ratios[table])
    most = f"{found.cpu_ratios[worst]:.3g} times at most, on {worst}"
    inverse = f"1/{1 / found.cpu.value:.1f} ({_tables(len(found.tables))})"
    fast = found.cpu.value <= 1 / 30 and not found.unfinished
    never = found.cpu_ratios[worst] <= 1 and not found.unfinished
    return [
        Target("CPU-seconds at most 1/30 of ebm's", inverse, fast),
        Target("CPU-seconds on no table more than ebm's", most, never),
    ]


def _cpu(found: Versus, most: float) -> list[Target]:
    if not found.tables:
        return []
    limit = "below those" if most == 1 else f"at most {most:g} times those"
    value = found.cpu.value
    reached = (value < 1 if most == 1 else value <= most) and not found.unfinished
    says = f"CPU-seconds of {found.ours} {limit} of {found.theirs}"
    return [Target(says, _times(found, value), reached)]


def _fewer_curves(found: Versus) -> list[Target]:
    if not found.curves:
        return []
    more = [table for table, (ours, theirs) in found.curves.items() if ours >= theirs]
    numbers = f"not on {len(more)} of {_tables(len(found.curves))}"
    named = f"{numbers}: {', '.join(more)}" if more else f"on all of {_tables(len(found.curves))}"
    reached = not more and not found.unfinished
    return [Target("fewer curves and surfaces than ebm on every table", named, reached)]


def _times(found: Versus, value: float) -> str:
    return f"{value:.3f} times ({_tables(len(found.tables))})"


def _tables(count: int) -> str:
    return f"{count} table" if count == 1 else f"{count} tables"
