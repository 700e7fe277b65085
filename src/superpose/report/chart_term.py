"""The inner and outer curves of a term as charts."""

from __future__ import annotations

import numpy as np

from superpose.explain import InnerCurve, Term
from superpose.report.chart import Frame, area, crop, polyline
from superpose.report.chart_curve import foot, view_of
from superpose.report.html import Markup, tag

__all__ = ["inner_chart", "outer_chart"]


def inner_chart(curve: InnerCurve, ends: tuple[float, float]) -> Markup:
    """What an attribute adds to the inner sum; all inner curves of a term share their scale."""
    room = 0.06 * (ends[1] - ends[0]) or 0.5
    span = (min(ends[0], 0.0) - 3 * room, max(ends[1], 0.0) + room)
    label = tag("text", "↑ adds to the inner sum", x=4, y=14, class_="axis")
    title = f"Inner curve of {curve.name}"
    if curve.kind == "category":
        frame = Frame((-0.6, len(curve.x) - 0.4), span, width=320, height=230, top=26)
        values = enumerate(curve.value)
        dots = [
            tag("circle", cx=frame.across(i), cy=frame.down(float(v)), r=4, class_="dot ink")
            for i, v in values
        ]
        names = [(float(i), crop(str(v), 10)) for i, v in enumerate(curve.x)]
        shown = names[:: 1 + len(names) // 9]
        return frame.svg(frame.y_axis(), dots, label, frame.x_axis(curve.name, shown), title=title)
    frame = Frame(view_of(curve.support, curve.x), span, width=320, height=230, top=26)
    inside = (curve.x >= frame.x[0]) & (curve.x <= frame.x[1])
    path = polyline(frame.points(curve.x[inside], curve.value[inside]))
    return frame.svg(
        foot(frame, curve.support),
        frame.y_axis(),
        tag("path", d=path, class_="curve ink"),
        label,
        frame.x_axis(curve.name),
        title=title,
    )


def outer_chart(term: Term, number_of: str) -> Markup:
    """What the term adds for each inner sum, with its band and the sums' histogram."""
    mean, lower, upper = (a.reshape(len(term.h), -1) for a in (term.mean, term.lower, term.upper))
    low = min(float(mean.min()), float(np.quantile(lower, 0.03)), 0.0)
    high = max(float(mean.max()), float(np.quantile(upper, 0.97)), 0.0)
    room = 0.06 * (high - low) or 0.5
    ends, span = (float(term.h[0]), float(term.h[-1])), (low - 3 * room, high + room)
    frame = Frame(ends, span, width=320, height=230, top=26)
    drawn = []
    for k in range(mean.shape[1]):
        band = area(frame.points(term.h, upper[:, k]), frame.points(term.h, lower[:, k]))
        many = " many" if mean.shape[1] > 1 else ""
        drawn.append(tag("path", d=band, class_=f"band c{k % 7}{many}"))
        path = polyline(frame.points(term.h, mean[:, k]))
        drawn.append(tag("path", d=path, class_=f"curve c{k % 7}"))
    box = tag(
        "rect",
        x=frame.left,
        y=frame.top,
        width=frame.width - frame.left - frame.right,
        height=frame.height - frame.top - frame.bottom,
    )
    return frame.svg(
        tag("clipPath", box, id=f"clip-{number_of}"),
        _sums(frame, term),
        frame.y_axis(),
        tag("g", drawn, clip_path=f"url(#clip-{number_of})"),
        tag("text", "↑ the term adds", x=4, y=14, class_="axis"),
        frame.x_axis("inner sum"),
        title=f"Outer curve of {term.name}",
    )


def _sums(frame: Frame, term: Term) -> list[Markup]:
    """Histogram of the inner sums of the training rows."""
    if term.edges is None or term.counts is None:
        return []
    floor, tallest = frame.height - frame.bottom, max(int(term.counts.max()), 1)
    bars = []
    for a, b, count in zip(term.edges, term.edges[1:], term.counts, strict=False):
        x, tall = frame.across(float(a)), 30 * float(count) / tallest
        wide = frame.across(float(b)) - x
        bars.append(tag("rect", x=x, y=floor - tall, width=wide, height=tall, class_="histogram"))
    return bars
