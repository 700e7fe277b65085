"""A sum of many curves on the host, by compiled loops: an operator of torch with its own backward.

The operator means exactly `plain_sum`, which is what traces, exports, other devices and second
derivatives use. `torch.compile` and `torch.export` see one node where the operator stands.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Thread
from typing import Any

import numpy as np
import torch

from superpose.curves.curve_sum import curve_sum

A_THREAD = 2.5e6
"""Products that merit a thread of their own: some .3 ms."""

LEAST_ROWS = 64


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


@torch.library.custom_op("superpose::curve_sum", mutates_args=())
def compiled_sum(
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
    from superpose.curves.curve_loops import loops

    outputs, lanes = heights.shape[2], _lanes(heights.shape[2])
    spread_out, forward, _ = loops(powers.shape[1], lanes)
    padded = _padded(heights, lanes)
    rows = _room(x, len(padded) * len(table) * padded.shape[2])
    spread_out(rows, table.numpy(), padded, 0, len(padded))
    y = _room(x, len(x), padded.shape[2])
    axis = _array(centre), _array(spread)
    curves = powers.numpy(), tail.numpy(), powers.numpy().dtype.type(rate)
    flat = _array(x)
    _share(
        lambda first, last: forward(y, flat, rows, *axis, *curves, first, last),
        len(x),
        step=LEAST_ROWS,
        work=len(x) * rows.size // len(table) * powers.shape[1],
    )
    return torch.from_numpy(y[:, :outputs].copy() if y.shape[1] > outputs else y)


@torch.library.custom_op("superpose::curve_sum_backward", mutates_args=())
def _compiled_backward(
    dy: torch.Tensor,
    x: torch.Tensor,
    heights: torch.Tensor,
    centre: torch.Tensor,
    spread: torch.Tensor,
    table: torch.Tensor,
    powers: torch.Tensor,
    tail: torch.Tensor,
    rate: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the gradients with respect to x and heights, of dy [N, O]."""
    from superpose.curves.curve_loops import loops

    outputs, lanes = heights.shape[2], _lanes(heights.shape[2])
    backward = loops(powers.shape[1], lanes)[2]
    padded, flow, flat = _padded(heights, lanes), _padded(dy, lanes), _array(x)
    dx, dheights = _room(x, *flat.shape), _room(x, *padded.shape)
    axis = _array(centre), _array(spread)
    curves = powers.numpy(), tail.numpy(), powers.numpy().dtype.type(rate)
    given = flow, flat, table.numpy(), padded, *axis, *curves
    _share(
        lambda first, last: backward(dx, dheights, *given, first, last),
        len(padded),
        step=1,
        work=2 * flat.size * padded.shape[2] * powers.shape[1],
    )
    if padded.shape[2] > outputs:
        dheights = dheights[:, :, :outputs].copy()
    return torch.from_numpy(dx), torch.from_numpy(dheights)


@compiled_sum.register_fake
def _(x: torch.Tensor, heights: torch.Tensor, *_: Any) -> torch.Tensor:
    return x.new_empty(x.shape[0], heights.shape[2])


@_compiled_backward.register_fake
def _(
    dy: torch.Tensor, x: torch.Tensor, heights: torch.Tensor, *_: Any
) -> tuple[torch.Tensor, torch.Tensor]:
    return x.new_empty(x.shape), heights.new_empty(heights.shape)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    *tensors, ctx.rate = inputs
    ctx.save_for_backward(*tensors)


def _once(ctx: Any, dy: torch.Tensor) -> tuple[Any, ...]:
    dx, dheights = _compiled_backward(dy, *ctx.saved_tensors, ctx.rate)
    return dx, dheights, *[None] * 6


def _twice(ctx: Any, ddx: Any, ddheights: Any) -> tuple[Any, ...]:
    """Return what the gradients' gradients are, in operations of torch."""
    *followed, centre, spread, table, powers, tail = ctx.saved_tensors
    again = torch.is_grad_enabled()
    with torch.enable_grad():
        dy, x, heights = (_followed(each) for each in followed)
        y = plain_sum(x, heights, centre, spread, table, powers, tail, ctx.rate)
        first = torch.autograd.grad(y, (x, heights), dy, create_graph=True)
    flows = [(d, dd) for d, dd in zip(first, (ddx, ddheights), strict=True) if dd is not None]
    second = torch.autograd.grad(
        [d for d, _ in flows],
        (dy, x, heights),
        [dd for _, dd in flows],
        create_graph=again,
        allow_unused=True,
    )
    return *second, *[None] * 6


def _followed(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.view_as(tensor) if tensor.requires_grad else tensor.detach().requires_grad_()


compiled_sum.register_autograd(_once, setup_context=_keep)
_compiled_backward.register_autograd(_twice, setup_context=_keep)


def _share(loop: Callable[[int, int], None], count: int, *, step: int, work: float) -> None:
    """Run a loop from 0 to count, on as many threads as torch may use and the work merits."""
    threads = max(1, min(torch.get_num_threads(), os.cpu_count() or 1, int(work / A_THREAD)))
    size = -(-count // (threads * step)) * step
    firsts = range(0, count, size) if count else [0]
    others = [Thread(target=loop, args=(first, min(first + size, count))) for first in firsts[1:]]
    for other in others:
        other.start()
    loop(0, min(size, count))
    for other in others:
        other.join()


def _lanes(outputs: int) -> int:
    """Return how many outputs a step of the loops takes."""
    return 64 if -(-outputs // 16) % 4 == 0 else 16


def _room(like: torch.Tensor, *shape: int) -> np.ndarray:
    """Return an array that begins where a line of the cache does, as those of torch do."""
    return np.asarray(like.new_empty(shape).numpy())


def _array(tensor: torch.Tensor) -> np.ndarray:
    return np.asarray(tensor.detach().contiguous().numpy())


def _padded(tensor: torch.Tensor, lanes: int) -> np.ndarray:
    """Return an array whose last axis is a multiple of lanes, with zeros at its end."""
    short = -tensor.shape[-1] % lanes
    return _array(torch.nn.functional.pad(tensor, (0, short)) if short else tensor)
