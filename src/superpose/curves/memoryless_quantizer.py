"""Plain rounding: the quantizer without a state, the control of every other."""

from __future__ import annotations

import torch

from superpose.curves.quantizer import AbstractQuantizer


class MemorylessQuantizer(AbstractQuantizer):
    """A curve whose values are rounded to multiples of 1 / dt, each for itself.

    n_t = round(dt f(J_t)) and y_t = n_t / dt, straight through. The error of a step is never more
    than half an event, but repeats itself: where ``|dt f| < ½`` nothing is ever emitted. It
    takes the place of `DiffusedQuantizer` to show what the state of that one is worth.

    Parameters
    ----------
    activation : callable
        f, any curve or module that keeps the shape of its inputs.
    dt : float or Resolution
        Levels a unit of activity.
    spiking_training : bool, default True
        If False, f alone is used in training mode, and counts only in evaluation.
    random_state : int or torch.Generator, default 0
        Not used; here so that quantizers can take each other's place.

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
    >>> from superpose.curves import MemorylessQuantizer
    >>> quantizer = MemorylessQuantizer(torch.tanh, dt=4.0)
    >>> quantizer(torch.tensor([[[0.05], [0.2], [3.0]]])).flatten().tolist()
    [0.0, 0.25, 1.0]
    """

    def quantize(self, x: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        dt = self.resolution.dt.to(x.dtype)
        return straight_through(torch.round(dt * x.detach()) / dt, x), v


def straight_through(y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Return y exactly, with the gradient of x."""
    through: torch.Tensor = _StraightThrough.apply(y, x)
    return through


class _StraightThrough(torch.autograd.Function):
    """x + (y - x) would differ from y by a rounding."""

    @staticmethod
    def forward(y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return y.clone()

    @staticmethod
    def setup_context(ctx: object, inputs: object, output: object) -> None:
        """Keep nothing."""

    @staticmethod
    def backward(ctx: object, dy: torch.Tensor) -> tuple[None, torch.Tensor]:
        return None, dy
