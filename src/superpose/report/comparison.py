"""Two models, or the same model learned from two groups, where the reader asked for it."""

from __future__ import annotations

import numpy as np

from superpose.explain import Comparison, CurvePair
from superpose.report.chart import Frame, area, crop, polyline
from superpose.report.chart_curve import view_of
from superpose.report.html import Markup, tag
from superpose.report.numbers import number
from superpose.report.sentences import join_words, percent

__all__ = ["comparison_section"]

_SHOWN, _ROWS = 12, 30


def comparison_section(found: Comparison | None) -> list[Markup]:
    """How alike the predictions are, a table of main curves, charts of those that differ most.

    Parameters
    ----------
    found : Comparison or None
        What `superpose.explain.compare` returned.
    """
    if found is None:
        return []
    first, second = found.names
    words = (
        f"The main curves of {first} and of {second} over one axis, those that differ most in "
        "shape first. “Differs by” is the standard deviation of the difference over the rows; "
        "“size” holds a difference in level as well. “Told apart” is the share of the axis where "
        "the 95 % band of the difference leaves out zero: it takes the errors of the two to be "
        "independent, as they are for models of different rows."
    )
    pairs = list(found.curves.values())
    cards = [_card(pair, found.names) for pair in pairs[:_SHOWN]]
    said = [*_agreement(found), *_alone(found)]
    return [
        tag("p", words),
        *[tag("p", it) for it in said],
        tag("div", _table(pairs), class_="scroll"),
        _key(found.names),
        tag("div", cards, class_="cards"),
    ]


def _agreement(found: Comparison) -> list[str]:
    """How alike the two predict, where rows were given."""
    if found.agreement is None:
        return []
    agreed = found.agreement
    same = "" if agreed.same is None else f" They give the same label to {percent(agreed.same)}."
    return [
        f"Over {agreed.rows:,} rows the correlation of their predictions is "
        f"{number(agreed.correlation)}, and their typical distance {number(agreed.distance)}, on "
        f"the scale on which parts add up.{same}"
    ]


def _alone(found: Comparison) -> list[str]:
    """Pairs and terms that only one of them has."""
    named = zip(found.names, found.alone, strict=True)
    return [f"Only {name} has {join_words(list(parts))}." for name, parts in named if parts]


def _table(pairs: list[CurvePair]) -> Markup:
    head = ["main curve", "differs by", "size", "told apart"]
    rows = []
    for it in pairs[:_ROWS]:
        cells = [number(it.moved), number(it.size), percent(round(it.apart, 3))]
        name = tag("th", it.name, scope="row")
        rows.append(tag("tr", name, [tag("td", cell, class_="num") for cell in cells]))
    top = tag("tr", [tag("th", word, scope="col") for word in head])
    return tag("table", tag("thead", top), tag("tbody", rows))


def _key(names: tuple[str, str]) -> Markup:
    """Which colour is which."""
    entries = [
        tag("li", tag("i", class_=f"swatch c{i}", aria_hidden="true"), name)
        for i, name in enumerate(names)
    ]
    return tag("ul", entries, class_="legend outputs")


def _card(pair: CurvePair, names: tuple[str, str]) -> Markup:
    size = f"differs by {number(pair.moved)}"
    caption = tag("figcaption", tag("h4", pair.name), tag("span", size, class_="small"))
    return tag("figure", caption, _chart(pair, names), class_="card")


def _chart(pair: CurvePair, names: tuple[str, str]) -> Markup:
    """Both curves with their bands, for the output that differs most."""
    gaps = np.nan_to_num(pair.difference)
    k = int(np.argmax((gaps - gaps.mean(axis=0)).std(axis=0)))
    number_of, labels = pair.kind == "number", None
    x = pair.x.astype(np.float64) if number_of else np.arange(len(pair.x), dtype=np.float64)
    across = view_of(pair.support, x) if number_of else (-0.6, len(x) - 0.4)
    if not number_of:
        labels = [(float(i), crop(str(name), 10)) for i, name in enumerate(pair.x)]
    inside = (x >= across[0]) & (x <= across[1])
    seen = np.concatenate([a[:, inside, k].ravel() for a in (pair.lowers, pair.uppers)])
    seen = seen[np.isfinite(seen)]
    room = 0.05 * float(np.ptp(seen)) or 0.5
    frame = Frame(across, (float(seen.min()) - room, float(seen.max()) + room), top=26)
    draw = _line if number_of else _dots
    drawn = []
    for i in (0, 1):
        known = inside & np.isfinite(pair.means[i, :, k])
        places = x[known] if number_of else x[known] + 0.16 * (2 * i - 1)
        mean, lower, upper = (
            frame.points(places, a[i, known, k]) for a in (pair.means, pair.lowers, pair.uppers)
        )
        drawn += draw(mean, lower, upper, f"c{i}")
    unit = pair.units if isinstance(pair.units, str) else pair.units[k]
    note = tag("text", f"↑ adds to {crop(unit, 56)}", x=4, y=14, class_="axis")
    title = f"{pair.name} in {names[0]} and in {names[1]}"
    return frame.svg(frame.y_axis(), drawn, note, frame.x_axis(pair.name, labels), title=title)


Points = list[tuple[float, float]]


def _line(mean: Points, lower: Points, upper: Points, colour: str) -> list[Markup]:
    band = tag("path", d=area(upper, lower), class_=f"band {colour}")
    return [band, tag("path", d=polyline(mean), class_=f"curve {colour}")]


def _dots(mean: Points, lower: Points, upper: Points, colour: str) -> list[Markup]:
    drawn = []
    for (a, b), (_, low), (_, high) in zip(mean, lower, upper, strict=True):
        drawn.append(tag("line", x1=a, x2=a, y1=high, y2=low, class_=f"whisker {colour}"))
        drawn.append(tag("circle", cx=a, cy=b, r=4, class_=f"dot {colour}"))
    return drawn
