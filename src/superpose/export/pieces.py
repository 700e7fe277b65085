"""A curve as polynomials on adjoining cells of its axis, and straight lines at both ends.

Between two knots a curve is a polynomial times exp(t), plus one times exp(-t), plus a straight
line (a Matérn kernel), or a sum of Gaussian bells (the squared exponential): entire functions, so
on cells about as wide as the kernel's length their Chebyshev coefficients fall like 1 / n!.
Twelve of them leave 1e-13 of the curve's size, and what is left is measured.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from superpose.curves import GPBasis, SplineBasis
from superpose.curves.kernels import AbstractKernel, AbstractMatern
from superpose.errors import ConvergenceWarning
from superpose.networks import HandBasis, InputBasis

__all__ = ["DEGREE", "Pieces"]

Floats = NDArray[np.float64]

DEGREE = 11
TOLERANCE = 1e-9
"""A difference from the model above this share of the curve's size is worth a warning."""
HAIR, BEYOND = 1e-10, 1e-3
"""Axis lengths: how far the end of a stretch drawn by hand is moved, and where the rest begins."""

_NODES = np.cos(np.pi * (np.arange(DEGREE + 1) + 0.5) / (DEGREE + 1))
_BETWEEN = np.array([-0.98, -0.45, 0.03, 0.52, 0.99])  # where the difference is measured
_NOTHING = 1e-14  # share of the curve's size below which a coefficient is dropped
_MATERN_STEPS = (0.8, 1.7, 2.7, 3.9, 5.3, 7.1, 9.2, 12.0, 15.5, 20.0, 27.0, 36.0, 45.0)
_BELL_STEPS = tuple(0.75 * k for k in range(1, 14))


@dataclass(frozen=True)
class Pieces:
    """K functions of one number v, a polynomial each on every one of C cells.

    Cell c is the number of `edges` at or below v. There s = (v - centre[c]) * scale[c], and output
    k is Σ_n coefficients[c, n, k] sⁿ. The first and the last cell have no end, and hold a line.

    Parameters
    ----------
    edges : ndarray [C - 1]
        Increasing.
    centre, scale : ndarray [C]
        Each cell's own coordinate; it runs from -1 to 1 in cells with two ends.
    coefficients : ndarray [C, DEGREE + 1, K]
        Of 1, s, s², ...
    error : float
        The largest difference from the model that was found, in units of the outputs.
    """

    edges: Floats
    centre: Floats
    scale: Floats
    coefficients: Floats
    error: float

    @classmethod
    def of(cls, basis: GPBasis | SplineBasis | HandBasis, heights: torch.Tensor) -> Pieces:
        """Cut the curves through ``heights`` [K, M] over a basis into cells.

        Warns
        -----
        ConvergenceWarning
            Where the cells and the model differ by more than 1e-9 of the curve's size: the model's
            own numbers are uncertain by as much, as they are when knots nearly touch under a
            squared exponential.
        """
        inner = _cuts(basis)
        centre, half = (inner[1:] + inner[:-1]) / 2, np.diff(inner) / 2
        values = _values(basis, heights, centre[:, None] + half[:, None] * _NODES)
        size = np.abs(values).max(initial=1e-300, axis=(0, 1))
        ends = [_line(basis, heights, end) for end in (inner[0], inner[-1])]
        pieces = cls(
            edges=inner,
            centre=np.r_[inner[0], centre, inner[-1]],
            scale=np.r_[1.0, 1 / half, 1.0],
            coefficients=np.concatenate([ends[0][None], _polynomials(values, size), ends[1][None]]),
            error=0.0,
        )
        places = (centre[:, None] + half[:, None] * _BETWEEN).ravel()
        gap = np.abs(pieces(places) - _values(basis, heights, places[:, None])[:, 0]).max(axis=0)
        _warn(float((gap / size).max()))
        return cls(pieces.edges, pieces.centre, pieces.scale, pieces.coefficients, float(gap.max()))

    def __call__(self, v: Floats) -> Floats:
        """Return the outputs [N, K] at places v [N]."""
        cell = np.searchsorted(self.edges, v, side="right")
        s = (v - self.centre[cell]) * self.scale[cell]
        found = np.zeros((len(v), self.coefficients.shape[-1]))
        for n in range(DEGREE, -1, -1):
            found = found * s[:, None] + self.coefficients[cell, n]
        return found


def _values(
    basis: GPBasis | SplineBasis | HandBasis, heights: torch.Tensor, places: Floats
) -> Floats:
    """Return the curves at places [C, n], as [C, n, K]."""
    with torch.no_grad():
        rows = basis.cardinal(torch.from_numpy(places.ravel()))
        return (rows @ heights.mT).numpy().reshape(*places.shape, -1)


def _line(basis: GPBasis | SplineBasis | HandBasis, heights: torch.Tensor, end: float) -> Floats:
    """Return the coefficients [DEGREE + 1, K] of the straight line beyond one end, about it."""
    place = torch.tensor([end], dtype=torch.float64)
    found = np.zeros((DEGREE + 1, len(heights)))
    with torch.no_grad():
        found[0] = (basis.cardinal(place) @ heights.mT).numpy()[0]
        found[1] = (basis.cardinal_derivative(place) @ heights.mT).numpy()[0]
    return found


def _polynomials(values: Floats, size: Floats) -> Floats:
    """Return coefficients [C, DEGREE + 1, K] from values [C, nodes, K].

    By way of Chebyshev coefficients, of which the last ones are dropped as long as their sum is
    nothing: as powers they would be large numbers that cancel.
    """
    n = DEGREE + 1
    fit = 2 / n * chebyshev.chebvander(_NODES, DEGREE).T
    fit[0] /= 2
    series = fit @ values
    rest = np.cumsum(np.abs(series[:, ::-1]), axis=1)[:, ::-1]  # of this one and those after it
    series = np.where(rest > _NOTHING * n * size, series, 0.0)
    to_powers = np.array([np.pad(chebyshev.cheb2poly(row), (0, n))[:n] for row in np.eye(n)]).T
    return np.asarray(to_powers @ series)


def _cuts(basis: GPBasis | SplineBasis | HandBasis) -> Floats:
    """Return the edges of the cells: every knot, and steps away from it as far as it is felt."""
    if isinstance(basis, HandBasis):
        return _hand_cuts(basis)
    if isinstance(basis, SplineBasis):
        return basis.knots.numpy()
    knots, steps = basis.knots.numpy(), _steps(basis.kernel)
    cuts = [knots, knots[0] - steps, knots[-1] + steps]
    for low, high in pairwise(knots):
        near = np.r_[low + steps, high - steps]
        cuts.append(near[(near > low) & (near < high)])
    found = np.unique(np.concatenate(cuts))
    width = np.diff(found)
    apart = np.r_[True, width > 1e-9 * np.maximum(width.max(initial=0.0), steps[0])]
    return found[apart | np.isin(found, knots)]


def _hand_cuts(basis: HandBasis) -> Floats:
    """Return those of a curve of which a stretch was drawn by hand, in units of the attribute.

    Within it the edges are its places and those of the axis, in four parts each; its ends are set
    apart by a hair, so that an axis that was written down rounds to the right side of them, and the
    curve beyond begins on the other side of each.
    """
    base, axis = basis.base, basis.attribute.axis
    assert axis is not None
    under = _cuts(base if isinstance(base, HandBasis) else _core(base))
    low, high = basis.ends.tolist()
    points = np.r_[basis.attribute.encode(basis.places).numpy(), axis.points_u]
    points = np.unique(np.r_[low, points[(points > low) & (points < high)], high])
    points[0], points[-1] = low - HAIR, high + HAIR
    quarters = (points[:-1] + np.diff(points) * np.array([[0.25], [0.5], [0.75]])).ravel()
    outside = under[(under < low - 2 * HAIR) | (under > high + 2 * HAIR)]
    return np.unique(np.r_[outside, points, quarters, low - BEYOND, high + BEYOND])


def _core(basis: InputBasis) -> GPBasis | SplineBasis:
    assert isinstance(basis.basis, GPBasis | SplineBasis)
    return basis.basis


def _steps(kernel: AbstractKernel) -> Floats:
    if isinstance(kernel, AbstractMatern):
        return np.array(_MATERN_STEPS) / kernel.rate
    return np.array(_BELL_STEPS) * kernel.length_scale


def _warn(share: float) -> None:
    if share > TOLERANCE:
        warnings.warn(
            f"the exported curves differ from the model by {share:.0e} of their size; the model's "
            "own numbers are uncertain by as much, so use a Matérn kernel where this matters",
            ConvergenceWarning,
            stacklevel=3,
        )
