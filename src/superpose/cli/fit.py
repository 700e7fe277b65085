"""`superpose fit`: from a table in a file to a model, and to a page about it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from superpose.cli.options import (
    Exposure,
    Json,
    Offset,
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


class Loss(StrEnum):
    """What a regression minimises."""

    gaussian = "gaussian"
    poisson = "poisson"
    gamma = "gamma"
    student_t = "student_t"


class ClassWeight(StrEnum):
    """How the classes are weighted."""

    balanced = "balanced"


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
    offset: Offset = None,
    exposure: Exposure = None,
    loss: Annotated[
        Loss | None, typer.Option("--loss", help="Of a regression; gaussian if not given.")
    ] = None,
    class_weight: Annotated[
        ClassWeight | None,
        typer.Option("--class-weight", help="balanced: the same total weight for every class."),
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option("--drop", help="Column to leave out; may be repeated.")
    ] = None,
    held_out: Annotated[
        float,
        typer.Option("--held-out", min=0.0, max=0.9, help="Share of the rows to measure on."),
    ] = 0.2,
    time_limit: Annotated[
        float | None,
        typer.Option(
            "--time-limit", min=0.001, help="Seconds after which the best model so far is kept."
        ),
    ] = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Fit a table, say how good the model is and what it found."""
    from superpose.cli.known import taken_columns
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
        "time_limit": time_limit,
    }
    asked = {"loss": loss, "class_weight": class_weight}
    options |= {name: str(choice) for name, choice in asked.items() if choice is not None}
    if (large := large_file(table, target, weight, drop, offset, exposure)) is not None:
        write_and_print(study_in_batches(large, task, json, **options), report, model, json)
        return
    X, y = read_table(table, target)
    weights = pop_column(X, weight, "--weight") if weight else None
    known = taken_columns(X, offset, exposure)
    for name in drop or []:
        pop_column(X, name, "--drop")
    kind, reason = chosen_task(task, y, **asked)
    done = study(
        X,
        y,
        kind,
        reason,
        weight=weights,
        known=known,
        share=held_out,
        quiet=json,
        **options,
    )
    write_and_print(done, report, model, json)
