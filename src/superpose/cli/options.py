"""Options that several commands share, and how their text is read."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from superpose.errors import InputError

__all__ = [
    "Exposure",
    "Json",
    "ModelFile",
    "Offset",
    "PairsChoice",
    "Seed",
    "ShapeChoice",
    "Target",
    "Task",
    "TermsChoice",
    "parse_pairs",
    "parse_shapes",
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
    str,
    typer.Option(
        "--terms",
        help='Terms of more attributes: auto, a number, or names as in "age:bmi:sex"; 0 for none.',
    ),
]
ShapeChoice = Annotated[
    list[str] | None,
    typer.Option(
        "--shape",
        help='What is known of a curve, as in "age=increasing" or "dose=increasing,concave"; '
        'of a class, "age=ill:increasing". May be repeated.',
    ),
]
Offset = Annotated[
    str | None,
    typer.Option("--offset", help="Column with a known part of the sum, in units of the link."),
]
Exposure = Annotated[
    str | None,
    typer.Option("--exposure", help="Column that says how long each row was observed."),
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
    pairs = _columns_of_parts(text)
    if any(len(pair) != 2 or not all(pair) for pair in pairs):
        raise InputError(
            "--pairs must be auto, a number, or pairs of columns",
            f"found {text!r}",
            'write --pairs "age:bmi,age:sex"',
        )
    return pairs


def parse_shapes(texts: list[str] | None) -> dict[str, Any] | None:
    """Read the options --shape.

    Examples
    --------
    >>> from superpose.cli.options import parse_shapes
    >>> parse_shapes(["age=increasing", "dose = increasing, concave"])
    {'age': ('increasing',), 'dose': ('increasing', 'concave')}
    >>> parse_shapes(["age=ill:increasing", "age=well:decreasing"])
    {'age': {'ill': ('increasing',), 'well': ('decreasing',)}}
    """
    found: dict[str, Any] = {}
    for text in texts or []:
        column, equals, words = (it.strip() for it in text.rpartition("="))
        label, of_class, words = (it.strip() for it in words.rpartition(":"))
        known = found.setdefault(column, {})
        if not equals or not isinstance(known, dict) or label in known or (known and not of_class):
            raise InputError(
                "--shape must be a column and its shape, once a column or once a class of it",
                f"found {text!r}",
                'write --shape "age=increasing" --shape "dose=ill:increasing,concave"',
            )
        shape = tuple(word.strip() for word in words.split(","))
        found[column] = {**known, label: shape} if of_class else shape
    return found or None


def parse_terms(text: str) -> Any:
    """Read the option --terms.

    Examples
    --------
    >>> from superpose.cli.options import parse_terms
    >>> parse_terms("auto"), parse_terms("8"), parse_terms("age:bmi:sex, a:b")
    ('auto', 8, [('age', 'bmi', 'sex'), ('a', 'b')])
    """
    text = text.strip()
    if text == "auto":
        return text
    if text.isdigit():
        return int(text)
    terms = _columns_of_parts(text)
    if any(len(term) < 2 or not all(term) for term in terms):
        raise InputError(
            "--terms must be auto, a number, or the columns that each term reads",
            f"found {text!r}",
            'write --terms "age:bmi:sex"',
        )
    return terms


def _columns_of_parts(text: str) -> list[tuple[str, ...]]:
    return [tuple(name.strip() for name in part.split(":")) for part in text.split(",")]
