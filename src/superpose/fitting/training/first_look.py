"""What a network does with a few rows: what it gives, and which columns it needs as they are."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from superpose.errors import InputError
from superpose.networks import KSTLayer
from superpose.networks.scaled import reads_codes

SEEN = 64
"""Rows of the first look."""


@torch.no_grad()
def first_look(network: nn.Module, rows: torch.Tensor) -> tuple[torch.Size, torch.Tensor]:
    """Return the shape of the outputs of a few rows [n, ..], and the columns to leave alone.

    Columns stay in their units if they go as they are into curves between bounds, which are in
    these units, or into an embedding, which reads codes; wherever in the network that is. Whole
    numbers that a network with an embedding is given are codes, all of them.

    Examples
    --------
    >>> import torch
    >>> from superpose.networks import KSTNetwork
    >>> shape, bare = first_look(KSTNetwork([2, 1], bounds=(0, 9)), torch.rand(5, 2))
    >>> list(shape), bare.tolist()
    ([5, 1], [True, True])
    """
    if not any(it.requires_grad for it in network.parameters()):
        raise InputError(
            "the network must have parameters to train", "got none", "pass another network"
        )
    rows = rows[:SEEN].nan_to_num(posinf=0.0, neginf=0.0)  # they are looked for later
    codes = not rows.is_floating_point() and reads_codes(network)
    bare = torch.full(rows.shape[1:2] if rows.ndim == 2 else (0,), codes)

    def note(layer: nn.Module, given: Any) -> None:
        if len(bare) and given and isinstance(given[0], torch.Tensor):
            bare.logical_or_(_columns_in(rows, given[0].cpu()))

    network.eval()
    handles = [it.register_forward_pre_hook(note) for it in network.modules() if _reads_units(it)]
    try:
        given = rows.to(next(network.parameters()).device if codes else next(network.parameters()))
        found = network(given)
    finally:
        for handle in handles:
            handle.remove()
    if not isinstance(found, torch.Tensor) or found.shape[:1] != rows.shape[:1]:
        raise InputError(
            "the network must return one tensor, with a row for each row it is given",
            f"got {list(getattr(found, 'shape', ())) or type(found).__name__} of {len(rows)} rows",
            "wrap it so that it does",
        )
    return found.shape, bare


def _reads_units(layer: nn.Module) -> bool:
    """Whether a layer means what it reads in the units of the table."""
    between_bounds = isinstance(layer, KSTLayer) and not layer.axis.runs
    return between_bounds or isinstance(layer, nn.Embedding | nn.EmbeddingBag)


def _columns_in(rows: torch.Tensor, given: torch.Tensor) -> torch.Tensor:
    """Return which columns of the rows a layer was given, if it was given nothing else."""
    if not len(rows) or given.shape[:1] != rows.shape[:1]:
        return torch.zeros(rows.shape[1], dtype=torch.bool)
    read = given.reshape(len(rows), 1, -1).float()
    same = (rows.float()[:, :, None] == read).all(0)  # [columns of the table, columns read]
    return same.any(1) & same.any(0).all()
