"""The simplest closed form inside the band of a curve."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from superpose.curves.form_fit import FormulaFit, Sighting, fit_form
from superpose.curves.forms import FORMS, Form
from superpose.errors import InputError

FINE = 201  # places at which the distance from the curve is taken


@dataclass(frozen=True, eq=False)
class CurveFormula:
    """The simplest closed form that stays inside a curve's band, with all that were tried.

    Where none stays inside, the one of the largest evidence stands here and ``inside`` is False: it
    is then the best of the library, not a formula of the curve. ``chosen.gap``, ``chosen.largest``
    and ``chosen.r2`` say how far off it is.

    Attributes
    ----------
    chosen : FormulaFit
    ranked : tuple of FormulaFit
        All forms, the largest evidence first.
    """

    chosen: FormulaFit
    ranked: tuple[FormulaFit, ...]

    @property
    def inside(self) -> bool:
        """Whether the chosen form stays inside the band."""
        return self.chosen.inside

    def __str__(self) -> str:
        """Return one line a form: name, evidence, distance in half widths of the band, R²."""
        lines = [f"{'form':18}{'log evidence':>14}{'gap':>10}{'R²':>10}"]
        for fit in self.ranked:
            mark = " <" if fit is self.chosen else ""
            lines.append(
                f"{fit.name:18}{fit.log_evidence:14.4g}{fit.gap:10.3g}{fit.r2:10.5f}{mark}"
            )
        return "\n".join(lines)


def simplest_form(seen: Sighting, forms: Mapping[str, Form] | None = None) -> CurveFormula:
    """Return the simplest form inside the band of a curve, and all others beside it.

    Parameters
    ----------
    seen : Sighting
        The curve and its band.
    forms : mapping of str to Form, optional
        The library; `FORMS` without it.

    Returns
    -------
    CurveFormula
        Of two forms that are equally simple, the one of larger evidence.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.curves import simplest_form, sight
    >>> simplest_form(sight(np.exp, (0, 2), 12, noise=1e-3)).chosen.name
    'exp'
    >>> simplest_form(sight(np.exp, (0, 0.2), 12, noise=1e-2)).chosen.name  # a wide band
    'affine'
    """
    fits = [fit_form(form, seen) for form in (FORMS if forms is None else forms).values()]
    ranked = tuple(sorted(fits, key=lambda fit: -fit.log_evidence))
    inside = [fit for fit in ranked if fit.inside]
    chosen = min(inside, key=lambda fit: fit.form.complexity) if inside else ranked[0]
    return CurveFormula(chosen, ranked)


def sight(
    curve: Callable[[np.ndarray], np.ndarray],
    support: tuple[float, float],
    n_places: int,
    *,
    level: float = 0.95,
    noise: float | None = None,
    covariance: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Sighting:
    """Return a curve with its band, as fits of forms see it.

    The band holds the whole curve at the level: its half width is z standard deviations, z a normal
    quantile at level (1 - level) / 2 shared out over as many independent places as the curve has.

    Parameters
    ----------
    curve : callable
        Values [K] at places [K].
    support : (float, float)
        Where the form must hold.
    n_places : int
        K, places where the curve is compared.
    level : float, default 0.95
        Of the band.
    noise : float, optional
        Standard deviation of the curve's values, all independent, where there is no covariance.
    covariance : callable, optional
        Covariance of the values [K, K] at places [K].

    Returns
    -------
    Sighting

    Raises
    ------
    InputError
        If neither a noise nor a covariance is there, or the support or the level is none.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.curves import sight
    >>> seen = sight(np.sin, (0, 3), 5, noise=0.1)
    >>> seen.x, seen.half_band[0].round(3)  # 2.576 deviations: 95 % for five places at once
    (array([0.  , 0.75, 1.5 , 2.25, 3.  ]), np.float64(0.258))
    """
    low, high = support
    _check(low, high, level, noise, covariance is not None)
    x, fine = np.linspace(low, high, n_places), np.linspace(low, high, FINE)
    if covariance is None:
        assert noise is not None
        root: np.ndarray = np.full(n_places, 1 / noise)
        deviation, count = np.full(FINE, noise), float(n_places)
    else:
        spread = covariance(x)
        deviation = np.sqrt(np.diag(covariance(fine)).clip(0))
        root, count = _white(spread)
        deviation = np.maximum(deviation, 1e-12 * deviation.max())
    z = -float(ndtri((1 - level) / 2 / count))
    return Sighting(x, curve(x), root, fine, curve(fine), z * deviation)


def _white(covariance: np.ndarray) -> tuple[np.ndarray, float]:
    """Return W with Wᵀ W = covariance⁻¹, directions below 1e-10 widened, and how many count."""
    deviation = np.sqrt(np.diag(covariance).clip(1e-300))
    values, vectors = np.linalg.eigh(covariance / np.multiply.outer(deviation, deviation))
    held = values.clip(1e-10 * values.max())
    root = (vectors / np.sqrt(held)).T / deviation
    return root, max(float(values.sum() ** 2 / (values**2).sum()), 1.0)


def _check(
    low: float, high: float, level: float, noise: float | None, has_covariance: bool
) -> None:
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(
            "the support of a curve must be a range of its inputs",
            f"got ({low:g}, {high:g})",
            "train the layer on rows, or pass support=(lowest, highest)",
        )
    if not 0 < level < 1:
        raise InputError("level must be between 0 and 1", f"got level={level}", "pass .95")
    if not has_covariance and (noise is None or not noise > 0):
        raise InputError(
            "a formula needs the curve's band: a covariance of its heights, or noise > 0",
            f"got noise={noise} and no covariance",
            "pass noise=, the standard deviation of the curve's values in its units",
        )
