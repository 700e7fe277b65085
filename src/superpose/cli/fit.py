"""`superpose fit`: from a table in a file to a model, and to a page about it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from superpose.cli.options import (
    Json,
    PairsChoice,
    Seed,
    ShapeChoice,
    Target,
    Task,
    TermsChoice,
    parse_pairs,
    parse_shapes,
    parse_terms,
)

__all__ = ["fit"]


def fit(
    table: Annotated[Path, typer.Argument(help="CSV (.gz too) or Parquet with a header.")],
    target: Target,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write a self-contained HTML page here.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option("--model", help="Write the model (safetensors) here.")
    ] = None,
    task: Annotated[Task, typer.Option("--task", help="What kind of target it is.")] = Task.auto,
    pairs: PairsChoice = "auto",
    terms: TermsChoice = "auto",
    shape: ShapeChoice = None,
    weight: Annotated[
        str | None, typer.Option("--weight", help="Column with the weights of the rows.")
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option("--drop", help="Column to leave out; may be repeated.")
    ] = None,
    held_out: Annotated[
        float,
        typer.Option("--held-out", min=0.0, max=0.9, help="Share of the rows to measure on."),
    ] = 0.2,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Fit a table, say how good the model is and what it found."""
    from superpose.cli.large import large_file, study_in_batches
    from superpose.cli.results import write_and_print
    from superpose.cli.study import study
    from superpose.cli.task import chosen_task
    from superpose.datasets.files import pop_column, read_table

    options = {
        "pairs": parse_pairs(pairs),
        "terms": parse_terms(terms),
        "shapes": parse_shapes(shape),
        "random_state": seed,
    }
    if (large := large_file(table, target, weight, drop)) is not None:
        write_and_print(study_in_batches(large, task, json, **options), report, model, json)
        return
    X, y = read_table(table, target)
    weights = pop_column(X, weight, "--weight") if weight else None
    for name in drop or []:
        pop_column(X, name, "--drop")
    kind, reason = chosen_task(task, y)
    done = study(
        X,
        y,
        kind,
        reason,
        weight=weights,
        share=held_out,
        quiet=json,
        **options,
    )
    write_and_print(done, report, model, json)
