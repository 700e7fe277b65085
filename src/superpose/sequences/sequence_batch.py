"""Sequences as the memory sees them, whatever container they came in: one padded array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from superpose.errors import InputError

__all__ = ["SequenceBatch", "read_sequences"]

LAYOUT = (
    "pass a list of arrays [steps, channels] or data frames, an array [sequences, steps, channels] "
    "(channels last), or an array [sequences, steps] of one channel"
)


@dataclass(frozen=True)
class SequenceBatch:
    """Sequences of several channels in one array, padded at their ends.

    Parameters
    ----------
    values : Tensor [B, T, C]
        In float64 and in the units of the channels; NaN where missing, and after the end.
    lengths : Tensor [B] of int
        How many steps each sequence has.
    channels : tuple of str
        Their names: those of the data frames, or "channel 1", "channel 2", ...

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.sequences import read_sequences
    >>> batch = read_sequences([np.zeros((5, 2)), np.zeros((3, 2))])
    >>> batch.values.shape, batch.lengths.tolist(), batch.channels
    (torch.Size([2, 5, 2]), [5, 3], ('channel 1', 'channel 2'))
    """

    values: torch.Tensor
    lengths: torch.Tensor
    channels: tuple[str, ...]

    @property
    def within(self) -> torch.Tensor:
        """True at the steps [B, T] that a sequence has; False at those after its end."""
        return torch.arange(self.values.shape[1]) < self.lengths[:, None]


def read_sequences(X: Any) -> SequenceBatch:
    """Read a list of sequences, or an array of them.

    Parameters
    ----------
    X : list of array [steps, channels] or of data frame, or array [sequences, steps, channels]
        An array of two dimensions is [sequences, steps] of one channel; a list may hold arrays of
        one dimension, too. NaN is a missing sample. In an array of three dimensions, steps at the
        end at which every channel is NaN are padding and no part of the sequence.

    Returns
    -------
    SequenceBatch
        The same samples.

    Raises
    ------
    InputError
        Where there is no sequence, one of them is empty, their channels differ, or a sample is
        infinite or not a number. The message says which.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.sequences import read_sequences
    >>> read_sequences(np.array([[[1.0], [2.0]], [[3.0], [np.nan]]])).lengths.tolist()
    [2, 1]
    """
    if hasattr(X, "columns"):
        raise InputError("X must hold several sequences", "found one data frame", LAYOUT)
    if isinstance(X, list | tuple):
        batch = _from_list(X)
    else:
        batch = _from_array(_numbers(X, "X"))
    _check(batch)
    return batch


def _from_list(X: list[Any] | tuple[Any, ...]) -> SequenceBatch:
    arrays = [_numbers(sequence, f"sequence {i}") for i, sequence in enumerate(X)]
    arrays = [array[:, None] if array.ndim == 1 else array for array in arrays]
    for i, array in enumerate(arrays):
        if array.ndim != 2:
            raise InputError(
                "a sequence must be an array [steps, channels]",
                f"found {array.ndim} dimensions in sequence {i}",
                LAYOUT,
            )
    sizes = {array.shape[1] for array in arrays}
    if len(sizes) != 1:
        found = f"found {' and '.join(map(str, sorted(sizes)))} channels" if sizes else "found none"
        raise InputError("X must hold sequences of the same channels", found, LAYOUT)
    lengths = torch.tensor([len(array) for array in arrays])
    values = np.full((len(arrays), int(lengths.max()), sizes.pop()), np.nan)
    for row, array in zip(values, arrays, strict=True):
        row[: len(array)] = array
    return SequenceBatch(torch.from_numpy(values), lengths, _names(X, values.shape[2]))


def _from_array(array: np.ndarray) -> SequenceBatch:
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or 0 in array.shape:
        raise InputError(
            "an array of sequences must have the shape [sequences, steps, channels]",
            f"found the shape {list(array.shape)}",
            LAYOUT,
        )
    steps = np.arange(1, array.shape[1] + 1)
    lengths = (~np.isnan(array).all(2) * steps).max(1)
    return SequenceBatch(
        torch.from_numpy(array), torch.from_numpy(lengths), _names((), array.shape[2])
    )


def _names(X: Any, channels: int) -> tuple[str, ...]:
    found = {tuple(map(str, frame.columns)) for frame in X if hasattr(frame, "columns")}
    if len(found) > 1:
        raise InputError(
            "all data frames must have the same columns, in the same order",
            f"found {' and '.join(str(list(names)) for names in sorted(found)[:2])}",
            "select the same columns of each",
        )
    return found.pop() if found else unnamed_channels(channels)


def unnamed_channels(channels: int) -> tuple[str, ...]:
    """Return what channels are called that came without names."""
    return tuple(f"channel {c + 1}" for c in range(channels))


def _numbers(values: Any, where: str) -> np.ndarray:
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu().numpy()
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{where} must hold numbers", f"found that it cannot be read ({error})", LAYOUT
        ) from error


def _check(batch: SequenceBatch) -> None:
    if (empty := batch.lengths == 0).any():
        raise InputError(
            "a sequence must have one step or more",
            f"found none in sequence {int(empty.nonzero()[0])}",
            "leave it out",
        )
    if (infinite := batch.values.isinf()).any():
        row, step, channel = infinite.nonzero()[0].tolist()
        raise InputError(
            "samples must be finite, or NaN where they are missing",
            f"found infinity in sequence {row}, step {step}, {batch.channels[channel]}",
            "replace it with a number, or with NaN if the value is not known",
        )
