"""Everything that follows from the cells: what is printed, drawn, and put into the file."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from superpose.bench.registry import TABLES
from superpose.bench.sides import SIDES
from superpose.bench.summary import Ranks, Row, Versus, mean_ranks, rows_of, versus
from superpose.bench.targets import Target, judge, ranked_sides

__all__ = ["Account", "account"]

ADDITIVE_PEERS = ("ebm_mains", "splines", "pygam")
"""Sides that have main curves alone, as ``additive`` does."""


@dataclass(frozen=True)
class Account:
    """What was measured, table by table and together.

    Parameters
    ----------
    tables : dict
        For each table a `Row` a side.
    ranks : tuple of Ranks
        Among the sides that take every table; then, where some do not, among all sides.
    versus : tuple of Versus
        Superpose against each side, then its additive mode against the additive sides.
    targets : tuple of Target
        What is to be reached, and whether it is.
    """

    tables: dict[str, list[Row]]
    ranks: tuple[Ranks, ...]
    versus: tuple[Versus, ...]
    targets: tuple[Target, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the same as plain lists and dicts; numbers that are none become None."""
        return _plain(dataclasses.asdict(self))


def account(cells: Iterable[dict[str, Any]]) -> Account:
    """Say what cells say.

    Parameters
    ----------
    cells : iterable of dict
        Cells of the results, see `Results.cells`.

    Examples
    --------
    >>> from superpose.bench import account
    >>> def cell(side, loss):
    ...     return {"table": "yacht", "fold": 0, "side": side, "status": "measured",
    ...             "loss": loss, "cpu_s": 1.0}
    >>> found = account([cell("superpose", 0.25), cell("splines", 0.5)])
    >>> found.ranks[0].ranks["superpose"].value, found.versus[0].loss.value
    (1.0, 0.5)
    """
    cells = list(cells)
    sides = [side for side in SIDES if any(c["side"] == side for c in cells)]
    measured = [s for s in sides if any(_measured(c) for c in cells if c["side"] == s)]
    takes_all = [side for side in measured if side in ranked_sides(cells)]
    compared = [("superpose", side) for side in measured if side != "superpose"]
    compared += [("additive", side) for side in ADDITIVE_PEERS if side in measured]
    found = [versus(cells, *pair) for pair in compared]
    groups = [takes_all] if takes_all == measured else [takes_all, measured]
    return Account(
        {name: rows for name in TABLES if (rows := rows_of(cells, name, sides))},
        tuple(mean_ranks(cells, group) for group in groups),
        tuple(one for one in found if one.tables or one.unfinished),
        tuple(judge(cells)),
    )


def _measured(cell: dict[str, Any]) -> bool:
    return bool(cell["status"] == "measured")


def _plain(found: Any) -> Any:
    if isinstance(found, dict):
        return {key: _plain(value) for key, value in found.items()}
    if isinstance(found, (list, tuple)):
        return [_plain(value) for value in found]
    if isinstance(found, float) and not math.isfinite(found):
        return None
    return found
