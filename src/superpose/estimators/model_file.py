"""Model files: arrays as safetensors, everything else as JSON in the header, a checksum over both.

Nothing in such a file is ever executed. A file that is damaged, that something else wrote, or that
a later version wrote, is refused with a `ModelFileError`.
"""

from __future__ import annotations

import hashlib
import json
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from superpose.atomic import written_whole
from superpose.errors import ModelFileError

__all__ = ["FORMAT", "MAX_BYTES", "VERSION", "read_model", "write_model"]

FORMAT = "superpose model"
VERSION = 1
MAX_BYTES = 2**30
"""A larger file is refused before it is read: no model of curves is that large."""

Arrays = dict[str, NDArray[np.float64]]


def write_model(path: str | PathLike[str], header: dict[str, Any], arrays: Arrays) -> None:
    """Write a model file, whole or not at all.

    Parameters
    ----------
    path : str or path
        Where the file goes; an existing file is replaced.
    header : dict
        Anything JSON can say.
    arrays : dict of str to ndarray
        Finite float64 arrays.
    """
    arrays = {name: np.ascontiguousarray(array, np.float64) for name, array in arrays.items()}
    whole = {
        "format": FORMAT,
        "version": VERSION,
        "sha256": _checksum(header, arrays),
        "header": header,
    }
    content = save(arrays, {"superpose": _text(whole)})
    with written_whole(path) as draft:
        draft.write_bytes(content)


def read_model(path: str | PathLike[str]) -> tuple[dict[str, Any], Arrays]:
    """Read what `write_model` wrote, after checking all that can be checked of it.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    header : dict
        What the file says about the model.
    arrays : dict of str to ndarray
        Its arrays, finite and float64.

    Raises
    ------
    ModelFileError
        Where anything is not as it must be; the message names it.
    """
    path = Path(path)
    _check_size(path)
    metadata, arrays = _open(path)
    if "superpose" not in metadata:
        raise _refusal(
            path, "must be written by superpose", "found another kind of safetensors file"
        )
    whole = _parsed(path, metadata["superpose"])
    header = whole.get("header")
    if whole.get("format") != FORMAT or not isinstance(header, dict):
        raise _refusal(path, f"must say that it is a {FORMAT}", f"found {whole.get('format')!r}")
    if whole.get("version") != VERSION:
        raise _refusal(
            path,
            f"must have version {VERSION} of the format",
            f"found version {whole.get('version')!r}",
            "load it with the release of superpose that wrote it, or update superpose",
        )
    checksum = _checksum_of_anything(header, arrays)
    if checksum is None or whole.get("sha256") != checksum:
        raise _refusal(path, "must be as it was written", "found that its checksum is wrong")
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise _refusal(path, "must hold finite numbers", f"found others in {name!r}")
    return header, arrays


def _check_size(path: Path) -> None:
    if not path.is_file():
        raise _refusal(path, "must be a file", "found none there", "check the path")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise _refusal(path, f"must have at most {MAX_BYTES} bytes", f"found {size}")


def _open(path: Path) -> tuple[dict[str, str], Arrays]:
    try:
        with safe_open(path, framework="numpy") as file:
            types = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
            if set(types.values()) - {"F64"}:
                raise _refusal(path, "must hold float64 arrays only", f"found {types}")
            arrays = {name: file.get_tensor(name) for name in types}
            return file.metadata() or {}, arrays
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise _refusal(
            path, "must be a safetensors file", f"found that it is none ({error})"
        ) from error


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        whole = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise _refusal(path, "must have a JSON header", f"found none ({error})") from error
    if not isinstance(whole, dict):
        raise _refusal(path, "must have a JSON object as header", f"found a {type(whole).__name__}")
    return whole


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _text(content: dict[str, Any]) -> str:
    return json.dumps(content, allow_nan=False, sort_keys=True)


def _checksum(header: dict[str, Any], arrays: Arrays) -> str:
    digest = hashlib.sha256(_text(header).encode())
    for name in sorted(arrays):
        digest.update(f"{name}{arrays[name].shape}".encode("utf-8", "surrogatepass"))
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def _checksum_of_anything(header: dict[str, Any], arrays: Arrays) -> str | None:
    """Return the checksum; None for a header that JSON reads but cannot write, such as 1e999."""
    try:
        return _checksum(header, arrays)
    except (ValueError, RecursionError):
        return None


def _refusal(
    path: Path, must: str, found: str, do: str = "save the model again, or use another file"
) -> ModelFileError:
    return ModelFileError(f"the model file {str(path)!r} {must}", found, do)
