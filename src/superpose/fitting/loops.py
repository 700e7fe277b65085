"""Loops over rows that no tensor library has: sums over the few features a row has, compiled.

Each function is plain Python, and means what it says; `compiled` (`superpose.curves.machine_code`)
makes machine code of it when it is first asked for. Every attribute has `ACTIVE` neighbouring
features at most in a row, the rest are zero, so a row costs 16 products a pair of attributes
instead of one a pair of columns.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from superpose.curves.packet_table import MARGIN

ACTIVE = 4
"""Features of an attribute that are not zero in a row, at most: the packets of Matérn 3/2."""


def packets(
    u: Any, edges: Any, centre: Any, scale: Any, first: Any, powers: Any, start: Any, values: Any
) -> None:
    """Write the active packets at u [n]: polynomials in each cell of a `PacketTable`.

    start [n] is where the first one stands, values [n, 4] what they are; 0 where u is missing.
    """
    for i in range(len(u)):
        x = u[i]
        if np.isnan(x):
            start[i] = 0
            for j in range(4):
                values[i, j] = 0.0
            continue
        cell, left = 0, len(centre)
        while left > 1:  # the last cell whose left edge is not beyond x; nothing to mispredict
            half = left // 2
            cell += half * (edges[cell + half] <= x)
            left -= half
        s = min(max((x - centre[cell]) * scale[cell], -1 - MARGIN), 1 + MARGIN)
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        for k in range(powers.shape[1] - 1, -1, -1):  # Horner
            a = a * s + powers[cell, k, 0]
            b = b * s + powers[cell, k, 1]
            c = c * s + powers[cell, k, 2]
            d = d * s + powers[cell, k, 3]
        start[i] = first[cell]
        values[i, 0], values[i, 1], values[i, 2], values[i, 3] = a, b, c, d


def products(total: Any, start: Any, values: Any, weight: Any) -> None:
    """Add Fᵀ diag(w) F of the features F, attribute by attribute, to the upper blocks of total.

    start [attributes, n] unsigned, values [attributes, n, 4], weight [n].
    """
    for p in range(len(start)):
        for r in range(p, len(start)):
            for i in range(len(weight)):
                a, b, w = start[p, i], start[r, i], weight[i]
                for j in range(4):
                    own = w * values[p, i, j]
                    for k in range(4):
                        total[a + np.uint64(j), b + np.uint64(k)] += own * values[r, i, k]


def against(total: Any, start: Any, values: Any, columns: Any) -> None:
    """Add Fᵀ C to total [features, c], for columns C [n, c]."""
    for p in range(len(start)):
        for i in range(len(columns)):
            for j in range(4):
                at, own = start[p, i] + np.uint64(j), values[p, i, j]
                for k in range(columns.shape[1]):
                    total[at, k] += own * columns[i, k]


def outputs(total: Any, start: Any, values: Any, heights: Any) -> None:
    """Add F h to total [n, K], for what each feature adds to each output, heights [features, K]."""
    for p in range(len(start)):
        for i in range(len(total)):
            for j in range(4):
                at, own = start[p, i] + np.uint64(j), values[p, i, j]
                for k in range(total.shape[1]):
                    total[i, k] += own * heights[at, k]
