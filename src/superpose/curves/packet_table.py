"""Packets as piecewise polynomials: exact to 1e-13 in float64, and safe to evaluate in float32."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.polynomial import chebyshev
from scipy.special import comb

from superpose.curves.packet_coefficients import packet_values

DEGREE = 11
_WIDTH = 1.0  # cells up to one unit of t wide: degree 11 then leaves 1e-14
_REACH = 44  # after 44 units of t a kernel is below 1e-15 and is written as zero
MARGIN = 0.01  # share of a cell by which its centre may be moved to a single-precision number
_NODES = np.cos(np.pi * (np.arange(DEGREE + 1) + 0.5) / (DEGREE + 1))


@dataclass(frozen=True)
class PacketTable:
    """Cells of the axis, and the polynomials of the active packets on each of them.

    Attributes
    ----------
    edges : ndarray [C + 1]
        Increasing; cell c is [edges[c], edges[c + 1]]; the packets are zero outside all cells.
    centre, half : ndarray [C]
        The cell's own coordinate is s = (u - centre) / half. The centres are single-precision
        numbers where the cell allows, so that u - centre is exact in float32 too.
    start : ndarray [C]
        First of the 2p packets that may be active on the cell.
    powers : ndarray [C, DEGREE + 1, 2p]
        Coefficients of 1, s, s², ...
    size : ndarray [M]
        Largest value of each packet between the end knots; its polynomials are divided by it.
    """

    edges: np.ndarray
    centre: np.ndarray
    half: np.ndarray
    start: np.ndarray
    powers: np.ndarray
    size: np.ndarray


def build_table(knots: np.ndarray, rate: float, a: np.ndarray, p: int) -> PacketTable:
    """Tabulate the packets with coefficients ``a`` [M, M] over ``knots`` [M].

    Within a cell every packet is a polynomial in t times exp(t) plus one times exp(-t), hence
    entire: its Chebyshev coefficients fall like (width / 4)^n / n!.
    """
    size = len(knots)
    edges, interval = _cells(knots, rate)
    middle, half = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
    start = np.clip(interval + 1 - p, 0, size - 2 * p)
    places = middle[:, None] + half[:, None] * _NODES  # [C, nodes]
    cell, slot = np.divmod(np.arange(len(interval) * 2 * p), 2 * p)
    active = np.abs(2 * (interval[cell] - start[cell] - slot) + 1) < 2 * p  # of j = start + slot
    cell, slot = cell[active], slot[active]
    packet = start[cell] + slot
    phi = _on_cells(places[cell], knots, rate, a, packet, p)
    largest = _largest(phi, packet, (interval[cell] >= 0) & (interval[cell] < size - 1))
    values = np.zeros((*places.shape, 2 * p))
    values[cell, :, slot] = phi / largest[packet, None]
    centre = _single(middle, half)
    powers = _recentred(_powers(values), (centre - middle) / half)
    return PacketTable(edges, centre, half, start, powers, largest)


def _largest(phi: np.ndarray, packet: np.ndarray, between: np.ndarray) -> np.ndarray:
    """Return the value of each packet that is largest in size, [M], between the end knots."""
    phi, packet = phi[between], packet[between]
    top = np.take_along_axis(phi, np.abs(phi).argmax(1)[:, None], 1)[:, 0]
    found = np.ones(packet.max() + 1)
    rising = np.abs(top).argsort(kind="stable")
    found[packet[rising]] = top[rising]  # the last one written is the largest
    return found


def _on_cells(
    places: np.ndarray, knots: np.ndarray, rate: float, a: np.ndarray, packet: np.ndarray, p: int
) -> np.ndarray:
    """Return a packet at each row of ``places`` [cells, nodes], of the same shape."""
    of = np.repeat(packet, places.shape[1])
    phi = packet_values(places.ravel(), knots, rate, a, of, p).reshape(places.shape)
    for end, side in ((knots[0], -1.0), (knots[-1], 1.0)):
        beyond = rate * side * (places - end)  # distance outside the knots; whole cells are
        outside = beyond[:, 0] > 0
        for j in np.unique(packet[outside]):
            own, near = outside & (packet == j), np.linspace(0.0, 1.0, p)
            level = packet_values(end + side * near / rate, knots, rate, a, np.full(p, j), p)
            phi[own] = _tail(beyond[own], near, level)
    return phi


def _tail(s: np.ndarray, near: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Return a packet at distances s outside the knots: a polynomial of p terms times exp(-s)."""
    polynomial = np.polyfit(near, level * np.exp(near), len(near) - 1)
    return np.asarray(np.polyval(polynomial, s) * np.exp(-s))


def _cells(knots: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the edges of the cells and the knot interval (-1 to M - 1) that holds each."""
    steps = np.arange(_REACH, 0, -1) / rate
    edges, interval = [knots[0] - steps], [np.full(_REACH, -1)]
    for k in range(len(knots) - 1):
        inner = _split(knots[k], knots[k + 1], rate)
        edges.append(inner)
        interval.append(np.full(len(inner), k))
    edges.append(knots[-1] + np.r_[0.0, steps[::-1]])
    interval.append(np.full(_REACH, len(knots) - 1))
    return np.concatenate(edges), np.concatenate(interval)


def _split(low: float, high: float, rate: float) -> np.ndarray:
    """Return the left edges of the equal cells of one knot interval."""
    count = max(1, int(np.ceil(rate * (high - low) / _WIDTH)))
    return low + (high - low) * np.arange(count) / count


def _single(middle: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Return the middles of the cells in single precision, where that hardly moves them."""
    single = middle.astype(np.float32).astype(np.float64)
    return np.where(np.abs(single - middle) < MARGIN * half, single, middle)


def _recentred(powers: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Return the coefficients of the same polynomials in s - shift."""
    order = np.arange(DEGREE + 1)
    lift = np.clip(order - order[:, None], 0, None)  # (s + shift)^k = sum_m C(k, m) shift^(k-m) s^m
    binomial = comb(order, order[:, None])
    return (binomial * shift[:, None, None] ** lift) @ powers


def _powers(values: np.ndarray) -> np.ndarray:
    """Return the coefficients of 1, s, s², ... from values at the nodes, [C, nodes, 2p].

    By way of Chebyshev coefficients, in two steps: their product would hold large numbers that
    cancel, while high Chebyshev coefficients of smooth functions are small.
    """
    n = DEGREE + 1
    fit = 2 / n * chebyshev.chebvander(_NODES, DEGREE).T
    fit[0] /= 2
    return np.asarray(_to_powers() @ (fit @ values))


@cache
def _to_powers() -> np.ndarray:
    """Return the matrix from Chebyshev coefficients to those of 1, s, s², ..."""
    n = DEGREE + 1
    return np.array([np.pad(chebyshev.cheb2poly(row), (0, n))[:n] for row in np.eye(n)]).T
