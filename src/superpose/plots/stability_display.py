"""A main curve with its refits on resampled rows behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from superpose.explain import CurveSpread, Stability
from superpose.plots.curve_display import CurveDisplay
from superpose.plots.style import QUIET, axes, check_output

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["StabilityDisplay"]


class StabilityDisplay:
    """The model's curve and band in front, the curve of every refit in grey behind.

    Where the grey curves fan out beyond the band, the band promises too much; where they agree on a
    bend, the bend is in the data.

    Parameters
    ----------
    spread : CurveSpread
        One curve of a `Stability`.
    output : int, default 0
        Which output, where there are several classes.

    Attributes
    ----------
    ax_, figure_
        Axes and figure, after `plot`.
    curve_ : CurveDisplay
        What is drawn in front.
    refits_ : list of Line2D
        One for each refit.

    Raises
    ------
    InputError
        If there is no such output.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.explain import Curve, CurveSpread
    >>> from superpose.plots import StabilityDisplay
    >>> x = np.linspace(0, 1, 5)
    >>> curve = Curve("age", "number", x, x, x - 1, x + 1, level=0.95, units="price")
    >>> spread = CurveSpread(curve, np.stack([x + 0.1, x - 0.1])[..., None], 0.1, 1.0)
    >>> len(StabilityDisplay(spread).plot().refits_)
    2
    """

    def __init__(self, spread: CurveSpread, output: int = 0) -> None:
        check_output(output, spread.refits.shape[2])
        self.spread, self.output = spread, output

    @classmethod
    def from_stability(cls, stability: Stability, name: str, output: int = 0) -> StabilityDisplay:
        """The display of one attribute's curve."""
        return cls(stability.curves[name], output)

    def plot(self, ax: Axes | None = None) -> StabilityDisplay:
        """Draw, and return self.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure if not given.
        """
        self.ax_ = axes(ax)
        self.figure_ = self.ax_.figure
        curve, refits = self.spread.curve, self.spread.refits[..., self.output]
        number = curve.kind == "number"
        x = curve.x if number else np.arange(len(curve.x))
        style: dict[str, Any] = {"color": QUIET, "alpha": 0.5, "zorder": 1}
        style |= (
            {"linewidth": 0.8} if number else {"marker": "_", "linestyle": "", "markersize": 14}
        )
        self.refits_ = [self.ax_.plot(x, refit, **style)[0] for refit in refits]
        self.curve_ = CurveDisplay(curve.of(self.output)).plot(self.ax_)
        inside = f"{self.spread.inside:.0%}".replace("%", " %")
        title = f"{len(refits)} refits; {inside} inside the band"
        self.ax_.set_title(title, fontsize=9, color=QUIET, loc="left")
        return self
