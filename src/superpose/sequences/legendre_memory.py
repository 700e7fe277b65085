"""The Legendre memory of sequences: a scikit-learn transformer and a torch module.

Source: Voelker, Kajic and Eliasmith (2019), Legendre Memory Units, NeurIPS.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from torch import nn

from superpose.errors import InputError
from superpose.sequences.legendre_system import (
    LegendreSystem,
    block_matrix,
    discrete_system,
    impulse_response,
    window_polynomials,
)
from superpose.sequences.memory_forms import (
    advance,
    all_steps_by_blocks,
    all_steps_by_fft,
    block_length,
    blocks_are_faster,
    last_step,
    one_step,
)
from superpose.sequences.memory_names import memory_names
from superpose.sequences.missing_steps import hold
from superpose.sequences.sequence_batch import SequenceBatch, read_sequences, unnamed_channels

__all__ = ["LegendreMemory", "MemoryState"]


class MemoryState(NamedTuple):
    """What a memory carries from one step to the next: q + 1 numbers a channel.

    Parameters
    ----------
    memory : Tensor [B, C, q]
        m, in units of the channels.
    held : Tensor [B, C]
        The last sample of each channel that was observed; it stands in for missing ones.

    Examples
    --------
    >>> from superpose.sequences import LegendreMemory
    >>> state = LegendreMemory(order=4, theta=20).start(sequences=1, channels=2)
    >>> state.memory.shape, state.held.shape
    (torch.Size([1, 2, 4]), torch.Size([1, 2]))
    """

    memory: torch.Tensor
    held: torch.Tensor


class LegendreMemory(TransformerMixin, BaseEstimator, nn.Module):
    r"""A window of each channel as a few numbers that can be read.

    .. math:: \theta\, \dot m = A m + B u, \qquad
        u(t - s) \approx \sum_{i<q} P_i(2s/\theta - 1)\, m_i(t), \quad 0 \le s \le \theta

    The memory is linear, fixed, and optimal for a window that slides: nothing of it is learned.
    Channels have memories of their own, with the same matrices. What lies before the beginning of
    a sequence is 0.

    As a transformer it turns sequences into a table, a row a sequence: the level of each channel
    over the last ``theta`` steps, its trend, its bend, then finer waves, in the units of the
    channel; `inverse_transform` draws the window from them. As a module, ``memory(u)`` gives the
    memories after all steps and the state to go on from, as ``nn.LSTM`` does; `last` gives the
    state after the last step as one product, and `step` takes one step of an unbounded stream.
    The module follows its input's dtype and device. It has no parameters.

    In the module m_i belongs to P_i over the delay, as published; in the table the polynomials run
    forward in time, so that a positive trend is one that rises: odd numbers change their sign.

    Parameters
    ----------
    order : int, default=6
        q, numbers kept of each channel: half turns within the window that can still be told.
    theta : float, default=100
        Length of the window, in steps.
    method : {"zoh", "euler"}, default="zoh"
        How the continuous system becomes steps; see `discrete_system`.

    Attributes
    ----------
    channels_ : tuple of str
        Names of the channels that fit has seen.

    Raises
    ------
    InputError
        If a parameter makes no stable memory.

    References
    ----------
    A. R. Voelker, I. Kajić and C. Eliasmith, "Legendre Memory Units: Continuous-Time Representation
    in Recurrent Neural Networks", NeurIPS 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.sequences import LegendreMemory
    >>> ramps = np.arange(100.0) * np.array([[1.0], [-1.0]])  # one channel, two sequences
    >>> memory = LegendreMemory(order=3, theta=20)
    >>> memory.fit_transform(ramps).iloc[:, :2].round(1).T
                                              0     1
    channel 1: level of the last 20 steps  89.5 -89.5
    channel 1: trend of the last 20 steps  10.0 -10.0
    """

    channels_: tuple[str, ...]

    def __init__(self, order: int = 6, theta: float = 100, method: str = "zoh") -> None:
        nn.Module.__init__(self)
        self.order = order
        self.theta = theta
        self.method = method
        self._made: dict[Any, Any] = {}
        self.system  # noqa: B018 - a memory that is not stable is refused here

    @property
    def system(self) -> LegendreSystem:
        """One step of the memory, in float64."""
        key = self.order, self.theta, self.method
        if self._made.get("key") != key:
            with torch.inference_mode(False):
                self._made = {"system": discrete_system(*key), "key": key}
        system: LegendreSystem = self._made["system"]
        return system

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_made": {}}  # matrices are made again where needed

    # ------------------------------------------------------------------ a torch module

    def start(self, sequences: int, channels: int, like: torch.Tensor | None = None) -> MemoryState:
        """Return the state of sequences that have not begun.

        Parameters
        ----------
        sequences, channels : int
            B and C.
        like : Tensor, optional
            Decides dtype and device; float32 on the CPU if not given.

        Returns
        -------
        MemoryState
            Zeros.
        """
        like = torch.empty(0) if like is None else like
        return MemoryState(
            like.new_zeros(sequences, channels, self.order), like.new_zeros(sequences, channels)
        )

    def forward(
        self,
        u: torch.Tensor,
        state: MemoryState | None = None,
        *,
        lengths: torch.Tensor | None = None,
        mask: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, MemoryState]:
        """Return the memories after all steps, and the state to go on from.

        Parameters
        ----------
        u : Tensor [B, T, C]
            C channels of B sequences.
        state : MemoryState, optional
            Of an earlier call, to continue these sequences.
        lengths : Tensor [B] of int, optional
            Steps of each sequence; what stands after them is not read.
        mask : Tensor [B, T] or [B, T, C] of bool, optional
            True where a sample was observed. Others are held, see `hold`.

        Returns
        -------
        memories : Tensor [B, T, C, q]
            m_1 to m_T; zero after the end of a shorter sequence.
        state : MemoryState
            After the last step of each.
        """
        u = self._filled(u, state, mask)
        if lengths is not None:
            within = torch.arange(u.shape[1], device=u.device) < lengths[:, None]
            u = torch.where(within.unsqueeze(-1), u, 0.0)  # NaN would spread over its block
        memory = None if state is None else state.memory
        if memory is None and not blocks_are_faster(self.order, u):
            memories = all_steps_by_fft(self._matrix(impulse_response, u.shape[1], u), u)
        else:
            blocks = self._matrix(block_matrix, block_length(self.order), u)
            memories = all_steps_by_blocks(blocks, u, memory)
        if lengths is not None:
            memories = torch.where(within[:, :, None, None], memories, 0.0)
        state = self.start(len(u), u.shape[2], u) if state is None else state
        pairs = zip((memories, u), state, strict=True)
        return memories, MemoryState(*(_at_end(steps, lengths, old) for steps, old in pairs))

    def last(
        self,
        u: torch.Tensor,
        state: MemoryState | None = None,
        *,
        lengths: torch.Tensor | None = None,
        mask: torch.Tensor | None = None,
    ) -> MemoryState:
        """Return the state after the last step alone: one product, a fixed linear projection.

        Parameters
        ----------
        u, state, lengths, mask
            As in `forward`.

        Returns
        -------
        MemoryState
            After the last step of each sequence.
        """
        u = self._filled(u, state, mask)
        memory = last_step(self._matrix(impulse_response, u.shape[1], u), u, lengths)
        if state is not None:
            memory = memory + self._carried(state.memory, u, lengths)
        held = u.new_zeros(u.shape[0], u.shape[2]) if state is None else state.held
        return MemoryState(memory, _at_end(u, lengths, held))

    def step(
        self, u: torch.Tensor, state: MemoryState, mask: torch.Tensor | None = None
    ) -> MemoryState:
        """Return the state after one more step.

        Parameters
        ----------
        u : Tensor [B, C]
            One sample a channel.
        state : MemoryState
            Before it; `start` makes the first.
        mask : Tensor [B] or [B, C] of bool, optional
            True where a sample was observed; others are held.

        Returns
        -------
        MemoryState
            After it.
        """
        if mask is not None:
            u = torch.where(mask if mask.ndim == u.ndim else mask[:, None], u, state.held)
        return MemoryState(one_step(self._system_like(u), state.memory, u), u)

    def window(self, memory: torch.Tensor, places: torch.Tensor | None = None) -> torch.Tensor:
        """Read the input off a memory, from the oldest step of the window to the newest.

        Parameters
        ----------
        memory : Tensor [.., q]
            m.
        places : Tensor [G], optional
            Delays s in steps, 0 to theta. By default those of the samples, which zero-order hold
            puts at k + 1/2.

        Returns
        -------
        Tensor [.., G]
            In units of the channel.
        """
        if places is None:
            places = torch.arange(int(np.ceil(self.theta))).flip(0) + 0.5
        return memory @ window_polynomials(self.order, places.to(memory) / self.theta).mT

    # ------------------------------------------------------- a scikit-learn transformer

    def fit(self, X: Any, y: Any = None) -> Self:
        """Remember the channels; nothing else is learned.

        Parameters
        ----------
        X : sequences
            See `read_sequences`: a list of arrays [steps, channels] or of data frames, or an array
            [sequences, steps, channels]. NaN is a missing sample, see `hold`.
        y : ignored
            For pipelines.

        Returns
        -------
        LegendreMemory
            Itself.
        """
        self.channels_ = read_sequences(X).channels
        self.system  # noqa: B018 - parameters that were set are checked here
        return self

    def transform(self, X: Any) -> pd.DataFrame:
        """Return what the memory holds after the last step of each sequence.

        Parameters
        ----------
        X : sequences
            With the channels of fit.

        Returns
        -------
        DataFrame [sequences, channels · order]
            In units of the channels, with the names of `get_feature_names_out`.
        """
        batch = self._read(X)
        state = self.last(batch.values, lengths=batch.lengths, mask=~batch.values.isnan())
        return self.table(state.memory)

    def transform_steps(self, X: Any) -> pd.DataFrame:
        """Return what the memory holds after every step of each sequence.

        Parameters
        ----------
        X : sequences
            With the channels of fit.

        Returns
        -------
        DataFrame [steps of all sequences, channels · order]
            The steps of the first sequence, then those of the second, and so on.
        """
        batch = self._read(X)
        memories, _ = self(batch.values, lengths=batch.lengths, mask=~batch.values.isnan())
        return self.table(memories[batch.within])

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Draw the window that each row of a table holds.

        Parameters
        ----------
        X : array-like or dataframe [rows, channels · order]
            As `transform` made it.

        Returns
        -------
        ndarray [rows, steps, channels]
            Of the last theta steps, from the oldest to the newest, in units of the channels.
        """
        check_is_fitted(self, "channels_")
        table = torch.from_numpy(np.array(X, dtype=np.float64))
        if table.ndim != 2 or table.shape[1] != len(self.channels_) * self.order:
            raise InputError(
                f"a table of this memory must have {len(self.channels_) * self.order} columns",
                f"found the shape {list(table.shape)}",
                "pass what transform returned",
            )
        memory = table.view(len(table), -1, self.order) * self._forward_in_time()
        return self.window(memory).transpose(1, 2).numpy()

    def table(self, memory: torch.Tensor) -> pd.DataFrame:
        """Return memories as a table with names; the module and the transformer meet here.

        Parameters
        ----------
        memory : Tensor [rows, channels, q]
            m.

        Returns
        -------
        DataFrame [rows, channels · order]
            The rows of `transform` for sequences that left these memories.
        """
        check_is_fitted(self, "channels_")
        rows = memory.detach().cpu().double() * self._forward_in_time()
        return pd.DataFrame(rows.flatten(1).numpy(), columns=self.get_feature_names_out())

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns: "pulse: trend of the last 100 steps".

        Parameters
        ----------
        input_features : ignored
            Names of channels come with data frames.

        Returns
        -------
        ndarray of str
            Channel by channel; see `superpose.sequences.memory_names.memory_names`.
        """
        check_is_fitted(self, "channels_")
        return np.array(memory_names(self.channels_, self.order, self.theta), dtype=object)

    # ---------------------------------------------------------------------------- parts

    def _matrix(
        self, make: Callable[[LegendreSystem, int], torch.Tensor], steps: int, like: torch.Tensor
    ) -> torch.Tensor:
        """Response or block matrix of that many steps or more, of the dtype and device of input."""
        system, key = self.system, (make.__name__, like.dtype, like.device)
        if key not in self._made or self._made[key].shape[-2] < steps:
            with torch.inference_mode(False):  # it may serve where gradients are taken, too
                self._made[key] = make(system, steps).to(like)
        matrix: torch.Tensor = self._made[key]
        return matrix

    def _system_like(self, like: torch.Tensor) -> LegendreSystem:
        system, key = self.system, ("step", like.dtype, like.device)
        if key not in self._made:
            with torch.inference_mode(False):
                self._made[key] = system.to(like)
        found: LegendreSystem = self._made[key]
        return found

    def _filled(
        self, u: torch.Tensor, state: MemoryState | None, mask: torch.Tensor | None
    ) -> torch.Tensor:
        if u.ndim != 3 or u.shape[1] == 0:
            raise InputError(
                "the input must have the shape [sequences, steps, channels], of one step or more",
                f"found the shape {list(u.shape)}",
                "add the missing axes with u[None] or u[..., None]",
            )
        if mask is None:
            return u
        mask = (mask if mask.ndim == 3 else mask.unsqueeze(-1)).expand_as(u)
        return hold(u, mask, None if state is None else state.held)

    def _carried(
        self, memory: torch.Tensor, u: torch.Tensor, lengths: torch.Tensor | None
    ) -> torch.Tensor:
        if lengths is None:
            lengths = torch.full((len(u),), u.shape[1], device=u.device)
        exact = memory.double()
        return advance(self._system_like(exact), exact, lengths).to(u)

    def _forward_in_time(self) -> torch.Tensor:
        """[q] of (-1)^i, which turns a polynomial of the delay into one that runs with time."""
        return (-1.0) ** torch.arange(self.order, dtype=torch.float64)

    def _read(self, X: Any) -> SequenceBatch:
        check_is_fitted(self, "channels_")
        batch = read_sequences(X)
        if len(batch.channels) != len(self.channels_):
            raise InputError(
                f"sequences must have the {len(self.channels_)} channels of fit",
                f"found {len(batch.channels)}",
                "select the same channels",
            )
        nameless = unnamed_channels(len(batch.channels))
        if batch.channels not in (self.channels_, nameless):
            raise InputError(
                f"sequences must have the channels of fit: {', '.join(self.channels_)}",
                f"found {', '.join(batch.channels)}",
                "select the same columns, in the same order",
            )
        return batch


def _at_end(
    steps: torch.Tensor, lengths: torch.Tensor | None, before: torch.Tensor
) -> torch.Tensor:
    """[B, ..] of steps [B, T, ..]: the last of each sequence; what was before where it has none."""
    if lengths is None:
        return steps[:, -1].clone()  # a view would keep all steps alive
    found = steps[torch.arange(len(steps)), lengths - 1]
    return torch.where((lengths > 0).view(-1, *[1] * (found.ndim - 1)), found, before)
