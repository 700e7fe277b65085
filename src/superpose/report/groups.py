"""How the model treats groups of rows, where the reader asked for it."""

from __future__ import annotations

import numpy as np

from superpose.explain import GroupView
from superpose.report.html import Markup, tag
from superpose.report.numbers import number, signed

__all__ = ["groups_section"]

_PARTS = 15


def groups_section(view: GroupView | None) -> list[Markup]:
    """Measures by group, and what makes the difference between the two furthest apart."""
    if view is None:
        return []
    words = (
        "The same model, measured in each group of the rows given. “±” is one standard error: "
        "groups whose values differ by less than two or three of them may not differ at all. "
        "Equal error rates and calibration in every group exclude each other where the groups' "
        "shares differ, so no table like this one can be perfect."
    )
    return [tag("p", words), tag("div", _measures(view), class_="scroll"), *_differences(view)]


def _measures(view: GroupView) -> Markup:
    rows = [_row("rows", [f"{count:,}" for count in view.counts], "")]
    for k, label in enumerate(view.outputs.labels):
        name = "mean prediction" if len(view.outputs.labels) == 1 else f"mean for {label}"
        means = [signed(float(value)) for value in view.predictions[:, k]]
        rows.append(_row(name, means, "on the scale on which parts add up"))
    for metric in view.metrics:
        cells = [
            f"{number(float(value))} ± {number(float(error), 2)}" if np.isfinite(value) else "–"
            for value, error in zip(metric.values, metric.errors, strict=True)
        ]
        rows.append(_row(metric.name, cells, metric.meaning))
    top = tag("tr", [tag("th", word, scope="col") for word in ("", *view.groups, "meaning")])
    return tag("table", tag("thead", top), tag("tbody", rows))


def _row(name: str, cells: list[str], meaning: str | None = None) -> Markup:
    numbers = [tag("td", cell, class_="num") for cell in cells]
    last = [] if meaning is None else [tag("td", meaning)]
    return tag("tr", tag("th", name, scope="row"), numbers, last)


def _differences(view: GroupView) -> list[Markup]:
    """The two groups whose mean predictions are furthest apart, for every output of its own."""
    if len(view.groups) < 2:
        return []
    found = [tag("h3", "Which part makes the difference?")]
    for k, label in enumerate(view.outputs.labels):
        means = view.predictions[:, k]
        first, second = (view.groups[int(i)] for i in (means.argmin(), means.argmax()))
        table = view.difference(first, second, k)
        of = "" if len(view.outputs.labels) == 1 else f" for {label}"
        words = (
            f"The mean prediction{of} is lowest in {first} ({signed(float(means.min()))}) and "
            f"highest in {second} ({signed(float(means.max()))}), on the scale on which parts add "
            "up. The differences of the mean contributions sum to that difference exactly; they "
            "say what the model reads, not why the groups differ."
        )
        head = ["part", f"{second} less {first}", f"in {first}", f"in {second}"]
        rows = [_part(row) for row in table.head(_PARTS).itertuples(index=False, name=None)]
        rest = float(table["difference"].iloc[_PARTS:].sum())
        if len(table) > _PARTS:
            rows.append(_row(f"{len(table) - _PARTS} other parts", [signed(rest), "", ""]))
        rows.append(_row("sum", [signed(float(np.ptp(means))), "", ""]))
        top = tag("tr", [tag("th", word, scope="col") for word in head])
        body = tag("table", tag("thead", top), tag("tbody", rows))
        found += [tag("p", words), tag("div", body, class_="scroll")]
    return found


def _part(row: tuple[str, float, float, float, float]) -> Markup:
    name, gap, error, first, second = row
    cells = [f"{signed(gap)} ± {number(error, 2)}", signed(first), signed(second)]
    return tag("tr", tag("th", name, scope="row"), [tag("td", it, class_="num") for it in cells])
