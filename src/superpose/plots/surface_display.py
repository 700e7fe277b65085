"""A pair, or a term of two attributes, as a heat map that fades where there was no data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from superpose.explain import Surface
from superpose.plots.style import QUIET, axes, check_output, diverging, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["SurfaceDisplay"]


class SurfaceDisplay:
    """A surface as a heat map: orange raises the prediction, blue lowers it, white leaves it.

    The lattice is drawn in original units. Where no training row was near, colours fade to grey.
    The thin line is where the surface is zero.

    Parameters
    ----------
    surface : Surface
    output : int, default 0
        Which output to draw, where there are several classes.

    Attributes
    ----------
    ax_, figure_
        Axes and figure, after `plot`.
    mesh_ : QuadMesh
        The heat map; its array is the surface, transposed.
    shade_ : QuadMesh
        The grey over cells without data.
    colorbar_
        The scale.

    Raises
    ------
    InputError
        If there is no such output.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.explain import Surface
    >>> from superpose.plots import SurfaceDisplay
    >>> x = np.array([0.0, 1.0, 2.0])
    >>> mean = np.outer(x - 1, x - 1)
    >>> surface = Surface("a × b", ("a", "b"), ("number", "number"), x, x, mean, mean - 1, mean + 1,
    ...                   level=0.95, units="price")
    >>> display = SurfaceDisplay(surface).plot()
    >>> display.ax_.get_xlabel(), display.ax_.get_ylabel(), display.mesh_.get_clim()
    ('a', 'b', (-1.0, 1.0))
    """

    def __init__(self, surface: Surface, output: int = 0) -> None:
        self.surface, self.output = surface, output
        self.mean = surface.mean.reshape(*surface.mean.shape[:2], -1)
        check_output(output, self.mean.shape[2])

    @classmethod
    def from_estimator(cls, model: Any, name: str, output: int = 0) -> SurfaceDisplay:
        """The display of one of a fitted estimator's pairs, or of a term of two attributes."""
        pairs = model.pairs_
        return cls(pairs[name] if name in pairs else model.terms_[name].surface, output)

    def plot(self, ax: Axes | None = None) -> SurfaceDisplay:
        """Draw, and return self.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure if not given.
        """
        self.ax_ = axes(ax, (5.2, 4.2))
        self.figure_ = self.ax_.figure
        surface, mean = self.surface, self.mean[..., self.output]
        x, y = (
            _places(values, kind)
            for values, kind in zip(_values(surface), surface.kinds, strict=True)
        )
        reach = float(np.abs(mean[surface.seen()]).max(initial=0.0)) or 1.0
        self.mesh_ = self.ax_.pcolormesh(
            x,
            y,
            mean.T,
            cmap=diverging(),
            vmin=-reach,
            vmax=reach,
            shading="nearest",
            rasterized=True,
        )
        unseen = np.ma.masked_where(surface.seen().T, np.ones(mean.T.shape))
        self.shade_ = self.ax_.pcolormesh(
            x,
            y,
            unseen,
            cmap="Greys",
            vmin=0,
            vmax=2,
            alpha=0.75,
            shading="nearest",
            rasterized=True,
        )
        if "category" not in surface.kinds and mean.min() < 0 < mean.max():
            self.ax_.contour(x, y, mean.T, levels=[0], colors=QUIET, linewidths=0.8)
        self._label_axes()
        units = surface.units if isinstance(surface.units, str) else surface.units[self.output]
        self.colorbar_ = self.figure_.colorbar(self.mesh_, ax=self.ax_, label=f"adds to {units}")
        tidy(self.ax_, *surface.attributes, title=surface.name)
        return self

    def _label_axes(self) -> None:
        surface = self.surface
        for k, (values, kind) in enumerate(zip(_values(surface), surface.kinds, strict=True)):
            axis = (self.ax_.xaxis, self.ax_.yaxis)[k]
            view = surface.supports[k].view if surface.supports else None
            if kind == "category":
                axis.set_ticks(range(len(values)), [str(v) for v in values])
            elif view is not None and view[0] < view[1]:
                axis.set_view_interval(*view, ignore=True)


def _values(surface: Surface) -> tuple[Any, Any]:
    return surface.x, surface.y


def _places(values: Any, kind: str) -> Any:
    return np.arange(len(values)) if kind == "category" else np.asarray(values, dtype=np.float64)
