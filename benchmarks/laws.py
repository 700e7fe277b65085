"""Short laws of one to four variables, most from the Feynman Lectures with constants at 1."""

from __future__ import annotations

import numpy as np

#: name → (formula in x1, x2, ..., how many variables, lowest and highest value of all of them).
LAWS: dict[str, tuple[str, int, float, float]] = {
    "I.6.2a": ("exp(-x1**2 / 2) / sqrt(2 * pi)", 1, 1, 3),
    "I.6.2, centred": ("exp(-((x1 / x2) ** 2) / 2) / (x2 * sqrt(2 * pi))", 2, 1, 3),
    "I.12.1": ("x1 * x2", 2, 1, 5),
    "I.10.7": ("x1 / sqrt(1 - (x2 / (x3 + 2)) ** 2)", 3, 1, 2),
    "I.12.2": ("x1 * x2 / (4 * pi * x3**2)", 3, 1, 5),
    "I.13.4": ("0.5 * x1 * (x2**2 + x3**2 + x4**2)", 4, 1, 5),
    "I.14.4": ("0.5 * x1 * x2**2", 2, 1, 5),
    "I.18.12": ("x1 * sin(x2)", 2, 0.5, 2.5),
    "I.24.6": ("0.25 * x1 * (1 + x2**2)", 2, 1, 3),
    "I.26.2": ("arcsin(x1 * sin(x2))", 2, 0.1, 0.9),
    "I.27.6, one medium": ("1 / (1 / x1 + 1 / x2)", 2, 1, 5),
    "I.29.16, one angle": ("sqrt(x1**2 + x2**2 - 2 * x1 * x2 * cos(x3))", 3, 1, 5),
    "I.30.3": ("sin(x1 / 2) ** 2 / sin(x2 / 5) ** 2", 2, 1, 5),
    "I.34.8": ("x1 * x2 * x3 / x4", 4, 1, 5),
    "I.39.1": ("1.5 * x1 * x2", 2, 1, 5),
    "I.44.4": ("x1 * log(x2)", 2, 1, 5),
    "I.50.26": ("x1 * (cos(x2) + x3 * cos(x2) ** 2)", 3, 1, 3),
    "II.6.15a": ("x1 * sqrt(x2**2 + x3**2)", 3, 1, 3),
    "II.11.27": ("x1 / (1 - x1 * x2 / 3)", 2, 0, 1),
    "II.27.16": ("x1 * x2**2", 2, 1, 5),
    "II.35.18": ("x1 / (exp(x2) + exp(-x2))", 2, 1, 3),
    "II.38.3": ("x1 * x2 / x3", 3, 1, 5),
    "III.10.19": ("sqrt(x1**2 + x2**2 + x3**2)", 3, 1, 5),
}


def draw(name: str, rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a law, uniform over its range, without noise."""
    formula, count, low, high = LAWS[name]
    x = np.random.default_rng(seed).uniform(low, high, (rows, count))
    columns = {f"x{k + 1}": x[:, k] for k in range(count)}
    known = {key: getattr(np, key) for key in ("exp", "sqrt", "pi", "sin", "cos", "log", "arcsin")}
    return x, eval(formula, {**known, **columns})
