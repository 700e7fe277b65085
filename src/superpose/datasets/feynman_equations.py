"""Twenty equations of the Feynman Lectures on Physics, as tables without noise.

Formulae and ranges are those of the AI Feynman table (Udrescu and Tegmark 2020, Science Advances
6:eaay2631). The choice is the first twenty of those that the paper on Kolmogorov-Arnold networks
works on (Liu et al. 2024, https://arxiv.org/abs/2404.19756, table 2), with all their variables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from superpose.errors import InputError

__all__ = ["FeynmanEquation", "feynman"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FeynmanEquation:
    """One equation, and where its variables lie.

    Attributes
    ----------
    name : str
        Volume, chapter and number, such as "I.6.2".
    formula : str
        With the names of the variables, in Python.
    ranges : dict of str to (float, float)
        Lowest and highest value of each variable, in the order of the columns.
    function : callable
        Of the columns, in that order.

    Examples
    --------
    >>> from superpose.datasets import feynman
    >>> equation = feynman("I.27.6")
    >>> equation.formula, list(equation.ranges)
    ('1 / (1 / d1 + n / d2)', ['d1', 'd2', 'n'])
    >>> X, y = equation.draw(3, seed=0)
    >>> X.shape, y.round(2)
    ((3, 3), array([1.19, 0.49, 0.91]))
    """

    name: str
    formula: str
    ranges: dict[str, tuple[float, float]]
    function: Callable[..., Floats]

    def __call__(self, X: Floats) -> Floats:
        """Return the outputs [n] at rows X [n, variables]."""
        return self.function(*np.asarray(X, dtype=np.float64).T)

    def draw(self, n: int, *, seed: int = 0) -> tuple[Floats, Floats]:
        """Return rows X [n, variables], uniform over the ranges, and y [n] without noise."""
        low, high = np.array(list(self.ranges.values())).T
        X = np.random.default_rng(seed).uniform(low, high, (n, len(low)))
        return X, self(X)


def _equation(
    name: str,
    formula: str,
    function: Callable[..., Floats],
    **ranges: tuple[float, float],
) -> FeynmanEquation:
    return FeynmanEquation(name, formula, ranges, function)


TO_3, TO_5 = (1.0, 3.0), (1.0, 5.0)

FEYNMAN: tuple[FeynmanEquation, ...] = (
    _equation(
        "I.6.2",
        "exp(-((theta / sigma) ** 2) / 2) / (sqrt(2 * pi) * sigma)",
        lambda sigma, theta: np.exp(-((theta / sigma) ** 2) / 2) / (np.sqrt(2 * np.pi) * sigma),
        **{"sigma": TO_3, "theta": TO_3},
    ),
    _equation(
        "I.6.2b",
        "exp(-(((theta - theta1) / sigma) ** 2) / 2) / (sqrt(2 * pi) * sigma)",
        lambda sigma, theta, theta1: (
            np.exp(-(((theta - theta1) / sigma) ** 2) / 2) / (np.sqrt(2 * np.pi) * sigma)
        ),
        **{"sigma": TO_3, "theta": TO_3, "theta1": TO_3},
    ),
    _equation(
        "I.9.18",
        "G * m1 * m2 / ((x2 - x1) ** 2 + (y2 - y1) ** 2 + (z2 - z1) ** 2)",
        lambda m1, m2, G, x1, x2, y1, y2, z1, z2: (
            G * m1 * m2 / ((x2 - x1) ** 2 + (y2 - y1) ** 2 + (z2 - z1) ** 2)
        ),
        **{name: (1.0, 2.0) for name in ("m1", "m2", "G")},
        **{"x1": (3.0, 4.0), "x2": (1.0, 2.0), "y1": (3.0, 4.0), "y2": (1.0, 2.0)},
        **{"z1": (3.0, 4.0), "z2": (1.0, 2.0)},
    ),
    _equation(
        "I.12.11",
        "q * (Ef + B * v * sin(theta))",
        lambda q, Ef, B, v, theta: q * (Ef + B * v * np.sin(theta)),
        **{name: TO_5 for name in ("q", "Ef", "B", "v", "theta")},
    ),
    _equation(
        "I.13.12",
        "G * m1 * m2 * (1 / r2 - 1 / r1)",
        lambda m1, m2, r1, r2, G: G * m1 * m2 * (1 / r2 - 1 / r1),
        **{name: TO_5 for name in ("m1", "m2", "r1", "r2", "G")},
    ),
    _equation(
        "I.15.3x",
        "(x - u * t) / sqrt(1 - u**2 / c**2)",
        lambda x, u, c, t: (x - u * t) / np.sqrt(1 - u**2 / c**2),
        **{"x": (5.0, 10.0), "u": (1.0, 2.0), "c": (3.0, 20.0), "t": (1.0, 2.0)},
    ),
    _equation(
        "I.16.6",
        "(u + v) / (1 + u * v / c**2)",
        lambda c, v, u: (u + v) / (1 + u * v / c**2),
        **{name: TO_5 for name in ("c", "v", "u")},
    ),
    _equation(
        "I.18.4",
        "(m1 * r1 + m2 * r2) / (m1 + m2)",
        lambda m1, m2, r1, r2: (m1 * r1 + m2 * r2) / (m1 + m2),
        **{name: TO_5 for name in ("m1", "m2", "r1", "r2")},
    ),
    _equation(
        "I.26.2",
        "arcsin(n * sin(theta2))",
        lambda n, theta2: np.arcsin(n * np.sin(theta2)),
        **{"n": (0.0, 1.0), "theta2": TO_5},
    ),
    _equation(
        "I.27.6",
        "1 / (1 / d1 + n / d2)",
        lambda d1, d2, n: 1 / (1 / d1 + n / d2),
        **{name: TO_5 for name in ("d1", "d2", "n")},
    ),
    _equation(
        "I.29.16",
        "sqrt(x1**2 + x2**2 - 2 * x1 * x2 * cos(theta1 - theta2))",
        lambda x1, x2, theta1, theta2: np.sqrt(
            x1**2 + x2**2 - 2 * x1 * x2 * np.cos(theta1 - theta2)
        ),
        **{name: TO_5 for name in ("x1", "x2", "theta1", "theta2")},
    ),
    _equation(
        "I.30.3",
        "Int_0 * sin(n * theta / 2) ** 2 / sin(theta / 2) ** 2",
        lambda Int_0, theta, n: Int_0 * np.sin(n * theta / 2) ** 2 / np.sin(theta / 2) ** 2,
        **{name: TO_5 for name in ("Int_0", "theta", "n")},
    ),
    _equation(
        "I.30.5",
        "arcsin(lambd / (n * d))",
        lambda lambd, d, n: np.arcsin(lambd / (n * d)),
        **{"lambd": (1.0, 2.0), "d": (2.0, 5.0), "n": TO_5},
    ),
    _equation(
        "I.37.4",
        "I1 + I2 + 2 * sqrt(I1 * I2) * cos(delta)",
        lambda I1, I2, delta: I1 + I2 + 2 * np.sqrt(I1 * I2) * np.cos(delta),
        **{name: TO_5 for name in ("I1", "I2", "delta")},
    ),
    _equation(
        "I.40.1",
        "n_0 * exp(-m * g * x / (kb * T))",
        lambda n_0, m, x, T, g, kb: n_0 * np.exp(-m * g * x / (kb * T)),
        **{name: TO_5 for name in ("n_0", "m", "x", "T", "g", "kb")},
    ),
    _equation(
        "I.44.4",
        "n * kb * T * log(V2 / V1)",
        lambda n, kb, T, V1, V2: n * kb * T * np.log(V2 / V1),
        **{name: TO_5 for name in ("n", "kb", "T", "V1", "V2")},
    ),
    _equation(
        "I.50.26",
        "x1 * (cos(omega * t) + alpha * cos(omega * t) ** 2)",
        lambda x1, omega, t, alpha: x1 * (np.cos(omega * t) + alpha * np.cos(omega * t) ** 2),
        **{name: TO_3 for name in ("x1", "omega", "t", "alpha")},
    ),
    _equation(
        "II.2.42",
        "kappa * (T2 - T1) * A / d",
        lambda kappa, T1, T2, A, d: kappa * (T2 - T1) * A / d,
        **{name: TO_5 for name in ("kappa", "T1", "T2", "A", "d")},
    ),
    _equation(
        "II.6.15a",
        "p_d / (4 * pi * epsilon) * 3 * z / r**5 * sqrt(x**2 + y**2)",
        lambda epsilon, p_d, r, x, y, z: (
            p_d / (4 * np.pi * epsilon) * 3 * z / r**5 * np.sqrt(x**2 + y**2)
        ),
        **{name: TO_3 for name in ("epsilon", "p_d", "r", "x", "y", "z")},
    ),
    _equation(
        "II.11.7",
        "n_0 * (1 + p_d * Ef * cos(theta) / (kb * T))",
        lambda n_0, kb, T, theta, p_d, Ef: n_0 * (1 + p_d * Ef * np.cos(theta) / (kb * T)),
        **{name: TO_3 for name in ("n_0", "kb", "T", "theta", "p_d", "Ef")},
    ),
)
"""All twenty, in the order of the lectures."""


def feynman(name: str) -> FeynmanEquation:
    """Return one of the twenty equations.

    Parameters
    ----------
    name : str
        Such as "I.6.2"; ``superpose.datasets.feynman_equations.FEYNMAN`` holds all.

    Returns
    -------
    FeynmanEquation

    Raises
    ------
    InputError
        If no equation has this name.

    Examples
    --------
    >>> from superpose.datasets import feynman
    >>> feynman("I.26.2").ranges
    {'n': (0.0, 1.0), 'theta2': (1.0, 5.0)}
    """
    found = {equation.name: equation for equation in FEYNMAN}
    if name not in found:
        raise InputError(
            f"name must be one of {', '.join(found)}", f"got {name!r}", "pass one of these"
        )
    return found[name]
