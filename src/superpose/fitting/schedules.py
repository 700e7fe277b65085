"""How the learning rate goes over a training, where nothing else is asked for."""

from __future__ import annotations

import math
from functools import partial

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

WARM = 0.05
"""Share of the steps over which the rate rises."""


def warm_cosine(optimizer: Optimizer, n_steps: int) -> LambdaLR:
    """Let the rate rise for a twentieth of the steps, and fall to 0 as half a cosine.

    The cosine is that of Loshchilov and Hutter (2017, https://arxiv.org/abs/1608.03983), without
    restarts.
    """
    return LambdaLR(optimizer, partial(share, n_steps=n_steps))


def share(step: int, n_steps: int) -> float:
    """Return by what the rate is multiplied in a step, from 0.

    Examples
    --------
    >>> [round(share(step, 100), 2) for step in (0, 4, 50, 99)]
    [0.2, 1.0, 0.5, 0.0]
    """
    rise = min(1.0, (step + 1) / max(1.0, WARM * n_steps))
    return rise * 0.5 * (1 + math.cos(math.pi * step / n_steps))
