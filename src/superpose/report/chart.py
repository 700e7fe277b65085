"""The frame that the report's charts share: scales, ticks, axes, paths."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from superpose.report.html import Child, Markup, tag
from superpose.report.numbers import number

__all__ = ["Frame", "area", "crop", "polyline", "tick_labels", "ticks"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Frame:
    """Where data land in a chart of `width` by `height` units; y grows upwards in the data.

    Examples
    --------
    >>> frame = Frame(x=(0, 10), y=(-1, 1), width=300, height=200)
    >>> frame.across(5), frame.down(0)
    (169.0, 87.0)
    """

    x: tuple[float, float]
    y: tuple[float, float]
    width: float = 460.0
    height: float = 280.0
    left: float = 52.0
    right: float = 14.0
    top: float = 12.0
    bottom: float = 38.0

    def across(self, value: float) -> float:
        """Horizontal place of a value of x."""
        low, high = self.x
        inner = self.width - self.left - self.right
        return self.left + inner * (value - low) / ((high - low) or 1.0)

    def down(self, value: float) -> float:
        """Vertical place of a value of y."""
        low, high = self.y
        inner = self.height - self.top - self.bottom
        return self.top + inner * (high - value) / ((high - low) or 1.0)

    def points(self, x: Array, y: Array) -> list[tuple[float, float]]:
        """Places of many values at once."""
        return [(self.across(float(a)), self.down(float(b))) for a, b in zip(x, y, strict=True)]

    def horizontal(self, y: float, name: str) -> Markup:
        """A line across the whole chart, of a class of the style sheet."""
        at = self.down(y)
        return tag("line", x1=self.left, x2=self.width - self.right, y1=at, y2=at, class_=name)

    def y_axis(self) -> list[Markup]:
        """Grid lines and numbers at round values."""
        places = ticks(*self.y, most=6)
        return [
            tag("g", self.horizontal(v, "zero" if v == 0 else "grid"), self._y_label(v, label))
            for v, label in zip(places, tick_labels(places), strict=True)
        ]

    def x_axis(self, name: str, labels: Sequence[tuple[float, str]] | None = None) -> list[Markup]:
        """Numbers at round values (or given labels), and the name of the axis."""
        if labels is None:
            most = 7 if self.width > 400 else 5
            places = ticks(*self.x, most=most)
            labels = list(zip(places, tick_labels(places), strict=True))
        floor = self.height - self.bottom
        texts = [
            tag("text", label, x=self.across(v), y=floor + 15, class_="tick", text_anchor="middle")
            for v, label in labels
        ]
        middle = (self.left + self.width - self.right) / 2
        title = tag(
            "text",
            crop(name, int(self.width / 8)),
            x=middle,
            y=floor + 31,
            class_="axis",
            text_anchor="middle",
        )
        line = tag(
            "line", x1=self.left, x2=self.width - self.right, y1=floor, y2=floor, class_="base"
        )
        return [line, *texts, title]

    def svg(self, *children: Child, title: str) -> Markup:
        """The whole chart; `title` is what a screen reader says of it."""
        return tag(
            "svg",
            tag("title", title),
            *children,
            viewbox=f"0 0 {self.width:g} {self.height:g}",
            role="img",
            aria_label=title,
            class_="chart",
        )

    def _y_label(self, value: float, label: str) -> Markup:
        place = self.down(value) + 4
        return tag("text", label, x=self.left - 8, y=place, class_="tick", text_anchor="end")


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round values within a range: steps of 1, 2 or 5 times a power of ten.

    Examples
    --------
    >>> ticks(-1.2, 3.7), ticks(0, 0.013, most=4)
    ([-1.0, 0.0, 1.0, 2.0, 3.0], [0.0, 0.005, 0.01])
    >>> ticks(0, 3e-14, most=3)
    [0.0, 1e-14, 2e-14, 3e-14]
    """
    if not high > low:
        return [low]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((m * power for m in (1, 2, 5) if m * power >= rough), 10 * power)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    decimals = 2 - math.floor(math.log10(step))
    return [round(i * step, decimals) + 0.0 for i in range(first, last + 1)]


def tick_labels(places: list[float]) -> list[str]:
    """Round values written with as many digits as tell neighbours apart.

    Examples
    --------
    >>> tick_labels([0.0, 0.5, 1.0]), tick_labels([0.00859, 0.008595, 0.0086])
    (['0', '0.5', '1'], ['0.00859', '0.008595', '0.0086'])
    """
    if len(places) < 2:
        return [number(v) for v in places]
    largest, step = max(abs(v) for v in places), places[1] - places[0]
    if not (largest > 0 and step > 0):
        return [number(v) for v in places]
    digits = math.floor(math.log10(largest)) - math.floor(math.log10(step)) + 1
    return [number(v, max(3, digits)) for v in places]


def polyline(points: list[tuple[float, float]]) -> str:
    """The path through some places.

    Examples
    --------
    >>> polyline([(0, 1), (2.25, 3)])
    'M0,1L2.2,3'
    """
    return "M" + "L".join(f"{_short(x)},{_short(y)}" for x, y in points) if points else ""


def area(upper: list[tuple[float, float]], lower: list[tuple[float, float]]) -> str:
    """The closed path between two lines."""
    return polyline([*upper, *reversed(lower)]) + "Z" if upper else ""


def crop(text: str, most: int) -> str:
    """At most so many characters; what is left out is replaced by an ellipsis.

    Examples
    --------
    >>> crop("a rather long name", 9)
    'a rather…'
    """
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _short(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")
