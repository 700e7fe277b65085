"""A main curve with its band, the data's rug and histogram, and what lies beyond the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from superpose.explain import Curve, simultaneous_bands
from superpose.plots.style import BAND, INK, OUTPUTS, QUIET, RISES, axes, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CurveDisplay"]


class CurveDisplay:
    """A main curve in original units: the line is the estimate, the shade its pointwise band.

    Beyond the data the background is grey and the line dashed. Grey bars at the foot are the
    histogram of the training rows, the ticks below them single values. Few extreme values do not
    squeeze the figure: it then shows the middle 99 % of the rows and says so. Where the curve has a
    simultaneous band, it is the outer, lighter shade, with its name.

    Parameters
    ----------
    curve : Curve

    Attributes
    ----------
    ax_, figure_
        Axes and figure, after `plot`.
    lines_ : list of Line2D
        The curve's line (first) or markers, one for each output, and their dashed ends.
    bands_ : list
        The band of each output.
    whole_bands_ : list
        The simultaneous band of each output; empty where there is none.
    histogram_, rug_
        Where the data are; None where it is not known.
    by_hand_ : list of Line2D
        What a person set, dotted and without a band; empty where nothing was.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.explain import Curve
    >>> from superpose.plots import CurveDisplay
    >>> x = np.linspace(0, 1, 5)
    >>> curve = Curve("age", "number", x, x, x - 1, x + 1, level=0.95, units="price")
    >>> display = CurveDisplay(curve).plot()
    >>> display.ax_.get_xlabel(), display.ax_.get_ylabel()
    ('age', 'adds to price')
    >>> display.lines_[0].get_ydata()
    array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """

    def __init__(self, curve: Curve) -> None:
        self.curve = curve

    @classmethod
    def from_estimator(cls, model: Any, name: str, *, simultaneous: bool = False) -> CurveDisplay:
        """The display of one of a fitted estimator's main curves; with the outer band if asked."""
        if not simultaneous:
            return cls(model.curves_[name])
        curve = simultaneous_bands(model.fit_, model.summary_)[name]
        assert isinstance(curve, Curve)
        return cls(curve)

    def plot(self, ax: Axes | None = None) -> CurveDisplay:
        """Draw, and return self.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure if not given.
        """
        self.ax_ = axes(ax)
        self.figure_ = self.ax_.figure
        self.lines_: list[Any] = []
        self.bands_: list[Any] = []
        self.whole_bands_: list[Any] = []
        self.by_hand_: list[Any] = []
        self.histogram_: Any = None
        self.rug_: Any = None
        units = self.curve.units
        names = (units,) if isinstance(units, str) else units
        for k, name in enumerate(names):
            colour = BAND if len(names) == 1 else OUTPUTS[k % len(OUTPUTS)]
            draw = self._levels if self.curve.kind == "category" else self._line
            draw(k, len(names), colour, name)
            self._by_hand(k)
            self._whole(k, colour)
        self.ax_.axhline(0, color=QUIET, linewidth=0.8, zorder=0)
        if self.curve.kind == "number":
            self._support()
            self._missing()
        if len(names) > 1:
            self.ax_.legend(self.lines_[: len(names)], names, frameon=False, fontsize=8)
        label = f"adds to {units}" if isinstance(units, str) else "contribution"
        tidy(self.ax_, self._x_label(), label)
        return self

    def _band_of(self, k: int) -> list[Any]:
        """Mean, lower and upper of one output [G]."""
        count = len(self.curve.x)
        return [a.reshape(count, -1)[:, k] for a in _arrays(self.curve)]

    def _line(self, k: int, count: int, colour: str, label: str) -> None:
        mean, lower, upper = self._band_of(k)
        x = self.curve.x
        inside = np.where(self.curve.seen(), mean, np.nan)
        self.lines_[k:k] = self.ax_.plot(x, inside, color=colour, linewidth=2, label=label)
        self.lines_ += self.ax_.plot(x, mean, color=colour, linewidth=1, linestyle=(0, (3, 2)))
        alpha = 0.22 if count == 1 else 0.12
        self.bands_.append(self.ax_.fill_between(x, lower, upper, color=colour, alpha=alpha, lw=0))

    def _whole(self, k: int, colour: str) -> None:
        """The band that holds the whole curve, around the pointwise one."""
        band = self.curve.simultaneous
        if band is None:
            return
        count, label = len(self.curve.x), f"holds the whole curve, {100 * band.level:g} %"
        lower, upper = (a.reshape(count, -1)[:, k] for a in (band.lower, band.upper))
        name = label if k == 0 else "_"
        if self.curve.kind == "category":
            place = self.lines_[k].get_xdata()[:count]
            drawn: Any = self.ax_.vlines(place, lower, upper, color=colour, lw=1, label=name)
        else:
            drawn = self.ax_.fill_between(
                self.curve.x, lower, upper, color=colour, alpha=0.1, lw=0, label=name
            )
        self.whole_bands_.append(drawn)
        if k == 0:
            self.ax_.annotate(
                f"outer band {label}", (0.01, 0.99), xycoords="axes fraction", va="top", fontsize=8
            )

    def _by_hand(self, k: int) -> None:
        """Mark what a person set."""
        curve = self.curve
        if curve.by_hand is None:
            return
        mean, x = self._band_of(k)[0], np.arange(len(curve.x))
        mean = np.where(curve.by_hand, mean, np.nan)
        number = curve.kind == "number"
        self.by_hand_ += self.ax_.plot(
            curve.x if number else x, mean, ":" if number else "x", color=RISES, linewidth=3
        )
        if k == 0:
            mark = "dotted" if number else "crossed"
            self.ax_.set_title(f"{mark}: set by hand", fontsize=8, color=RISES, loc="left")

    def _levels(self, k: int, count: int, colour: str, label: str) -> None:
        mean, lower, upper = self._band_of(k)
        names = [str(level) for level in self.curve.x]
        if self.curve.missing is not None:
            m = self.curve.missing
            extra = [np.atleast_1d(v)[k] for v in (m.mean, m.lower, m.upper)]
            mean, lower, upper = (
                np.append(a, e) for a, e in zip((mean, lower, upper), extra, strict=True)
            )
            names.append("missing")
        place = np.arange(len(names)) + (k - (count - 1) / 2) * 0.6 / count
        bars = self.ax_.errorbar(
            place,
            mean,
            yerr=[mean - lower, upper - mean],
            fmt="o",
            color=colour,
            capsize=3,
            label=label,
        )
        self.lines_.insert(k, bars.lines[0])
        self.bands_.append(bars.lines[2][0])
        turn = 40 if len(names) > 6 or max(map(len, names)) > 8 else 0
        self.ax_.set_xticks(
            range(len(names)), names, rotation=turn, ha="right" if turn else "center"
        )

    def _support(self) -> None:
        support = self.curve.support
        if support is None or support.range is None or support.view is None:
            return
        view, whole = support.view, support.range
        room = 0.04 * (view[1] - view[0]) or 0.5
        left, right = view[0] - room, view[1] + room
        for a, b in ((left, whole[0]), (whole[1], right)):
            if a < b:
                self.ax_.axvspan(a, b, color=QUIET, alpha=0.15, linewidth=0)
        edges, counts = np.asarray(support.edges), np.asarray(support.counts)
        share = 0.14 * counts / max(int(counts.max()), 1)
        foot = self.ax_.get_xaxis_transform()
        self.histogram_ = self.ax_.bar(
            edges[:-1], share, np.diff(edges), align="edge", color=QUIET, alpha=0.35, transform=foot
        )
        rug = np.asarray(support.rug)
        self.rug_ = self.ax_.plot(
            rug, np.full(len(rug), 0.008), "|", color=INK, alpha=0.35, markersize=4, transform=foot
        )[0]
        self.ax_.set_xlim(left, right)

    def _missing(self) -> None:
        """What a missing value adds, as a point with its band to the right of the curve."""
        missing = self.curve.missing
        if missing is None:
            return
        left, right = self.ax_.get_xlim()
        place = right + 0.07 * (right - left)
        arrays = (missing.mean, missing.lower, missing.upper)
        for k, (mean, low, high) in enumerate(zip(*map(np.atleast_1d, arrays), strict=True)):
            colour = BAND if np.ndim(missing.mean) == 0 else OUTPUTS[k % len(OUTPUTS)]
            reach = [[mean - low], [high - mean]]
            self.ax_.errorbar([place], [mean], yerr=reach, fmt="s", color=colour, capsize=3)
        self.ax_.set_xlim(left, right + 0.14 * (right - left))
        foot = self.ax_.get_xaxis_transform()
        self.ax_.text(place, 1.0, "missing", transform=foot, ha="center", fontsize=8, color=INK)

    def _x_label(self) -> str:
        support, name = self.curve.support, self.curve.name
        narrowed = support is not None and support.view != support.range
        return f"{name} (middle 99 % of the rows)" if narrowed else name


def _arrays(curve: Curve) -> tuple[Any, Any, Any]:
    return curve.mean, curve.lower, curve.upper
