"""`superpose bench`: measure this library beside others."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from superpose.cli.options import Json

__all__ = ["bench"]

bench = typer.Typer(no_args_is_help=True, help="Measure this library beside others.")

Names = "names, with commas between"


@bench.callback()
def main() -> None:
    """Measure this library beside others."""


@bench.command()
def tables(
    data: Annotated[Path, typer.Option("--data", help="Folder with NAME.csv(.gz) of each table.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="JSON of results. Fits that are in it are not made again."),
    ] = None,
    sides: Annotated[str | None, typer.Option("--sides", help=f"Which sides: {Names}.")] = None,
    names: Annotated[str | None, typer.Option("--tables", help=f"Which tables: {Names}.")] = None,
    folds: Annotated[int, typer.Option("--folds", min=2, help="Folds of the rows.")] = 5,
    first_folds: Annotated[
        int | None, typer.Option("--first-folds", min=1, help="Run only so many of the folds.")
    ] = None,
    most_rows: Annotated[
        int | None, typer.Option("--most-rows", min=50, help="Rows drawn of a table at most.")
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option("--time-limit", min=1, help="CPU-seconds after which a fit is ended."),
    ] = None,
    redo: Annotated[
        str | None, typer.Option("--redo", help=f"Sides to measure again: {Names}.")
    ] = None,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Six small tables, at most 500 rows, the first of 5 folds."),
    ] = False,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw the results here (.svg or .png).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Fit public tables with each side; say who is good, fast and readable."""
    from superpose.bench import Plan, Results, account, run_tables
    from superpose.bench.registry import QUICK, TABLES
    from superpose.bench.sides import SIDES

    plan = Plan(
        data,
        _names(names) or (QUICK if quick else tuple(TABLES)),
        _names(sides) or tuple(SIDES),
        folds=folds,
        first_folds=first_folds or (1 if quick else None),
        most_rows=most_rows or (500 if quick else None),
        time_limit=time_limit,
        redo=_names(redo),
    )
    results = Results(out or Path("bench_quick.json" if quick else "bench.json"), plan.protocol)
    run_tables(plan, results, tell=_tell)
    found = account(results.cells())
    results.add_summary(found.to_dict())
    if plot is not None:
        _draw(found, plot)
    _show(results, found, as_json)


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())


def _tell(cell: dict[str, Any]) -> None:
    from superpose.cli.bench_printing import sentence_of

    print(sentence_of(cell), file=sys.stderr, flush=True)


def _draw(found: Any, path: Path) -> None:
    from superpose.bench import BenchDisplay

    path.parent.mkdir(parents=True, exist_ok=True)
    BenchDisplay(found).plot().save(path)


def _show(results: Any, found: Any, as_json: bool) -> None:
    """Print without the modules of other commands: they bring torch, which is not needed here."""
    if as_json:
        print(json.dumps(results.document(), indent=2, ensure_ascii=False))
        return
    from rich.console import Console

    from superpose.cli.bench_printing import print_account

    print_account(found, results.protocol, Console())
    print(f"Results: {results.path}")
