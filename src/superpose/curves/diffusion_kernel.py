"""The scan of temporal diffusion on a GPU: a lane a neuron, all steps in one kernel."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch

LANES = 128
"""Neurons a program takes; those of a row stand side by side in memory."""

ROUNDS = 1.5 * 2**23
"""Added and taken away again, it rounds a float32 below 2²² to a whole number, halves to even."""


@cache
def has_triton() -> bool:
    """Return whether triton, which comes with torch for CUDA, is here."""
    return find_spec("triton") is not None


def kernel_diffusion(
    x: torch.Tensor, v: torch.Tensor, dt: torch.Tensor, grid: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return `plain_diffusion` by the kernel; float32 tensors where it runs."""
    x, v = x.detach().contiguous(), v.detach().contiguous().clone()
    y, (batch, steps, features) = torch.empty_like(x), x.shape
    if x.numel():
        programs = batch, -(-features // LANES)
        _kernel()[programs](
            *(y, v, x, dt.to(x.dtype), steps, features, grid, 1 / grid if grid else 0.0),
            LANES=LANES,
            ROUNDS=ROUNDS,
            enable_fp_fusion=False,
        )
    return y, v


@cache
def _kernel() -> Any:
    """Return the kernel; a product and a sum are two roundings in it, as everywhere else."""
    triton: Any = import_module("triton")
    tl: Any = import_module("triton.language")

    def diffuse(  # type: ignore[no-untyped-def]
        y, v, x, dt, steps, features, grid, part, LANES: tl.constexpr, ROUNDS: tl.constexpr
    ):
        row, lane = tl.program_id(0), tl.program_id(1) * LANES + tl.arange(0, LANES)
        inside = lane < features
        rate = tl.load(dt)
        own = tl.load(v + row * features + lane, mask=inside, other=0.0)
        place = row.to(tl.int64) * steps * features + lane
        for _ in range(steps):
            step = rate * tl.load(x + place, mask=inside, other=0.0)
            if grid > 0:
                step = ((step * grid + ROUNDS) - ROUNDS) * part
            own = own + step
            count = tl.floor(own)
            own = own - count
            tl.store(y + place, tl.div_rn(count, rate), mask=inside)
            place += features
        tl.store(v + row * features + lane, own, mask=inside)

    return triton.jit(diffuse)
