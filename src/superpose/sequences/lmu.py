"""A Legendre memory unit over whole sequences: step by step, or all at once where it can be.

Source: Voelker, Kajic and Eliasmith (2019), NeurIPS, for the unit; Chilkuri and Eliasmith (2021),
Parallelizing Legendre Memory Unit training, ICML, for all steps at once.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from superpose.errors import InputError
from superpose.sequences.legendre_memory import MemoryState
from superpose.sequences.lmu_cell import LMUCell, LMUState


class LMU(nn.Module):
    """h_1, ..., h_T of x_1, ..., x_T, as ``nn.LSTM`` gives them, by a cell.

    Where nothing that is learned stands in the memory's recurrence (`LMUCell.memory_is_alone`) the
    memories of all steps are computed at once, and the hidden states too, unless they recur
    themselves. `last` then needs one product for the memory of the whole sequence. Results are
    those of the cell, step by step, to rounding; streams go on with the cell itself.

    Parameters
    ----------
    cell : LMUCell
        What is done at a step.
    batch_first : bool, default True
        Whether sequences are [B, T, I], or else [T, B, I].

    Raises
    ------
    InputError
        By a call, if the input has another shape than that, or no steps.

    Examples
    --------
    >>> import torch
    >>> from superpose.sequences import LMU, LMUCell
    >>> alone = dict(hidden_to_memory=False, memory_to_memory=False, hidden_to_hidden=False)
    >>> lmu = LMU(LMUCell(1, 5, order=4, theta=20, **alone))
    >>> x = torch.sin(torch.arange(50.0) / 5).reshape(1, 50, 1)
    >>> hidden, state = lmu(x[:, :30])
    >>> hidden.shape
    torch.Size([1, 30, 5])
    >>> state = lmu.last(x[:, 30:], state)  # goes on where the first part ended
    >>> bool(torch.allclose(state.hidden, lmu(x)[0][:, -1], atol=1e-6))
    True
    """

    def __init__(self, cell: LMUCell, *, batch_first: bool = True) -> None:
        super().__init__()
        self.cell, self.batch_first = cell, batch_first

    def forward(
        self,
        x: torch.Tensor | PackedSequence,
        state: LMUState | None = None,
        *,
        lengths: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor | PackedSequence, LMUState]:
        """Return the hidden states of all steps, and the state to go on from.

        Parameters
        ----------
        x : Tensor [B, T, I] or PackedSequence
            Or [T, B, I], without `batch_first`.
        state : LMUState, optional
            Before the first step; zeros if not given.
        lengths : Tensor [B] of int, optional
            Steps of each sequence; what stands after them is not read. A packed sequence has them.

        Returns
        -------
        hidden : Tensor [B, T, H] or PackedSequence
            Arranged as x; zero after the end of a shorter sequence.
        state : LMUState
            After the last step of each.
        """
        if isinstance(x, PackedSequence):
            padded, lengths = pad_packed_sequence(x, batch_first=True)
            hidden, state = self._all(self._checked(padded), state, lengths.to(padded.device))
            return _packed_like(x, hidden, lengths), state
        hidden, state = self._all(self._checked(self._turned(x)), state, lengths)
        return self._turned(hidden), state

    def last(
        self,
        x: torch.Tensor,
        state: LMUState | None = None,
        *,
        lengths: torch.Tensor | None = None,
    ) -> LMUState:
        """Return the state after the last step alone.

        Where nothing recurs but the memory this is one product with the whole sequence: a fixed
        linear projection, and what is learned of it after it.

        Parameters
        ----------
        x, state, lengths
            As in `forward`; x is no packed sequence here.

        Returns
        -------
        LMUState
            After the last step of each sequence.
        """
        cell = self.cell
        x = self._checked(self._turned(x))
        if not cell.memory_is_alone or cell.W_h is not None:
            return self._all(x, state, lengths)[1]
        x = _within(lengths, x)
        u = cell.encoded(x)
        memory = cell.memory.last(u, _memory_state(state, u), lengths=lengths).memory
        hidden = cell.activation(cell.driven(_newest(x, lengths), memory))
        return self._ended(x, state, lengths, hidden, memory)

    def _turned(self, x: torch.Tensor) -> torch.Tensor:
        """Batch first, and back."""
        return x if self.batch_first or x.ndim < 2 else x.transpose(0, 1)

    def _checked(self, x: torch.Tensor) -> torch.Tensor:
        if x.ndim != 3 or x.shape[2] != self.cell.input_size or 0 in x.shape:
            layout = "[sequences, steps," if self.batch_first else "[steps, sequences,"
            raise InputError(
                f"x must be {layout} {self.cell.input_size}], with one sequence and step or more",
                f"got the shape {list(self._turned(x).shape)}",
                "add the missing axes with x[None] or x[..., None]",
            )
        return x

    def _all(
        self, x: torch.Tensor, state: LMUState | None, lengths: torch.Tensor | None
    ) -> tuple[torch.Tensor, LMUState]:
        x = _within(lengths, x)  # NaN after the end would reach the gradients
        return (self._at_once if self.cell.memory_is_alone else self._stepped)(x, state, lengths)

    def _at_once(
        self, x: torch.Tensor, state: LMUState | None, lengths: torch.Tensor | None
    ) -> tuple[torch.Tensor, LMUState]:
        """The memory of all steps first; then the hidden states, which may recur."""
        cell = self.cell
        u = cell.encoded(x)
        memories, end = cell.memory(u, _memory_state(state, u), lengths=lengths)
        drive = cell.driven(x, memories)
        if cell.W_h is None:
            hidden = cell.activation(drive.flatten(0, 1)).view_as(drive)
        else:
            h, found = (cell.start(x) if state is None else state).hidden, []
            for step in drive.unbind(1):
                h = cell.activation(step + cell.recurrent(h))
                found.append(h)
            hidden = torch.stack(found, 1)
        end = self._ended(x, state, lengths, _newest(hidden, lengths), end.memory)
        return _within(lengths, hidden), end

    def _ended(
        self,
        x: torch.Tensor,
        state: LMUState | None,
        lengths: torch.Tensor | None,
        hidden: torch.Tensor,
        memory: torch.Tensor,
    ) -> LMUState:
        """The last state; a sequence without a step keeps the hidden state that it had."""
        if lengths is not None:
            before = self.cell.start(x) if state is None else state
            hidden = torch.where((lengths > 0)[:, None], hidden, before.hidden)
        return LMUState(hidden, memory)

    def _stepped(
        self, x: torch.Tensor, state: LMUState | None, lengths: torch.Tensor | None
    ) -> tuple[torch.Tensor, LMUState]:
        """The cell in a loop; a sequence that has ended keeps its state."""
        state, found = self.cell.start(x) if state is None else state, []
        for t, step in enumerate(x.unbind(1)):
            new = self.cell(step, state)
            found.append(new.hidden)
            if lengths is not None:
                new = LMUState(
                    torch.where((t < lengths)[:, None], new.hidden, state.hidden),
                    torch.where((t < lengths)[:, None, None], new.memory, state.memory),
                )
            state = new
        return _within(lengths, torch.stack(found, 1)), state


def _memory_state(state: LMUState | None, u: torch.Tensor) -> MemoryState | None:
    """The memory's own state; no step is missing here, so that nothing is ever held."""
    return None if state is None else MemoryState(state.memory, u[:, 0])


def _newest(steps: torch.Tensor, lengths: torch.Tensor | None) -> torch.Tensor:
    """[B, ..] of [B, T, ..]: the last step of each sequence."""
    return steps[:, -1] if lengths is None else steps[torch.arange(len(steps)), lengths - 1]


def _within(lengths: torch.Tensor | None, steps: torch.Tensor) -> torch.Tensor:
    """[B, T, ..] with zeros after the end of each sequence."""
    if lengths is None:
        return steps
    step = torch.arange(steps.shape[1], device=steps.device)
    return torch.where((step < lengths[:, None]).unsqueeze(-1), steps, 0.0)


def _packed_like(x: PackedSequence, hidden: torch.Tensor, lengths: torch.Tensor) -> PackedSequence:
    """[B, T, H] packed in the order of x."""
    if x.sorted_indices is not None:
        hidden, lengths = hidden[x.sorted_indices], lengths[x.sorted_indices.cpu()]
    data = pack_padded_sequence(hidden, lengths, batch_first=True).data
    return PackedSequence(data, x.batch_sizes, x.sorted_indices, x.unsorted_indices)
