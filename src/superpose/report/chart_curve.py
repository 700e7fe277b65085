"""A main curve as a chart: line, band, histogram, and grey where there was no data."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from superpose.explain import AttributeSummary, Curve
from superpose.report.chart import Frame, area, crop, polyline
from superpose.report.html import Markup, tag

__all__ = ["curve_chart", "foot", "vertical_range", "view_of"]

Array = NDArray[np.float64]

_FOOT = 0.2  # share of the vertical range that is kept free for the histogram


def curve_chart(curve: Curve, reach: float, number_of: str) -> Markup:
    """Draw one main curve.

    Parameters
    ----------
    curve : Curve
    reach : float
        The least height of the vertical range, so that small curves look small.
    number_of : str
        A page-wide unique id for the clip path.
    """
    if curve.kind == "category":
        return _levels(curve, reach)
    return _line(curve, reach, number_of)


def columns_of(curve: Curve) -> tuple[Array, Array, Array]:
    """Mean, lower and upper as [G, K], also for one output."""
    count = len(curve.x)
    mean, lower, upper = (a.reshape(count, -1) for a in (curve.mean, curve.lower, curve.upper))
    return mean, lower, upper


def vertical_range(curve: Curve, reach: float = 0.0) -> tuple[float, float]:
    """From lowest to highest within the data, bands included except for their few widest points."""
    mean, lower, upper = columns_of(curve)
    seen = curve.seen() if curve.seen().any() else np.ones(len(curve.x), dtype=bool)
    low = min(float(mean[seen].min()), float(np.quantile(lower[seen], 0.03)), 0.0)
    high = max(float(mean[seen].max()), float(np.quantile(upper[seen], 0.97)), 0.0)
    if curve.missing is not None:
        low = min(low, float(np.min(curve.missing.mean)))
        high = max(high, float(np.max(curve.missing.mean)))
    short = max(reach - (high - low), 0.0) / 2
    tall = max(high - low, reach, 1e-9)
    return low - short - _FOOT * tall, high + short + 0.06 * tall


def view_of(support: AttributeSummary | None, x: NDArray[Any]) -> tuple[float, float]:
    """The horizontal range: what is worth drawing of the data, and a little more."""
    view = support.view if support is not None else None
    low, high = view if view is not None else (float(x[0]), float(x[-1]))
    if low == high:
        return low - 0.5, high + 0.5
    room = 0.03 * (high - low)
    return low - room, high + room


def foot(frame: Frame, support: AttributeSummary | None) -> list[Markup]:
    """Histogram at the foot, and grey beyond the data."""
    if support is None or support.range is None:
        return []
    floor, tallest = frame.height - frame.bottom, max((*support.counts, 1))
    left, right = (frame.across(v) for v in support.range)
    edge = frame.width - frame.right
    grey = [
        tag("rect", x=a, y=frame.top, width=b - a, height=floor - frame.top, class_="beyond")
        for a, b in ((frame.left, left), (right, edge))
        if b - a > 0.5
    ]
    bars = []
    for start, stop, count in zip(support.edges, support.edges[1:], support.counts, strict=False):
        a = max(frame.across(start), frame.left)
        b = min(frame.across(stop), edge)
        tall = 30 * count / tallest
        if count and b > a:
            bars.append(
                tag("rect", x=a, y=floor - tall, width=b - a, height=tall, class_="histogram")
            )
    return [*grey, tag("g", bars)]


def _line(curve: Curve, reach: float, number_of: str) -> Markup:
    right = 64.0 if curve.missing is not None else 14.0
    span = vertical_range(curve, reach)
    frame = Frame(view_of(curve.support, curve.x), span, right=right, top=26)
    mean, lower, upper = columns_of(curve)
    seen = curve.seen()
    drawn = []
    for k in range(mean.shape[1]):
        band = area(frame.points(curve.x, upper[:, k]), frame.points(curve.x, lower[:, k]))
        inside = frame.points(curve.x[seen], mean[seen, k])
        drawn += [
            tag("path", d=band, class_=f"band c{k % 7}" + (" many" if mean.shape[1] > 1 else "")),
            tag("path", d=polyline(frame.points(curve.x, mean[:, k])), class_=f"ends c{k % 7}"),
            tag("path", d=polyline(inside), class_=f"curve c{k % 7}"),
            *_by_hand(curve, frame, mean[:, k]),
        ]
    box = tag(
        "rect",
        x=frame.left,
        y=frame.top,
        width=frame.width - frame.left - frame.right,
        height=frame.height - frame.top - frame.bottom,
    )
    clip = tag("clipPath", box, id=f"clip-{number_of}")
    return frame.svg(
        clip,
        foot(frame, curve.support),
        frame.y_axis(),
        tag("g", drawn, clip_path=f"url(#clip-{number_of})"),
        _missing(curve, frame),
        _adds(curve),
        frame.x_axis(curve.name),
        title=f"Curve of {curve.name}",
    )


def _by_hand(curve: Curve, frame: Frame, mean: Array) -> list[Markup]:
    """What a person set, over the line."""
    if curve.by_hand is None:
        return []
    runs = np.split(np.arange(len(mean)), np.flatnonzero(np.diff(curve.by_hand)) + 1)
    return [
        tag("path", d=polyline(frame.points(curve.x[run], mean[run])), class_="by-hand")
        for run in runs
        if curve.by_hand[run[0]]
    ]


def _adds(curve: Curve) -> Markup:
    """What the vertical axis means."""
    unit = curve.units if isinstance(curve.units, str) else "log-probability"
    return tag("text", f"↑ adds to {crop(unit, 52)}", x=4, y=14, class_="axis")


def _missing(curve: Curve, frame: Frame) -> list[Markup]:
    """What a missing value adds, to the right of the curve."""
    if curve.missing is None:
        return []
    place = frame.width - 30
    bars = _points(frame, place, [np.atleast_1d(a) for a in _arrays(curve.missing)])
    below = frame.height - frame.bottom + 15
    return [*bars, tag("text", "missing", x=place, y=below, class_="tick", text_anchor="middle")]


def _levels(curve: Curve, reach: float) -> Markup:
    mean, lower, upper = columns_of(curve)
    names = [str(level) for level in curve.x]
    if curve.missing is not None:
        extra = [np.atleast_1d(a)[None, :] for a in _arrays(curve.missing)]
        mean, lower, upper = (
            np.vstack([a, b]) for a, b in zip((mean, lower, upper), extra, strict=True)
        )
        names.append("missing")
    low, high = min(lower.min(), 0.0), max(upper.max(), 0.0)
    short, room = max(reach - (high - low), 0.0) / 2, 0.06 * max(high - low, reach, 1e-9)
    bottom = 38.0 if _fits(names) else 96.0
    frame = Frame(
        (-0.6, len(names) - 0.4),
        (low - short - room, high + short + room),
        height=242 + bottom,
        bottom=bottom,
        top=26,
    )
    points = [
        _points(frame, frame.across(i), [a[i] for a in (mean, lower, upper)])
        for i in range(len(names))
    ]
    labels = [(float(i), crop(name, 12)) for i, name in enumerate(names)]
    below = frame.x_axis(curve.name, labels) if _fits(names) else _slanted(frame, curve.name, names)
    title = f"Levels of {curve.name}"
    return frame.svg(frame.y_axis(), points, _adds(curve), below, title=title)


def _points(frame: Frame, place: float, arrays: list[Array]) -> list[Markup]:
    """A dot and its band for each output, side by side."""
    mean, lower, upper = arrays
    marks = []
    for k in range(len(mean)):
        x = place + 9 * (k - (len(mean) - 1) / 2)
        high, low, at = (frame.down(float(a[k])) for a in (upper, lower, mean))
        marks.append(tag("line", x1=x, x2=x, y1=high, y2=low, class_=f"whisker c{k % 7}"))
        marks.append(tag("circle", cx=x, cy=at, r=4, class_=f"dot c{k % 7}"))
    return marks


def _fits(names: list[str]) -> bool:
    """Whether names can stand side by side, each in an equal share of the width."""
    return len(names) * (max(len(crop(name, 12)) for name in names) + 1.5) <= 62


def _slanted(frame: Frame, title: str, names: list[str]) -> list[Markup]:
    """Names of many levels, turned; every other one is left out where there is no room."""
    floor, step = frame.height - frame.bottom, 1 + len(names) // 28
    texts = []
    for i in range(0, len(names), step):
        x, y = frame.across(i), floor + 14
        turn = f"rotate(-40 {x:.1f} {y:.1f})"
        text = crop(names[i], 14)
        texts.append(tag("text", text, x=x, y=y, transform=turn, class_="tick", text_anchor="end"))
    middle, below = (frame.left + frame.width - frame.right) / 2, frame.height - 6
    name = tag("text", crop(title, 60), x=middle, y=below, class_="axis", text_anchor="middle")
    line = tag(
        "line", x1=frame.left, x2=frame.width - frame.right, y1=floor, y2=floor, class_="base"
    )
    return [line, *texts, name]


def _arrays(missing: Any) -> tuple[Any, Any, Any]:
    return missing.mean, missing.lower, missing.upper
