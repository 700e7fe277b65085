"""Slow polynomial curves: bases from their textbook definitions, the three routines row by row."""

from __future__ import annotations

from math import factorial, sqrt

import numpy as np


def powers(t, k):
    return np.stack([t**j for j in range(k + 1)])


def hermite(t, k):
    eye = np.eye(k + 1)
    return np.stack(
        [np.polynomial.hermite_e.hermeval(t, eye[j]) / sqrt(factorial(j)) for j in range(k + 1)]
    )


def chebyshev(t, k):
    rows = [np.cos(j * np.arccos(np.tanh(t))) for j in range(k + 1)]
    rows[1] = t
    return np.stack(rows)


def empirical(t, k):
    """Gram-Schmidt of the powers over the rows, by QR, with rising elements."""
    q, r = np.linalg.qr(powers(t, k).T / sqrt(len(t)))
    return (q * np.sign(np.diag(r))).T * sqrt(len(t))


BASES = {"powers": powers, "hermite": hermite, "chebyshev": chebyshev, "empirical": empirical}


def curve(x, coefficients, basis, routine, margin=2.0):
    """One curve over one training batch x [R], with a [k + 1]; the elements and the values."""
    k = len(coefficients) - 1
    if routine == "scaled":
        centre, spread = 0.0, margin * np.abs(x).max()
    elif routine == "normalised" and basis == "powers":
        centre, spread = 0.0, 1.0  # raw powers, as the authors have it
    else:
        centre, spread = x.mean(), x.std()
    g = BASES[basis]((x - centre) / spread, k)
    if routine == "normalised":
        for j in range(1, k + 1):
            g[j] = (g[j] - g[j].mean()) / g[j].std()
    # the second element is a line, in whose unit the curve is written
    s = (x.max() - x.min()) / (g[1][x.argmax()] - g[1][x.argmin()])
    m = x.max() - s * g[1][x.argmax()]
    return g, m + s * sum(a * row for a, row in zip(coefficients, g, strict=True))
