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

    Where the other side finished a table and ours did not, nothing is reached against it.

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


def _target(found: Versus, says: str, numbers: str, reached: bool) -> Target:
    """A table that ours did not finish is named, and then nothing is reached."""
    if found.unfinished:
        numbers += f"; not finished: {', '.join(found.unfinished)}"
    return Target(says, numbers, reached and not found.unfinished)


def _against_ebm(found: Versus, ranks: Ranks) -> list[Target]:
    if not found.tables:
        return []
    says, share = "lower loss than ebm on 2/3 of the tables", len(found.won) / len(found.tables)
    numbers = f"{len(found.won)} of {_tables(len(found.tables))}"
    won = _target(found, says, numbers, share >= TWO_THIRDS)
    return [won, *_better_rank(found, ranks, strictly=True)]


def _better_rank(found: Versus, ranks: Ranks, strictly: bool = False) -> list[Target]:
    if not ranks.tables or not {found.ours, found.theirs} <= set(ranks.ranks):
        return []
    ours, theirs = ranks.ranks[found.ours].value, ranks.ranks[found.theirs].value
    numbers = f"{ours:.2f} and {theirs:.2f} ({_tables(len(ranks.tables))})"
    word = "better than" if strictly else "no worse than"
    says = f"mean rank of {found.ours} {word} that of {found.theirs}"
    return [_target(found, says, numbers, ours < theirs if strictly else ours <= theirs)]


def _no_worse(found: Versus, ranks: Ranks) -> list[Target]:
    if not found.tables:
        return []
    says = f"loss of {found.ours} no higher than that of {found.theirs}"
    loss = found.loss.value
    return [*_better_rank(found, ranks), _target(found, says, _losses(found), loss <= 1)]


def _near(found: Versus) -> list[Target]:
    if not found.tables:
        return []
    loss = found.loss.value
    says = "loss within 2 % of lightgbm's"
    return [_target(found, says, _losses(found), loss <= 1.02)]


def _cpu_of_ebm(found: Versus) -> list[Target]:
    if not found.tables:
        return []
    worst = max(found.cpu_ratios, key=lambda table: found.cpu_ratios[table])
    most, mean = found.cpu_ratios[worst], found.cpu.value
    inverse = f"1/{1 / mean:.1f} ({_tables(len(found.tables))})"
    highest = f"{most:.3g} times at most, on {worst}"
    return [
        _target(found, "CPU-seconds at most 1/30 of ebm's", inverse, mean <= 1 / 30),
        _target(found, "CPU-seconds on no table more than ebm's", highest, most <= 1),
    ]


def _cpu(found: Versus, most: float) -> list[Target]:
    """At most so many times those of the other side; below them where it is 1."""
    if not found.tables:
        return []
    limit = "below those" if most == 1 else f"at most {most:g} times those"
    says = f"CPU-seconds of {found.ours} {limit} of {found.theirs}"
    value = found.cpu.value
    return [_target(found, says, _times(found, value), value < 1 if most == 1 else value <= most)]


def _fewer_curves(found: Versus) -> list[Target]:
    """Where ebm has one curve, nobody can have fewer."""
    if not found.curves:
        return []
    says = "fewer curves and surfaces than ebm wherever it has more than one"
    more = [table for table, (ours, theirs) in found.curves.items() if ours >= theirs > 1]
    count = _tables(len(found.curves))
    numbers = f"not on {len(more)} of {count}: {', '.join(more)}" if more else f"on all of {count}"
    return [_target(found, says, numbers, not more)]


def _losses(found: Versus) -> str:
    """The ratio that is judged and, where small losses move it, the one without them."""
    floored = found.loss_above_small.value
    other = f", {floored:.3f} times if losses below 0.001 count as 0.001"
    near = abs(floored - found.loss.value) < 5e-4
    return _times(found, found.loss.value) + ("" if near else other)


def _times(found: Versus, value: float) -> str:
    return f"{value:.3f} times ({_tables(len(found.tables))})"


def _tables(count: int) -> str:
    return f"{count} table" if count == 1 else f"{count} tables"
