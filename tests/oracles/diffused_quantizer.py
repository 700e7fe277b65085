"""Temporal diffusion from its update, a number at a time, in exact fractions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction


def diffuse(
    x: Sequence[float], v: float, dt: float, grid: int = 0
) -> tuple[list[int], list[Fraction]]:
    """Counts n_t of one neuron and v after every step: v += dt x; n = floor(v); v -= n."""
    left, counts, states = Fraction(v), [], []
    for value in x:
        step = Fraction(dt) * Fraction(value)
        if grid:
            step = Fraction(round(step * grid), grid)  # halves to even
        left += step
        count = math.floor(left)
        left -= count
        counts.append(count)
        states.append(left)
    return counts, states
