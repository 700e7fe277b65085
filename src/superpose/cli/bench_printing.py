"""What a bench found, as tables a person reads in a terminal."""

from __future__ import annotations

import math
from typing import Any

from rich.box import SIMPLE
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from superpose.bench import Account, Mean, Row, Versus
from superpose.bench.registry import TABLES
from superpose.bench.sides import SIDES

__all__ = ["print_account", "sentence_of"]


def print_account(found: Account, protocol: dict[str, Any], console: Console) -> None:
    """Print each table, then ranks, wins and means over tables, then what was to be reached."""
    for name, rows in found.tables.items():
        console.print(_block(name, rows))
    console.print(_head(found, protocol))
    console.print(_ranks(found))
    if found.versus:
        console.print(_versus(found))
    for line in _targets(found):
        console.print(line)


def sentence_of(cell: dict[str, Any]) -> str:
    """Say in a line what a fit gave.

    Examples
    --------
    >>> from superpose.cli.bench_printing import sentence_of
    >>> fit = {"table": "yacht", "fold": 0, "side": "ebm", "load": 0.5}
    >>> sentence_of({**fit, "status": "measured", "loss": 0.0654321, "cpu_s": 31.25})
    'yacht, fold 1, ebm: loss 0.0654, 31.25 CPU-seconds, load 0.5'
    >>> sentence_of({**fit, "status": "over the limit", "reason": "more than 9 CPU-seconds"})
    'yacht, fold 1, ebm: over the limit: more than 9 CPU-seconds'
    """
    what = f"{cell['table']}, fold {cell['fold'] + 1}, {cell['side']}"
    if cell["status"] != "measured":
        return f"{what}: {cell['status']}: {cell['reason']}"
    loss, cpu, load = cell["loss"], cell["cpu_s"], cell["load"]
    return f"{what}: loss {loss:.4f}, {cpu:.2f} CPU-seconds, load {load:g}"


def _block(name: str, rows: list[Row]) -> RenderableType:
    """One table: a line a side, the lowest loss in bold, and what was not measured."""
    table = TABLES[name]
    grid = _grid(f"{name}: {table.task} of {escape(table.target)}")
    grid.columns[0].min_width = max(len(side) for side in SIDES)
    metric = f"{table.metric} ± s.e."
    for header in (metric, "AUC", "calib.", "CPU s", "MB", "of fit", "read", "folds"):
        grid.add_column(header, justify="right", no_wrap=True)
    best = min((row.means["loss"] for row in rows if row.folds), default=math.nan)
    for row in rows:
        loss = row.means.get("loss", math.nan)
        grid.add_row(*_cells(row), style="bold" if loss == best else None)
    notes = [Text(f" {row.side}: {note}", style="yellow") for row in rows for note in row.notes]
    return Group(grid, *notes)


def _cells(row: Row) -> list[str]:
    digits = {"auc": 4, "calibration": 3, "cpu_s": 2, "peak_mb": 0, "peak_added_mb": 0}
    shown = [_fixed(row.means.get(name), places) for name, places in digits.items()]
    loss = _spread(Mean(row.means.get("loss", math.nan), row.loss_error), 4)
    curves = row.means.get("curves")
    read = "-" if curves is None else f"{curves:.1f}".removesuffix(".0")
    return [row.side, loss, *shown, read, str(row.folds)]


def _head(found: Account, protocol: dict[str, Any]) -> RenderableType:
    folds = max((row.folds for rows in found.tables.values() for row in rows), default=0)
    most = protocol["most_rows"]
    rows = "all rows" if most is None else f"at most {most:,} rows a table"
    tables = f"{len(found.tables)} of {len(TABLES)} tables"
    words = (
        "calib.: expected calibration error, 15 bins of equal mass. MB: peak memory of\n"
        "the process; of fit: what fit added. read: curves and surfaces, mean over folds.\n"
    )
    ran = f"Together: {tables}, {folds} of {protocol['folds']} folds, {rows}\n"
    return Group(Text(words, style="dim"), Text(ran, style="bold"))


def _ranks(found: Account) -> RenderableType:
    """Mean ranks, among the sides that take all tables first."""
    first, *others = found.ranks
    grid = _grid("Mean rank by loss ± s.e.; 1 is best")
    for group in found.ranks:
        count = f"{len(group.tables)} tables"
        grid.add_column(count if group is first else f"{count}, all sides", justify="right")
    every = {side for group in found.ranks for side in group.ranks}
    for side in (side for side in SIDES if side in every):
        grid.add_row(side, *(_spread(group.ranks.get(side), 2) for group in found.ranks))
    missing = ", ".join(side for side in SIDES if side in every and side not in first.ranks)
    note = f"  {missing} cannot be run on every table.\n" if others else ""
    return Group(grid, Text(note, style="dim"))


def _versus(found: Account) -> RenderableType:
    grid = _grid("Side against side: tables won, lost, tied; geometric means of ratios ± s.e.")
    for header in ("n", "w l t", "loss", "≥ .001", "CPU"):
        grid.add_column(header, justify="right", no_wrap=True)
    for one in found.versus:
        grid.add_row(*_compared(one))
    note = (
        "  n: tables/folds that both sides have. Below 1 the first is better or faster.\n"
        "  ≥ .001: the same where losses below 0.001 count as 0.001.\n"
    )
    return Group(grid, Text(note, style="dim"), *_unfinished(found))


def _unfinished(found: Account) -> list[Text]:
    """A line a side that did not finish what another finished."""
    tables: dict[str, dict[str, None]] = {}
    for one in found.versus:
        tables.setdefault(one.ours, {}).update(dict.fromkeys(one.unfinished))
    return [
        Text(f"  Not finished by {side}: {', '.join(names)}\n", style="yellow")
        for side, names in tables.items()
        if names
    ]


def _compared(one: Versus) -> tuple[str, ...]:
    results = f"{len(one.won)} {len(one.lost)} {len(one.tied)}"
    ratios = (_spread(one.loss, 3), _fixed(one.loss_above_small.value, 3), _ratio(one.cpu))
    counts = f"{len(one.tables)}/{one.folds}"
    return (f"{one.ours} / {one.theirs}", counts, results, *ratios)


def _targets(found: Account) -> list[Text]:
    """A line for each thing to reach."""
    lines = [Text("What is to be reached", style="italic")] if found.targets else []
    for target in found.targets:
        answer = ("yes", "green") if target.reached else ("NO ", "bold red")
        lines.append(Text.assemble("  ", answer, f"  {target.says}:"))
        lines.append(Text(f"       {target.found}"))
    return lines


def _grid(title: str) -> Table:
    grid = Table(
        box=SIMPLE, title=title, title_justify="left", padding=(0, 0, 0, 1), pad_edge=False
    )
    grid.add_column("", no_wrap=True)
    return grid


def _spread(mean: Mean | None, places: int) -> str:
    if mean is None or math.isnan(mean.value):
        return "-"
    error = "" if math.isnan(mean.error) else f" ± {mean.error:.{places}f}"
    return f"{mean.value:.{places}f}{error}"


def _ratio(mean: Mean) -> str:
    """A ratio of any size with its standard error, in significant digits."""
    if math.isnan(mean.value):
        return "-"
    return f"{mean.value:.3g}" + ("" if math.isnan(mean.error) else f" ± {mean.error:.2g}")


def _fixed(value: float | None, places: int) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:,.{places}f}"
