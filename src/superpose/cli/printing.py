"""What a model found, as tables a person reads in a terminal."""

from __future__ import annotations

from textwrap import fill
from typing import Any

import numpy as np
from rich.box import SIMPLE
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from superpose.cli.sparkline import sentence, sparkline
from superpose.cli.study import Study
from superpose.explain import Curve
from superpose.explain.flat import about_flat, is_flat
from superpose.explain.parts import outputs_of
from superpose.explain.text import number

__all__ = ["print_model", "print_study"]

WIDTH = 14
"""Blocks of a small curve."""

MARK = "○"
"""Beside a curve whose band holds zero everywhere."""

SHOWN = 15
"""Parts listed in the terminal; the report has them all."""


def print_study(done: Study, console: Console) -> None:
    """Print what was fitted, how good it is, the dial, the curves, and what was written."""
    console.print(_head(done))
    print_model(done.model, console)
    for note in done.notes:
        console.print(Text(f"Caution: {note}", style="yellow"))
    for kind, path in done.files.items():
        console.print(Text.assemble(f"{kind}: ", (path, "bold")))


def print_model(model: Any, console: Console | None = None) -> None:
    """Print how good a model is, its dial, and its parts in order of importance."""
    console = console or Console()
    if model.stopped_ is not None:
        console.print(Text(f"Stopped before its end ({model.stopped_})", style="yellow"))
    if model.summary_.held_out is not None:
        console.print(_quality(model.summary_.held_out))
    console.print(_dial(model.complexity_path_))
    console.print(_parts(model))
    if len(model.interactions_):
        console.print(_interactions(model.interactions_))


def _head(done: Study) -> RenderableType:
    summary = done.model.summary_
    kinds = [attribute.kind for attribute in summary.attributes]
    numbers, categories = kinds.count("number"), kinds.count("category")
    what = "Classification" if done.task == "classification" else "Regression"
    other = "regression" if done.task == "classification" else "classification"
    lines = [
        f"[bold]{what} of {escape(summary.target)}[/bold], because {escape(done.reason)}",
        f"[dim](--task {other} would override)[/dim]",
        f"{summary.rows:,} rows, {len(kinds)} attributes: {numbers} numbers, "
        f"{categories} categories; fitted in {done.seconds:.1f} s",
    ]
    if summary.classes:
        counts = zip(summary.classes, summary.target_counts, strict=True)
        lines.append(
            "Classes: " + ", ".join(f"{escape(name)} ({count:,})" for name, count in counts)
        )
    return Text.from_markup("\n".join(lines))


def _quality(held_out: Any) -> RenderableType:
    """Metrics on rows that were set aside."""
    table = Table(box=SIMPLE, title="How good it is, on rows it has not seen", title_justify="left")
    table.add_column("measure")
    table.add_column("value", justify="right")
    table.add_column("± s.e.", justify="right")
    table.add_column("without attributes", justify="right")
    table.add_column("better")
    for metric in held_out.metrics:
        constant = "" if metric.constant is None else number(metric.constant)
        table.add_row(
            metric.name, number(metric.value), number(metric.error, 2), constant, metric.better
        )
    return Group(table, Text(f"  {held_out.source}", style="dim"))


def _dial(path: Any) -> RenderableType:
    """Every step from the additive model on; loss against what there is to read."""
    table = Table(box=SIMPLE, title="The dial: what more curves would buy", title_justify="left")
    for name in ("model", "curves", "cost", "d.o.f.", "loss", "± s.e.", ""):
        table.add_column(name, justify="left" if name in ("model", "") else "right", no_wrap=True)
    for step in path:
        table.add_row(
            _holds(step),
            str(step.curves),
            number(step.cost),
            number(step.dof),
            number(step.loss, 4),
            number(step.loss_se, 2),
            "◀ chosen" if step.chosen else "",
            style="bold" if step.chosen else None,
        )
    rule = (
        "  Cost to read: a curve 1, a pair 2, a term its curves. Loss: on rows held out.\n"
        "  Chosen: the cheapest within one standard error of the best, or as good but for\n"
        "  a gain too small to count."
    )
    return Group(table, Text(rule, style="dim"))


def _holds(step: Any) -> str:
    """What is in the model at a step; the report names what was added."""
    counts = [
        f"{count} {word if count == 1 else word + 's'}"
        for count, word in ((step.pairs, "pair"), (step.terms, "term"))
        if count
    ]
    return "+ " + " + ".join(counts) if counts else "main curves"


def _parts(model: Any) -> RenderableType:
    """Curves, pairs and terms in order of importance, each with a small picture and a sentence."""
    summary, found = model.summary_, model.curves_
    units = outputs_of(model.fit_, summary).units
    unit = units[0] if len(units) == 1 else "log-probability of each class"
    title = f"What it found, in order of importance (in {unit})"
    table = Table(box=SIMPLE, title=title, title_justify="left")
    table.add_column("part", overflow="fold", max_width=28)
    table.add_column("importance", justify="right", no_wrap=True)
    table.add_column("curve", no_wrap=True, min_width=WIDTH)
    table.add_column("what it says", overflow="fold")
    ranked = list(model.importances_)
    height = _height(found.values())
    for importance in ranked[:SHOWN]:
        picture, words = _picture(found.get(importance.name), summary.classes, height)
        half = (importance.upper - importance.lower) / 2
        flat = importance.name in found and is_flat(found[importance.name])
        value = f"{number(importance.value)} ± {number(half, 2)} {MARK if flat else ' '}"
        table.add_row(escape(importance.name), value, picture, escape(words))
    more = f"  and {len(ranked) - SHOWN} more in the report"
    notes = [more] if len(ranked) > SHOWN else []
    if doubts := about_flat(found, summary):
        notes.append(fill(f"{MARK} {doubts}", 78, initial_indent="  ", subsequent_indent="    "))
    return Group(table, *(Text(note, style="dim") for note in notes))


def _interactions(found: Any) -> RenderableType:
    """Pairs and terms with the evidence for each; what is additive stands in the curves."""
    head, rows = found.rows()
    table = Table(box=SIMPLE, title="Which attributes interact", title_justify="left")
    for name in head:
        table.add_column(name, justify="left" if name == head[0] else "right", overflow="fold")
    for row in rows[:SHOWN]:
        table.add_row(escape(row[0]), *row[1:])
    return table


def _height(found: Any) -> float:
    """The tallest curve; all small pictures share its scale."""
    heights = [np.abs(curve.mean[curve.seen()]).max(initial=0.0) for curve in found]
    return float(max(heights, default=1.0)) or 1.0


def _picture(curve: Curve | None, classes: tuple[str, ...], height: float) -> tuple[str, str]:
    if curve is None:
        return "", "see the report"
    output = None
    mean = curve.mean
    if mean.ndim == 2:
        output = int(np.argmax(np.square(mean[curve.seen()]).sum(axis=0)))
        mean = mean[:, output]
    words = sentence(curve, output)
    words = words if output is None else f"{classes[output]}: {words}"
    x, seen = curve.x, curve.seen()
    if not seen.any():
        return "", words
    if curve.kind == "number":
        low, high = (
            curve.support.view
            if curve.support and curve.support.view
            else (x[seen][0], x[seen][-1])
        )
        heights = np.interp(np.linspace(low, high, WIDTH), x.astype(np.float64), mean)
    else:
        heights = np.sort(mean[seen])[:WIDTH]
    return sparkline(heights, -height, height), words
