"""Loops that are compiled when they are first used."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any


@cache
def compiled(loop: Callable[..., Any], *, freely: bool = False) -> Callable[..., Any]:
    """Return a loop as machine code; kept beside its file, as Python keeps its own.

    Where nothing can be kept, it is made anew in every process, which takes a second or so. It
    runs without the lock of Python. If ``freely``, sums may be reordered, and a product and a sum
    be one instruction; NaN and infinity stay what they are.
    """
    from numba import njit

    options = {"nogil": True, "fastmath": {"contract", "reassoc", "nsz"} if freely else False}
    try:
        code: Callable[..., Any] = njit(loop, cache=True, **options)
    except RuntimeError:
        code = njit(loop, **options)
    return code
