"""`superpose fit`: from a table in a file to a model, and to a page about it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from rich.console import Console

from superpose.cli.options import (
    Json,
    PairsChoice,
    Seed,
    Target,
    Task,
    TermsChoice,
    parse_pairs,
    parse_terms,
)
from superpose.cli.printing import print_study
from superpose.cli.study import Study, study
from superpose.cli.task import Kind, task_of
from superpose.cli.words import print_json, study_to_dict
from superpose.datasets.files import missing_column, read_table

__all__ = ["fit", "write_and_print"]


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
    X, y = read_table(table, target)
    weights = _pop(X, weight, "--weight") if weight else None
    for name in drop or []:
        _pop(X, name, "--drop")
    kind, reason = chosen_task(task, y)
    done = study(
        X,
        y,
        kind,
        reason,
        weight=weights,
        share=held_out,
        quiet=json,
        pairs=parse_pairs(pairs),
        terms=parse_terms(terms),
        random_state=seed,
    )
    write_and_print(done, report, model, json)


def chosen_task(task: Task, y: pd.Series) -> tuple[Kind, str]:
    """Take the user's word for the task, or look at the target."""
    if task is Task.classification:
        return "classification", "--task says so"
    if task is Task.regression:
        return "regression", "--task says so"
    return task_of(y)


def write_and_print(done: Study, report: Path | None, model: Path | None, json: bool) -> None:
    """Write the files that were asked for, then print what was found."""
    if model is not None:
        model.parent.mkdir(parents=True, exist_ok=True)
        done.model.save(model)
        done.files["Model"] = str(model)
    if report is not None:
        report.parent.mkdir(parents=True, exist_ok=True)
        done.model.report(report)
        done.files["Report"] = str(report)
    if json:
        print_json(study_to_dict(done))
    else:
        print_study(done, Console())


def _pop(X: pd.DataFrame, name: str, option: str) -> Any:
    if name not in X.columns:
        raise missing_column(name, [str(it) for it in X.columns], option)
    return X.pop(name)
