"""A sum of many curves on the host, by compiled loops: an operator of torch with its own backward.

It means exactly `plain_sum`, which is what exports, other devices and second derivatives use.
`torch.compile` sees one operator with its own backward.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from superpose.curves.curve_sum import curve_sum
from superpose.curves.threads import share

BLOCK = 64
"""Rows that the loops take at once; threads begin where a block does."""


def plain_sum(
    x: torch.Tensor,
    heights: torch.Tensor,
    centre: torch.Tensor,
    spread: torch.Tensor,
    table: torch.Tensor,
    powers: torch.Tensor,
    tail: torch.Tensor,
    rate: float,
) -> torch.Tensor:
    """Return y_o = Σ_i f_io((x_i - centre_i) / spread_i), in operations of torch.

    Parameters
    ----------
    x : Tensor [N, I]
        Inputs.
    heights : Tensor [I, M, O]
        Of curve (i, o) at its M knots.
    centre, spread : Tensor [I]
        The axis of each input.
    table : Tensor [J + 2, M]
        Heights to rows, as `Translates.rows`.
    powers, tail, rate
        As in `curve_sum`.

    Returns
    -------
    Tensor [N, O]
    """
    return curve_sum((x - centre) / spread, table @ heights, powers, tail, rate)


def fits(x: torch.Tensor) -> bool:
    """Return whether the compiled loops may stand for `plain_sum` at inputs like these."""
    return (
        x.device.type == "cpu"
        and x.dtype in (torch.float32, torch.float64)
        and not torch.compiler.is_exporting()
        and not torch.jit.is_tracing()
    )


def fast_sum(
    x: torch.Tensor,
    heights: torch.Tensor,
    centre: torch.Tensor,
    spread: torch.Tensor,
    table: torch.Tensor,
    powers: torch.Tensor,
    tail: torch.Tensor,
    rate: float,
) -> torch.Tensor:
    """Return `plain_sum`, of tensors on the host that are all float32 or all float64."""
    tensors = x, heights, centre, spread, table, powers, tail
    if torch.compiler.is_compiling():
        y: torch.Tensor = _forward_operator(*tensors, rate)
    else:
        y = _EagerSum.apply(*tensors, rate)
    return y


def host_sum(
    x: torch.Tensor,
    heights: torch.Tensor,
    centre: torch.Tensor,
    spread: torch.Tensor,
    table: torch.Tensor,
    powers: torch.Tensor,
    tail: torch.Tensor,
    rate: float,
) -> torch.Tensor:
    """Return `plain_sum` by the loops, without a way back."""
    from superpose.curves.curve_loops import forward_loop

    outputs, lanes = heights.shape[2], _lanes(heights.shape[2])
    forward = forward_loop(powers.shape[1], lanes)
    padded, flat, rise = _padded(heights, lanes), _array(x), _array(table)
    rows = _rows(x, rise, padded, lanes)
    y = _room(x, len(x), padded.shape[2])
    axis, curves = (_array(centre), _array(spread)), (_array(powers), _array(tail))
    given = flat, rows, *axis, *curves, rise.dtype.type(rate)
    share(
        lambda first, last: forward(y, *given, first, last),
        len(x),
        step=BLOCK,
        work=flat.size * padded.shape[2] * powers.shape[1],
    )
    return torch.from_numpy(y[:, :outputs].copy() if y.shape[1] > outputs else y)


def host_gradients(
    dy: torch.Tensor,
    x: torch.Tensor,
    heights: torch.Tensor,
    centre: torch.Tensor,
    spread: torch.Tensor,
    table: torch.Tensor,
    powers: torch.Tensor,
    tail: torch.Tensor,
    rate: float,
    with_x: bool,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the gradients with respect to x, empty without it, and heights."""
    from superpose.curves.curve_loops import backward_loop

    outputs, lanes = heights.shape[2], _lanes(heights.shape[2])
    backward = backward_loop(powers.shape[1], lanes, with_x)
    padded, flow, flat, rise = (
        _padded(heights, lanes),
        _padded(dy, lanes),
        _array(x),
        _array(table),
    )
    dx, dheights = _room(x, *(flat.shape if with_x else (0, 0))), _room(x, *padded.shape)
    axis, curves = (_array(centre), _array(spread)), (_array(powers), _array(tail))
    given = flow, flat, _rows(x, rise, padded, lanes), rise, *axis, *curves, rise.dtype.type(rate)
    share(
        lambda first, last: backward(dx, dheights, *given, first, last),
        len(padded),
        step=1,
        work=2 * flat.size * padded.shape[2] * powers.shape[1],
    )
    if padded.shape[2] > outputs:
        dheights = dheights[:, :, :outputs].copy()
    return torch.from_numpy(dx), torch.from_numpy(dheights)


class _EagerSum(torch.autograd.Function):
    """The loops outside of `torch.compile`, where a function costs less than an operator."""

    @staticmethod
    def forward(*inputs: Any) -> torch.Tensor:
        return host_sum(*inputs)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        _keep(ctx, inputs, output)

    @staticmethod
    def backward(ctx: Any, *flows: torch.Tensor) -> tuple[Any, ...]:
        step = _in_plain_steps if torch.is_grad_enabled() else _gradients
        return step(ctx, flows[0])

    @staticmethod
    def vmap(info: Any, in_dims: Any, *inputs: Any) -> tuple[torch.Tensor, int]:
        return torch.vmap(plain_sum, in_dims, randomness=info.randomness)(*inputs), 0


def _gradients(
    ctx: Any, dy: torch.Tensor, backward: Callable[..., Any] = host_gradients
) -> tuple[Any, ...]:
    with_x, _, *with_axis = ctx.needs_input_grad[:4]
    inner = with_x or any(with_axis)
    dx, dheights = backward(dy, *ctx.saved_tensors, ctx.rate, inner)
    return dx if with_x else None, dheights, *_axis_gradients(ctx, dx, with_axis), *[None] * 4


def _axis_gradients(ctx: Any, dx: torch.Tensor, wanted: Sequence[bool]) -> tuple[Any, Any]:
    """Return those of centre and spread, in which u = (x - centre) / spread."""
    x, _, centre, spread = ctx.saved_tensors[:4]
    dcentre = -dx.sum(0) if wanted[0] else None
    dspread = -(dx * (x - centre)).sum(0) / spread if wanted[1] else None
    return dcentre, dspread


def _in_plain_steps(ctx: Any, dy: torch.Tensor) -> tuple[Any, ...]:
    """Return the same, where gradients of gradients are asked for."""
    saved = ctx.saved_tensors
    tables: list[Any] = [*saved[4:], ctx.rate]

    def of(*moving: Any) -> torch.Tensor:
        return plain_sum(*moving, *tables)

    pull: Callable[..., tuple[Any, ...]] = torch.func.vjp(of, *saved[:4])[1]
    return *pull(dy), *[None] * 4


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    *tensors, ctx.rate = inputs
    ctx.save_for_backward(*tensors)


_forward_operator = torch.library.custom_op("superpose::curve_sum", host_sum, mutates_args=())
_backward_operator = torch.library.custom_op(
    "superpose::curve_sum_backward", host_gradients, mutates_args=()
)


@_forward_operator.register_fake
def _(x: torch.Tensor, heights: torch.Tensor, *_: Any) -> torch.Tensor:
    return x.new_empty(x.shape[0], heights.shape[2])


@_backward_operator.register_fake
def _(dy: torch.Tensor, x: torch.Tensor, heights: torch.Tensor, *rest: Any) -> Any:
    return x.new_empty(x.shape if rest[-1] else (0, 0)), heights.new_empty(heights.shape)


def _operator_backward(ctx: Any, dy: torch.Tensor) -> tuple[Any, ...]:
    return _gradients(ctx, dy, _backward_operator)


_forward_operator.register_autograd(_operator_backward, setup_context=_keep)


def _lanes(outputs: int) -> int:
    """Return how many outputs a step of the loops takes."""
    return 64 if -(-outputs // 16) % 4 == 0 else 16


def _rows(like: torch.Tensor, table: np.ndarray, heights: np.ndarray, lanes: int) -> np.ndarray:
    from superpose.curves.curve_loops import spreading

    rows = _room(like, len(heights) * len(table) * heights.shape[2])
    spreading(lanes)(rows, table, heights)
    return rows


def _room(like: torch.Tensor, *shape: int) -> np.ndarray:
    """Return an array that begins where a line of the cache does, as those of torch do."""
    return np.asarray(like.new_empty(shape).numpy())


def _array(tensor: torch.Tensor) -> np.ndarray:
    return np.asarray(tensor.detach().contiguous().numpy())


def _padded(tensor: torch.Tensor, lanes: int) -> np.ndarray:
    """Return an array whose last axis is a multiple of lanes, with zeros at its end."""
    short = -tensor.shape[-1] % lanes
    return _array(torch.nn.functional.pad(tensor, (0, short)) if short else tensor)
