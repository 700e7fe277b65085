"""How far curves move on other rows, where the reader asked for it."""

from __future__ import annotations

import numpy as np

from superpose.explain import CurveSpread, Stability
from superpose.report.chart import Frame, area, crop, polyline
from superpose.report.chart_curve import view_of
from superpose.report.html import Markup, tag
from superpose.report.numbers import number, plural
from superpose.report.sentences import percent

__all__ = ["stability_section"]

_SHOWN = 12


def stability_section(found: Stability | None) -> list[Markup]:
    """A table of all main curves, and the most important ones with their refits behind."""
    if found is None:
        return []
    words = (
        f"The model was fitted {plural(found.n_resamples, 'more time')} to resampled rows "
        f"({found.resampling}), " + _dial_words(found) + " “Moves by” is how far a refitted curve "
        "typically is from the one above, at the scale of new data as many as these. If the bands "
        "are right about resampling, the last column is about 95 % or more: far less says that a "
        "band is too narrow."
    )
    order = np.argsort(-found.reference, kind="stable")
    shown = [found.curves[found.names[j]] for j in order[:_SHOWN]]
    cards = [_card(spread, i) for i, spread in enumerate(shown)]
    return [
        tag("p", words),
        tag("div", _table(found), class_="scroll"),
        *_chosen(found),
        tag("div", cards, class_="cards"),
    ]


def _dial_words(found: Stability) -> str:
    return "choosing the dial each time." if found.grown else "at the same step of the dial."


def _table(found: Stability) -> Markup:
    head = ["main curve", "importance", "± over refits", "moves by", "inside its band"]
    rows = [
        tag(
            "tr",
            tag("th", row.curve, scope="row"),
            [
                tag("td", cell, class_="num")
                for cell in (
                    number(row.importance),
                    number(row.importance_sd, 2),
                    number(row.spread, 2),
                    percent(round(row.inside, 3)),
                )
            ],
        )
        for row in found.to_frame().itertuples()
    ]
    top = tag("tr", [tag("th", word, scope="col") for word in head])
    return tag("table", tag("thead", top), tag("tbody", rows))


def _chosen(found: Stability) -> list[Markup]:
    """What the refits chose, and how alike they rank the importances."""
    said = [f"a term of {name} in {percent(share)}" for name, share in found.terms.items()]
    if found.grown:
        said = [f"{name} in {percent(share)}" for name, share in found.pairs.items()] + said
    lines = [tag("p", f"The refits had {'; '.join(said[:12])}.")] if said else []
    known = found.rank_correlations[np.isfinite(found.rank_correlations)]
    if len(known):
        text = (
            "Rank correlation of the curves' importances with those above: "
            f"{number(float(known.mean()), 2)} on average, {number(float(known.min()), 2)} at "
            "worst; 1 is the same order, 0 none."
        )
        lines.append(tag("p", text))
    return lines


def _card(spread: CurveSpread, place: int) -> Markup:
    return tag(
        "figure",
        tag("figcaption", tag("h4", spread.curve.name)),
        _chart(spread, place),
        class_="card",
    )


def _chart(spread: CurveSpread, place: int) -> Markup:
    """The output that moves most: refits in grey, band and curve in front."""
    curve, refits = spread.curve, spread.refits
    k = int(np.argmax(np.ptp(curve.mean.reshape(len(curve.x), -1), axis=0)))
    mean, lower, upper = (
        a.reshape(len(curve.x), -1)[:, k] for a in (curve.mean, curve.lower, curve.upper)
    )
    number_of, labels = curve.kind == "number", None
    x = curve.x if number_of else np.arange(len(curve.x), dtype=np.float64)
    across = view_of(curve.support, curve.x) if number_of else (-0.6, len(x) - 0.4)
    if not number_of:
        labels = [(float(i), crop(str(name), 10)) for i, name in enumerate(curve.x)]
    inside = (x >= across[0]) & (x <= across[1])
    seen = np.concatenate(
        [lower[inside], upper[inside], np.nan_to_num(refits[:, inside, k]).ravel()]
    )
    room = 0.05 * float(np.ptp(seen)) or 0.5
    frame = Frame(across, (float(seen.min()) - room, float(seen.max()) + room), top=26)
    drawn = []
    for refit in refits[..., k]:
        known = inside & np.isfinite(refit)
        points = frame.points(x[known], refit[known])
        if number_of:
            drawn.append(tag("path", d=polyline(points), class_="refit"))
        else:
            drawn += [
                tag("line", x1=a - 9, x2=a + 9, y1=b, y2=b, class_="refit") for a, b in points
            ]
    both = (frame.points(x[inside], a[inside]) for a in (upper, lower))
    if number_of:
        drawn.append(tag("path", d=area(*both), class_="band c0"))
        line = polyline(frame.points(x[inside], mean[inside]))
        drawn.append(tag("path", d=line, class_="curve c0"))
    else:
        for (a, high), (_, low), value in zip(*both, mean[inside], strict=True):
            drawn.append(tag("line", x1=a, x2=a, y1=high, y2=low, class_="whisker c0"))
            drawn.append(tag("circle", cx=a, cy=frame.down(float(value)), r=4, class_="dot c0"))
    unit = curve.units if isinstance(curve.units, str) else curve.units[k]
    note = tag("text", f"↑ adds to {crop(unit, 46)}; grey: refits", x=4, y=14, class_="axis")
    title = f"Refits of {curve.name}"
    axis = frame.x_axis(curve.name, labels)
    return frame.svg(frame.y_axis(), drawn, note, axis, title=f"{title}, chart {place + 1}")
