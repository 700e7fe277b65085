"""Importances, main curves, pairs and terms: one card a part, the most important first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from superpose.explain import Curve, Importance, PartSummary, Surface, Term
from superpose.explain.flat import about_flat
from superpose.explain.text import spread
from superpose.report.chart_curve import columns_of, curve_chart, vertical_range
from superpose.report.chart_surface import surface_chart, surface_reach
from superpose.report.chart_term import inner_chart, outer_chart
from superpose.report.html import Markup, tag
from superpose.report.model import Reading
from superpose.report.numbers import number, plural, signed
from superpose.report.sentences import about_curve, about_surface, about_term

__all__ = ["importance_bars", "main_curves", "pairs", "terms"]

_SHOWN = {"bars": 15, "curve": 12, "pair": 8, "term": 6}

Ranked = Sequence[tuple[int, PartSummary, Importance]]


def importance_bars(reading: Reading) -> list[Markup]:
    """A bar for each part, linked to its card."""
    words = (
        "The importance of a part is the typical size (root mean square) of what it adds to a "
        "prediction, over the rows the model learned from. The thin line is its 95 % band, which "
        "is cautious: it holds the importance at least that often. A part whose band reaches zero "
        "may not matter at all."
    )
    reach = max((part.upper for _, part, _ in reading.ranked), default=0.0) or 1.0
    bars = [_bar(i, part, reach) for i, part, _ in reading.ranked]
    return [
        tag("p", words),
        tag("ol", bars[: _SHOWN["bars"]], class_="ranks"),
        _folded(bars[_SHOWN["bars"] :], "part", "ol", "ranks"),
    ]


def _bar(index: int, part: PartSummary, reach: float) -> Markup:
    band = (
        f"left:{100 * part.lower / reach:.2f}%;width:{100 * (part.upper - part.lower) / reach:.2f}%"
    )
    track = tag(
        "span",
        tag("span", class_="bar", style=f"left:0;width:{100 * part.importance / reach:.2f}%"),
        tag("span", class_="whisker", style=band),
        class_="track",
    )
    name = tag("a", part.name, href=f"#part-{index}", title=part.name)
    figure = tag("span", number(part.importance), class_="figure")
    return tag("li", tag("span", name, class_="what"), track, figure)


def main_curves(reading: Reading) -> list[Markup]:
    """A card for each main curve."""
    ranked = [entry for entry in reading.ranked if entry[1].kind == "curve"]
    if not ranked:
        return [tag("p", "This model has no main curves.")]
    ranges = [np.ptp(vertical_range(curve)) for curve in reading.curves.values()]
    reach = 0.25 * float(max(ranges))
    words = (
        f"What each attribute adds to the {reading.unit} by itself. {_multiplies(reading)}Each "
        "curve is centred, so its average over the rows is zero. Vertical scales differ from chart "
        "to chart, by a factor of four at most, so that a curve that looks flat beside the others "
        "is small."
    )
    cards = [_curve_card(reading, rank, entry, reach) for rank, entry in enumerate(ranked, 1)]
    flat = about_flat(reading.curves, reading.summary)
    said = [tag("p", words), tag("p", flat)] if flat else [tag("p", words)]
    return [*said, _key(reading), *_cards(cards, "curve", "main curve")]


def _multiplies(reading: Reading) -> str:
    """How to read a sum of logarithms."""
    if not reading.outputs.log:
        return ""
    return (
        f"What adds up in the logarithm multiplies {reading.summary.target}: +0.1 raises it by "
        "10.5 %, +0.69 doubles it, −0.69 halves it. "
    )


def _curve_card(
    reading: Reading, rank: int, entry: tuple[int, PartSummary, Importance], reach: float
) -> Markup:
    index, part, importance = entry
    curve = reading.curves[part.name]
    return _card(
        index,
        f"{rank}. {part.name}",
        importance,
        curve_chart(curve, reach, str(index)),
        about_curve(curve, reading.outputs.labels),
        _curve_numbers(curve, reading.outputs.labels),
    )


def pairs(reading: Reading) -> list[Markup]:
    """A card for each pair: a heat map for each output."""
    ranked = [entry for entry in reading.ranked if entry[1].kind == "pair"]
    if not ranked:
        return []
    words = (
        "What two attributes add together, beyond all curves of either alone. Orange raises the "
        f"{reading.unit}, blue lowers it; thin lines join equal heights, the thicker one is zero. "
        "Where the colours are faint and hatched there were no rows: ignore the surface there."
    )
    cards = []
    for index, part, importance in ranked:
        surface = reading.surfaces[part.name]
        maps = _heat_maps(surface, str(index), reading.outputs.labels, 460.0)
        text = about_surface(surface)
        cards.append(_card(index, part.name, importance, maps, text, None))
    return [tag("p", words), *_cards(cards, "pair", "pair")]


def terms(reading: Reading) -> list[Markup]:
    """A card for each term: inner curves, outer curve, and a heat map where it reads two."""
    ranked = [entry for entry in reading.ranked if entry[1].kind == "term"]
    if not ranked:
        return []
    words = (
        "A term catches what curves and pairs cannot say. It is read in two steps: each "
        "attribute's inner curve gives a number, the numbers are added up, and the outer curve "
        f"turns the sum into what the term adds to the {reading.unit}. What of that is additive "
        "stands in the main curves and is taken off again; a heat map, where there is one, shows "
        "what is left."
    )
    cards = []
    for index, part, importance in ranked:
        term = reading.terms[part.name]
        drawn = _term_charts(term, str(index), reading.outputs.labels)
        text = about_term(term)
        cards.append(_card(index, part.name, importance, drawn, text, None, wide=True))
    return [tag("p", words), _key(reading), *_cards(cards, "term", "term")]


def _term_charts(term: Term, number_of: str, labels: tuple[str, ...]) -> Markup:
    low = min(float(c.value.min()) for c in term.inner.values())
    high = max(float(c.value.max()) for c in term.inner.values())
    inner = [inner_chart(curve, (low, high)) for curve in term.inner.values()]
    outer = outer_chart(term, number_of)
    maps = [_heat_maps(term.surface, number_of, labels, 320.0)] if term.surface is not None else []
    return tag("div", [tag("div", chart) for chart in (*inner, outer, *maps)], class_="steps")


def _heat_maps(surface: Surface, number_of: str, labels: tuple[str, ...], width: float) -> Markup:
    reach = surface_reach(surface)
    count = surface.mean.reshape(*surface.mean.shape[:2], -1).shape[2]
    maps = []
    for k in range(count):
        if count > 1:
            maps.append(tag("p", f"for {labels[k]}", class_="small"))
        maps.append(surface_chart(surface, k, reach, f"{number_of}-{k}", width))
    scale = tag(
        "p",
        tag("span", signed(-reach, 2)),
        tag("i", class_="ramp", aria_hidden="true"),
        tag("span", signed(reach, 2)),
        class_="scale",
    )
    return tag("div", maps, scale)


def _card(
    index: int,
    title: str,
    importance: Importance,
    drawing: Markup,
    text: str,
    numbers: Markup | None,
    wide: bool = False,
) -> Markup:
    size = (
        f"importance {number(importance.value)} "
        f"({number(importance.lower)} to {number(importance.upper)})"
    )
    return tag(
        "figure",
        tag("figcaption", tag("h4", title), tag("span", size, class_="small")),
        drawing,
        tag("p", text),
        numbers,
        class_="card wide" if wide else "card",
        id=f"part-{index}",
    )


def _cards(cards: list[Markup], kind: str, noun: str) -> list[Markup]:
    most = _SHOWN[kind]
    return [
        tag("div", cards[:most], class_="cards"),
        _folded(cards[most:], noun, "div", "cards"),
    ]


def _folded(items: list[Markup], noun: str, element: str, name: str) -> Markup:
    """What comes after the first few, folded away but in the page."""
    if not items:
        return Markup("")
    words = f"{plural(len(items), f'more {noun}')}, in order of importance"
    return tag("details", tag("summary", words), tag(element, items, class_=name), class_="rest")


def _key(reading: Reading) -> Markup:
    """Which colour is which class, where there are several outputs."""
    labels = reading.outputs.labels
    if len(labels) == 1:
        return Markup("")
    entries = [
        tag("li", tag("i", class_=f"swatch c{k % 7}", aria_hidden="true"), label)
        for k, label in enumerate(labels)
    ]
    return tag("ul", entries, class_="legend outputs")


def _curve_numbers(curve: Curve, labels: tuple[str, ...]) -> Markup:
    """A short table of the curve, for those who want numbers."""
    mean, lower, upper = columns_of(curve)
    inside = np.flatnonzero(curve.seen())
    rows = [
        _row(_name(curve, i), mean[i], lower[i], upper[i])
        for i in (int(inside[j]) for j in spread(len(inside), 11))
    ]
    if curve.missing is not None:
        m = curve.missing
        rows.append(_row("missing", *(np.atleast_1d(a) for a in (m.mean, m.lower, m.upper))))
    columns = ["adds", "band"] if len(labels) == 1 else list(labels)
    top = tag(
        "tr", tag("th", curve.name, scope="col"), [tag("th", c, scope="col") for c in columns]
    )
    table = tag("table", tag("thead", top), tag("tbody", rows))
    return tag("details", tag("summary", "the numbers"), tag("div", table, class_="scroll"))


def _row(
    label: str,
    mean: NDArray[np.float64],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
) -> Markup:
    if len(mean) == 1:
        cells = [signed(float(mean[0])), f"{signed(float(lower[0]))} to {signed(float(upper[0]))}"]
    else:
        cells = [signed(float(v)) for v in mean]
    return tag("tr", tag("th", label, scope="row"), [tag("td", c, class_="num") for c in cells])


def _name(curve: Curve, i: int) -> str:
    return str(curve.x[i]) if curve.kind == "category" else number(float(curve.x[i]))
