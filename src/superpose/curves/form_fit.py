"""The fit of one closed form to a curve: variable projection, then errors and evidence.

Source: Golub and Pereyra (1973), SIAM J. Numer. Anal. 10:413, with the shorter Jacobian of Kaufman
(1975): c and d follow from a and b by least squares, and Gauss-Newton steps move a and b alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from superpose.curves.forms import Form

STEPS = 60  # of one start; most need ten
TRIED = 2  # best starts of the grid that are followed


@dataclass(frozen=True, eq=False)
class FormulaFit:
    """A closed form fitted to a curve: c F(a x + b) + d, and how far it is from the curve.

    Attributes
    ----------
    form : Form
    parameters : tuple of float
        a, b, c, d, in units of the curve's input.
    errors : tuple of float
        Their standard errors; 0 for what is not free, infinite for what the curve leaves open.
    log_evidence : float
        -½ χ² - ½ k log K - complexity · log 2, k parameters seen at K places: Schwarz's
        approximation (1978) with a prior that halves with every unit of complexity. Only
        differences between forms of one curve mean something.
    gap : float
        Largest distance from the curve, in half widths of its band: inside up to 1.
    largest : float
        Largest distance from the curve, in its units.
    r2 : float
        Share of the curve's variance over its support that the form explains.
    """

    form: Form
    parameters: tuple[float, float, float, float]
    errors: tuple[float, float, float, float]
    log_evidence: float
    gap: float
    largest: float
    r2: float

    @property
    def name(self) -> str:
        """The name of the form."""
        return self.form.name

    @property
    def inside(self) -> bool:
        """Whether the form stays inside the band of the curve."""
        return self.gap <= 1.0

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return the form at x [N]."""
        return self.form.curve(x, *self.parameters)

    def expression(self, x: Any) -> Any:
        """Return the form of x, a symbol or an expression of sympy, as one of its expressions."""
        a, b, c, d = self.parameters
        sympy = import_module("sympy")  # where x comes from
        return c * self.form.write(sympy, a * x + b) + d


@dataclass(frozen=True, eq=False)
class Sighting:
    """A curve as a fit of forms sees it: K values, and how well each is known.

    Attributes
    ----------
    x, values : array [K]
    root : array [K, K] or [K]
        W with Wᵀ W the inverse covariance of the values, or its diagonal.
    fine, fine_values, half_band : array [L]
        Places, the curve there and half the width of its band, for the distance.
    """

    x: np.ndarray
    values: np.ndarray
    root: np.ndarray
    fine: np.ndarray
    fine_values: np.ndarray
    half_band: np.ndarray

    def white(self, columns: np.ndarray) -> np.ndarray:
        """Return W times columns [K, ..]."""
        if self.root.ndim == 2:
            return self.root @ columns
        return (self.root * columns.T).T


def fit_form(form: Form, seen: Sighting) -> FormulaFit:
    """Return the best curve of a form through what was seen of one.

    Parameters
    ----------
    form : Form
    seen : Sighting

    Returns
    -------
    FormulaFit

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.curves import FORMS, fit_form, sight
    >>> seen = sight(lambda x: 2 * np.sin(3 * x) + 1, (-1, 1), 20, noise=0.01)
    >>> fit = fit_form(FORMS["sin"], seen)
    >>> np.round(fit.parameters, 6) + 0.0
    array([3., 0., 2., 1.])
    >>> np.round(fit.errors, 4), fit.inside
    (array([0.0025, 0.0016, 0.0033, 0.0022]), True)
    """
    low, high = seen.x.min(), seen.x.max()
    centre, half = (low + high) / 2, (high - low) / 2
    t = (seen.x - centre) / half
    target, ones = seen.white(seen.values), seen.white(np.ones_like(t))
    with np.errstate(all="ignore"):
        problem = _Projection(form, t, target, ones, seen)
        found = [problem.descend(start) for start in problem.best_starts()]
        _, a, b, c, d = min(found)
        parameters = form.normal(a / half, b - a * centre / half, c, d)
        return _measured(form, parameters, seen)


class _Projection:
    """The sum of squares as a function of (a, b) alone."""

    def __init__(
        self, form: Form, t: np.ndarray, target: np.ndarray, ones: np.ndarray, seen: Sighting
    ) -> None:
        self.form, self.t, self.seen = form, t, seen
        self.one = ones / math.sqrt(float(ones @ ones))
        self.ones, self.target = ones, target
        self.rest = self._past(target)

    def _past(self, columns: np.ndarray) -> np.ndarray:
        """Return what constants leave of white columns [K, ..]."""
        return (
            columns - np.multiply.outer(self.one, self.one @ columns)
            if columns.ndim > 1
            else (columns - self.one * (self.one @ columns))
        )

    def best_starts(self) -> np.ndarray:
        """Return the starts of the form from which the descent is worth its time."""
        a, b = self.form.starts.T
        shapes = self.form.value(np.multiply.outer(self.t, a) + b)
        shapes = self._past(self.seen.white(shapes))
        size = (shapes**2).sum(0)
        gain = np.where(size > 0, (self.rest @ shapes) ** 2 / np.where(size > 0, size, 1), 0.0)
        return self.form.starts[np.argsort(-np.nan_to_num(gain, nan=-1.0))[:TRIED]]

    def at(self, a: float, b: float) -> tuple[float, float, np.ndarray, np.ndarray]:
        """Return the sum of squares, c, the white shape apart from constants, and the residual."""
        argument = a * self.t + b
        if self.form.positive and argument.min() <= 0:
            return math.inf, 0.0, self.rest, self.rest
        shape = self._past(self.seen.white(self.form.value(argument)))
        size = float(shape @ shape)
        if not 0 < size < math.inf:
            c, residual = 0.0, self.rest
        else:
            c = float(self.rest @ shape) / size
            residual = self.rest - c * shape
        return float(residual @ residual), c, shape, residual

    def descend(self, start: np.ndarray) -> tuple[float, float, float, float, float]:
        """Return the sum of squares and a, b, c, d where Levenberg and Marquardt's steps end."""
        point = start.copy()
        free = [k for k, name in enumerate("ab") if name in self.form.free]
        squares, c, shape, residual = self.at(*point)
        damping, lost = 1e-3, 1e-30 * float(self.rest @ self.rest)
        for _ in range(STEPS if free else 0):
            by_t = c * self.form.slope(point[0] * self.t + point[1])
            slopes = self.seen.white(np.stack([by_t * self.t, by_t], 1)[:, free])
            slopes = self._past(slopes)
            slopes -= np.multiply.outer(shape, shape @ slopes) / max(float(shape @ shape), 1e-300)
            normal, pull = slopes.T @ slopes, slopes.T @ residual
            if not np.isfinite(normal).all() or not (pull**2).sum() > 0:
                break
            step = np.zeros(2)
            weight = damping * np.diag(normal) + 1e-14 * np.trace(normal)
            step[free] = np.linalg.lstsq(normal + np.diag(weight), pull)[0]
            tried = self.at(*(point + step))
            if tried[0] < squares:
                gained = squares - tried[0]
                point, (squares, c, shape, residual) = point + step, tried
                damping = max(damping / 9, 1e-12)
                if gained <= 1e-9 * squares or squares <= lost:
                    break
            else:
                damping *= 6
                if damping > 1e9:
                    break
        a, b = point
        left = self.target - c * self.seen.white(self.form.value(a * self.t + b))
        d = float(self.ones @ left) / float(self.ones @ self.ones)
        return squares, float(a), float(b), c, d


def _measured(
    form: Form, parameters: tuple[float, float, float, float], seen: Sighting
) -> FormulaFit:
    """Return the fit with its errors, evidence and distances."""
    residual = seen.white(seen.values - form.curve(seen.x, *parameters))
    squares, count = float(residual @ residual), len(seen.x)
    away = np.abs(seen.fine_values - form.curve(seen.fine, *parameters))
    away[~np.isfinite(away)] = math.inf
    total = float(((seen.fine_values - seen.fine_values.mean()) ** 2).sum())
    r2 = 1 - float((away**2).sum()) / total if total > 0 else float(not away.any())
    return FormulaFit(
        form,
        parameters,
        _errors(form, parameters, seen),
        -0.5 * squares - 0.5 * len(form.free) * math.log(count) - form.complexity * math.log(2),
        float((away / seen.half_band).max()),
        float(away.max()),
        r2,
    )


def _errors(
    form: Form, parameters: tuple[float, float, float, float], seen: Sighting
) -> tuple[float, float, float, float]:
    """Return standard errors from the curvature of the sum of squares at its minimum."""
    free = ["abcd".index(name) for name in form.free]
    slopes = seen.white(form.gradient(seen.x, *parameters))[:, free]
    size = np.sqrt((slopes**2).sum(0))
    errors = np.zeros(4)
    if not np.isfinite(size).all():
        errors[free] = math.inf
        return tuple(errors)  # type: ignore[return-value]
    seen_at_all = size > 0
    scaled = slopes[:, seen_at_all] / size[seen_at_all]
    spread = np.diag(np.linalg.pinv(scaled.T @ scaled, rcond=1e-13, hermitian=True))
    errors[np.array(free)[~seen_at_all]] = math.inf
    errors[np.array(free)[seen_at_all]] = np.sqrt(spread) / size[seen_at_all]
    return tuple(float(e) for e in errors)  # type: ignore[return-value]
