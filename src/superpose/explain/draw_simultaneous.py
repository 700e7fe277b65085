"""From a fitted model to bands that hold whole curves and surfaces.

Source: Ruppert, Wand and Carroll (2003), *Semiparametric Regression*, section 6.5.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from superpose.errors import InputError
from superpose.explain.curve import Curve
from superpose.explain.grids import rows_at
from superpose.explain.parts import encode, part_names, parts_of
from superpose.explain.read_curves import curves
from superpose.explain.read_surfaces import surfaces
from superpose.explain.simultaneous import SimultaneousBand
from superpose.explain.summary import TrainingSummary
from superpose.explain.surface import Surface

if TYPE_CHECKING:
    from superpose.fitting import Fit

__all__ = ["simultaneous_bands"]

Array = NDArray[np.float64]

_CHUNK = 500  # draws at a time


def simultaneous_bands(
    fit: Fit,
    summary: TrainingSummary | None = None,
    *,
    level: float = 0.95,
    draws: int = 10_000,
    random_state: int = 0,
) -> dict[str, Curve | Surface]:
    r"""Every main curve and pair with the band that holds all of it at once.

    With posterior mean g and standard deviation sd of a curve f on its grid, where there were rows,

    .. math:: g(x) \pm c\,\mathrm{sd}(x), \qquad P(\max_x |f(x) - g(x)| / \mathrm{sd}(x) \le c)
        = \mathrm{level};

    c is the quantile of this maximum over curves drawn from the posterior (Ruppert, Wand and
    Carroll 2003, section 6.5). What the prior leaves open between control points is drawn anew at
    each place, which errs to the wide side. Each curve, and each of several outputs, has a band of
    its own: it is not the band of all curves together.

    Parameters
    ----------
    fit : Fit
    summary : TrainingSummary, optional
        Gives names to the outputs, and says where there were rows.
    level : float
        Probability that the band holds the whole curve.
    draws : int
        Curves drawn. The level then has a standard error of
        :math:`\sqrt{\mathrm{level}(1 - \mathrm{level}) / \mathrm{draws}}`, .2 % by default.
    random_state : int
        Seed of the draws; the same seed gives the same band.

    Returns
    -------
    dict of str to Curve or Surface
        In the order of the parts, terms left out: those of `curves` and `surfaces` at this level,
        with `simultaneous` set. ``lower`` and ``upper`` stay pointwise.

    Raises
    ------
    InputError
        If the level is not between 0 and 1, or there are fewer than 100 draws.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose import KSTRegressor
    >>> from superpose.explain import simultaneous_bands
    >>> x = np.linspace(0, 1, 50)[:, None]
    >>> y = 3 * x[:, 0] + np.random.default_rng(0).normal(0, 0.1, 50)
    >>> model = KSTRegressor(pairs=0, terms=0).fit(x, y)
    >>> curve = simultaneous_bands(model.fit_, model.summary_)["x0"]
    >>> bool((curve.simultaneous.upper >= curve.upper)[curve.seen()].all())
    True
    """
    if not 0 < level < 1 or draws < 100:
        raise InputError(
            "level must be between 0 and 1, and draws 100 or more",
            f"found level={level!r}, draws={draws!r}",
            "take level=0.95 and draws=10_000, for instance",
        )
    found: dict[str, Curve | Surface] = {}
    read: dict[str, Curve | Surface] = {
        **curves(fit, summary, level=level),
        **surfaces(fit, summary, level=level),
    }
    for index, (part, name) in enumerate(zip(parts_of(fit), part_names(fit), strict=True)):
        if part.kind != "term":
            chance = torch.Generator().manual_seed(random_state)
            thing = read[name]
            band = _band(fit, index, thing, level, draws, chance)
            found[name] = replace(thing, simultaneous=band)
    return found


def _band(
    fit: Fit, index: int, thing: Curve | Surface, level: float, draws: int, chance: torch.Generator
) -> SimultaneousBand:
    """The band of one part on the grid on which it was read."""
    seen = thing.seen()
    factor, left_open = fit.posterior.part_factor(index, encode(fit, _rows(fit, index, thing)))
    shape = (*seen.shape, len(factor))
    mean = np.asarray(thing.mean).reshape(shape)
    sd = ((factor**2).sum(2).mT + left_open).sqrt()
    kept = torch.as_tensor(seen.ravel()) & (sd > 0).any(1)
    reach = [
        _reach(factor[k, kept], left_open[kept, k], level, draws, chance)
        for k in range(len(factor))
    ]
    width = np.where(seen[..., None], sd.numpy().reshape(shape) * np.array(reach), np.nan)
    squeezed = np.asarray(thing.mean).shape
    return SimultaneousBand(
        lower=(mean - width).reshape(squeezed),
        upper=(mean + width).reshape(squeezed),
        level=level,
        error=float(np.sqrt(level * (1 - level) / draws)),
        reach=reach[0] if len(reach) == 1 else np.array(reach),
    )


def _rows(fit: Fit, index: int, thing: Any) -> Array:
    """The rows that a curve or a surface was read at: codes for names of levels."""
    part, columns = parts_of(fit)[index], []
    grids = [thing.x, thing.y] if isinstance(thing, Surface) else [thing.x]
    for p, grid in zip(part.attributes, grids, strict=True):
        number = fit.network.attributes[p].kind == "number"
        columns.append(np.asarray(grid if number else np.arange(len(grid)), dtype=np.float64))
    mesh = np.meshgrid(*columns, indexing="ij")
    values = dict(zip(part.attributes, (it.ravel() for it in mesh), strict=True))
    return rows_at(values, len(fit.network.attributes))


def _reach(
    factor: torch.Tensor,
    left_open: torch.Tensor,
    level: float,
    draws: int,
    chance: torch.Generator,
) -> float:
    """How many standard deviations the largest deviation of a drawn curve stays within."""
    if not len(factor):
        return 0.0
    sd = ((factor**2).sum(1) + left_open).sqrt().clamp(min=1e-300)[:, None]
    largest = []
    for count in [_CHUNK] * (draws // _CHUNK) + [draws % _CHUNK]:
        own, alone = (
            torch.randn(size, count, generator=chance, dtype=torch.float64)
            for size in (factor.shape[1], len(factor))
        )
        drawn = factor @ own + left_open.sqrt()[:, None] * alone
        largest.append((drawn / sd).abs().amax(0))
    return float(torch.cat(largest).quantile(level))
