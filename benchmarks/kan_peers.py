"""Layers of other libraries, for `layers.py`: from PyPI, or from the formulae of their papers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

Peer = tuple[Callable[[torch.Tensor], Any], int]
"""One forward and backward at given rows, and how many parameters learn."""


class GaussianBumps(nn.Module):
    """FastKAN (Li 2024, arXiv 2405.06721): normalised rows, Gaussian bumps, a base of SiLU."""

    def __init__(self, inputs: int, outputs: int, intervals: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(inputs)
        self.register_buffer("grid", torch.linspace(-2, 2, intervals + 3))
        self.bend = nn.Linear(inputs * (intervals + 3), outputs, bias=False)
        self.base = nn.Linear(inputs, outputs)
        self.width = 4 / (intervals + 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        away = (self.norm(x).unsqueeze(-1) - self.grid) / self.width
        return self.bend(torch.exp(-(away**2)).flatten(1)) + self.base(functional.silu(x))


class RecursiveSplines(nn.Module):
    """Cubic splines by the recursion of Cox and de Boor, as efficient-kan has them."""

    def __init__(self, inputs: int, outputs: int, intervals: int) -> None:
        super().__init__()
        step = 2 / intervals
        self.register_buffer("grid", torch.arange(-3, intervals + 4) * step - 1)
        self.base = nn.Parameter(torch.empty(outputs, inputs))
        self.bend = nn.Parameter(0.1 * torch.randn(outputs, inputs * (intervals + 3)))
        nn.init.kaiming_uniform_(self.base, a=math.sqrt(5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        u, g = x.unsqueeze(-1), self.grid
        bases = ((u >= g[:-1]) & (u < g[1:])).to(x.dtype)
        for k in range(1, 4):
            left = (u - g[: -(k + 1)]) / (g[k:-1] - g[: -(k + 1)])
            right = (g[k + 1 :] - u) / (g[k + 1 :] - g[1:-k])
            bases = left * bases[..., :-1] + right * bases[..., 1:]
        straight = functional.linear(functional.silu(x), self.base)
        return straight + functional.linear(bases.flatten(1), self.bend)


class ChebyshevSums(nn.Module):
    """Chebyshev polynomials of tanh(x), by their recurrence."""

    def __init__(self, inputs: int, outputs: int, intervals: int) -> None:
        super().__init__()
        self.degree = intervals + 2
        self.bend = nn.Linear(inputs * (self.degree + 1), outputs, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        t = torch.tanh(x)
        terms = [torch.ones_like(t), t]
        for _ in range(self.degree - 1):
            terms.append(2 * t * terms[-1] - terms[-2])
        return self.bend(torch.stack(terms, -1).flatten(1))


def from_inkan(inputs: int, outputs: int, intervals: int) -> nn.Module:
    from inkan import KANLayer

    return KANLayer(inputs, outputs, grid_size=intervals)


def from_flashkan(inputs: int, outputs: int, intervals: int) -> nn.Module:
    from flashkan import KANLayer

    return KANLayer(inputs, outputs, grid_size=intervals)


def from_pykan(inputs: int, outputs: int, intervals: int) -> nn.Module:
    from kan import KANLayer

    class First(KANLayer):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x)[0]

    return First(inputs, outputs, num=intervals, k=3)


TORCH_PEERS: dict[str, Callable[[int, int, int], nn.Module]] = {
    "flashkan": from_flashkan,
    "inkan": from_inkan,
    "FastKAN, its formula": GaussianBumps,
    "Chebyshev, its formula": ChebyshevSums,
    "efficient-kan, its formula": RecursiveSplines,
    "pykan KANLayer": from_pykan,
}


def jaxkan_bumps(inputs: int, outputs: int, intervals: int) -> Peer:
    """The radial layer of jaxkan, forward and backward jitted together."""
    import jax
    from flax import nnx
    from jaxkan.layers.RBF import RBFLayer

    layer = RBFLayer(n_in=inputs, n_out=outputs, D=intervals + 3)
    graph, state, rest = nnx.split(layer, nnx.Param, ...)
    step = jax.jit(
        jax.value_and_grad(lambda state, x: nnx.merge(graph, state, rest)(x).sum(), argnums=(0, 1))
    )
    count = sum(leaf.size for leaf in jax.tree.leaves(state))
    kept: dict[int, Any] = {}

    def run(x: torch.Tensor) -> Any:
        rows = kept.setdefault(id(x), jax.numpy.asarray(x.detach().numpy()))
        return jax.block_until_ready(step(state, rows))

    return run, count
