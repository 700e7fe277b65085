"""How many threads a fit is worth.

The matrices of a table of some thousand rows are too small to be shared out: threads would wait for
one another, and on a machine with other work, where they seldom run at the same time, they wait a
hundred times longer than they work.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

SMALL = 2**20
"""Numbers in a table up to which one thread is as good as several."""


@contextmanager
def threads_for(size: int) -> Iterator[None]:
    """Let torch use one thread in the block for a table of so many numbers, if they are few.

    Afterwards it uses as many as before.

    Examples
    --------
    >>> import torch
    >>> with threads_for(1000):
    ...     torch.get_num_threads()
    1
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1 if size <= SMALL else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
