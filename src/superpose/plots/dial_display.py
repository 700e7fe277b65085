"""The dial: loss on rows not seen against what there is to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from superpose.plots.style import BAND, QUIET, RISES, axes, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from superpose.fitting import DialStep

__all__ = ["DialDisplay"]


class DialDisplay:
    """Validation loss against what there is to read, in curves, for every step of the dial.

    The dashed line is the lowest loss. A bar is one standard error of the difference from it, so
    the chosen step is the cheapest to read whose bar reaches the line.

    Parameters
    ----------
    path : sequence of DialStep
        A model's `complexity_path_`.

    Attributes
    ----------
    ax_, figure_
        Axes and figure, after `plot`.
    line_ : Line2D
        Loss against cost to read.
    bars_
        Standard errors.
    chosen_ : Line2D
        The chosen step's marker.

    Examples
    --------
    >>> from types import SimpleNamespace as Step
    >>> from superpose.plots import DialDisplay
    >>> path = [Step(cost=4, loss=0.5, loss_se=0.1, chosen=False, pairs=0, terms=0),
    ...         Step(cost=6, loss=0.3, loss_se=0.0, chosen=True, pairs=1, terms=0)]
    >>> DialDisplay(path).plot().line_.get_xydata().tolist()
    [[4.0, 0.5], [6.0, 0.3]]
    """

    def __init__(self, path: Any) -> None:
        self.path: tuple[DialStep, ...] = tuple(path)

    @classmethod
    def from_estimator(cls, model: Any) -> DialDisplay:
        """The dial of a fitted estimator."""
        return cls(model.complexity_path_)

    def plot(self, ax: Axes | None = None) -> DialDisplay:
        """Draw, and return self.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure if not given.
        """
        self.ax_ = axes(ax)
        self.figure_ = self.ax_.figure
        cost = np.array([step.cost for step in self.path], dtype=np.float64)
        loss = np.array([step.loss for step in self.path], dtype=np.float64)
        error = np.array([step.loss_se for step in self.path], dtype=np.float64)
        self.bars_ = self.ax_.errorbar(
            cost, loss, yerr=error, color=BAND, fmt="o", capsize=3, linewidth=1.5
        )
        self.line_ = self.bars_.lines[0]
        for run in np.split(np.arange(len(cost)), np.flatnonzero(np.diff(cost) < 0) + 1):
            self.ax_.plot(cost[run], loss[run], color=BAND, linewidth=1, alpha=0.6)
        self.ax_.axhline(loss.min(), color=QUIET, linestyle=(0, (3, 2)), linewidth=1)
        picked = np.array([step.chosen for step in self.path], dtype=bool)
        self.chosen_ = self.ax_.plot(
            cost[picked], loss[picked], "o", color=RISES, markersize=11, fillstyle="none", mew=2
        )[0]
        for x, y, step in zip(cost, loss, self.path, strict=True):
            self.ax_.annotate(
                _words(step.pairs, step.terms),
                (x, y),
                xytext=(7, 7),
                textcoords="offset points",
                fontsize=8,
            )
        self.ax_.margins(x=0.15, y=0.15)
        tidy(self.ax_, "what there is to read, in curves", "loss on rows not seen")
        return self


def _words(pairs: int, terms: int) -> str:
    """What a step has besides main curves."""
    counted = [(pairs, "pair"), (terms, "term")]
    words = [f"{n} {name}{'s' if n > 1 else ''}" for n, name in counted if n]
    return " + ".join(words) or "main curves only"
