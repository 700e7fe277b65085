"""Temporal diffusion of the error of rounding (Voelker, Rasmussen, Eliasmith, arXiv 2002.03553).

    v ← v + dt x_t,    n_t = floor(v),    v ← v - n_t,    y_t = n_t / dt

`plain_diffusion` is what all forms mean: compiled loops on the host, a kernel on a GPU, and under
`torch.compile` one operator with its own backward. Straight through: dy_t / dx_t = 1, and nothing
flows to v or dt.
"""

from __future__ import annotations

from typing import Any

import torch

from superpose.curves.threads import share


def plain_diffusion(
    x: torch.Tensor, v: torch.Tensor, dt: torch.Tensor, grid: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return y [B, T, F] and the last v, in operations of torch, without a way back.

    Parameters
    ----------
    x : Tensor [B, T, F]
        Activity.
    v : Tensor [B, F]
        What is left from before, from 0 to 1.
    dt : Tensor, no dimension
        Events a unit of activity.
    grid : float
        Parts of an event that v counts in; 0 for as many as its dtype has.

    Returns
    -------
    y : Tensor [B, T, F]
    v : Tensor [B, F]
    """
    dt, emitted = dt.to(x.dtype), []
    for x_t in x.detach().unbind(1):
        step = dt * x_t
        if grid > 0:
            step = torch.round(step * grid) / grid
        v = v + step
        count = torch.floor(v)
        v = v - count
        emitted.append(count / dt)
    y = torch.stack(emitted, 1) if emitted else torch.empty_like(x)
    return y, v.detach().clone()


def host_diffusion(
    x: torch.Tensor, v: torch.Tensor, dt: torch.Tensor, grid: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return `plain_diffusion` by the compiled loop, bit for bit; tensors on the host."""
    from superpose.curves.diffusion_loop import diffuse
    from superpose.curves.machine_code import compiled

    x, v, y = x.detach().contiguous(), v.detach().contiguous().clone(), torch.empty_like(x)
    y = y.contiguous()
    real = x.numpy().dtype.type
    given = y.numpy(), v.numpy(), x.numpy(), real(dt.item()), real(grid)
    loop = compiled(diffuse)
    share(lambda first, last: loop(*given, first, last), len(x), step=1, work=2 * x.numel())
    return y, v


def fast_diffusion(
    x: torch.Tensor, v: torch.Tensor, dt: torch.Tensor, grid: float = 0.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return `plain_diffusion` in the fastest form there is, with the straight-through gradient."""
    if torch.compiler.is_exporting() or torch.jit.is_tracing():
        y, last = plain_diffusion(x, v, dt, grid)
        return x + (y - x).detach() if x.requires_grad else y, last
    if torch.compiler.is_compiling():
        found: tuple[torch.Tensor, torch.Tensor] = _operator(x, v, dt, grid)
    else:
        found = _EagerDiffusion.apply(x, v, dt, grid)
    return found


def _any_diffusion(
    x: torch.Tensor, v: torch.Tensor, dt: torch.Tensor, grid: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Choose by device and dtype."""
    v = v.to(x.dtype)
    if x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64):
        return host_diffusion(x, v, dt, grid)
    if x.device.type == "cuda" and x.dtype == torch.float32:
        from superpose.curves.diffusion_kernel import has_triton, kernel_diffusion

        if has_triton():
            return kernel_diffusion(x, v, dt, grid)
    return plain_diffusion(x, v, dt, grid)


class _EagerDiffusion(torch.autograd.Function):
    """Outside of `torch.compile`, where a function costs less than an operator."""

    @staticmethod
    def forward(*inputs: Any) -> tuple[torch.Tensor, torch.Tensor]:
        return _any_diffusion(*inputs)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.mark_non_differentiable(output[1])

    @staticmethod
    def backward(ctx: Any, *flows: torch.Tensor) -> tuple[Any, ...]:
        return _straight_through(ctx, *flows)


def _straight_through(ctx: Any, dy: torch.Tensor, dv: Any) -> tuple[Any, ...]:
    return dy, None, None, None


_operator = torch.library.custom_op("superpose::diffusion", _any_diffusion, mutates_args=())


@_operator.register_fake
def _(x: torch.Tensor, v: torch.Tensor, dt: torch.Tensor, grid: float) -> Any:
    return torch.empty_like(x, memory_format=torch.contiguous_format), torch.empty_like(
        v, dtype=x.dtype, memory_format=torch.contiguous_format
    )


_operator.register_autograd(_straight_through)
