"""States in a file: tensors as safetensors, all else as JSON in its header, a checksum over both.

A state is what `state_dict` of networks, optimizers and schedules returns: dictionaries, lists,
numbers and words around tensors. Nothing in such a file is ever executed.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from superpose.atomic import written_whole
from superpose.errors import InputError, ModelFileError

KEY = "superpose state"
Tensors = dict[str, torch.Tensor]


def write_state(path: str | PathLike[str], state: Any) -> None:
    """Write a state, whole or not at all.

    Raises
    ------
    InputError
        If it holds anything but tensors, numbers, words, and lists and dictionaries of them.

    Examples
    --------
    >>> import tempfile, pathlib, torch
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "state")
    ...     write_state(path, {"best": float("inf"), 0: [torch.ones(2), None]})
    ...     read_state(path)
    {'best': inf, 0: [tensor([1., 1.]), None]}
    """
    tensors: Tensors = {}
    text = json.dumps(_packed(state, tensors), allow_nan=False)
    content = save(tensors, {KEY: text, "sha256": _checksum(text, tensors)})
    with written_whole(path) as draft:
        draft.write_bytes(content)


def read_state(path: str | PathLike[str]) -> Any:
    """Read what `write_state` wrote.

    Raises
    ------
    ModelFileError
        If the file is damaged, or something else.
    """
    path = Path(path)
    try:
        with safe_open(path, framework="pt") as file:
            said = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise _refusal(path, f"that it cannot be read ({error})") from error
    if KEY not in said:
        raise _refusal(path, "another kind of safetensors file")
    if said.get("sha256") != _checksum(said[KEY], tensors):
        raise _refusal(path, "that its checksum is wrong")
    return _unpacked(json.loads(said[KEY]), tensors)


def _packed(value: Any, tensors: Tensors) -> Any:
    """Return what JSON can say of a value; its tensors go into the dictionary."""
    if isinstance(value, torch.Tensor):
        name = str(len(tensors))
        tensors[name] = value.detach().cpu().clone().contiguous()
        return {"tensor": name}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(float(value))}
    if isinstance(value, np.generic):
        return _packed(value.item(), tensors)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        items = [_packed(it, tensors) for it in value]
        return items if isinstance(value, list) else {"tuple": items}
    if isinstance(value, Mapping) and all(isinstance(key, str | int) for key in value):
        kind = "counter" if isinstance(value, Counter) else "dict"
        return {kind: [[key, _packed(it, tensors)] for key, it in value.items()]}
    raise InputError(
        "a state must be made of tensors, numbers and words",
        f"got a {type(value).__name__}",
        "use an optimizer and a schedule whose state_dict holds nothing else, or no checkpoint",
    )


def _unpacked(said: Any, tensors: Tensors) -> Any:
    if isinstance(said, list):
        return [_unpacked(it, tensors) for it in said]
    if not isinstance(said, dict):
        return said
    ((kind, inside),) = said.items()
    if kind == "tensor":
        return tensors[inside]
    if kind == "float":
        return float(inside)
    if kind == "tuple":
        return tuple(_unpacked(it, tensors) for it in inside)
    made = {key: _unpacked(it, tensors) for key, it in inside}
    return Counter(made) if kind == "counter" else made


def _checksum(text: str, tensors: Tensors) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(f"{name}{value.dtype}{list(value.shape)}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _refusal(path: Path, found: str) -> ModelFileError:
    return ModelFileError(
        f"{str(path)!r} must be a checkpoint as it was written",
        f"found {found}",
        "remove the file to train from the start, or use another one",
    )
