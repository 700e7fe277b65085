"""Closed forms: the shapes that a formula for a curve is made of, c F(a x + b) + d.

One line adds a form: `FORMS` maps its name to F, its slope, how it is written, and where a fit
starts to look for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Function = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Form:
    """A shape F of one number; a curve of this form is c F(a x + b) + d.

    Some of the four parameters may say the same: (2 x)² is 4 x², exp(x + 1) is e exp(x). A form
    names the one that takes up a factor m > 0 of the argument, and the one that takes up a shift:

    ========  ==================  ========  ==================
    scale     law                 shift     law
    ========  ==================  ========  ==================
    ``"a"``   a is free           ``"b"``   b is free
    ``"c"``   F(m t) = F(m) F(t)  ``"c"``   F(t + b) = F(b) F(t)
    ``"d"``   F(m t) = F(m)+F(t)  ``"d"``   F(t + b) = F(b)+F(t)
    ========  ==================  ========  ==================

    Attributes
    ----------
    name : str
    value, slope : callable
        F and F', of an array in float64.
    write : callable
        ``write(sympy, t)`` is F(t) as a sympy expression.
    cost : int
        Complexity beside its parameters; the simplest form has the smallest sum.
    starts : array [S, 2]
        Pairs (a, b) that a fit tries, on an axis on which the support reaches from -1 to 1.
    scale, shift : str
        The parameters that take up a factor and a shift of the argument.
    parity : int
        1 where F is even, -1 where it is odd, else 0.
    antiperiod : float, optional
        h with F(t + h) = -F(t), where there is one.
    positive : bool
        Whether F is defined for t > 0 alone.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.curves import FORMS
    >>> FORMS["square"].value(np.array([3.0])), FORMS["square"].free
    (array([9.]), 'bcd')
    """

    name: str
    value: Function
    slope: Function
    write: Callable[[Any, Any], Any]
    cost: int
    starts: np.ndarray = field(repr=False)
    scale: str
    shift: str
    parity: int = 0
    antiperiod: float | None = None
    positive: bool = False

    @property
    def free(self) -> str:
        """Those of "abcd" that say something of their own."""
        if self.name == "constant":
            return "d"
        return ("a" if self.scale == "a" else "") + ("b" if self.shift == "b" else "") + "cd"

    @property
    def complexity(self) -> int:
        """Cost and free parameters together."""
        return self.cost + len(self.free)

    def curve(self, x: np.ndarray, a: float, b: float, c: float, d: float) -> np.ndarray:
        """Return c F(a x + b) + d."""
        return c * self.value(a * x + b) + d

    def gradient(self, x: np.ndarray, a: float, b: float, c: float, d: float) -> np.ndarray:
        """Return the derivatives of the curve at x [N] by a, b, c and d, [N, 4]."""
        t = a * x + b
        by_t = c * self.slope(t)
        return np.stack([by_t * x, by_t, self.value(t), np.ones_like(t)], 1)

    def normal(self, a: float, b: float, c: float, d: float) -> tuple[float, float, float, float]:
        """Return the parameters of the same curve with abs(a) = 1 or b = 0 where not free.

        Signs and phases are settled too: a > 0 where F is even or odd, and b within half an
        antiperiod of 0.
        """
        if a < 0 and self.parity:
            a, b, c = -a, -b, self.parity * c
        if self.scale != "a":
            m = abs(a)
            grown = self._at(m)
            a, b = a / m, b / m
            c, d = (c * grown, d) if self.scale == "c" else (c, d + c * grown)
        if self.shift != "b":
            grown, b = self._at(b), 0.0
            c, d = (c * grown, d) if self.shift == "c" else (c, d + c * grown)
        if self.antiperiod is not None:
            turns = round(b / self.antiperiod)
            b, c = b - turns * self.antiperiod, c * (-1) ** turns
        return float(a), float(b), float(c), float(d)

    def _at(self, t: float) -> float:
        with np.errstate(over="ignore"):
            return float(self.value(np.array([float(t)]))[0])


def _grid(slopes: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return all pairs (a, -a centre)."""
    a, centre = np.meshgrid(slopes, centres, indexing="ij")
    return np.stack([a.ravel(), -(a * centre).ravel()], 1)


def _both(sizes: np.ndarray) -> np.ndarray:
    """Return sizes of either sign."""
    return np.concatenate([-sizes[::-1], sizes])


def _waves() -> np.ndarray:
    a, phase = np.meshgrid(np.linspace(0.4, 24, 60), np.arange(8) * np.pi / 8, indexing="ij")
    return np.stack([a.ravel(), phase.ravel()], 1)


def _beyond() -> np.ndarray:
    """Return (1, b) and (-1, b) with b > 1: an argument that is positive from -1 to 1."""
    b = 1 + np.geomspace(1e-3, 50, 24)
    return np.stack([np.repeat([1.0, -1.0], 24), np.tile(b, 2)], 1)


def _half_waves() -> np.ndarray:
    """Return (a, b) with sin(a t + b) > 0 from -1 to 1."""
    return np.array(
        [(a, b) for a in np.linspace(0.1, 1.55, 15) for b in np.linspace(a, np.pi - a, 12)[1:-1]]
    )


def _beyond_one() -> np.ndarray:
    """Return (a, b) with a t + b > 1 from -1 to 1."""
    sizes = np.geomspace(0.1, 10, 10)
    return np.array([(a, 1 + abs(a) + e) for a in _both(sizes) for e in np.geomspace(1e-3, 5, 8)])


_ONE = np.array([1.0])
_ANY = np.array([[1.0, 0.0]])
_RATES = np.stack([_both(np.geomspace(0.05, 15, 16)), np.zeros(32)], 1)
_KINKS = _grid(_ONE, np.linspace(-0.95, 0.95, 39))
_VERTICES = _grid(_ONE, np.concatenate([np.linspace(-1, 1, 21), _both(np.geomspace(1.05, 30, 12))]))
_BUMPS = _grid(np.geomspace(0.3, 30, 14), np.linspace(-2, 2, 21))


def _logarithm(
    value: Function, slope: Function, write: Callable[[Any, Any], Any]
) -> tuple[Function, Function, Callable[[Any, Any], Any]]:
    """Return log F: with exp behind it F becomes a factor. NaN where F is not positive."""
    return (
        lambda t: np.log(value(t)),
        lambda t: slope(t) / value(t),
        lambda sympy, t: sympy.log(write(sympy, t)),
    )


def _power(k: float) -> tuple[Function, Function, Callable[[Any, Any], Any]]:
    exponent = int(k) if k == int(k) else k

    def write(sympy: Any, t: Any) -> Any:
        return t ** sympy.Rational(exponent)

    return lambda t: t**k, lambda t: k * t ** (k - 1), write


def _tanh_slope(t: np.ndarray) -> np.ndarray:
    return 1 - np.tanh(t) ** 2


def _gaussian(t: np.ndarray) -> np.ndarray:
    return np.exp(-(t**2))


def _gaussian_slope(t: np.ndarray) -> np.ndarray:
    return -2 * t * _gaussian(t)


def _bell(t: np.ndarray) -> np.ndarray:
    return 1 / (1 + t**2)


def _bell_slope(t: np.ndarray) -> np.ndarray:
    return -2 * t * _bell(t) ** 2


_SIN = np.sin, np.cos, lambda s, t: s.sin(t)
_LOG = np.log, lambda t: 1 / t, lambda s, t: s.log(t)
_COSH = np.cosh, np.sinh, lambda s, t: s.cosh(t)
_BELL = _bell, _bell_slope, lambda s, t: 1 / (1 + t**2)

_BUILT_IN = (
    #    name, F, F', written, cost, starts, scale, shift
    Form("constant", np.zeros_like, np.zeros_like, lambda s, t: s.Integer(0), 0, _ANY, "c", "d", 1),
    Form("affine", lambda t: t, np.ones_like, lambda s, t: t, 0, _ANY, "c", "d", -1),
    Form("square", *_power(2), 1, _VERTICES, "c", "b", 1),
    Form("cube", *_power(3), 2, _VERTICES, "c", "b", -1),
    Form("fourth power", *_power(4), 3, _VERTICES, "c", "b", 1),
    Form("exp", np.exp, np.exp, lambda s, t: s.exp(t), 1, _RATES, "a", "c"),
    Form("log", *_LOG, 1, _beyond(), "d", "b", positive=True),
    Form("sqrt", *_power(0.5), 1, _beyond(), "c", "b", positive=True),
    Form("reciprocal", *_power(-1), 1, _beyond(), "c", "b", positive=True),
    Form("reciprocal square", *_power(-2), 2, _beyond(), "c", "b", positive=True),
    Form("reciprocal sqrt", *_power(-0.5), 2, _beyond(), "c", "b", positive=True),
    Form("sin", *_SIN, 1, _waves(), "a", "b", -1, np.pi),
    Form("tanh", np.tanh, _tanh_slope, lambda s, t: s.tanh(t), 2, _BUMPS, "a", "b", -1),
    Form("arctan", np.arctan, _bell, lambda s, t: s.atan(t), 2, _BUMPS, "a", "b", -1),
    Form(
        "Gaussian", _gaussian, _gaussian_slope, lambda s, t: s.exp(-(t**2)), 2, _BUMPS, "a", "b", 1
    ),
    Form("bell", *_BELL, 2, _BUMPS, "a", "b", 1),
    Form("log sin", *_logarithm(*_SIN), 2, _half_waves(), "a", "b"),
    Form("log cosh", *_logarithm(*_COSH), 3, _BUMPS, "a", "b", 1),
    Form("log bell", *_logarithm(*_BELL), 2, _BUMPS, "a", "b", 1),
    Form("log log", *_logarithm(*_LOG), 2, _beyond_one(), "a", "b", positive=True),
    Form("abs", np.abs, np.sign, lambda s, t: s.Abs(t), 1, _KINKS, "c", "b", 1),
    Form("step", np.sign, np.zeros_like, lambda s, t: s.sign(t), 1, _KINKS, "c", "b", -1),
)

#: The library of closed forms, by name; a form added here is tried wherever none are named.
FORMS: dict[str, Form] = {form.name: form for form in _BUILT_IN}
