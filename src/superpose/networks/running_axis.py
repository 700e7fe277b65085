"""The axes of a layer inside a network: they follow what comes in while it trains, then stand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from superpose.curves.statistics_loop import column_statistics
from superpose.errors import InputError


class RunningAxis(nn.Module):
    """u = (x - centre) / spread, one axis an input; on every axis the knots reach from -1 to 1.

    While the module trains, centre and spread follow mean and standard deviation of the inputs: the
    knots reach ``reach`` standard deviations to either side. The same statistics are used in
    training and in evaluation, so a row's result never depends on the rows beside it. With
    ``bounds`` the axes are fixed.

    Parameters
    ----------
    n_inputs : int
        I.
    bounds : (float, float), optional
        Where the first and the last knot stand, in units of the input. Without it they run.
    reach : float, default 3.0
        Standard deviations from the centre to the last knot.
    momentum : float, default 0.1
        Share of the newest batch in the running statistics; the first batches count alike.

    Attributes
    ----------
    centre, spread : Tensor [I]
        In units of the input.
    lowest, highest : Tensor [I]
        What was seen in training; infinite, and the wrong way round, before.

    Examples
    --------
    >>> import torch
    >>> axis = RunningAxis(1, reach=2.0)
    >>> axis(torch.tensor([[1.0], [3.0]])).ravel()
    tensor([-0.3536,  0.3536])
    >>> axis.eval()(torch.tensor([[2.0]])).item()
    0.0
    """

    centre: torch.Tensor
    variance: torch.Tensor
    batches: torch.Tensor
    lowest: torch.Tensor
    highest: torch.Tensor

    def __init__(
        self,
        n_inputs: int,
        bounds: tuple[float, float] | None = None,
        *,
        reach: float = 3.0,
        momentum: float = 0.1,
    ) -> None:
        super().__init__()
        self.runs, self.reach, self.momentum = bounds is None, reach, momentum
        low, high = (-reach, reach) if bounds is None else _checked(bounds)
        self.register_buffer("centre", torch.full((n_inputs,), (low + high) / 2))
        self.register_buffer("variance", torch.full((n_inputs,), ((high - low) / 2 / reach) ** 2))
        self.register_buffer("batches", torch.zeros(()))
        self.register_buffer("lowest", torch.full((n_inputs,), math.inf))
        self.register_buffer("highest", torch.full((n_inputs,), -math.inf))

    @property
    def spread(self) -> torch.Tensor:
        """Half the distance from the first to the last knot, [I], in units of the input."""
        return self.reach * self.variance.clamp(min=1e-12).sqrt()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x [N, I] in axis units; while training the axes learn of x first."""
        self.follow(x)
        return (x - self.centre) / self.spread

    def units(self, u: torch.Tensor) -> torch.Tensor:
        """Return axis units [.., I] in units of the input."""
        return self.centre + self.spread * u

    @torch.no_grad()
    def follow(self, x: torch.Tensor) -> None:
        """Learn of x [N, I] while training; otherwise do nothing."""
        if not self.training or not len(x):
            return
        low, high, mean, variance = _statistics(x.detach())
        self.lowest.copy_(torch.minimum(self.lowest, low))
        self.highest.copy_(torch.maximum(self.highest, high))
        if not self.runs or len(x) < 2:
            return
        share = torch.clamp(1 / (self.batches + 1), min=self.momentum)
        self.centre.lerp_(mean.to(self.centre.dtype), share)
        self.variance.lerp_(variance.to(self.variance.dtype), share)
        self.batches += 1

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> RunningAxis:
        kept = {name: buffer for name, buffer in self.named_buffers() if buffer is not None}
        super()._apply(fn, recurse)
        for name, buffer in self.named_buffers():
            if buffer.is_floating_point() and buffer.itemsize < 4:  # statistics stay float32
                setattr(self, name, kept[name].to(buffer.device, torch.float32))
        return self


def _statistics(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Return lowest, highest, mean and variance of the columns of x [N, I], each [I]."""
    if x.device.type == "cpu" and x.itemsize >= 4 and not torch.compiler.is_compiling():
        return torch.from_numpy(column_statistics(x.contiguous().numpy())).unbind()
    variance, mean = torch.var_mean(x, dim=0, correction=min(1, len(x) - 1))
    return *torch.aminmax(x, dim=0), mean, variance


def _checked(bounds: tuple[float, float]) -> tuple[float, float]:
    low, high = bounds
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(
            "bounds must be two finite numbers, the lower one first",
            f"got bounds={bounds!r}",
            "pass the range of the inputs, for instance (-1, 1), or None to follow them",
        )
    return float(low), float(high)
