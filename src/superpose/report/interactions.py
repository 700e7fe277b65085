"""Which attributes interact: every pair and term, with the evidence for it."""

from __future__ import annotations

from superpose.explain import Interactions, interactions
from superpose.explain.text import signed
from superpose.report.html import Markup, tag
from superpose.report.model import Reading

__all__ = ["interactions_section"]


def interactions_section(reading: Reading) -> list[Markup]:
    """A small table; nothing for a model of main curves alone."""
    found = interactions(reading.fit, reading.summary)
    if not found:
        return []
    words = (
        "Attributes act together where what one adds depends on another. Only what no sum of "
        "curves could say is counted: over the rows the model learned from, what was additive has "
        "moved to the main curves. The evidence is the logarithm of the odds for the part against "
        "the model without it; below 3 it is weak. The share is its variance beside that of the "
        "predictions."
    )
    head, rows = found.rows()
    place = {part.name: index for index, part, _ in reading.ranked}
    top = tag("tr", [tag("th", name, scope="col") for name in head])
    body = [
        tag(
            "tr",
            tag("th", tag("a", row[0], href=f"#part-{place[row[0]]}"), scope="row"),
            [tag("td", cell, class_="num") for cell in row[1:]],
        )
        for row in rows
    ]
    table = tag("table", tag("thead", top), tag("tbody", body))
    return [tag("p", words), tag("div", table, class_="scroll"), *_not_kept(found)]


def _not_kept(found: Interactions) -> list[Markup]:
    """The pairs that were screened and left out, in a sentence."""
    if not found.not_kept:
        return []
    pairs = ", ".join(f"{it.name} ({signed(round(it.gain, 1))})" for it in found.not_kept)
    words = (
        "Pairs that were screened and not kept, with the nats that a rough surface promises for "
        f"what the model leaves unexplained: {pairs}. The best of many gains a few by chance."
    )
    return [tag("p", words)]
