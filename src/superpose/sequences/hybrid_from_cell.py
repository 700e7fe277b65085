"""A trained LMU as a network of events."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from superpose.curves import Resolution
from superpose.errors import InputError
from superpose.sequences.hybrid_lmu import HybridLMU
from superpose.sequences.lmu_cell import LMUCell

__all__ = ["hybrid_from_cell"]


@torch.no_grad()
def hybrid_from_cell(
    cell: LMUCell, head: nn.Linear, *, dt: float | Resolution, **options: Any
) -> HybridLMU:
    """Return an LMU that was trained, with its head, as a network of events.

    With ``quantizer="none"`` the outputs are the same, and at a large dt nearly so; then lower dt
    and tune. The weights are a copy; those of the memory's readout are W_m / g.

    Parameters
    ----------
    cell : LMUCell
        With zero-order hold, a fixed memory, and no e_m.
    head : nn.Linear
        From its hidden state to outputs.
    dt : float or Resolution
        Events a unit of activity a step.
    **options
        ``quantizer``, ``window``, ``register``, ``spiking_training`` and ``random_state`` of
        `HybridLMU`.

    Returns
    -------
    HybridLMU
        In the dtype of the cell.

    Raises
    ------
    InputError
        If the cell has what a hybrid network has not.

    Examples
    --------
    >>> import torch
    >>> from superpose.sequences import LMU, LMUCell, hybrid_from_cell
    >>> alone = dict(hidden_to_memory=False, memory_to_memory=False, hidden_to_hidden=False)
    >>> cell, head = LMUCell(1, 5, order=4, theta=20, **alone), torch.nn.Linear(5, 2)
    >>> x = torch.sin(torch.arange(50.0) / 5).reshape(1, 50, 1)
    >>> hybrid = hybrid_from_cell(cell, head, dt=1e6)
    >>> bool(torch.allclose(hybrid(x), head(LMU(cell)(x)[0][:, -1]), atol=1e-3))
    True
    """
    _check_cell(cell)
    model = HybridLMU(
        cell.input_size,
        cell.hidden_size,
        head.out_features,
        cell.memory.order,
        cell.memory.theta,
        dt=dt,
        activation=cell.activation,
        channels=cell.channels,
        input_to_hidden=cell.W_x is not None,
        hidden_to_hidden=cell.W_h is not None,
        hidden_to_memory=cell.e_h is not None,
        **options,
    ).to(cell.W_m)
    for part, weight, offset in (
        (model.encode, cell.e_x, cell.b_u),
        (model.read, cell.W_m / model.gain, cell.b_h),
        (model.head, head.weight, head.bias),
        (model.read_input, cell.W_x, None),
        (model.recur, cell.W_h, None),
        (model.encode_hidden, cell.e_h, None),
    ):
        if part is not None and weight is not None:
            part.weight.copy_(weight)
        if part is not None and offset is not None:
            part.bias.copy_(offset)
    return model


def _check_cell(cell: LMUCell) -> None:
    method, inward, learned = cell.memory.method, cell.e_m is not None, cell.change is not None
    if method != "zoh" or inward or learned:
        raise InputError(
            "a hybrid network needs a fixed memory with zero-order hold, and no e_m",
            f"found method={method!r}, e_m {'there' if inward else 'left out'}, a memory that is "
            f"{'learned' if learned else 'fixed'}",
            "build the cell with memory_to_memory=False and the other defaults, and train it",
        )
