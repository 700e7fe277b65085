"""A hybrid network as a stream in which all that multiplies learned weights is integers."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from superpose.curves import IntegerDiffusion
from superpose.errors import InputError
from superpose.sequences.hybrid_lmu import HybridLMU

__all__ = ["IntegerHybrid", "fixed_point"]

Integers = NDArray[np.int64]


def fixed_point(model: HybridLMU, fraction: int = 8) -> HybridLMU:
    """Return a copy, in float64, whose quantized part computes without any rounding.

    Weights that meet counts become multiples of 2⁻ᵇ, with b bits of fraction; offsets of the
    hidden layer multiples of 2⁻ᵇ / dt. With dt a power of two every sum of the quantized part is
    then exact, whatever its order, and `IntegerHybrid` gives the same numbers from integers alone.

    Parameters
    ----------
    model : HybridLMU
        Diffused, with a register, relu and a dt that is a power of two.
    fraction : int, default 8
        b, not more than the bits of the register.

    Returns
    -------
    HybridLMU
        In evaluation mode.

    Raises
    ------
    InputError
        If integers cannot do exactly what the network does.

    Examples
    --------
    >>> from superpose.sequences import HybridLMU, fixed_point
    >>> model = HybridLMU(1, 4, 2, order=3, theta=20, dt=4.0, register=8)
    >>> fixed = fixed_point(model, fraction=4)
    >>> bool((16 * fixed.read.weight == (16 * fixed.read.weight).round()).all())
    True
    """
    dt = float(model.resolution.dt)
    _check(model.quantizer == "diffused", f"quantizer={model.quantizer!r}", "make it diffused")
    _check(model.activation is torch.relu, f"activation {model.activation}", "pass torch.relu")
    _check(model.read_input is None, "W_x, by which floats meet weights", "leave out W_x")
    _check(math.frexp(dt)[0] == 0.5, f"dt={dt:g}", "make dt a power of two, such as 4")
    register = model.register or 0
    _check(0 <= fraction <= register, f"register={register}, fraction={fraction}", "widen v")
    fixed = model.quantized("diffused").double().eval()
    with torch.no_grad():
        for part in (fixed.read, fixed.recur, fixed.head):
            if part is not None:
                part.weight.copy_(torch.round(part.weight * 2**fraction) / 2**fraction)
        unit = 2**fraction * dt
        fixed.read.bias.copy_(torch.round(fixed.read.bias * unit) / unit)
    return fixed


class IntegerHybrid:
    """The stream of a `HybridLMU`: float in its memory, integers in everything after it.

        a_m = round(2ᵏ dt g m)      n_m = events of a_m, in a register of k bits
        J   = W_m n_m + b [+ W_h n_h]           all times 2ᵇ dt
        a_h = max(0, J) 2^(k - b)   n_h = events of a_h
        o   = W_o Σ n_h of the last K steps     times 2ᵇ dt K

    On the same machine its outputs are those of ``HybridLMU.step`` of `fixed_point`, bit for bit:
    the memory is the same operation, and integers do not round. The object keeps the state of its
    rows; a new stream is a new object.

    Parameters
    ----------
    model : HybridLMU
        As `fixed_point` takes it; rounding its weights again changes nothing.
    fraction : int, default 8
        b, the bits after the point of weights.
    rows : int, default 1
        Sequences side by side.

    Attributes
    ----------
    fixed : HybridLMU
        The network that these integers are.
    memory_neurons, hidden_neurons : IntegerDiffusion
        What is left of events; the registers.

    Raises
    ------
    InputError
        If integers cannot do exactly what the network does.

    Examples
    --------
    >>> import torch
    >>> from superpose.sequences import HybridLMU, IntegerHybrid
    >>> stream = IntegerHybrid(HybridLMU(1, 4, 2, order=3, theta=20, dt=4.0, register=8))
    >>> x, state = torch.tensor([[0.7]], dtype=torch.float64), None
    >>> state = stream.fixed.start(x)
    >>> for _ in range(30):
    ...     outputs, state = stream.fixed.step(x, state)
    ...     same = torch.equal(stream.step(x), outputs)
    >>> same, stream.hidden_counts.dtype
    (True, dtype('int64'))
    """

    def __init__(self, model: HybridLMU, fraction: int = 8, rows: int = 1) -> None:
        self.fixed, self.fraction = fixed_point(model, fraction), fraction
        self.register, self.dt = int(model.register or 0), float(model.resolution.dt)
        start = self.fixed.start(torch.zeros(rows, 1, dtype=torch.float64))
        self.memory = start.memory
        kept = (2**self.register * v.numpy() for v in (start.v_memory, start.v_hidden))
        self.memory_neurons, self.hidden_neurons = (
            IntegerDiffusion(self.register, np.rint(v).astype(np.int64)) for v in kept
        )
        scale = 2**fraction
        self.read = _integers(self.fixed.read, scale)
        self.recur = None if self.fixed.recur is None else _integers(self.fixed.recur, scale)
        self.head = _integers(self.fixed.head, scale)
        offset = self.fixed.read.bias.detach().numpy() * scale * self.dt
        self.offset = np.rint(offset).astype(np.int64)
        self.recent = np.zeros((rows, model.window, model.read.out_features), np.int64)

    @property
    def hidden_counts(self) -> Integers:
        """n_h of the last step, [rows, H]."""
        return self.recent[:, -1]

    @torch.no_grad()
    def step(self, x: torch.Tensor) -> torch.Tensor:
        """Take one step: outputs [rows, O] of inputs [rows, I], both float64."""
        n_m = self.memory_neurons.step(self._remember(x))
        drive = n_m @ self.read + self.offset
        if self.recur is not None:
            drive = drive + self.hidden_counts @ self.recur
        n_h = self.hidden_neurons.step(np.maximum(drive, 0) << (self.register - self.fraction))
        self.recent = np.concatenate([self.recent[:, 1:], n_h[:, None]], 1)
        total = self.recent.sum(1) @ self.head
        means = total / (2**self.fraction * self.dt) / self.fixed.window
        return torch.from_numpy(means) + self.fixed.head.bias

    def _remember(self, x: torch.Tensor) -> Integers:
        """The exact memory, in float; then its numbers as multiples of 2⁻ᵏ events."""
        u = self.fixed.encode(x)
        if self.fixed.encode_hidden is not None:
            u = u + self.fixed.encode_hidden(torch.from_numpy(self.hidden_counts / self.dt))
        self.memory = self.fixed.memory.step(u, self.memory)
        m = (self.fixed.gain * self.memory.memory.flatten(1)).numpy()
        return np.rint(self.dt * m * 2**self.register).astype(np.int64)


def _integers(part: nn.Linear, scale: int) -> Integers:
    return np.rint(part.weight.detach().numpy().T * scale).astype(np.int64)


def _check(holds: bool, found: str, do: str) -> None:
    if not holds:
        raise InputError(
            "integers need a diffused network with a register of as many bits as the fraction of "
            "its weights, relu, and a dt that is a power of two",
            f"found {found}",
            do,
        )
