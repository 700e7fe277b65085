"""The changes by hand of a fit as words and arrays, and back."""

from __future__ import annotations

from typing import Any

import torch

from superpose.estimators.network_state import Store
from superpose.fitting import Edit
from superpose.fitting.superposition.edit import ACTIONS
from superpose.networks import Superposition

__all__ = ["edits_from", "edits_to"]

TEXT = ("action", "part", "what", "reason", "who", "when", "source")
NUMBERS = ("size_before", "size_after", "loss_before", "loss_after")
ARRAYS = ("x", "before", "after", "mean_change")


def edits_to(edits: tuple[Edit, ...], store: Store) -> list[dict[str, Any]]:
    """Put the arrays of the edits into a store, and return the rest."""
    for i, edit in enumerate(edits):
        for name in ARRAYS:
            store.at(i)[name] = torch.as_tensor(getattr(edit, name))
    words = (*TEXT, *NUMBERS, "index", "rows")
    return [{name: getattr(edit, name) for name in words} for edit in edits]


def edits_from(words: Any, network: Superposition, store: Store) -> tuple[Edit, ...]:
    """Undo `edits_to`.

    Raises
    ------
    ValueError, KeyError, TypeError
        Where words and arrays do not describe edits of this network.
    """
    if not isinstance(words, list):
        raise TypeError("edits are a list")
    return tuple(_edit(it, network, store.at(i)) for i, it in enumerate(words))


def _edit(words: dict[str, Any], network: Superposition, store: Store) -> Edit:
    arrays: dict[str, Any] = {name: store[name].numpy() for name in ARRAYS}
    text: dict[str, Any] = {name: words[name] for name in TEXT}
    numbers: dict[str, Any] = {
        name: None if words[name] is None else float(words[name]) for name in NUMBERS
    }
    index, count, x = int(words["index"]), network.n_outputs, arrays["x"]
    if not all(isinstance(it, str) for it in text.values()) or text["action"] not in ACTIONS:
        raise ValueError("an edit is described in words")
    if not 0 <= index < len(network.parts) or None in (numbers[it] for it in NUMBERS[:2]):
        raise ValueError("an edit is of a part, and has a size")
    tall = len(x) + 1 if network.parts[index].kind == "curve" else 0
    shapes = {"x": (max(tall - 1, 0),), "mean_change": (count,)}
    for name in ARRAYS:
        if arrays[name].shape != shapes.get(name, (tall, count)):
            raise ValueError("an edit has a curve before and after")
    return Edit(**text, **numbers, **arrays, index=index, rows=int(words["rows"]))
