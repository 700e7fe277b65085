"""`superpose stream`: numbers line by line, and a prediction with its band after each."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from superpose.cli.options import Json
from superpose.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["stream"]

MISSING = {"", "?", "nan", "na", "null"}
BLOCK_OF_A_FILE = 1000


def stream(
    model: Annotated[
        Path, typer.Argument(help="A memory with its model, of superpose.sequences.save_pipeline.")
    ],
    input: Annotated[
        str, typer.Option("--input", "-i", help="Text with a step a line; - is standard input.")
    ] = "-",
    state: Annotated[
        Path | None,
        typer.Option("--state", help="Go on from this file if it is there; write it at the end."),
    ] = None,
    level: Annotated[
        float,
        typer.Option("--level", min=0.01, max=0.999, help="Of a regressor's interval."),
    ] = 0.9,
    block: Annotated[
        int | None,
        typer.Option(
            "--block",
            min=1,
            help="Lines answered at a time; 1 for standard input and 1,000 for a file if not "
            "given. A larger one is much faster where nobody waits for each answer.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Read samples line by line, and write a prediction with its band after each.

    A line holds one sample a channel, separated by commas, semicolons or spaces; an empty place
    between separators, nan or ? is a missing sample. A first line with the names of the channels is
    passed over. With --json every answer is a JSON object in a line of its own.
    """
    from superpose.sequences import Stream, load_pipeline

    running = Stream(load_pipeline(model), level)
    if state is not None and state.exists():
        running.load_state(state)
    size = block or (1 if input == "-" else BLOCK_OF_A_FILE)
    with ExitStack() as stack:
        lines = sys.stdin if input == "-" else stack.enter_context(open(input, encoding="utf-8"))
        if state is not None:
            stack.callback(running.save_state, state)
        with suppress(KeyboardInterrupt):
            first = True
            samples = _samples(lines, running.memory.channels_)
            while rows := list(islice(samples, size)):
                _write(running.answer(rows), json, header=first)
                first = False


def _samples(lines: TextIO, channels: tuple[str, ...]) -> Iterator[list[float]]:
    """The samples of each line; lines without text are passed over."""
    for number, line in enumerate(iter(lines.readline, ""), 1):
        words = _words(line)
        named = tuple(words) == channels or (line.strip(),) == channels
        if not words or (number == 1 and named):
            continue
        if len(words) != len(channels):
            raise InputError(
                f"every line must have {len(channels)} samples: {', '.join(channels)}",
                f"found {len(words)} in line {number}",
                "separate them by commas, and leave the place of a missing one empty",
            )
        yield [_sample(word, number) for word in words]


def _words(line: str) -> list[str]:
    line = line.strip("\r\n").replace(";", ",")
    if "," in line:
        return [word.strip() for word in line.split(",")]
    return line.split()


def _sample(word: str, number: int) -> float:
    if word.lower() in MISSING:
        return float("nan")
    try:
        return float(word)
    except ValueError as error:
        raise InputError(
            "every sample must be a number", f"found {word!r} in line {number}", "correct it"
        ) from error


def _write(found: pd.DataFrame, json: bool, header: bool) -> None:
    if json:
        from superpose.cli.words import print_json

        for answer in found.to_dict("records"):
            print_json(answer, indent=None)
    else:
        found.to_csv(sys.stdout, index=False, header=header)
    sys.stdout.flush()
