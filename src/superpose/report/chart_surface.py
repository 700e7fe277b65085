"""A surface as a heat map with contour lines, hatched where there was no data."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from superpose.explain import AttributeSummary, Surface
from superpose.report.chart import Frame, crop, polyline, ticks
from superpose.report.chart_curve import view_of
from superpose.report.contour import contour
from superpose.report.html import Markup, tag
from superpose.report.numbers import signed
from superpose.report.png import data_address

__all__ = ["colours", "surface_chart", "surface_reach"]

Array = NDArray[np.float64]

#: Blue below the average, near-white at it, orange above: told apart by colour-blind eyes.
_STOPS = np.array(
    [[28, 74, 138], [111, 159, 211], [246, 244, 240], [226, 154, 98], [150, 58, 8]],
    dtype=np.float64,
)
_PIXELS = 96


def surface_reach(surface: Surface) -> float:
    """The largest contribution in size where there was data."""
    return float(np.abs(surface.mean[surface.seen()]).max(initial=0.0)) or 1.0


def surface_chart(
    surface: Surface, output: int, reach: float, number_of: str, width: float = 460.0
) -> Markup:
    """Draw one output of a surface.

    Parameters
    ----------
    surface : Surface
    output : int
    reach : float
        The contribution of the darkest colours.
    number_of : str
        A page-wide unique id for the hatch.
    width : float, default 460
        In the units in which its text is 12 high.
    """
    mean = surface.mean.reshape(*surface.mean.shape[:2], -1)[..., output]
    supports = surface.supports or (None, None)
    x = _axis(surface.x, surface.kinds[0], supports[0])
    y = _axis(surface.y, surface.kinds[1], supports[1])
    names = [str(v) for v in surface.y] if surface.kinds[1] == "category" else []
    left = 52.0 if not names else float(min(120, 14 + 7 * max(len(crop(n, 14)) for n in names)))
    frame = Frame(
        x.view, y.view, width=width, height=0.6 * width + 54, left=left, bottom=42, right=14, top=24
    )
    numeric = "category" not in surface.kinds
    return frame.svg(
        _hatch(number_of),
        _picture(frame, surface, mean, (x, y), reach, number_of),
        _lines(frame, x.places, y.places, mean, reach) if numeric else None,
        _extremes(frame, surface, mean, (x, y)),
        frame.x_axis(surface.attributes[0], x.labels),
        _y_names(frame, y),
        tag("text", f"↑ {crop(surface.attributes[1], 50)}", x=4, y=14, class_="axis"),
        title=f"Heat map of {surface.name}",
    )


class _Axis:
    """One side of a heat map: places of the lattice, range to draw, labels of levels."""

    def __init__(self, places: Array, view: tuple[float, float], labels: Any) -> None:
        self.places, self.view, self.labels = places, view, labels

    def lattice(self, count: int) -> Array:
        """Lattice position (fractional for numbers) of each of `count` even places in view."""
        low, high = self.view
        at = low + (np.arange(count) + 0.5) / count * (high - low)
        nearest = np.clip(np.round(at), 0, len(self.places) - 1)
        between = np.interp(at, self.places, np.arange(len(self.places)))
        return nearest if self.labels is not None else between


def _axis(values: NDArray[Any], kind: str, support: AttributeSummary | None) -> _Axis:
    if kind == "category":
        labels = [(float(i), crop(str(v), 14)) for i, v in enumerate(values)]
        return _Axis(np.arange(len(values), dtype=np.float64), (-0.5, len(values) - 0.5), labels)
    return _Axis(values, view_of(support, values), None)


def colours(share: Array) -> NDArray[np.uint8]:
    """Red, green and blue for values from -1 to 1 [..., 3].

    Examples
    --------
    >>> import numpy as np
    >>> colours(np.array([-1.0, 0.0, 1.0])).tolist()
    [[28, 74, 138], [246, 244, 240], [150, 58, 8]]
    """
    at = (np.clip(share, -1, 1) + 1) / 2 * (len(_STOPS) - 1)
    stops = np.arange(len(_STOPS))
    return np.stack([np.interp(at, stops, _STOPS[:, c]) for c in range(3)], axis=-1).astype(
        np.uint8
    )


def _picture(
    frame: Frame,
    surface: Surface,
    mean: Array,
    sides: tuple[_Axis, _Axis],
    reach: float,
    number_of: str,
) -> list[Markup]:
    """The hatched ground, and on it the heat map, faint where there was no data."""
    i, j = (side.lattice(_PIXELS) for side in sides)
    height = _bilinear(mean, i, j)
    seen = _bilinear(_soften(surface.seen().astype(np.float64), surface.kinds), i, j)
    opacity = np.uint8(255 * (0.22 + 0.78 * np.clip(seen, 0, 1)))
    pixels = np.dstack([colours(height / reach), opacity]).transpose(1, 0, 2)[::-1]
    place = {
        "x": frame.left,
        "y": frame.top,
        "width": frame.width - frame.left - frame.right,
        "height": frame.height - frame.top - frame.bottom,
    }
    ground = tag("rect", **place, fill=f"url(#hatch-{number_of})", class_="ground")
    picture = tag(
        "image",
        href=data_address(np.ascontiguousarray(pixels)),
        preserveAspectRatio="none",
        class_="heat",
        **place,
    )
    return [ground, picture]


def _soften(seen: Array, kinds: tuple[str, str]) -> Array:
    """Blur the edge of the data along attributes that are numbers: it is not that sharp."""
    for axis, kind in enumerate(kinds):
        for _ in range(4 if kind == "number" else 0):
            ends = [(1, 1) if a == axis else (0, 0) for a in (0, 1)]
            padded = np.pad(seen, ends, mode="edge")
            size = seen.shape[axis]
            a, b, c = (np.take(padded, np.arange(s, s + size), axis=axis) for s in (0, 1, 2))
            seen = (a + 2 * b + c) / 4
    return seen


def _bilinear(z: Array, i: Array, j: Array) -> Array:
    """Values of a lattice at fractional positions [len(i), len(j)]."""
    a, b = np.floor(i).astype(int), np.floor(j).astype(int)
    a2, b2 = np.minimum(a + 1, z.shape[0] - 1), np.minimum(b + 1, z.shape[1] - 1)
    s, t = (i - a)[:, None], (j - b)[None, :]
    top = z[np.ix_(a, b)] * (1 - t) + z[np.ix_(a, b2)] * t
    low = z[np.ix_(a2, b)] * (1 - t) + z[np.ix_(a2, b2)] * t
    return top * (1 - s) + low * s


def _lines(frame: Frame, x: Array, y: Array, mean: Array, reach: float) -> list[Markup]:
    """Contour lines at round heights; the line of zero is the thicker one."""
    drawn = []
    for level in ticks(-reach, reach, most=8):
        pieces = [
            piece
            for piece in contour(x, y, mean, level)
            if all(_inside(frame, *end) for end in piece)
        ]
        path = "".join(
            polyline([(frame.across(a), frame.down(b)) for a, b in piece]) for piece in pieces
        )
        if path:
            drawn.append(
                tag("path", d=path, class_="contour zero-line" if level == 0 else "contour")
            )
    return drawn


def _inside(frame: Frame, a: float, b: float) -> bool:
    return frame.x[0] <= a <= frame.x[1] and frame.y[0] <= b <= frame.y[1]


def _extremes(
    frame: Frame, surface: Surface, mean: Array, sides: tuple[_Axis, _Axis]
) -> list[Markup]:
    """The highest and the lowest contribution, written where they are, within the data."""
    x, y = (side.places for side in sides)
    visible = (
        surface.seen()
        & ((x >= frame.x[0]) & (x <= frame.x[1]))[:, None]
        & ((y >= frame.y[0]) & (y <= frame.y[1]))[None, :]
    )
    if not visible.any():
        return []
    marks = []
    for pick, fill in ((np.argmax, -np.inf), (np.argmin, np.inf)):
        i, j = np.unravel_index(int(pick(np.where(visible, mean, fill))), mean.shape)
        across = min(max(frame.across(x[i]), frame.left + 24), frame.width - frame.right - 24)
        down = min(max(frame.down(y[j]) + 4, frame.top + 14), frame.height - frame.bottom - 6)
        text = signed(float(mean[i, j]), 2)
        marks.append(tag("text", text, x=across, y=down, class_="peak", text_anchor="middle"))
    return marks


def _y_names(frame: Frame, side: _Axis) -> list[Markup]:
    marks = side.labels or [(v, signed(v).lstrip("+")) for v in ticks(*frame.y, most=6)]
    place = frame.left - 8
    return [
        tag("text", label, x=place, y=frame.down(v) + 4, class_="tick", text_anchor="end")
        for v, label in marks
    ]


def _hatch(number_of: str) -> Markup:
    stripe = tag("path", d="M-1,7L7,-1M-1,1L1,-1M5,7L7,5", class_="stripe")
    pattern = tag(
        "pattern",
        stripe,
        id=f"hatch-{number_of}",
        width=6,
        height=6,
        patternUnits="userSpaceOnUse",
    )
    return tag("defs", pattern)
