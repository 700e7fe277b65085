"""The axes of a layer inside a network: they follow what comes in while it trains, then stand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from superpose.curves.standardised_sum import SMALLEST
from superpose.curves.statistics_loop import column_statistics
from superpose.errors import InputError


class RunningAxis(nn.Module):
    """u = (x - centre) / spread, one axis an input; on every axis the knots reach from -1 to 1.

    While the module trains, every batch is standardised by its own mean and standard deviation, and
    running means of both are kept; afterwards these stand. The knots reach ``reach`` standard
    deviations to either side. This is batch normalisation without a scale of its own (Ioffe and
    Szegedy 2015, https://arxiv.org/abs/1502.03167): gradients pass through the statistics, without
    which features drift away from under their curves. With ``bounds`` the axes are fixed.

    Parameters
    ----------
    n_inputs : int
        I.
    bounds : (float, float), optional
        Where the first and the last knot stand, in units of the input. Without it they run.
    reach : float, default 3.0
        Standard deviations from the centre to the last knot.
    momentum : float, default 0.1
        Share of the newest batch in the running means; the first batches count alike.

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
    tensor([-0.5000,  0.5000])
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
        return self.reach * self.variance.sqrt()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x [N, I] in axis units; while training the axes learn of x."""
        centre, spread = self.place(x)
        return (x - centre) / spread

    def place(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return centre and spread [I] of the axes on which x [N, I] stands.

        While training the axes learn of x first. Where a batch is standardised by its own
        statistics, they have a gradient in it.
        """
        if not self.training or not len(x):
            return self.centre.clone(), self.spread  # as they are now, for backward
        found = statistics(x)
        self.learn(found, len(x))
        if not self.standardises(x):
            return self.centre.clone(), self.spread
        return found[2], self.reach * (found[3] + SMALLEST).sqrt()

    def standardises(self, x: torch.Tensor) -> bool:
        """Return whether x [N, I] would be standardised by its own statistics now."""
        return self.training and self.runs and len(x) > 1

    @torch.no_grad()
    def learn(self, found: Sequence[torch.Tensor], n_rows: int) -> None:
        """Take note of a batch: its lowest, highest, mean, and variance over N, each [I]."""
        lowest, highest, mean, variance = found
        self.lowest.copy_(torch.fmin(self.lowest, lowest))
        self.highest.copy_(torch.fmax(self.highest, highest))
        if self.runs and n_rows > 1:
            self._follow(mean, variance, n_rows)

    def at(self, x: torch.Tensor) -> torch.Tensor:
        """Return x [.., I] in axis units, on the axes as they stand; nothing is learned of x."""
        return (x - self.centre) / self.spread

    def outside(self, x: torch.Tensor) -> torch.Tensor:
        """Return which of x [N, I] are not between the lowest and the highest seen in training.

        True for NaN, and for everything before there was training.
        """
        return ~((x >= self.lowest) & (x <= self.highest))

    def _follow(self, mean: torch.Tensor, variance: torch.Tensor, n_rows: int) -> None:
        """Move the running means; an input that has a NaN in this batch waits for the next."""
        share = torch.clamp(1 / (self.batches + 1), min=self.momentum) * variance.isfinite()
        unbiased = variance.nan_to_num(posinf=0.0) * (n_rows / (n_rows - 1)) + SMALLEST
        self.centre.lerp_(mean.nan_to_num().to(self.centre.dtype), share)
        self.variance.lerp_(unbiased.to(self.variance.dtype), share)
        self.batches += 1

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> RunningAxis:
        kept = {name: buffer for name, buffer in self.named_buffers() if buffer is not None}
        super()._apply(fn, recurse)
        for name, buffer in self.named_buffers():
            if buffer.is_floating_point() and buffer.itemsize < 4:  # statistics stay float32
                setattr(self, name, kept[name].to(buffer.device, torch.float32))
        return self


def statistics(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Return lowest, highest, mean and variance of the columns of x [N, I], each [I].

    Mean and variance have gradients; the variance is that of the batch, over N.
    """
    if x.device.type == "cpu" and x.itemsize >= 4 and not torch.compiler.is_compiling():
        found: tuple[torch.Tensor, ...] = _OnePass.apply(x)
        return found
    variance, mean = torch.var_mean(x, dim=0, correction=0)
    return *torch.aminmax(x.detach(), dim=0), mean, variance


class _OnePass(torch.autograd.Function):
    """The statistics by a compiled loop that reads x once."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        found = torch.from_numpy(column_statistics(x.detach().contiguous().numpy())).unbind()
        ctx.save_for_backward(x, found[2])
        ctx.mark_non_differentiable(*found[:2])
        return found

    @staticmethod
    def backward(ctx: Any, *flows: torch.Tensor) -> torch.Tensor:
        x, mean = ctx.saved_tensors
        if torch.is_grad_enabled():  # gradients of gradients know that the mean moves with x
            mean = x.mean(0)
        return (flows[2] + 2 * (x - mean) * flows[3]) / len(x)


def _checked(bounds: tuple[float, float]) -> tuple[float, float]:
    low, high = bounds
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(
            "bounds must be two finite numbers, the lower one first",
            f"got bounds={bounds!r}",
            "pass the range of the inputs, for instance (-1, 1), or None to follow them",
        )
    return float(low), float(high)
