"""A sum of many curves of inputs that are standardised by their own batch, in compiled loops.

It means `plain_standardised_sum`. One function of torch holds statistics, sum and the way back
through both, because on the host small operations of torch cost as much as the sum: each wakes the
threads of its pool, which then wait in a loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from superpose.curves.compiled_sum import host_gradients, host_sum, plain_sum
from superpose.curves.machine_code import compiled
from superpose.curves.statistics_loop import column_statistics

SMALLEST = 1e-8
"""Added to the variance of a batch, in units of the input, squared: a constant input has some."""


def plain_standardised_sum(
    x: torch.Tensor, heights: torch.Tensor, reach: float, *tables: Any
) -> torch.Tensor:
    """Return Σ_i f_io((x_i - m_i) / (reach sd_i)), m and sd those of the columns of x [N, I]."""
    variance, mean = torch.var_mean(x, dim=0, correction=0)
    return plain_sum(x, heights, mean, reach * (variance + SMALLEST).sqrt(), *tables)


def standardised_sum(
    x: torch.Tensor, heights: torch.Tensor, reach: float, *tables: Any
) -> tuple[torch.Tensor, ...]:
    """Return `plain_standardised_sum`, and lowest, highest, mean and variance of the columns.

    Parameters
    ----------
    x : Tensor [N, I]
        On the host, float32 or float64, N >= 1.
    heights : Tensor [I, M, O]
        Of the same dtype.
    reach : float
        Standard deviations from the centre of an axis to its last knot.
    *tables
        table, powers, tail and rate of `plain_sum`.
    """
    found: tuple[torch.Tensor, ...] = _StandardisedSum.apply(x, heights, reach, *tables)
    return found


class _StandardisedSum(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, heights: torch.Tensor, reach: float, *tables: Any
    ) -> Any:
        statistics = torch.from_numpy(column_statistics(x.contiguous().numpy())).unbind()
        spread = reach * (statistics[3] + SMALLEST).sqrt()
        y = host_sum(x, heights, statistics[2], spread, *tables)
        *tensors, ctx.rate = tables
        ctx.save_for_backward(x, heights, statistics[2], spread, *tensors)
        ctx.reach = reach
        ctx.mark_non_differentiable(*statistics)
        return y, *statistics

    @staticmethod
    def backward(ctx: Any, *flows: torch.Tensor) -> tuple[Any, ...]:
        x, heights, mean, spread, *tensors = ctx.saved_tensors
        rest = [None] * 5
        if torch.is_grad_enabled():
            return *_in_plain_steps(flows[0], x, heights, ctx.reach, *tensors, ctx.rate), *rest
        with_x = ctx.needs_input_grad[0]
        gradients: Callable[..., Any] = host_gradients
        dx, dheights = gradients(flows[0], *ctx.saved_tensors, ctx.rate, with_x)
        if with_x:
            axis = mean.numpy(), (spread / ctx.reach).numpy()
            compiled(_through_statistics)(dx.numpy(), x.detach().contiguous().numpy(), *axis)
        return dx if with_x else None, dheights, *rest


def _in_plain_steps(
    dy: torch.Tensor, x: torch.Tensor, heights: torch.Tensor, *given: Any
) -> tuple[Any, ...]:
    """Return the same, where gradients of gradients are asked for."""

    def of(x: torch.Tensor, heights: torch.Tensor) -> torch.Tensor:
        return plain_standardised_sum(x, heights, *given)

    pull: Callable[..., tuple[Any, ...]] = torch.func.vjp(of, x, heights)[1]
    return pull(dy)


def _through_statistics(dx: Any, x: Any, mean: Any, sd: Any) -> None:
    """Turn gradients for given statistics into those of a batch that makes its own, in place.

    With t = (x - mean) / sd: dx - mean(dx) - t mean(t dx) (Ioffe and Szegedy 2015).
    """
    level, along = np.zeros_like(mean), np.zeros_like(mean)
    for n in range(len(x)):
        for i in range(len(mean)):
            level[i] += dx[n, i]
            along[i] += dx[n, i] * (x[n, i] - mean[i])
    for i in range(len(mean)):
        level[i] /= len(x)
        along[i] /= len(x) * sd[i] * sd[i]
    for n in range(len(x)):
        for i in range(len(mean)):
            dx[n, i] -= level[i] + along[i] * (x[n, i] - mean[i])
