"""`superpose bench`: measure this library beside others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["bench"]

bench = typer.Typer(no_args_is_help=True, help="Measure this library beside others.")


@bench.callback()
def main() -> None:
    """Measure this library beside others."""


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


@bench.command()
def tables(
    data: Annotated[Path, typer.Option("--data", help="Folder with NAME.csv(.gz).")],
    out: Annotated[Path, typer.Option("--out", help="JSON; measured fits in it are kept.")] = Path(
        "bench_tables.json"
    ),
    sides: Annotated[str, typer.Option("--sides", help="Names, with commas between.")] = "",
    names: Annotated[str, typer.Option("--tables", help="Names, with commas between.")] = "",
    folds: Annotated[int, typer.Option("--folds", min=2, help="Folds of the rows.")] = 5,
    first_folds: Annotated[
        int | None, typer.Option("--first-folds", min=1, help="Run only so many of the folds.")
    ] = None,
    most_rows: Annotated[
        int | None, typer.Option("--most-rows", min=50, help="Rows drawn of a table at most.")
    ] = None,
    time_limit: Annotated[
        float | None, typer.Option("--time-limit", min=1, help="CPU-seconds of a fit at most.")
    ] = None,
    redo: Annotated[str, typer.Option("--redo", help="Sides to measure again.")] = "",
) -> None:
    """Fit public tables with each side, and say who is good, fast and readable."""
    from superpose.bench import SIDES, TABLES, Plan, Results, run_tables

    plan = Plan(
        data,
        _names(names) or tuple(TABLES),
        _names(sides) or tuple(SIDES),
        folds=folds,
        first_folds=first_folds,
        most_rows=most_rows,
        time_limit=time_limit,
        redo=_names(redo),
    )
    results = Results(out, plan.protocol)
    run_tables(plan, results, tell=_tell)


def _tell(cell: dict[str, Any]) -> None:
    what = f"{cell['table']} {cell['fold']} {cell['side']}"
    if cell["status"] == "measured":
        print(f"{what}: loss {cell['loss']:.4f}, {cell['cpu_s']:.2f} CPU-seconds", flush=True)
    else:
        print(f"{what}: {cell['status']}: {cell['reason']}", flush=True)
