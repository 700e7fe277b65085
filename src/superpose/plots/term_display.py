"""A term as it is read: one panel for each inner curve, then the outer curve of their sum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from superpose.explain import InnerCurve, Term
from superpose.plots.style import BAND, INK, OUTPUTS, QUIET, axes, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["TermDisplay"]


class TermDisplay:
    """Inner curves from left to right, and last the outer curve with its band.

    Read it as two steps: look up what each attribute adds to the inner sum, add these up, and look
    up in the last panel what the term adds to the prediction for that sum. Grey bars show where the
    sums of the training rows lie.

    Parameters
    ----------
    term : Term

    Attributes
    ----------
    axes_ : list of Axes
        One for each inner curve, then the outer one's, after `plot`.
    figure_
    inner_lines_ : list
        Line (or markers) of each inner curve.
    outer_lines_ : list of Line2D
        The outer curve, one for each output.
    bands_ : list
        Its band, one for each output.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.explain import InnerCurve, Term
    >>> from superpose.plots import TermDisplay
    >>> x = np.array([0.0, 1.0])
    >>> inner = {name: InnerCurve(name, "number", x, x) for name in "ab"}
    >>> term = Term("term 1 (a, b)", ("a", "b"), inner, 2 * x, x, x - 1, x + 1, 0.95, "price")
    >>> [ax.get_xlabel() for ax in TermDisplay(term).plot().axes_]
    ['a', 'b', 'inner sum']
    """

    def __init__(self, term: Term) -> None:
        self.term = term

    @classmethod
    def from_estimator(cls, model: Any, name: str) -> TermDisplay:
        """The display of one of a fitted estimator's terms."""
        return cls(model.terms_[name])

    def plot(self, ax: Axes | None = None) -> TermDisplay:
        """Draw, and return self.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Its place is divided among the panels; a new figure if not given.
        """
        count = len(self.term.inner) + 1
        whole = axes(ax, (2.6 * count, 2.8))
        self.figure_ = whole.figure
        whole.set_axis_off()
        width = 1 / (count + 0.35 * (count - 1))
        self.axes_ = [whole.inset_axes((i * 1.35 * width, 0, width, 1)) for i in range(count)]
        self.inner_lines_: list[Any] = []
        for panel, curve in zip(self.axes_, self.term.inner.values(), strict=False):
            self._inner(panel, curve)
        self._share_inner_scale()
        self._outer(self.axes_[-1])
        whole.set_title(self.term.name, color=INK, fontsize=11, loc="left", pad=14)
        return self

    def _inner(self, ax: Axes, curve: InnerCurve) -> None:
        ax.axhline(0, color=QUIET, linewidth=0.8, zorder=0)
        if curve.kind == "category":
            place = range(len(curve.x))
            self.inner_lines_ += ax.plot(place, curve.value, "o", color=INK)
            ax.set_xticks(place, [str(v) for v in curve.x], rotation=40, ha="right")
        else:
            self.inner_lines_ += ax.plot(curve.x, curve.value, color=INK, linewidth=1.8)
            view = None if curve.support is None else curve.support.view
            if view is not None and view[0] < view[1]:
                ax.set_xlim(*view)
        tidy(ax, curve.name, "adds to the inner sum" if ax is self.axes_[0] else "")

    def _share_inner_scale(self) -> None:
        """Inner curves are summed, so they are drawn on one scale."""
        values = np.concatenate([curve.value for curve in self.term.inner.values()])
        low, high = float(values.min()), float(values.max())
        room = 0.06 * (high - low) or 0.1
        for ax in self.axes_[:-1]:
            ax.set_ylim(low - room, high + room)

    def _outer(self, ax: Axes) -> None:
        term = self.term
        names = (term.units,) if isinstance(term.units, str) else term.units
        self.outer_lines_: list[Any] = []
        self.bands_: list[Any] = []
        arrays = [a.reshape(len(term.h), -1) for a in (term.mean, term.lower, term.upper)]
        for k, name in enumerate(names):
            colour = BAND if len(names) == 1 else OUTPUTS[k % len(OUTPUTS)]
            mean, lower, upper = (a[:, k] for a in arrays)
            self.outer_lines_ += ax.plot(term.h, mean, color=colour, linewidth=2, label=name)
            self.bands_.append(ax.fill_between(term.h, lower, upper, color=colour, alpha=0.2, lw=0))
        if term.edges is not None and term.counts is not None:
            share = 0.14 * term.counts / max(int(term.counts.max()), 1)
            foot = ax.get_xaxis_transform()
            widths = np.diff(term.edges)
            ax.bar(
                term.edges[:-1],
                share,
                widths,
                align="edge",
                color=QUIET,
                alpha=0.35,
                transform=foot,
            )
        ax.axhline(0, color=QUIET, linewidth=0.8, zorder=0)
        if len(names) > 1:
            ax.legend(frameon=False, fontsize=7)
        label = f"adds to {term.units}" if isinstance(term.units, str) else "contribution"
        tidy(ax, "inner sum", label)
