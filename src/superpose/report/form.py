"""A form that shows the contributions for values of the reader's choice.

Without JavaScript the page shows the contributions for typical values, written here.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from superpose.explain.parts import data_text, half_width
from superpose.explain.text import number as plain
from superpose.report.html import Markup, tag
from superpose.report.model import Reading
from superpose.report.numbers import number, plural, signed
from superpose.report.sentences import percent
from superpose.report.tables import add_up, exactness, lookup_tables, typical_row

__all__ = ["embedded", "form"]

Array = NDArray[np.float64]

_MOST, _FIELDS = 12, 10


def form(reading: Reading, tables: dict[str, Any]) -> list[Markup]:
    """The fields, the answer and its contributions."""
    usual, most = exactness(reading.fit, reading.summary, tables)
    words = (
        "Choose values and see what each part adds. Bars start where the one above ends, so they "
        "lead from the average row to the prediction; the thin line is a part's 95 % band. The "
        "form reads tables of the curves: over random rows it differed from the model by "
        f"{number(usual, 2)} on average and {number(most, 2)} at most, on the scale of the sum "
        f"({reading.unit})."
    )
    unread = len(reading.fit.network.unread)
    if unread:
        words += f" No part reads {plural(unread, 'other attribute')}: no field, and no effect."
    row = typical_row(reading.summary)
    fields = _fields(reading, tables)
    return [
        tag("p", words),
        tag("noscript", tag("p", "JavaScript is off: the bars show a row of typical values.")),
        tag(
            "div",
            tag("form", fields, id="form", autocomplete="off"),
            tag("div", _answer(reading, tables, row), class_="result"),
            class_="try",
        ),
    ]


def embedded(tables: dict[str, Any]) -> Markup:
    """The tables as a data block that no name in them can end early."""
    text = json.dumps(tables, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(f'<script type="application/json" id="tables">{safe}</script>')


def _fields(reading: Reading, tables: dict[str, Any]) -> list[Markup]:
    """A field for each attribute that a part reads, those of important parts first."""
    order: list[int] = []
    for _, part, _ in reading.ranked:
        order += [p for p in part.attributes if p not in order]
    fields = [_field(tables["attributes"][p], p) for p in order]
    rest = fields[_FIELDS:]
    folded = tag("details", tag("summary", plural(len(rest), "more attribute")), rest)
    button = tag("button", "typical values", type="reset", hidden=True, data_live=True)
    return [*fields[:_FIELDS], folded if rest else Markup(""), button]


def _field(attribute: dict[str, Any], position: int) -> Markup:
    if attribute["kind"] == "category":
        return _choice(attribute, position)
    low, high = attribute["range"]
    view, typical = attribute["view"], plain(attribute["typical"], 4).replace(",", "")
    entry = tag(
        "input",
        type="number",
        step="any",
        value=typical,
        id=f"field-{position}",
        data_value=str(position),
    )
    slider = tag(
        "input",
        type="range",
        min=f"{view[0]:.6g}",
        max=f"{view[1]:.6g}",
        step="any",
        value=typical,
        aria_label=f"{attribute['name']}, slider",
        hidden=True,
        data_live=True,
        data_slider=str(position),
    )
    absent = tag(
        "label",
        tag("input", type="checkbox", data_absent=str(position)),
        " missing",
        class_="small",
    )
    seen = tag("span", f"{number(low)} to {number(high)}", class_="small")
    label = tag("label", attribute["name"], for_=f"field-{position}")
    box = absent if attribute["missing"] else Markup("")
    return tag("div", tag("div", label, seen, class_="names"), entry, slider, box, class_="field")


def _choice(attribute: dict[str, Any], position: int) -> Markup:
    typical = int(attribute["typical"])
    options = [
        tag("option", level, value=str(code), selected=code == typical)
        for code, level in enumerate(attribute["levels"])
    ]
    options.append(tag("option", "(a level never seen)", value="-1"))
    if attribute["missing"]:
        options.append(tag("option", "(missing)", value=""))
    label = tag("label", attribute["name"], for_=f"field-{position}")
    pick = tag("select", options, id=f"field-{position}", data_value=str(position))
    return tag("div", tag("div", label, class_="names"), pick, class_="field")


def _answer(reading: Reading, tables: dict[str, Any], row: Array) -> list[Markup]:
    means, sds = add_up(tables, row)
    total = np.asarray(tables["baseline"]) + means.sum(axis=0)
    labels = tables["labels"]
    pick = tag(
        "label",
        "contributions to the sum of ",
        tag(
            "select",
            [tag("option", name, value=str(k)) for k, name in enumerate(labels)],
            id="output",
        ),
        class_="small",
    )
    return [
        tag("p", _prediction(reading, total), id="answer", class_="answer", aria_live="polite"),
        pick if len(labels) > 1 else tag("p", f"in units of {reading.unit}", class_="small"),
        tag(
            "ol",
            _bars(reading, row, means[:, 0], sds[:, 0], tables["baseline"][0]),
            id="bars",
            class_="falls",
        ),
        tag("p", id="beyond", class_="warning", hidden=True, aria_live="polite"),
    ]


def _prediction(reading: Reading, total: Array) -> str:
    found = reading.outputs.inverse_link(total[None, :])[0]
    classes = reading.outputs.classes
    if not classes:
        return f"{reading.summary.target} = {number(float(found[0]), 4)}"
    order = np.argsort(-found, kind="stable")[:4]
    return " · ".join(f"{classes[c]}: {percent(float(found[c]))}" for c in order)


def _bars(reading: Reading, row: Array, mean: Array, sd: Array, base: float) -> list[Markup]:
    """The same bars as the script draws, for typical values."""
    order = np.argsort(-np.abs(mean), kind="stable")
    shown, rest = order[:_MOST], order[_MOST:]
    steps = [
        (_words(reading, row, j), float(mean[j]), half_width(0.95) * float(sd[j])) for j in shown
    ]
    if len(rest):
        steps.append((f"{len(rest)} other parts", float(mean[rest].sum()), np.nan))
    ends = np.concatenate([[0.0, base], base + np.cumsum([value for _, value, _ in steps])])
    room = 0.04 * (float(np.ptp(ends)) or 1.0)
    low, width = float(ends.min()) - room, float(np.ptp(ends)) + 2 * room
    lines = [_bar("average row", "end", (0.0, base), signed(base), None, low, width)]
    at = base
    for label, value, reach in steps:
        band = None if np.isnan(reach) else (at + value - reach, at + value + reach)
        lines.append(_bar(label, "part", (at, at + value), signed(value), band, low, width))
        at += value
    return [*lines, _bar("prediction", "end", (0.0, at), signed(at), None, low, width)]


def _bar(
    label: str,
    kind: str,
    ends: tuple[float, float],
    value: str,
    band: tuple[float, float] | None,
    low: float,
    width: float,
) -> Markup:
    def place(a: float, b: float) -> str:
        left, right = (min(max((v - low) / width, 0.0), 1.0) for v in (min(a, b), max(a, b)))
        return f"left:{100 * left:.2f}%;width:{100 * (right - left):.2f}%"

    sense = "rise" if ends[1] >= ends[0] else "fall"
    bar = tag("span", class_=f"bar {sense}", style=place(*ends))
    whisker = tag("span", class_="whisker", style=place(*band)) if band else None
    return tag(
        "li",
        tag("span", label, class_="what", title=label),
        tag("span", bar, whisker, class_="track"),
        tag("span", value, class_="figure"),
        class_=kind,
    )


def _words(reading: Reading, row: Array, index: int) -> str:
    part = reading.summary.parts[index]
    attributes = reading.fit.network.attributes
    text = ", ".join(data_text(attributes[p], row[p]) for p in part.attributes)
    return f"{part.name.partition(' (')[0]}: {text}" if part.kind == "term" else text


def tables_of(reading: Reading) -> dict[str, Any]:
    """The tables that the form reads."""
    return lookup_tables(reading.fit, reading.summary)
