"""Rounding at random: unbiased at every step, without memory (Nengo's `StochasticSpiking`)."""

from __future__ import annotations

import torch

from superpose.curves.memoryless_quantizer import straight_through
from superpose.curves.quantizer import AbstractQuantizer, uniform


class StochasticQuantizer(AbstractQuantizer):
    """A curve whose values are rounded up as often as they are near the next whole number.

    n_t = floor(dt f(J_t) + r_t) with r_t from U[0, 1) anew at every step, and y_t = n_t / dt,
    straight through. The mean of y_t is f(J_t), as of `DiffusedQuantizer`; but errors of different
    steps know nothing of each other, so their sum grows as the root of time instead of staying
    below 1 / dt.

    Parameters
    ----------
    activation : callable
        f, any curve or module that keeps the shape of its inputs.
    dt : float or Resolution
        Events a unit of activity a step.
    spiking_training : bool, default True
        If False, f alone is used in training mode, and counts only in evaluation.
    random_state : int or torch.Generator, default 0
        Source of r; every pass draws on.

    Attributes
    ----------
    resolution : Resolution
        Holds dt.

    Raises
    ------
    InputError
        If dt is not positive, or inputs are not [B, T, F].

    Examples
    --------
    >>> import torch
    >>> from superpose.curves import StochasticQuantizer
    >>> quantizer = StochasticQuantizer(torch.relu, dt=2.0)
    >>> y = quantizer(torch.full((1, 10_000, 1), 0.3))
    >>> sorted(set(y.flatten().tolist())), round(y.mean().item(), 1)
    ([0.0, 0.5], 0.3)
    """

    def quantize(self, x: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        dt = self.resolution.dt.to(x.dtype)
        chance = uniform(tuple(x.shape), x, self.source(x.device, anew=False))
        return straight_through(torch.floor(dt * x.detach() + chance) / dt, x), v
