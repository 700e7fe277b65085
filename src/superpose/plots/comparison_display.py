"""One attribute's curves in two models, and their difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from superpose.explain import Comparison, CurvePair
from superpose.plots.style import INK, OUTPUTS, QUIET, axes, check_output, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ComparisonDisplay"]


class ComparisonDisplay:
    """Both curves with their bands over one axis, and below them their difference with its band.

    Where the band of the difference leaves out zero, the two models say different things.

    Parameters
    ----------
    pair : CurvePair
        One curve of a `Comparison`.
    names : tuple of two str, optional
        What the models are called; "first" and "second" if not given.
    output : int, default 0
        Which output, where there are several classes.

    Attributes
    ----------
    axes_ : list of two Axes
        Of the curves and of the difference, after `plot`.
    figure_
    lines_ : list
        Line (or markers) of the first curve, the second, and the difference.
    bands_ : list
        Their bands.

    Raises
    ------
    InputError
        If there is no such output.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose import KSTRegressor
    >>> from superpose.explain import compare
    >>> from superpose.plots import ComparisonDisplay
    >>> x = np.linspace(0, 1, 50)[:, None]
    >>> first, second = (KSTRegressor(pairs=0, terms=0).fit(x, k * x[:, 0]) for k in (1, 2))
    >>> display = ComparisonDisplay.from_comparison(compare(first, second), "x0").plot()
    >>> [ax.get_ylabel() for ax in display.axes_]
    ['adds to y', 'second less first']
    """

    def __init__(
        self, pair: CurvePair, names: tuple[str, str] = ("first", "second"), output: int = 0
    ) -> None:
        check_output(output, pair.difference.shape[1])
        self.pair, self.names, self.output = pair, names, output

    @classmethod
    def from_comparison(
        cls, comparison: Comparison, name: str, output: int = 0
    ) -> ComparisonDisplay:
        """The display of one attribute's curves."""
        return cls(comparison.curves[name], comparison.names, output)

    def plot(self, ax: Axes | None = None) -> ComparisonDisplay:
        """Draw, and return self.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Its place is divided among the two panels; a new figure if not given.
        """
        whole = axes(ax, (5.0, 4.8))
        self.figure_ = whole.figure
        whole.set_axis_off()
        self.axes_ = [whole.inset_axes((0, 0.42, 1, 0.58)), whole.inset_axes((0, 0, 1, 0.34))]
        self.lines_: list[Any] = []
        self.bands_: list[Any] = []
        pair, k = self.pair, self.output
        for i, name in enumerate(self.names):
            arrays = (pair.means[i, :, k], pair.lowers[i, :, k], pair.uppers[i, :, k])
            self._draw(self.axes_[0], arrays, OUTPUTS[i], name, 0.14 * (2 * i - 1))
        difference = (pair.difference[:, k], pair.lower[:, k], pair.upper[:, k])
        self._draw(self.axes_[1], difference, INK, "", 0.0)
        units = pair.units if isinstance(pair.units, str) else pair.units[k]
        for panel in self.axes_:
            panel.axhline(0, color=QUIET, linewidth=0.8, zorder=0)
            self._frame(panel)
        self.axes_[0].legend(frameon=False, fontsize=8)
        self.axes_[0].tick_params(labelbottom=False)
        tidy(self.axes_[0], "", f"adds to {units}")
        tidy(self.axes_[1], pair.name, f"{self.names[1]} less {self.names[0]}")
        return self

    def _draw(self, ax: Axes, arrays: Any, colour: str, label: str, shift: float) -> None:
        mean, lower, upper = arrays
        if self.pair.kind == "number":
            self.lines_ += ax.plot(self.pair.x, mean, color=colour, linewidth=2, label=label)
            band = ax.fill_between(self.pair.x, lower, upper, color=colour, alpha=0.2, lw=0)
            self.bands_.append(band)
            return
        reach = [mean - lower, upper - mean]
        place = np.arange(len(mean)) + shift
        bars = ax.errorbar(place, mean, yerr=reach, fmt="o", color=colour, capsize=3, label=label)
        self.lines_.append(bars.lines[0])
        self.bands_.append(bars.lines[2][0])

    def _frame(self, ax: Axes) -> None:
        support = self.pair.support
        view = None if support is None else support.view
        if self.pair.kind == "category":
            names = [str(level) for level in self.pair.x]
            turn = 40 if len(names) > 6 or max(map(len, names)) > 8 else 0
            align = "right" if turn else "center"
            ax.set_xticks(range(len(names)), names, rotation=turn, ha=align)
            ax.set_xlim(-0.5, len(names) - 0.5)
        elif view is not None and view[0] < view[1]:
            ax.set_xlim(*view)
