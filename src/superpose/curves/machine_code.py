"""Loops that are compiled when they are first used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def compiled(loop: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    """Return a loop as machine code; kept beside its file, as Python keeps its own.

    Where nothing can be kept, it is made anew in every process, which takes a second or so.
    ``options`` are those of `numba.njit`.
    """
    from numba import njit

    try:
        code: Callable[..., Any] = njit(loop, cache=True, **options)
    except RuntimeError:
        code = njit(loop, **options)
    return code
