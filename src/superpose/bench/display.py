"""Loss and CPU-seconds of each side on each table, in one picture.

The room of figures brings torch, so it is imported when a figure is drawn: what is imported here
is in the memory of every process that measures.
"""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

from superpose.bench.account import Account
from superpose.bench.sides import SIDES
from superpose.bench.summary import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["BenchDisplay"]

MARKERS = "osD^vPX"

FARTHEST = 3.0
"""Losses over the lowest of the row beyond this are drawn at it."""


class BenchDisplay:
    """A row a table: left the loss over that of the best side, right the CPU-seconds of a fit.

    Read from left to right: the leftmost mark of a row has the lowest loss (1) or the shortest
    fit. Both axes are logarithmic; a loss of three times the lowest or more stands at the right
    edge, lest one table shrink all others. Sides that have not finished a table have no mark.

    Parameters
    ----------
    found : Account
        What was measured.

    Attributes
    ----------
    figure_, axes_
        Figure and its two axes, after `plot`.
    losses_, cpu_ : dict
        The marks of each side.

    Examples
    --------
    >>> from superpose.bench import BenchDisplay, account
    >>> def cell(side, loss):
    ...     return {"table": "yacht", "fold": 0, "side": side, "status": "measured",
    ...             "loss": loss, "cpu_s": 1.0}
    >>> found = account([cell("superpose", 0.25), cell("splines", 0.5)])
    >>> BenchDisplay(found).plot().losses_["splines"].get_xdata().tolist()
    [2.0]
    """

    def __init__(self, found: Account) -> None:
        self.found = found

    def plot(self) -> BenchDisplay:
        """Draw into a new figure, and return self."""
        from superpose.plots.style import axes, tidy

        names = list(self.found.tables)
        height = 1.6 + 0.27 * len(names)
        self.figure_: Any = axes(None, size=(10.0, height)).figure
        self.figure_.clear()
        self.axes_ = self.figure_.subplots(1, 2, sharey=True)
        left, right = self.axes_
        tables = self.found.tables.values()
        self.losses_ = _marks(left, [_over_best(rows) for rows in tables])
        self.cpu_ = _marks(right, [_values(rows, "cpu_s") for rows in tables])
        left.set_yticks(range(len(names)), names)
        left.invert_yaxis()
        left.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS[:-1]] + [f"{FARTHEST:g} or more"])
        left.minorticks_off()
        tidy(left, "loss over the lowest of the row", "")
        tidy(right, "CPU-seconds of a fit, one thread", "")
        if self.losses_:
            right.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=9)
        return self

    def save(self, path: str | PathLike[str]) -> None:
        """Write the drawn figure to a file and close it.

        Parameters
        ----------
        path : str or path
            A name that ends in .svg, .png or .pdf.
        """
        from matplotlib.pyplot import close

        self.figure_.savefig(path, dpi=150)
        close(self.figure_)


TICKS = (1.0, 1.1, 1.25, 1.5, 2.0, FARTHEST)


def _over_best(rows: list[Row]) -> dict[str, float]:
    losses = _values(rows, "loss")
    best = min(losses.values(), default=1.0)
    return {side: min(loss / best, FARTHEST) for side, loss in losses.items()}


def _values(rows: list[Row], name: str) -> dict[str, float]:
    return {row.side: row.means[name] for row in rows if name in row.means}


def _marks(ax: Axes, tables: list[dict[str, float]]) -> dict[str, Any]:
    """One series a side; y is the place of the table."""
    from superpose.plots.style import OUTPUTS, QUIET

    found: dict[str, Any] = {}
    for side, color, marker in zip(SIDES, OUTPUTS, MARKERS, strict=True):
        points = [(values[side], i) for i, values in enumerate(tables) if side in values]
        if points:
            x, y = zip(*points, strict=True)
            (found[side],) = ax.plot(
                x, y, label=side, color=color, marker=marker, linestyle="none", alpha=0.85
            )
    ax.set_xscale("log")
    ax.grid(axis="y", color=QUIET, alpha=0.25)
    return found
