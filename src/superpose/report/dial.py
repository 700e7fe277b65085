"""The dial: what each step towards more parts costs to read, and what it gains."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from superpose.report.chart import Frame, crop, polyline
from superpose.report.html import Markup, tag
from superpose.report.model import Reading
from superpose.report.numbers import number, plural
from superpose.report.sentences import join_words

__all__ = ["dial"]


def dial(reading: Reading) -> list[Markup]:
    """The chart of the dial, its steps as a table, and why one of them was chosen."""
    path = reading.fit.path
    if not path:
        return [tag("p", "The parts of this model were given, not searched for.")]
    chosen = [step for step in path if step.chosen]
    words = (
        "More parts can predict better, and leave more to read. Each dot is a step that was tried: "
        "its loss on rows that were not used for fitting, against what there is to read (a main "
        "curve counts 1, a pair 2, a term 1 for each attribute it reads and 1 for its outer "
        "curve). The dashed line is the lowest loss. A bar is one standard error of a step's "
        "difference from it: the ringed step is the cheapest to read whose bar reaches the line, "
        "or misses it by too little to count."
    )
    said = [tag("p", words)]
    if chosen:
        said.append(tag("p", tag("b", f"Chosen: {_describe(chosen[0])}. "), _gain(path, chosen[0])))
    figure = tag("figure", _chart(path), class_="card wide")
    return [*said, tag("div", figure, class_="cards single"), _table(path)]


def _gain(path: Any, chosen: Any) -> str:
    first = path[0]
    if chosen is first:
        return "No pair or term lowered the loss by more than chance could, or by enough to count."
    gain = first.loss - chosen.loss
    return (
        f"Against {_describe(first)} the loss fell by {number(gain)}, from {number(first.loss)} to "
        f"{number(chosen.loss)}; what there is to read counts {number(float(first.cost))} and "
        f"{number(float(chosen.cost))}."
    )


def _describe(step: Any) -> str:
    extras = [(step.pairs, "pair"), (step.terms, "term")]
    words = [plural(int(n), noun) for n, noun in extras if n]
    return join_words(["main curves", *words]) if words else "main curves only"


def _chart(path: Any) -> Markup:
    cost, loss = [float(s.cost) for s in path], [float(s.loss) for s in path]
    error = [float(s.loss_se) for s in path]
    room = 0.08 * (max(cost) - min(cost)) or 1.0
    low = min(v - e for v, e in zip(loss, error, strict=True))
    high = max(v + e for v, e in zip(loss, error, strict=True))
    pad = max(0.08 * (high - low), 0.02 * abs(min(loss))) or 0.1
    frame = Frame((min(cost) - room, max(cost) + room), (low - pad, high + pad), top=26)
    places = [(frame.across(c), frame.down(v)) for c, v in zip(cost, loss, strict=True)]
    marks = []
    for (x, y), v, e, step in zip(places, loss, error, path, strict=True):
        top, foot = frame.down(v + e), frame.down(v - e)
        marks.append(tag("line", x1=x, x2=x, y1=top, y2=foot, class_="whisker c0"))
        marks.append(tag("circle", cx=x, cy=y, r=4, class_="dot c0"))
        if step.chosen:
            marks.append(tag("circle", cx=x, cy=y, r=9, class_="ring"))
    return frame.svg(
        frame.y_axis(),
        frame.horizontal(min(loss), "limit"),
        [tag("path", d=polyline(run), class_="curve thin c0") for run in _runs(places)],
        marks,
        tag("text", "↑ loss on rows not seen", x=4, y=14, class_="axis"),
        frame.x_axis("what there is to read, in curves"),
        title="The dial: loss against what there is to read",
    )


def _runs(places: list[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """Cut the path where it turns back to a cheaper step, as it does when terms follow pairs."""
    runs = [places[:1]]
    for before, place in pairwise(places):
        if place[0] < before[0]:
            runs.append([])
        runs[-1].append(place)
    return runs


def _table(path: Any) -> Markup:
    head = ["step", "curves", "cost to read", "degrees of freedom", "loss on rows not seen", "adds"]
    rows = []
    for i, step in enumerate(path):
        cells = (f"{step.curves}", number(float(step.cost)), number(float(step.dof)))
        loss = f"{number(float(step.loss))} ± {number(float(step.loss_se), 2)}"
        names = list(step.names)
        added = crop(", ".join(names), 120) if names and i else _describe(step)
        rows.append(
            tag(
                "tr",
                tag("th", f"{i + 1}" + (" (chosen)" if step.chosen else ""), scope="row"),
                [tag("td", cell, class_="num") for cell in (*cells, loss)],
                tag("td", added),
                class_="chosen" if step.chosen else None,
            )
        )
    top = tag("tr", [tag("th", word, scope="col") for word in head])
    table = tag("table", tag("thead", top), tag("tbody", rows))
    body = tag("div", table, class_="scroll")
    return tag("details", tag("summary", f"the {plural(len(rows), 'step')} as a table"), body)
