"""Options that several commands share, and how their text is read."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from superpose.errors import InputError

__all__ = [
    "Json",
    "ModelFile",
    "PairsChoice",
    "Seed",
    "Target",
    "Task",
    "TermsChoice",
    "parse_pairs",
    "parse_terms",
]


class Task(StrEnum):
    """What kind of target it is."""

    auto = "auto"
    classification = "classification"
    regression = "regression"


Target = Annotated[str, typer.Option("--target", "-t", help="Name of the column to predict.")]
PairsChoice = Annotated[
    str,
    typer.Option(
        "--pairs",
        help='Surfaces of two attributes: auto, a number, or names as in "age:bmi,a:b".',
    ),
]
TermsChoice = Annotated[
    str, typer.Option("--terms", help="Terms of more attributes: auto or a number; 0 for none.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed; the same seed, the same model.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
ModelFile = Annotated[Path, typer.Argument(help="Model file written by superpose fit --model.")]


def parse_pairs(text: str) -> Any:
    """Read the option --pairs.

    Examples
    --------
    >>> from superpose.cli.options import parse_pairs
    >>> parse_pairs("auto"), parse_pairs("3"), parse_pairs("age:bmi, a:b")
    ('auto', 3, [('age', 'bmi'), ('a', 'b')])
    """
    text = text.strip()
    if text == "auto":
        return text
    if text.isdigit():
        return int(text)
    pairs = [tuple(name.strip() for name in pair.split(":")) for pair in text.split(",")]
    if any(len(pair) != 2 or not all(pair) for pair in pairs):
        raise InputError(
            "--pairs must be auto, a number, or pairs of columns",
            f"found {text!r}",
            'write --pairs "age:bmi,age:sex"',
        )
    return pairs


def parse_terms(text: str) -> Any:
    """Read the option --terms.

    Examples
    --------
    >>> from superpose.cli.options import parse_terms
    >>> parse_terms("auto"), parse_terms("8")
    ('auto', 8)
    """
    text = text.strip()
    if text == "auto":
        return text
    if text.isdigit():
        return int(text)
    raise InputError("--terms must be auto or a number", f"found {text!r}", "write --terms 8")
