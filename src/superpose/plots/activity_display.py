"""Energy of a network of events: what a step costs, beside the networks it is held against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from superpose.errors import InputError
from superpose.plots.style import BAND, INK, RISES, axes, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ActivityDisplay"]


class ActivityDisplay:
    """Nanojoules a step under one cost table, a bar a network: arithmetic, and memory on it.

    Parameters
    ----------
    report : ActivityReport
        Of `superpose.sequences.activity_report`, or any object with its `energy`.
    table : str, default "45 nm, 32-bit float"
        Name of the cost table.

    Attributes
    ----------
    ax_, figure_
        Axes and figure, after `plot`.
    bars_ : list of BarContainer
        Arithmetic, then memory; a network that a device cannot run has no bar.

    Raises
    ------
    InputError
        If there is no such table.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import pandas as pd
    >>> from superpose.plots import ActivityDisplay
    >>> rows = [["diffused", "INT8", 1.0, 2.0], ["plain", "INT8", 3.0, 8.0]]
    >>> energy = pd.DataFrame(rows, columns=["network", "table", "arithmetic", "memory"])
    >>> display = ActivityDisplay(SimpleNamespace(energy=lambda: energy), "INT8").plot()
    >>> [float(bar.get_width()) for bar in display.bars_[1]]
    [2.0, 8.0]
    """

    def __init__(self, report: Any, table: str = "45 nm, 32-bit float") -> None:
        energy = report.energy()
        if table not in set(energy.table):
            raise InputError(
                f"table must be one of {', '.join(energy.table.unique())}",
                f"got table={table!r}",
                "pass one of these names",
            )
        self.table, self.energy = table, energy[energy.table == table]

    def plot(self, ax: Axes | None = None) -> ActivityDisplay:
        """Draw, and return self.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure if not given.
        """
        self.ax_ = axes(ax, (5.5, 2.4))
        self.figure_ = self.ax_.figure
        names = list(self.energy.network)
        left = np.zeros(len(names))
        self.bars_ = []
        for part, colour in (("arithmetic", BAND), ("memory", RISES)):
            width = self.energy[part].to_numpy(np.float64)
            width = np.where(np.isnan(width), 0.0, width)
            self.bars_.append(self.ax_.barh(names, width, left=left, color=colour, label=part))
            left = left + width
        for row, total in enumerate(left):
            words = f" {total:.3g}" if total else " does not run here"
            self.ax_.annotate(words, (total, row), va="center", fontsize=8, color=INK)
        self.ax_.invert_yaxis()
        self.ax_.margins(x=0.15)
        self.ax_.legend(frameon=False, fontsize=8)
        tidy(self.ax_, "nJ a step", "", self.table)
        return self
