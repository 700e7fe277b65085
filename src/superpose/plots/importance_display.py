"""The parts in order of importance, with bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from superpose.explain import Importances
from superpose.plots.style import BAND, INK, axes, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ImportanceDisplay"]


class ImportanceDisplay:
    """A bar for each part, the most important on top; the thin line is its 95 % band.

    Parameters
    ----------
    importances : Importances
    most : int, default 20
        How many parts to show.

    Attributes
    ----------
    ax_, figure_
        Axes and figure, after `plot`.
    bars_ : BarContainer
        One bar for each part, from top to bottom.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.explain import Importances
    >>> from superpose.plots import ImportanceDisplay
    >>> one = np.array([1.0, 2.0])
    >>> ranked = Importances.of(["a", "b"], one, one - 0.5, one + 0.5)
    >>> [float(bar.get_width()) for bar in ImportanceDisplay(ranked).plot().bars_]
    [2.0, 1.0]
    """

    def __init__(self, importances: Importances, most: int = 20) -> None:
        self.importances, self.most = importances, most

    @classmethod
    def from_estimator(cls, model: Any, most: int = 20) -> ImportanceDisplay:
        """The importances of a fitted estimator's parts over its training rows."""
        return cls(model.importances_, most)

    def plot(self, ax: Axes | None = None) -> ImportanceDisplay:
        """Draw, and return self.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure if not given.
        """
        ranked, shown = self.importances, slice(self.most)
        values = ranked.values[shown]
        self.ax_ = axes(ax, (5.0, 1.0 + 0.32 * len(values)))
        self.figure_ = self.ax_.figure
        place = np.arange(len(values))
        reach = [values - ranked.lower[shown], ranked.upper[shown] - values]
        self.bars_ = self.ax_.barh(
            place, values, xerr=reach, color=BAND, ecolor=INK, height=0.6, error_kw={"lw": 1.2}
        )
        self.ax_.set_yticks(place, ranked.names[shown])
        self.ax_.invert_yaxis()
        tidy(self.ax_, "importance (root mean square contribution)", "")
        return self
