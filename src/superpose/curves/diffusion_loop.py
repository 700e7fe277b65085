"""The loop of temporal diffusion over sequences on the host."""

from __future__ import annotations

from typing import Any

import numpy as np


def diffuse(y: Any, v: Any, x: Any, dt: Any, grid: Any, first: int, last: int) -> None:
    """Write y [B, T, F] of x, and carry v [B, F], in rows first to last; `plain_diffusion`."""
    for row in range(first, last):
        for t in range(x.shape[1]):
            for f in range(x.shape[2]):
                step = dt * x[row, t, f]
                if grid > 0:
                    step = np.rint(step * grid) / grid
                own = v[row, f] + step
                count = np.floor(own)
                v[row, f] = own - count
                y[row, t, f] = count / dt
