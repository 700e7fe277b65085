"""One step of a Legendre memory unit: a linear memory, and a hidden state that reads it.

Source: Voelker, Kajic and Eliasmith (2019), Legendre Memory Units, NeurIPS, equations 5 to 7.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn

from superpose.errors import InputError
from superpose.sequences.legendre_memory import LegendreMemory, MemoryState
from superpose.sequences.legendre_system import LegendreSystem
from superpose.sequences.memory_forms import one_step


class LMUState(NamedTuple):
    """What an LMU carries from step to step.

    Parameters
    ----------
    hidden : Tensor [B, H]
        h, the output of the step.
    memory : Tensor [B, d, q]
        m, the window of every channel.

    Examples
    --------
    >>> import torch
    >>> from superpose.sequences import LMUCell
    >>> state = LMUCell(1, 5, order=4, theta=20).start(torch.zeros(2, 1))
    >>> state.hidden.shape, state.memory.shape
    (torch.Size([2, 5]), torch.Size([2, 1, 4]))
    """

    hidden: torch.Tensor
    memory: torch.Tensor


class LMUCell(nn.Module):
    """u = e_x x + e_h h + e_m m; m = Ad m + Bd u; h = f(W_x x + W_h h + W_m m), with the new m.

    The memory is linear and fixed: Ad and Bd hold the last theta steps of u as q Legendre
    coefficients (`discrete_system`). All else is learned. Without `hidden_to_memory` and
    `memory_to_memory` the memory does not depend on what is learned after it, and `LMU` computes
    it for all steps at once; without `hidden_to_hidden`, too, nothing is left that must be done
    step by step.

    Parameters
    ----------
    input_size, hidden_size : int
        I numbers come in at a step, H go out.
    order : int
        q, the numbers that hold one channel's window.
    theta : float
        Length of the window, in steps.
    channels : int, default 1
        d, how many numbers are remembered, each in a memory of its own.
    hidden_to_memory, memory_to_memory, input_to_hidden, hidden_to_hidden : bool, default True
        Whether there are e_h, e_m, W_x and W_h; what is left out is None.
    bias : bool, default False
        Whether b_u is added to u, and b_h inside f.
    activation : callable
        f: any function of a tensor [B, H], or a module, for instance of curves; tanh if not given.
    method : {"zoh", "euler"}, default "zoh"
        As in `discrete_system`.
    train_memory : bool, default False
        Whether Ad and Bd are learned as well. The memory is then the published one only at the
        start, and goes step by step.
    generator : torch.Generator, optional
        Source of the weights at the start; torch's own without it.

    Attributes
    ----------
    e_x : Parameter [d, I]
        Encoders into the memory start LeCun uniform, but e_m at 0. To hold one of the parameters,
        turn its ``requires_grad_(False)``.
    e_h : Parameter [d, H] or None
    e_m : Parameter [d, d·q] or None
    W_x : Parameter [H, I] or None
        Weights into the hidden state start Glorot normal.
    W_h : Parameter [H, H] or None
    W_m : Parameter [H, d·q]
    b_u : Parameter [d] or None
    b_h : Parameter [H] or None
    memory : LegendreMemory
        Of every channel; fixed, exact in the dtype of the input.
    system : LegendreSystem
        What takes its place where it is learned: parameters `change` [q, q] and `drive` [q].

    Raises
    ------
    InputError
        If a size is below 1, or the memory cannot be built (`discrete_system`).

    Examples
    --------
    >>> import torch
    >>> from superpose.sequences import LMUCell
    >>> cell = LMUCell(1, 212, order=256, theta=784)  # as published for permuted digits
    >>> sum(p.numel() for p in cell.parameters()) + 212 * 10 + 10  # with ten classes on top
    102027
    >>> state = None
    >>> for x in torch.sin(torch.arange(50.0) / 5).reshape(50, 1, 1):
    ...     state = cell(x, state)
    >>> state.hidden.shape, state.memory.shape
    (torch.Size([1, 212]), torch.Size([1, 1, 256]))
    """

    e_h: nn.Parameter | None
    e_m: nn.Parameter | None
    W_x: nn.Parameter | None
    W_h: nn.Parameter | None
    b_u: nn.Parameter | None
    b_h: nn.Parameter | None
    change: nn.Parameter | None
    drive: nn.Parameter | None

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        order: int,
        theta: float,
        *,
        channels: int = 1,
        hidden_to_memory: bool = True,
        memory_to_memory: bool = True,
        input_to_hidden: bool = True,
        hidden_to_hidden: bool = True,
        bias: bool = False,
        activation: Callable[[torch.Tensor], torch.Tensor] = torch.tanh,
        method: str = "zoh",
        train_memory: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        n, H, d, q = input_size, hidden_size, channels, order
        _check_sizes(input_size=n, hidden_size=H, channels=d)
        self.input_size, self.hidden_size, self.channels = n, H, d
        self.memory = LegendreMemory(order, theta, method)
        self.activation = activation
        self.e_x = nn.Parameter(torch.empty(d, n))
        self.e_h = _parameter(hidden_to_memory, d, H)
        self.e_m = _parameter(memory_to_memory, d, d * q)
        self.W_x = _parameter(input_to_hidden, H, n)
        self.W_h = _parameter(hidden_to_hidden, H, H)
        self.W_m = nn.Parameter(torch.empty(H, d * q))
        self.b_u, self.b_h = _parameter(bias, d), _parameter(bias, H)
        self.change, self.drive = _parameter(train_memory, q, q), _parameter(train_memory, q)
        self.reset_parameters(generator)

    @property
    def memory_is_alone(self) -> bool:
        """Whether nothing that is learned stands inside the memory's recurrence."""
        return self.e_h is None and self.e_m is None and self.change is None

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw the start: e_x, e_h LeCun uniform, W_x, W_h, W_m Glorot normal, all else 0.

        A memory that is learned starts as the fixed one.
        """
        for weight in (self.e_m, self.b_u, self.b_h):
            if weight is not None:
                weight.zero_()
        for weight in (self.e_x, self.e_h):
            if weight is not None:
                reach = math.sqrt(3 / weight.shape[1])
                weight.uniform_(-reach, reach, generator=generator)
        for weight in (self.W_x, self.W_h, self.W_m):
            if weight is not None:
                nn.init.xavier_normal_(weight, generator=generator)
        if self.change is not None and self.drive is not None:
            self.change.copy_(self.memory.system.change)
            self.drive.copy_(self.memory.system.drive)

    @torch.no_grad()
    def start_from_memory(self) -> None:
        """Start as published for permuted digits: the input is remembered, the memory is read.

        e_x is the identity (1 of one input) and W_m as drawn; e_h, e_m, W_x and W_h are 0, and
        learned from there.
        """
        nn.init.eye_(self.e_x)
        for weight in (self.e_h, self.e_m, self.W_x, self.W_h):
            if weight is not None:
                weight.zero_()

    def start(self, x: torch.Tensor) -> LMUState:
        """Return the state of zeros before the first step of x [B, ..]."""
        return LMUState(
            x.new_zeros(len(x), self.hidden_size),
            x.new_zeros(len(x), self.channels, self.memory.order),
        )

    def forward(self, x: torch.Tensor, state: LMUState | None = None) -> LMUState:
        """Return the state after one more input [B, I]; its hidden part is the output."""
        hidden, memory = self.start(x) if state is None else state
        memory = self.remembered(self.encoded(x, hidden, memory), memory)
        return LMUState(self.activation(self.driven(x, memory) + self.recurrent(hidden)), memory)

    def encoded(
        self,
        x: torch.Tensor,
        hidden: torch.Tensor | None = None,
        memory: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return u [.., d], what the memory is given: e_x x + e_h h + e_m m + b_u."""
        u = nn.functional.linear(x, self.e_x, self.b_u)
        if self.e_h is not None and hidden is not None:
            u = u + hidden @ self.e_h.mT
        if self.e_m is not None and memory is not None:
            u = u + memory.flatten(-2) @ self.e_m.mT
        return u

    def remembered(self, u: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        """Return Ad m + Bd u [B, d, q], the memory after one more u [B, d]."""
        if self.change is not None and self.drive is not None:
            return one_step(LegendreSystem(self.change, self.drive), memory, u)
        return self.memory.step(u, MemoryState(memory, u)).memory

    def driven(self, x: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        """Return W_x x + W_m m + b_h [.., H], of x [.., I] and the new memory [.., d, q]."""
        drive = nn.functional.linear(memory.flatten(-2), self.W_m, self.b_h)
        return drive if self.W_x is None else drive + x @ self.W_x.mT

    def recurrent(self, hidden: torch.Tensor) -> torch.Tensor | float:
        """Return W_h h [.., H]."""
        return 0.0 if self.W_h is None else hidden @ self.W_h.mT

    def extra_repr(self) -> str:
        """Return the sizes, as `print` shows them."""
        return f"{self.input_size}, {self.hidden_size}, channels={self.channels}"


def _parameter(wanted: bool, *shape: int) -> nn.Parameter | None:
    return nn.Parameter(torch.empty(*shape)) if wanted else None


def _check_sizes(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise InputError(f"{name} must be 1 or more", f"got {size}", "pass a positive size")
