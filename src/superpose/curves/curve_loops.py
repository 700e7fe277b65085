"""The loops of a sum of many curves, y_o = Σ_i f_io((x_i - c_i) / s_i), forward and backward.

What they compute is `superpose.curves.curve_sum` in fewer steps. Rows are taken in blocks, inputs
in groups, so that what both need stays in the nearest cache. The 2p packets of an interval are the
same polynomials in all of them, so they are worked out for many rows at once; then every row adds
2p products and its straight line to many outputs at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from superpose.curves.compiled_sum import BLOCK
from superpose.curves.lanes import dot, filled, fma, load, store
from superpose.curves.machine_code import compiled
from superpose.curves.translates import FARTHEST

NEAR = 24_576
"""Bytes of tables a group of inputs may take, of a nearest cache of 32 KiB or more."""


def _machine(loop: Callable[..., Any]) -> Callable[..., Any]:
    return compiled(loop, freely=True)


@_machine
def room(count, like):  # type: ignore[no-untyped-def]
    """Return an array of `count` numbers that begins where a line of the cache does."""
    whole = np.empty(count + 64 // like.itemsize, like.dtype)
    skip = (-whole.ctypes.data % 64) // like.itemsize
    return whole[skip : skip + count]


@_machine
def locate(x, i, first, stop, centre, spread, half, u, s, cell):  # type: ignore[no-untyped-def]
    """Write a block of input i: axis units u, the interval, and s from -1 to 1 in it."""
    real = centre.dtype.type
    one, top = real(1), np.int32(half + half - real(1))
    for b in range(BLOCK):
        u[b] = (x[first + b, i] - centre[i]) / spread[i] if b < stop else one
    for b in range(BLOCK):
        place = (min(max(u[b], -one), one) + one) * half
        inside = min(np.int32(place) if place == place else np.int32(0), top)
        cell[b] = inside
        part = place - real(inside)
        s[b] = part + part - one if u[b] == u[b] else u[b]


@_machine
def packets(u, s, powers, tail, rate, mirror, values, at):  # type: ignore[no-untyped-def]
    """Write the active packets of a block, [2p, BLOCK] from `at`; beyond the ends by their tail.

    With the tables of slopes and ``mirror`` -1 they are slopes.
    """
    size = powers.shape[1]
    one = powers.dtype.type(1)
    farthest = powers.dtype.type(FARTHEST) / rate
    where = load(s, 0, BLOCK)
    for k in range(size):
        total = filled(powers[-1, k], where)
        for d in range(len(powers) - 2, -1, -1):
            total = fma(total, where, powers[d, k])
        store(values, at + k * BLOCK, total)
    for b in range(BLOCK):
        if abs(u[b]) > one:
            e = min(abs(u[b]) - one, farthest)
            fall = math.exp(-rate * e)
            for k in range(size):
                value = tail[-1, k]
                for m in range(len(tail) - 2, -1, -1):
                    value = value * e + tail[m, k]
                if u[b] > 0:
                    values[at + k * BLOCK + b] = value * fall
                else:
                    values[at + (size - 1 - k) * BLOCK + b] = mirror * value * fall


@_machine
def slope_tables(powers, tail, rate, steepness):  # type: ignore[no-untyped-def]
    """Return the tables of the slopes: of powers, per unit of the axis, and of the tail."""
    steep, falling = np.zeros_like(powers), -rate * tail
    for d in range(1, len(powers)):
        steep[d - 1] = powers[d] * (d * steepness)
    for m in range(1, len(tail)):
        falling[m - 1] += m * tail[m]
    return steep, falling


@cache
def spreading(lanes: int) -> Callable[..., Any]:
    """Return the loop that makes rows of heights, for outputs a multiple of lanes."""

    @_machine
    def spread_out(rows, table, heights):  # type: ignore[no-untyped-def]
        """Write table @ heights to rows [I · (J + 2) · O]."""
        n_rows, n_heights = table.shape
        width = heights.shape[2]
        flat = heights.reshape(-1)
        for i in range(len(heights)):
            for r in range(n_rows):
                for o in range(0, width, lanes):
                    start = i * n_heights * width + o
                    total = load(flat, start, lanes)
                    total = fma(table[r, 0], total, filled(table.dtype.type(0), total))
                    for m in range(1, n_heights):
                        total = fma(table[r, m], load(flat, start + m * width, lanes), total)
                    store(rows, (i * n_rows + r) * width + o, total)

    code: Callable[..., Any] = spread_out
    return code


@cache
def forward_loop(size: int, lanes: int) -> Callable[..., Any]:
    """Return the loop of values, for 2p = size and outputs a multiple of lanes."""

    @_machine
    def forward(y, x, rows, centre, spread, powers, tail, rate, first, last):  # type: ignore[no-untyped-def]
        """Write y [N, O] from row `first` to `last`, from rows [I · (J + 2) · O]."""
        n_inputs, width = x.shape[1], y.shape[1]
        per = len(rows) // n_inputs
        line, level = per - 2 * width, per - width
        half = centre.dtype.type((per // width - size - 1) / 2)
        group = min(max(NEAR // (per * rows.itemsize), 1), n_inputs)
        out = y.reshape(-1)
        u = room(group * BLOCK, x).reshape(group, BLOCK)
        cell = np.empty((group, BLOCK), np.int32)
        s = room(BLOCK, x)
        values = room(group * size * BLOCK, x)
        levels = np.zeros(width, x.dtype)
        for i in range(n_inputs):
            for o in range(width):
                levels[o] += rows[i * per + level + o]
        for n in range(first, last, BLOCK):
            stop = min(BLOCK, last - n)
            for b in range(stop):
                y[n + b] = levels
            for i in range(0, n_inputs, group):
                count = min(group, n_inputs - i)
                for j in range(count):
                    locate(x, i + j, n, stop, centre, spread, half, u[j], s, cell[j])
                    packets(u[j], s, powers, tail, rate, 1, values, j * size * BLOCK)
                for o in range(0, width, lanes):
                    for b in range(stop):
                        at = (n + b) * width + o
                        total = load(out, at, lanes)
                        for j in range(count):
                            base = (i + j) * per + o
                            total = fma(u[j, b], load(rows, base + line, lanes), total)
                            base += cell[j, b] * width
                            value = j * size * BLOCK + b
                            for k in range(size):
                                weight = load(rows, base + k * width, lanes)
                                total = fma(values[value + k * BLOCK], weight, total)
                        store(out, at, total)

    code: Callable[..., Any] = forward
    return code


@cache
def backward_loop(size: int, lanes: int, with_x: bool) -> Callable[..., Any]:
    """Return the loop of gradients; without x it leaves out those of the inputs."""

    @_machine
    def backward(  # type: ignore[no-untyped-def]
        dx, dheights, dy, x, rows, table, centre, spread, powers, tail, rate, first, last
    ):
        """Write dx [N, I] and dheights [I, M, O] of the inputs from `first` to `last`."""
        n_rows, n_heights = table.shape
        width = dy.shape[1]
        per = n_rows * width
        line, level = per - 2 * width, per - width
        half = centre.dtype.type((n_rows - size - 1) / 2)
        steep, falling = slope_tables(powers, tail, rate, half + half)
        group = min(max(NEAR // (2 * per * dy.itemsize), 1), last - first)
        flat = dy.reshape(-1)
        u = room(group * BLOCK, x).reshape(group, BLOCK)
        cell = np.empty((group, BLOCK), np.int32)
        s = room(BLOCK, x)
        values = room(group * size * BLOCK, x)
        slopes = room(group * size * BLOCK, x)
        du = np.empty((group, BLOCK), x.dtype)
        drows = room(group * per, x)
        dlevels = np.zeros(width, x.dtype)
        for n in range(len(dy)):
            for o in range(width):
                dlevels[o] += dy[n, o]
        for i in range(first, last, group):
            count = min(group, last - i)
            own = rows[i * per : (i + count) * per]
            drows[:] = 0
            for n in range(0, len(x), BLOCK):
                stop = min(BLOCK, len(x) - n)
                for j in range(count):
                    locate(x, i + j, n, stop, centre, spread, half, u[j], s, cell[j])
                    packets(u[j], s, powers, tail, rate, 1, values, j * size * BLOCK)
                    if with_x:
                        packets(u[j], s, steep, falling, rate, -1, slopes, j * size * BLOCK)
                du[:] = 0
                for o in range(0, width, lanes):
                    for b in range(stop):
                        flow = load(flat, (n + b) * width + o, lanes)
                        for j in range(count):
                            base = j * per + o
                            at = base + line
                            slope = load(own, at, lanes)
                            store(drows, at, fma(u[j, b], flow, load(drows, at, lanes)))
                            base += cell[j, b] * width
                            value = j * size * BLOCK + b
                            for k in range(size):
                                at, v = base + k * width, value + k * BLOCK
                                if with_x:
                                    slope = fma(slopes[v], load(own, at, lanes), slope)
                                store(drows, at, fma(values[v], flow, load(drows, at, lanes)))
                            if with_x:
                                du[j, b] += dot(slope, flow)
                for j in range(count if with_x else 0):
                    for b in range(stop):
                        dx[n + b, i + j] = du[j, b] / spread[i + j]
            for j in range(count):
                drows[j * per + level : (j + 1) * per] = dlevels
                for m in range(n_heights):
                    for o in range(width):
                        dheights[i + j, m, o] = 0
                    for r in range(n_rows):
                        for o in range(width):
                            dheights[i + j, m, o] += table[r, m] * drows[j * per + r * width + o]

    code: Callable[..., Any] = backward
    return code
