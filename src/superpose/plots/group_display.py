"""Which part makes the difference between two groups: a waterfall of mean contributions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from superpose.explain import GroupView
from superpose.explain.text import signed
from superpose.plots.style import FALLS, INK, QUIET, RISES, axes, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["GroupDisplay"]


class GroupDisplay:
    """Bars from the mean prediction of one group to that of another, the largest part first.

    Each bar is how much more a part gives the second group on average; each begins where the one
    above it ends, so the bars lead from one mean to the other. The thin line is the 95 % interval
    of the difference over rows. Parts beyond the first `most` are drawn as one bar.

    Parameters
    ----------
    view : GroupView
    first, second : str
        Two of its groups.
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

    Examples
    --------
    >>> import numpy as np
    >>> from superpose import KSTRegressor
    >>> from superpose.explain import by_group
    >>> from superpose.plots import GroupDisplay
    >>> x = np.random.default_rng(0).uniform(-1, 1, (200, 2))
    >>> model = KSTRegressor(pairs=0, terms=0).fit(x, x[:, 0])
    >>> view = by_group(model, x, x[:, 0], np.where(x[:, 0] > 0, "high", "low"))
    >>> [text.get_text() for text in GroupDisplay(view, "low", "high").plot().ax_.get_yticklabels()]
    ['x0', 'x1']
    """

    def __init__(
        self, view: GroupView, first: str, second: str, output: int = 0, most: int = 10
    ) -> None:
        self.view, self.first, self.second = view, first, second
        self.output, self.most = output, most
        self.table = view.difference(first, second, output)

    def plot(self, ax: Axes | None = None) -> GroupDisplay:
        """Draw, and return self.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure if not given.
        """
        view, table = self.view, self.table
        labels = list(table["part"][: self.most])
        values = table["difference"].to_numpy()[: self.most]
        errors = table["error"].to_numpy()[: self.most]
        rest = table["difference"].to_numpy()[self.most :]
        if len(rest):
            labels.append(f"{len(rest)} other parts")
            values, errors = np.append(values, rest.sum()), np.append(errors, 0.0)
        start, end = (
            float(view.predictions[view.groups.index(str(group)), self.output])
            for group in (self.first, self.second)
        )
        ends = start + np.cumsum(values)
        starts = np.concatenate([[start], ends[:-1]])
        self.ax_ = axes(ax, (6.2, 1.3 + 0.38 * len(values)))
        self.figure_ = self.ax_.figure
        colours = [RISES if v > 0 else FALLS for v in values]
        place = np.arange(len(values))
        self.bars_ = self.ax_.barh(place, values, left=starts, color=colours, height=0.62)
        reach = 1.96 * errors
        self.ax_.hlines(place, ends - reach, ends + reach, color=INK, linewidth=1.2)
        self.ax_.axvline(start, color=QUIET, linewidth=1, linestyle=(0, (3, 2)), zorder=0)
        self.ax_.axvline(end, color=INK, linewidth=1.2, zorder=0)
        self.ax_.set_yticks(place, labels)
        self.ax_.invert_yaxis()
        title = f"from {self.first}, {signed(start)}, to {self.second}, {signed(end)}"
        tidy(self.ax_, f"mean {view.outputs.units[self.output]}", "", title)
        return self
