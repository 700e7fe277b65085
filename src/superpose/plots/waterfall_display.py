"""One prediction as a waterfall: from the average row to this one, a part at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from superpose.errors import InputError
from superpose.explain import Explanation
from superpose.explain.text import signed
from superpose.plots.style import FALLS, INK, QUIET, RISES, axes, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["WaterfallDisplay"]


class WaterfallDisplay:
    """Bars from the baseline to the prediction, the largest contribution first.

    Each bar begins where the one above it ends; the thin line over it is the contribution's band.
    Parts beyond the first `most` are drawn as one bar, so the bars always reach the prediction.

    Parameters
    ----------
    explanation : Explanation
    row : int, default 0
        Which of its rows to draw.
    output : int, default 0
        Which output, where there are several classes.
    most : int, default 10
        How many parts get a bar of their own.

    Attributes
    ----------
    ax_, figure_
        Axes and figure, after `plot`.
    bars_ : BarContainer
        One bar for each shown part, from top to bottom.
    bands_ : LineCollection
        The bands of the bars that are one part.

    Raises
    ------
    InputError
        If there is no such row or output.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.explain import Explanation, Outputs
    >>> from superpose.plots import WaterfallDisplay
    >>> values = np.array([[[0.5], [-2.0]]])
    >>> total = np.array([[-0.5]])
    >>> explanation = Explanation(("a", "b"), values, values - 1, values + 1, np.array([1.0]),
    ...                           total, total - 1, total + 1, np.array([["a = 3", "b = 7"]]),
    ...                           0.95, Outputs("price"))
    >>> display = WaterfallDisplay(explanation).plot()
    >>> for bar in display.bars_:
    ...     print(f"from {bar.get_x():.1f} by {bar.get_width():+.1f}")
    from 1.0 by -2.0
    from -1.0 by +0.5
    """

    def __init__(
        self, explanation: Explanation, row: int = 0, output: int = 0, most: int = 10
    ) -> None:
        rows, _, outputs = explanation.values.shape
        for name, value, size in (("row", row, rows), ("output", output, outputs)):
            if not 0 <= value < size:
                raise InputError(
                    f"{name} must be from 0 to {size - 1}",
                    f"got {name}={value}",
                    f"pass one of the explanation's {name}s",
                )
        self.explanation, self.row, self.output, self.most = explanation, row, output, most

    @classmethod
    def from_estimator(cls, model: Any, X: Any, row: int = 0, output: int = 0) -> WaterfallDisplay:
        """The display of a fitted estimator's prediction for one row of a table."""
        return cls(model.explain(X), row, output)

    def plot(self, ax: Axes | None = None) -> WaterfallDisplay:
        """Draw, and return self.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure if not given.
        """
        labels, values, lower, upper = self._steps()
        self.ax_ = axes(ax, (6.2, 1.3 + 0.38 * len(values)))
        self.figure_ = self.ax_.figure
        start = float(self.explanation.start[self.row, self.output])
        ends = start + np.cumsum(values)
        starts = np.concatenate([[start], ends[:-1]])
        place = np.arange(len(values))
        colours = [RISES if v > 0 else FALLS for v in values]
        self.bars_ = self.ax_.barh(place, values, left=starts, color=colours, height=0.62)
        one = ~np.isnan(lower)
        self.bands_ = self.ax_.hlines(
            place[one], starts[one] + lower[one], starts[one] + upper[one], color=INK, linewidth=1.2
        )
        for i, value in enumerate(values):
            self.ax_.annotate(
                signed(float(value)),
                (max(starts[i], ends[i], starts[i] + np.nan_to_num(upper[i], nan=-np.inf)), i),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
                color=INK,
            )
        self._frame(labels, start, float(ends[-1]) if len(ends) else start)
        return self

    def _steps(self) -> tuple[list[str], Any, Any, Any]:
        """Labels, contributions and bands of the bars; what is drawn together has no band."""
        e, i, k = self.explanation, self.row, self.output
        order = np.argsort(-np.abs(e.values[i, :, k]), kind="stable")
        shown, rest = order[: self.most], order[self.most :]
        labels = [str(e.data[i, j]) for j in shown]
        values, lower, upper = (a[i, shown, k] for a in (e.values, e.lower, e.upper))
        if len(rest):
            labels.append(f"{len(rest)} other parts")
            values = np.append(values, e.values[i, rest, k].sum())
            lower, upper = np.append(lower, np.nan), np.append(upper, np.nan)
        return labels, values, lower, upper

    def _frame(self, labels: list[str], start: float, end: float) -> None:
        ax, e = self.ax_, self.explanation
        ax.axvline(start, color=QUIET, linewidth=1, linestyle=(0, (3, 2)), zorder=0)
        ax.axvline(end, color=INK, linewidth=1.2, zorder=0)
        ax.set_yticks(range(len(labels)), labels)
        ax.invert_yaxis()
        ax.margins(x=0.14)
        unit = e.outputs.units[self.output]
        known = "" if e.offset is None else " and the offset"
        title = f"from the average{known}, {signed(start)}, to the prediction, {signed(end)}"
        tidy(ax, unit, "", title)
