"""How all figures look, and the one place where matplotlib is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from superpose.errors import InputError
from superpose.optional import optional_package

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

__all__ = [
    "BAND",
    "FALLS",
    "INK",
    "OUTPUTS",
    "QUIET",
    "RISES",
    "axes",
    "diverging",
    "new_figure",
    "tidy",
]

INK = "#22313f"  # lines and text
QUIET = "#8a97a3"  # rugs, histograms, notes
BAND = "#2f6db5"  # the one curve of a figure and its band
RISES, FALLS = "#c2571a", "#2f6db5"  # above and below the average, told apart by colour-blind eyes

#: One colour an output, told apart by colour-blind eyes (Okabe and Ito, darkened for white paper).
OUTPUTS = ("#2f6db5", "#c2571a", "#00795c", "#a8478a", "#8a6d00", "#3f3f3f", "#5aa9d6")


def axes(ax: Axes | None, size: tuple[float, float] = (5.0, 3.6)) -> Axes:
    """The axes to draw on: those given, or those of a new figure.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> from superpose.plots.style import axes
    >>> axes(None).name
    'rectilinear'
    """
    if ax is not None:
        return ax
    _, new = _pyplot().subplots(figsize=size, layout="constrained")
    return new


def new_figure(size: tuple[float, float]) -> Figure:
    """An empty figure for several panels."""
    return _pyplot().figure(figsize=size, layout="constrained")


def check_output(output: int, count: int) -> None:
    """Refuse an output that there is none of."""
    if not 0 <= output < count:
        raise InputError(
            f"output must be from 0 to {count - 1}",
            f"got output={output}",
            "pass the position of a class",
        )


def _pyplot() -> Any:
    return optional_package("matplotlib.pyplot", "figures need", "matplotlib").pyplot


def tidy(ax: Axes, xlabel: str, ylabel: str, title: str = "") -> None:
    """Labels, a light frame and no more ink than the data need."""
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(QUIET)
    ax.tick_params(colors=INK, labelsize=9)
    ax.set_xlabel(xlabel, color=INK)
    ax.set_ylabel(ylabel, color=INK)
    if title:
        ax.set_title(title, color=INK, fontsize=11, loc="left")


def diverging() -> Colormap:
    """Blue below, white at, orange above the average; told apart by colour-blind eyes."""
    from matplotlib.colors import LinearSegmentedColormap

    stops = ("#1f4e8c", "#6f9fd3", "#f7f5f2", "#e29a62", "#9a3d0a")
    return LinearSegmentedColormap.from_list("below and above the average", stops)
