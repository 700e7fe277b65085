"""`superpose demo`: the whole job on one table, to see what it is like."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from superpose.cli.options import (
    Json,
    PairsChoice,
    Seed,
    TermsChoice,
    parse_pairs,
    parse_terms,
)
from superpose.errors import InputError

__all__ = ["demo"]


def demo(
    data: Annotated[
        Path | None, typer.Option("--data", help="A table of yours; the bundled one if not given.")
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", "-t", help="Its column to predict.")
    ] = None,
    report: Annotated[Path, typer.Option("--report", help="Where the page goes.")] = Path(
        "demo/report.html"
    ),
    pairs: PairsChoice = "auto",
    terms: TermsChoice = "auto",
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Fit the breast-cancer table that comes with scikit-learn, or a file, and write a report."""
    from superpose.cli.results import write_and_print
    from superpose.cli.study import study
    from superpose.cli.task import task_of
    from superpose.datasets import load_breast_cancer_table, read_table

    if data is None:
        X, y = load_breast_cancer_table()
    elif target is None:
        raise InputError(
            "--data needs --target, the column to predict", "found no --target", "add --target NAME"
        )
    else:
        X, y = read_table(data, target)
    kind, reason = task_of(y)
    dial = {"pairs": parse_pairs(pairs), "terms": parse_terms(terms)}
    done = study(X, y, kind, reason, quiet=json, random_state=seed, **dial)
    write_and_print(done, report, None, json)
