"""Go through tables, folds and sides, and measure what is not in the results yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from superpose.bench.process import measure_apart
from superpose.bench.registry import TABLES, find_table
from superpose.bench.results import Key, Results, key_of
from superpose.bench.sides import SIDES
from superpose.errors import InputError

__all__ = ["Plan", "run_tables"]

Cell = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What is to be measured.

    Parameters
    ----------
    data : path
        Folder with NAME.csv or NAME.csv.gz for each table.
    tables, sides : tuple of str
        Which, in this order.
    folds : int, default=5
        Into how many folds the rows are split.
    first_folds : int or None, default=None
        How many of them are run; None for all.
    most_rows : int or None, default=None
        How many rows of a table are drawn at most; None for all.
    time_limit : float or None, default=None
        CPU-seconds after which a fit is ended and recorded as being over the limit.
    redo : tuple of str, default=()
        Sides that are measured again although they are in the results.

    Raises
    ------
    InputError
        Where a table or a side is not known, or a file is not there.

    Examples
    --------
    >>> from pathlib import Path
    >>> from superpose.bench import Plan
    >>> plan = Plan(Path("tables"), ("yacht",), ("splines", "pygam"), first_folds=1)
    >>> list(plan.fits())
    [('yacht', 0, 'splines'), ('yacht', 0, 'pygam')]
    """

    data: Path
    tables: tuple[str, ...] = tuple(TABLES)
    sides: tuple[str, ...] = tuple(SIDES)
    folds: int = 5
    first_folds: int | None = None
    most_rows: int | None = None
    time_limit: float | None = None
    redo: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _known("--tables", self.tables, TABLES)
        _known("--sides", self.sides, SIDES)
        _known("--redo", self.redo, SIDES)

    @property
    def protocol(self) -> dict[str, Any]:
        """What all fits of one file share."""
        return {"folds": self.folds, "most_rows": self.most_rows}

    def fits(self) -> Iterator[Key]:
        """Table, fold and side of each fit; the sides in turn, so that they meet the same noise."""
        for table in self.tables:
            for fold in range(min(self.folds, self.first_folds or self.folds)):
                for side in self.sides:
                    yield table, fold, side


def _known(option: str, names: tuple[str, ...], there: Any) -> None:
    unknown = [name for name in names if name not in there]
    if unknown:
        raise InputError(
            f"{option} must name some of {', '.join(there)}",
            f"found {', '.join(unknown)}",
            "write the names with commas between",
        )


def run_tables(plan: Plan, results: Results, tell: Callable[[Cell], None] | None = None) -> None:
    """Measure each fit that is not in the results, one process after the other.

    A fit that was ended at a limit is kept unless the limit is larger now; one that failed or
    could not be run is tried again.

    Parameters
    ----------
    plan : Plan
        What is to be measured.
    results : Results
        Where cells go, each as soon as it is there.
    tell : callable, optional
        Called with each new cell.

    Examples
    --------
    What is in the results is not measured again:

    >>> import tempfile
    >>> from pathlib import Path
    >>> from superpose.bench import Plan, Results, run_tables
    >>> fit = {"table": "yacht", "fold": 0, "side": "splines", "status": "measured", "loss": 0.2}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "yacht.csv").write_text("speed,residuary_resistance")
    ...     plan = Plan(Path(folder), ("yacht",), ("splines",), first_folds=1)
    ...     results = Results(Path(folder, "bench.json"), plan.protocol)
    ...     results.add(fit)
    ...     run_tables(plan, results, tell=print)
    ...     results.cells() == [fit]
    True
    """
    for name in plan.tables:
        find_table(plan.data, name)
    there = {key_of(cell): cell for cell in results.cells()}
    for key in plan.fits():
        if key in there and key[2] not in plan.redo and _settled(there[key], plan.time_limit):
            continue
        cell = _cell(plan, key)
        results.add(cell)
        if tell:
            tell(cell)


def _settled(cell: Cell, time_limit: float | None) -> bool:
    if cell["status"] == "over the limit":
        return time_limit is not None and time_limit <= cell["time_limit"]
    return bool(cell["status"] == "measured")


def _cell(plan: Plan, key: Key) -> Cell:
    table, fold, name = key
    side, limit = SIDES[name], plan.time_limit
    reason = side.why_not(TABLES[table])
    job = {"table": table, "fold": fold, "side": name, **plan.protocol, "time_limit": limit}
    if reason:
        return {**job, "status": "not run", "reason": reason}
    return measure_apart({**job, "data": str(plan.data)}, side.package)
