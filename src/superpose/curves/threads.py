"""Loops over rows on as many threads as torch may use."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import torch

A_THREAD = 2.5e6
"""Products that merit a thread of their own: some .3 ms."""


def share(loop: Callable[[int, int], None], count: int, *, step: int, work: float) -> None:
    """Run a loop from 0 to count, on as many threads as torch may use and the work merits."""
    threads = max(1, min(torch.get_num_threads(), os.cpu_count() or 1, int(work / A_THREAD)))
    size = -(-count // (threads * step)) * step
    firsts = range(0, count, size) if count else [0]
    helpers = _helpers(os.getpid()) if threads > 1 else None
    others = [
        helpers.submit(loop, first, min(first + size, count)) for first in firsts[1:] if helpers
    ]
    loop(0, min(size, count))
    for other in others:
        other.result()


@cache
def _helpers(process: int) -> ThreadPoolExecutor:
    """Return threads that wait for work, of this process: a fork has none of its parent's.

    A thread takes longer to start than a loop to run.
    """
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="superpose")
