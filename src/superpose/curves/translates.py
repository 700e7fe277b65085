"""Curves over evenly spaced knots, written in shifted copies of one kernel packet.

Source: Chen, Ding and Tuo (2022), JMLR 23:127, for the packet. That its shifted copies, p - 1 of
them beyond either end, carry every curve of `GPBasis` over the knots follows by counting: both are
the functions that are 2p exponentials in each of the M - 1 intervals and have 2p - 2 continuous
derivatives at the M - 2 knots between them, a space of M + 2p - 2 dimensions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.polynomial import chebyshev, polynomial

from superpose.curves.gp_basis import GPBasis
from superpose.curves.kernels import AbstractMatern, kernel
from superpose.curves.packets import KernelPackets
from superpose.errors import InputError

FARTHEST = 80.0  # a tail this many units of t away is below 1e-30, and written as zero


@dataclass(frozen=True)
class Translates:
    """The J = M + 2p - 2 shifted packets over M even knots on [-1, 1], and what leads to them.

    In every interval the same 2p polynomials of s, from -1 at its left knot to 1 at its right, are
    the packets that are active there; only which weights they meet changes. So a curve costs 2p
    products wherever it is read, and nothing is looked up to evaluate the packets.

    Attributes
    ----------
    n_knots : int
        M.
    order : int
        p = nu + 1/2.
    rate : float
        c = sqrt(2 nu) / length scale: beyond the ends a curve leaves its straight line as
        exp(-c distance).
    powers : Tensor [degree + 1, 2p]
        Coefficients of 1, s, s², ... of the active packets, first to last.
    short_powers : Tensor [shorter degree + 1, 2p]
        The same to 1e-8, for single precision.
    tail : Tensor [p, 2p]
        Coefficients of e^m exp(-c e), m < p: the active packets a distance e right of the last
        knot. Left of the first one they stand in the opposite order.
    rows : Tensor [J + 2, M]
        Heights to the weights of the J packets, then to slope and level of the straight line.
    bending : Tensor [M - 2, M]
        F with Fᵀ F = Q of `GPBasis.precision`: ‖F z‖² = rᵀ K⁻¹ r, zero for straight lines.

    Examples
    --------
    >>> import torch
    >>> from superpose.curves.translates import make_translates
    >>> translates = make_translates(9, "matern32", length_scale=0.5)
    >>> translates.rows.shape
    torch.Size([13, 9])
    """

    n_knots: int
    order: int
    rate: float
    powers: torch.Tensor
    short_powers: torch.Tensor
    tail: torch.Tensor
    rows: torch.Tensor
    bending: torch.Tensor


@lru_cache(maxsize=64)  # tables of three numbers, read by every layer and never written to
@torch.inference_mode(False)  # whoever asks first, others may learn
def make_translates(n_knots: int, kernel_name: str, length_scale: float) -> Translates:
    """Return the shifted packets over ``n_knots`` even knots on [-1, 1], in float64.

    Parameters
    ----------
    n_knots : int
        M >= 2p + 1: at least 3, 5, 7 for Matérn 1/2, 3/2, 5/2.
    kernel_name : {"matern12", "matern32", "matern52"}
        The covariance.
    length_scale : float
        In units of the axis, on which the knots reach from -1 to 1.

    Raises
    ------
    InputError
        If the kernel has no packets, or the knots are too few.
    """
    covariance = kernel(kernel_name, length_scale)
    if not isinstance(covariance, AbstractMatern):
        raise InputError(
            "the kernel of a layer must be matern12, matern32 or matern52, which have packets",
            f"got kernel={kernel_name!r}",
            "use 'matern32', or GPCurve for other kernels",
        )
    p = covariance.order
    if n_knots < 2 * p + 1:
        raise InputError(
            f"{kernel_name} needs at least {2 * p + 1} knots",
            f"got knots={n_knots}",
            "pass more, or a rougher kernel",
        )
    knots = torch.linspace(-1, 1, n_knots, dtype=torch.float64)
    powers = _powers(covariance, 2 / (n_knots - 1))
    basis = GPBasis(knots, kernel_name, length_scale=length_scale)
    return Translates(
        n_knots,
        p,
        covariance.rate,
        torch.from_numpy(powers),
        torch.from_numpy(_economised(powers, 1e-8)),
        torch.from_numpy(_tail(powers, covariance.rate, 2 / (n_knots - 1))),
        _rows(basis, powers, p),
        _root(basis.precision()),
    )


def _powers(covariance: AbstractMatern, spacing: float) -> np.ndarray:
    """Return the 2p polynomials of an interval, [degree + 1, 2p], to 1e-15.

    A packet is entire between two knots; with t = c D the width of an interval, its Chebyshev
    coefficients fall like (t / 4)^n / n!.
    """
    p, t = covariance.order, covariance.rate * spacing
    degree = next(n for n in range(2 * p - 1, 200) if _falls(t, n + 1) < 1e-15)
    nodes = np.cos(np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1))
    around = torch.arange(-2 * p, 2 * p + 1, dtype=torch.float64) * spacing
    packets = KernelPackets(around, covariance)
    from_centre = (nodes[:, None] + 1) / 2 + p - 1 - np.arange(2 * p)  # [nodes, 2p]
    at = torch.from_numpy(from_centre.ravel() * spacing)
    values = packets.values(at)[:, 2 * p].numpy().reshape(from_centre.shape)
    fit = 2 / (degree + 1) * chebyshev.chebvander(nodes, degree).T
    fit[0] /= 2
    return np.stack([chebyshev.cheb2poly(column) for column in (fit @ values).T], 1)


def _economised(powers: np.ndarray, tolerance: float) -> np.ndarray:
    """Return shorter polynomials that differ by less than the tolerance from -1 to 1 (Lanczos)."""
    series = np.stack([chebyshev.poly2cheb(column) for column in powers.T], 1)
    left_out = np.abs(series).sum(1)[::-1].cumsum()[::-1]  # from each degree on, of all packets
    length = max(int((left_out > tolerance).sum()), 2)
    return np.stack([chebyshev.cheb2poly(column) for column in series[:length].T], 1)


def _falls(t: float, n: int) -> float:
    return math.exp(n * math.log(t / 4) - math.lgamma(n + 1))


def _tail(powers: np.ndarray, rate: float, spacing: float) -> np.ndarray:
    """Return a with a_m e^m exp(-c e) equal to the packets at the last knot, p terms deep, [p, 2p].

    Beyond the last knot a curve is a polynomial of p terms times exp(-c e); it leaves the interval
    with p - 1 continuous derivatives.
    """
    p = powers.shape[1] // 2
    taylor = np.zeros((p, 2 * p))  # of each packet in e, around s = 1
    for k in range(2 * p):
        derivative = powers[:, k]
        for m in range(p):
            taylor[m, k] = polynomial.polyval(1.0, derivative) / math.factorial(m)
            derivative = polynomial.polyder(derivative) * 2 / spacing
    lift = np.array(
        [
            [rate ** (m - q) / math.factorial(m - q) if m >= q else 0.0 for q in range(p)]
            for m in range(p)
        ]
    )  # times exp(c e)
    return np.asarray(lift @ taylor)


def _rows(basis: GPBasis, powers: np.ndarray, p: int) -> torch.Tensor:
    """Return what makes weights, slope and level of heights, by interpolating M + 2p - 2 values."""
    size = basis.n_heights
    inner = np.arange(1, p) / p  # in the first and the last interval, beside the knots
    where = np.r_[0.0, inner, np.arange(1, size - 1), size - 2 + inner, size - 1.0]
    cell = np.minimum(where.astype(int), size - 2)
    s = 2 * (where - cell) - 1
    active = np.vander(s, len(powers), increasing=True) @ powers  # [J, 2p]
    collocation = np.zeros((len(where), size + 2 * p - 2))
    np.put_along_axis(collocation, cell[:, None] + np.arange(2 * p), active, 1)
    at = torch.from_numpy(where * 2 / (size - 1) - 1)
    line, _ = basis.rows()  # [2, M]: of 1, and of the axis from -1 to 1
    bent = basis.cardinal(at) - basis.line(at) @ line
    weights = torch.linalg.solve(torch.from_numpy(collocation), bent)
    return torch.cat([weights, line.flip(0)])


def _root(precision: torch.Tensor) -> torch.Tensor:
    """Return F [M - 2, M] with Fᵀ F = Q; Q has rank M - 2."""
    values, vectors = torch.linalg.eigh(precision)
    return values[2:].clamp(min=0.0).sqrt().unsqueeze(-1) * vectors[:, 2:].mT
