"""The first screen: what the model is, its key figures, and how to read the charts."""

from __future__ import annotations

from superpose.report.html import Markup, tag
from superpose.report.model import Reading
from superpose.report.numbers import number, plural, signed
from superpose.report.sentences import about_curve, about_surface, about_term, join_words

__all__ = ["key_figures", "overview"]


def key_figures(reading: Reading) -> Markup:
    """The numbers that one wants first; curves and heat maps are counted apart."""
    maps = reading.count("pair")
    curves = reading.fit.network.n_curves() - maps
    figures = [
        (f"{reading.summary.rows:,}", "rows it learned from"),
        (f"{len(reading.summary.attributes):,}", _offered(reading)),
        (str(curves), f"{'curve' if curves == 1 else 'curves'} to read"),
        *([(str(maps), f"{'heat map' if maps == 1 else 'heat maps'} to read")] if maps else []),
    ]
    if reading.held_out is not None:
        best = reading.held_out.metrics[:2]
        figures += [
            (number(m.value), f"{m.name} on rows not seen (± {number(m.error, 2)})") for m in best
        ]
    return tag(
        "dl",
        [tag("div", tag("dd", value), tag("dt", label)) for value, label in figures],
        class_="figures",
    )


def _offered(reading: Reading) -> str:
    unread = len(reading.fit.network.unread)
    return "attributes offered" + (f", {unread:,} of them without any effect" if unread else "")


def overview(reading: Reading) -> list[Markup]:
    """Say in words what the model is, what it found, and how a chart is read."""
    return [
        tag("p", _what(reading), class_="lead"),
        tag("p", _formula(reading), class_="formula"),
        tag("p", _scale(reading)),
        tag("h3", "What it found"),
        tag("ol", [tag("li", tag("b", n, ". "), text) for n, text in _findings(reading)]),
        tag("h3", "How to read the charts"),
        _legend(),
    ]


def _what(reading: Reading) -> str:
    summary = reading.summary
    counted = [
        (reading.count("curve"), "main curve", "(one attribute each)"),
        (reading.count("pair"), "pair", "(a heat map of two attributes)"),
        (reading.count("term"), "term", "(several attributes through curves)"),
    ]
    parts = [f"{plural(n, noun)} {rest}" for n, noun, rest in counted if n]
    has = f"It has {join_words(parts)}." if parts else "It has no parts: it predicts the average."
    return (
        f"This page describes a model of {summary.target}, learned from "
        f"{plural(summary.rows, 'row')} with {plural(len(summary.attributes), 'attribute')}. The "
        f"model is a sum. {has} All of them are on this page, and nothing else enters a prediction."
    )


def _formula(reading: Reading, most: int = 7) -> list[Markup]:
    bias = [float(b) for b in reading.fit.network.bias.detach().cpu().reshape(-1)]
    start = signed(bias[0]).lstrip("+") if len(bias) == 1 else "average of the class"
    shown = reading.ranked[:most]
    words = {"curve": "curve", "pair": "pair", "term": ""}
    pieces = [tag("span", f" + {_part_word(words[part.kind], part.name)}") for _, part, _ in shown]
    rest = len(reading.ranked) - len(shown)
    more = [tag("span", f" + {rest} more")] if rest > 0 else []
    return [tag("b", reading.unit), tag("span", f" = {start}"), *pieces, *more]


def _multiplies(reading: Reading) -> str:
    """How to read a sum of logarithms."""
    if not reading.outputs.log:
        return ""
    return f"Adding 0.1 multiplies {reading.summary.target} by 1.11, adding 1 by 2.72. "


def _part_word(word: str, name: str) -> str:
    return f"{word}({name.replace(' × ', ', ')})" if word else name


def _scale(reading: Reading) -> str:
    if not reading.outputs.classes:
        low, middle, high = (reading.summary.target_quantiles[i] for i in (2, 4, 6))
        return (
            f"Contributions are in units of {reading.unit}. {_multiplies(reading)}Over the "
            f"rows it learned from, {reading.summary.target} lay between {number(low)} and "
            f"{number(high)} in nine cases of ten, with a median of {number(middle)}."
        )
    if len(reading.outputs.classes) == 2:
        return (
            f"The sum is in log-odds of {reading.outputs.labels[0]}: 0 is a probability of 50 %, "
            "+1 is 73 %, +2 is 88 %, +3 is 95 %, and −1, −2, −3 are 27 %, 12 % and 5 %. Adding 1 "
            "multiplies the odds by 2.7."
        )
    return (
        "There is one such sum for each class. The class with the largest sum is the likeliest, "
        "and a lead of 1 over another class makes it 2.7 times as probable as that class."
    )


def _findings(reading: Reading, most: int = 3) -> list[tuple[str, str]]:
    """What the most important parts say."""
    said = []
    for _, part, _ in reading.ranked[:most]:
        if part.kind == "curve":
            text = about_curve(reading.curves[part.name], reading.outputs.labels)
        elif part.kind == "pair":
            text = about_surface(reading.surfaces[part.name])
        else:
            text = about_term(reading.terms[part.name])
        said.append((part.name, text))
    return said


def _legend() -> Markup:
    entries = [
        ("line", "The line is the best estimate of what a value adds to the sum."),
        (
            "shade",
            "The shade is its 95 % band: at any one value the true curve lies in it with 95 % "
            "probability, if the model's form is right. Few rows make it wide, and so do "
            "attributes that carry the same information.",
        ),
        ("bars", "Grey bars at the foot count the rows it learned from."),
        ("far", "Grey ground and dashes lie beyond the data: there the curve is a guess."),
    ]
    return tag(
        "ul",
        [
            tag("li", tag("i", class_=f"key {name}", aria_hidden="true"), text)
            for name, text in entries
        ],
        class_="legend",
    )
