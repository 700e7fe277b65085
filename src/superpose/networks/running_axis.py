"""The axes of a layer inside a network: they follow what comes in while it trains, then stand."""

from __future__ import annotations

import math

import torch
from torch import nn

from superpose.errors import InputError

SMALLEST = 1e-8
"""Variance below which an input counts as constant; in units of the input, squared."""


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
        return self.reach * self.variance.clamp(min=SMALLEST).sqrt()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x [N, I] in axis units; while training the axes learn of x."""
        if not self.training or not len(x):
            return (x - self.centre) / self.spread
        self._widen(x.detach())
        if not self.runs or len(x) < 2:
            return (x - self.centre) / self.spread
        nothing = (None, None, None, None)
        u, mean, scale = torch.native_batch_norm(x, *nothing, True, 0.0, SMALLEST)
        self._follow(mean.detach(), scale.detach() ** -2 - SMALLEST, len(x))
        return u / self.reach

    def units(self, u: torch.Tensor) -> torch.Tensor:
        """Return axis units [.., I] in units of the input."""
        return self.centre + self.spread * u

    def outside(self, x: torch.Tensor) -> torch.Tensor:
        """Return which of x [N, I] are not between the lowest and the highest seen in training.

        True for NaN, and for everything before there was training.
        """
        return ~((x >= self.lowest) & (x <= self.highest))

    @torch.no_grad()
    def _widen(self, x: torch.Tensor) -> None:
        low, high = torch.aminmax(x, dim=0)
        self.lowest.copy_(torch.fmin(self.lowest, low))
        self.highest.copy_(torch.fmax(self.highest, high))

    @torch.no_grad()
    def _follow(self, mean: torch.Tensor, variance: torch.Tensor, n_rows: int) -> None:
        """Move the running means; an input that has a NaN in this batch waits for the next."""
        share = torch.clamp(1 / (self.batches + 1), min=self.momentum) * variance.isfinite()
        unbiased = variance.nan_to_num(posinf=0.0) * (n_rows / (n_rows - 1))
        self.centre.lerp_(mean.nan_to_num().to(self.centre.dtype), share)
        self.variance.lerp_(unbiased.to(self.variance.dtype), share)
        self.batches += 1


def _checked(bounds: tuple[float, float]) -> tuple[float, float]:
    low, high = bounds
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(
            "bounds must be two finite numbers, the lower one first",
            f"got bounds={bounds!r}",
            "pass the range of the inputs, for instance (-1, 1), or None to follow them",
        )
    return float(low), float(high)
