"""An LMU whose activity is made of events, around a memory that stays exact.

Sources: Voelker, Rasmussen and Eliasmith, arXiv 2002.03553 (diffused activity); Chilkuri and
Eliasmith (2021), Parallelizing Legendre Memory Unit training, ICML (the parallel form).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn

from superpose.curves import (
    DiffusedQuantizer,
    MemorylessQuantizer,
    Resolution,
    StochasticQuantizer,
    Unquantized,
)
from superpose.curves.quantizer import AbstractQuantizer
from superpose.errors import InputError
from superpose.sequences.legendre_memory import LegendreMemory, MemoryState

QUANTIZERS: dict[str, type[AbstractQuantizer]] = {
    "diffused": DiffusedQuantizer,
    "memoryless": MemorylessQuantizer,
    "stochastic": StochasticQuantizer,
    "none": Unquantized,
}
"""How the activity of a hybrid network can be quantized, by name."""


class HybridState(NamedTuple):
    """What a `HybridLMU` carries from step to step.

    Parameters
    ----------
    memory : MemoryState
        m, exact, [B, d, q] in float.
    v_memory, v_hidden : Tensor [B, d·q] and [B, H]
        What the two quantizers have left.
    hidden : Tensor [B, H]
        y_h of the last step, which the next one reads where there is a way back.
    recent : Tensor [B, window, H]
        y_h of the last steps, the oldest first: what the head averages.

    Examples
    --------
    >>> import torch
    >>> from superpose.sequences import HybridLMU
    >>> state = HybridLMU(1, 4, 2, order=3, theta=20, dt=2.0, window=5).start(torch.zeros(1, 1))
    >>> state.v_memory.shape, state.v_hidden.shape, state.recent.shape
    (torch.Size([1, 3]), torch.Size([1, 4]), torch.Size([1, 5, 4]))
    """

    memory: MemoryState
    v_memory: torch.Tensor
    v_hidden: torch.Tensor
    hidden: torch.Tensor
    recent: torch.Tensor


class HybridRun(NamedTuple):
    """A `HybridLMU` along sequences.

    Parameters
    ----------
    outputs : Tensor [B, T, O]
        After every step.
    memory : Tensor [B, T, d·q]
        y_m, what the reading weights multiply.
    hidden : Tensor [B, T, H]
        y_h, what the head multiplies.
    state : HybridState
        To go on from.

    Examples
    --------
    >>> import torch
    >>> from superpose.sequences import HybridLMU
    >>> run = HybridLMU(1, 4, 2, order=3, theta=20, dt=2.0).run(torch.ones(1, 30, 1))
    >>> run.outputs.shape, run.memory.shape, run.hidden.shape
    (torch.Size([1, 30, 2]), torch.Size([1, 30, 3]), torch.Size([1, 30, 4]))
    """

    outputs: torch.Tensor
    memory: torch.Tensor
    hidden: torch.Tensor
    state: HybridState


class HybridLMU(nn.Module):
    r"""A Legendre memory unit in which learned weights are multiplied by whole numbers of events.

    .. math:: u_t &= e_x x_t [+ e_h y^h_{t-1}], \qquad m_t = \bar A m_{t-1} + \bar B u_t \\
        y^m_t &= Q(g \odot m_t), \qquad y^h_t = Q(f(W_m y^m_t + b [+ W_x x_t] [+ W_h y^h_{t-1}])) \\
        o_t &= \frac{1}{K} \sum_{k<K} W_o y^h_{t-k} + b_o

    The memory is linear and exact, in float; Q emits counts n and passes on n / dt, of one dt for
    both populations. g_i = √(θ / (2i+1)) makes each number of the memory of a white input of
    variance 1 one of variance 1, so that one dt suits all of them. The head averages the last K
    steps (``window``): diffusion pays only where something after it integrates over time.

    Without a way back from y_h (`parallel`) the memory of all steps is a convolution, and a
    network can be trained on the last steps alone: with v drawn anew at step T - K, what `tail`
    gives is distributed as the last K steps of the whole run, because v is uniform at every step.
    With one, the quantized state is inside the loop and only steps are left.

    Parameters
    ----------
    input_size, hidden_size, output_size : int
        I, H, O.
    order : int
        q, numbers the memory keeps of a channel.
    theta : float
        Length of the window of the memory, in steps.
    dt : float or Resolution
        Events a unit of activity a step.
    quantizer : {"diffused", "memoryless", "stochastic", "none"}, default "diffused"
        What Q is; "none" is the plain network.
    activation : callable, optional
        f, any curve or module that keeps the shape of its inputs; relu if not given.
    window : int, default 1
        K, how many steps the head averages.
    channels : int, default 1
        d, numbers that are remembered, each in a memory of its own.
    input_to_hidden, hidden_to_hidden, hidden_to_memory : bool, default False
        Whether there are W_x, W_h and e_h.
    register : int, optional
        Bits of what the diffused quantizers keep; needed for integers (`IntegerHybrid`).
    spiking_training : bool, default True
        If False, counts are emitted in evaluation only.
    random_state : int, default 0
        Of the weights and of the quantizers.

    Attributes
    ----------
    encode, read, head : nn.Linear
        e_x, W_m and W_o, with their offsets.
    read_input, recur, encode_hidden : nn.Linear or None
        W_x, W_h and e_h.
    resolution : Resolution
        dt of both quantizers.
    gain : Tensor [d·q]
        g.

    Raises
    ------
    InputError
        If a size is below 1, the quantizer is unknown, the memory cannot be built, or a parallel
        form is asked for where there is none.

    Examples
    --------
    The same weights, plain and at two events a unit; the level of the window in whole events:

    >>> import torch
    >>> from superpose.sequences import HybridLMU
    >>> plain = HybridLMU(1, 16, 2, order=8, theta=50, dt=2.0, quantizer="none", window=4).eval()
    >>> x = torch.sin(torch.arange(50.0) / 8).reshape(1, 50, 1)
    >>> events = plain.quantized("diffused").run(x)
    >>> events.outputs.shape, (2 * events.memory[0, ::10, 0]).tolist()
    (torch.Size([1, 50, 2]), [0.0, 1.0, 4.0, 5.0, 1.0])
    """

    gain: torch.Tensor

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        order: int,
        theta: float,
        *,
        dt: float | Resolution,
        quantizer: str = "diffused",
        activation: Callable[[torch.Tensor], torch.Tensor] = torch.relu,
        window: int = 1,
        channels: int = 1,
        input_to_hidden: bool = False,
        hidden_to_hidden: bool = False,
        hidden_to_memory: bool = False,
        register: int | None = None,
        spiking_training: bool = True,
        random_state: int = 0,
    ) -> None:
        super().__init__()
        sizes = {"input_size": input_size, "hidden_size": hidden_size, "output_size": output_size}
        _check_sizes(**sizes, window=window, channels=channels)
        self.window, self.activation, self.register = window, activation, register
        self.memory = LegendreMemory(order, theta)
        self.encode = nn.Linear(input_size, channels)
        self.read = nn.Linear(channels * order, hidden_size)
        self.head = nn.Linear(hidden_size, output_size)
        self.read_input = _way(input_to_hidden, input_size, hidden_size)
        self.recur = _way(hidden_to_hidden, hidden_size, hidden_size)
        self.encode_hidden = _way(hidden_to_memory, hidden_size, channels)
        gain = (theta / (2 * torch.arange(order) + 1)).sqrt().repeat(channels)
        self.register_buffer("gain", gain, persistent=False)
        self.resolution = dt if isinstance(dt, Resolution) else Resolution(dt)
        self.spiking_training, self.random_state = spiking_training, random_state
        self._set_quantizer(quantizer)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw the start from `random_state`: e_x of ones, offsets 0, weights Glorot normal."""
        source = torch.Generator().manual_seed(self.random_state)
        for name, part in self.named_children():
            if isinstance(part, nn.Linear):
                nn.init.xavier_normal_(part.weight, generator=source)
                if part.bias is not None:
                    part.bias.zero_()
                if name == "encode":
                    part.weight.fill_(1.0)

    @property
    def parallel(self) -> bool:
        """Whether no quantized state stands inside the loop."""
        return self.recur is None and self.encode_hidden is None

    def quantized(self, quantizer: str) -> HybridLMU:
        """Return a copy with the same weights and dt, and another quantizer."""
        twin = copy.deepcopy(self, {id(self.memory): self.memory})  # nothing of it is learned
        twin._set_quantizer(quantizer)
        return twin

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs [B, O] after the last step of x [B, T, I]."""
        return self.run(x).outputs[:, -1]

    def run(self, x: torch.Tensor, state: HybridState | None = None) -> HybridRun:
        """Run along sequences; memories of all steps at once where `parallel`.

        Parameters
        ----------
        x : Tensor [B, T, I]
            Inputs, T of 1 or more.
        state : HybridState, optional
            Of an earlier part of the same sequences.

        Returns
        -------
        HybridRun
        """
        self._check_input(x)
        state = self.start(x) if state is None else state
        if not self.parallel:
            return self._run_by_steps(x, state)
        memories, memory = self.memory(self.encode(x), state.memory)
        run = self.run_memories(memories.flatten(2), x, state)
        return run._replace(state=run.state._replace(memory=memory))

    def run_memories(
        self, memories: torch.Tensor, x: torch.Tensor, state: HybridState
    ) -> HybridRun:
        """Run along memories that are known already, for instance of `tail`.

        Parameters
        ----------
        memories : Tensor [B, T, d·q]
            m of every step.
        x : Tensor [B, T, I]
            The inputs, for W_x.
        state : HybridState
            Before the first of these steps; its memory is not read.

        Returns
        -------
        HybridRun
            Whose state holds the memory of the state before.
        """
        self.check_parallel()
        y_m, v_memory = self.memory_quantizer.run(self.gain * memories, state.v_memory)
        y_h, v_hidden = self.hidden_quantizer.run(self._drive(y_m, x), state.v_hidden)
        outputs, recent = self._averaged(y_h, state.recent)
        after = HybridState(state.memory, v_memory, v_hidden, y_h[:, -1], recent)
        return HybridRun(outputs, y_m, y_h, after)

    def tail(self, x: torch.Tensor, steps: int) -> torch.Tensor:
        """Return the memories [B, steps, d·q] of the last steps alone, of x [B, T, I].

        One product for the step before them, as in `LegendreMemory.last`; refused where a
        quantized state is inside the loop.
        """
        self.check_parallel()
        self._check_input(x)
        u = self.encode(x)
        before = self.memory.last(u[:, :-steps]) if u.shape[1] > steps else None
        memories: torch.Tensor = self.memory(u[:, -steps:], before)[0]
        return memories.flatten(2)

    def step(self, x: torch.Tensor, state: HybridState) -> tuple[torch.Tensor, HybridState]:
        """Take one step of an unbounded stream.

        Parameters
        ----------
        x : Tensor [B, I]
            One input.
        state : HybridState
            Before it; `start` makes the first.

        Returns
        -------
        outputs : Tensor [B, O]
        state : HybridState
            After it; as large as before.
        """
        run = self._run_by_steps(x.unsqueeze(1), state)
        return run.outputs[:, -1], run.state

    def start(self, x: torch.Tensor) -> HybridState:
        """Return the state before the first step of x [B, ..]: nothing remembered, v drawn."""
        rows, hidden = len(x), self.read.out_features
        nothing = x.new_zeros(rows, 1, self.read.in_features), x.new_zeros(rows, 1, hidden)
        return HybridState(
            self.memory.start(rows, self.encode.out_features, x),
            self.memory_quantizer.start(nothing[0]),
            self.hidden_quantizer.start(nothing[1]),
            nothing[1][:, 0],
            x.new_zeros(rows, self.window, hidden),
        )

    def check_parallel(self) -> None:
        """Refuse what only a network without a way back can do."""
        if not self.parallel:
            raise InputError(
                "a parallel form needs a memory that no quantized state drives",
                "found a way back from the hidden events (hidden_to_hidden or hidden_to_memory)",
                "use run or step, which go step by step, or build the network without that way",
            )

    def _run_by_steps(self, x: torch.Tensor, state: HybridState) -> HybridRun:
        found = []
        for x_t in x.split(1, 1):
            u = self.encode(x_t[:, 0])
            if self.encode_hidden is not None:
                u = u + self.encode_hidden(state.hidden)
            memory = self.memory.step(u, state.memory)
            m = memory.memory.flatten(1).unsqueeze(1)
            y_m, v_memory = self.memory_quantizer.run(self.gain * m, state.v_memory)
            drive = self._drive(y_m, x_t)
            if self.recur is not None:
                drive = drive + self.recur(state.hidden).unsqueeze(1)
            y_h, v_hidden = self.hidden_quantizer.run(drive, state.v_hidden)
            outputs, recent = self._averaged(y_h, state.recent)
            state = HybridState(memory, v_memory, v_hidden, y_h[:, 0], recent)
            found.append((outputs, y_m, y_h))
        outputs, y_m, y_h = (torch.cat(parts, 1) for parts in zip(*found, strict=True))
        return HybridRun(outputs, y_m, y_h, state)

    def _drive(self, y_m: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        drive: torch.Tensor = self.read(y_m)
        return drive if self.read_input is None else drive + self.read_input(x)

    def _averaged(
        self, y_h: torch.Tensor, recent: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the head's outputs [B, T, O], and what the next steps still average."""
        known = torch.cat([recent, y_h], 1)
        added = nn.functional.linear(
            known[:, 1:], self.head.weight
        )  # few numbers a step to average
        outputs = added.unfold(1, self.window, 1).mean(-1) + self.head.bias
        return outputs, known[:, -self.window :]

    def _set_quantizer(self, quantizer: str) -> None:
        if quantizer not in QUANTIZERS:
            raise InputError(
                f"quantizer must be one of {', '.join(QUANTIZERS)}",
                f"got quantizer={quantizer!r}",
                'pass "diffused"',
            )
        self.quantizer = quantizer
        kind = QUANTIZERS[quantizer]
        shared: dict[str, Any] = {"dt": self.resolution, "spiking_training": self.spiking_training}
        if quantizer == "diffused":
            shared["register"] = self.register
        seed = self.random_state
        self.memory_quantizer = kind(_same, random_state=2 * seed + 1, **shared)
        self.hidden_quantizer = kind(self.activation, random_state=2 * seed + 2, **shared)
        self.memory_quantizer.training = self.hidden_quantizer.training = self.training

    def _check_input(self, x: torch.Tensor) -> None:
        inputs = self.encode.in_features
        if x.dim() != 3 or x.shape[1] == 0 or x.shape[2] != inputs:
            raise InputError(
                f"sequences must be [batch, steps, {inputs}], of one step or more",
                f"got shape {list(x.shape)}",
                "add the missing axis with unsqueeze",
            )


def _same(x: torch.Tensor) -> torch.Tensor:
    return x


def _way(wanted: bool, inputs: int, outputs: int) -> nn.Linear | None:
    return nn.Linear(inputs, outputs, bias=False) if wanted else None


def _check_sizes(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise InputError(f"{name} must be 1 or more", f"got {name}={size}", "pass 1 or more")
