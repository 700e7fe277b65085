"""Held-out rows for choosing the dial."""

from __future__ import annotations

import torch

SMALL, MEDIUM = 2_000, 20_000
HELD_OUT = 5
SCOUT = 7


def held_out(n_rows: int, strata: torch.Tensor | None, seed: int) -> list[torch.Tensor]:
    """Return masks [N] of the rows that each fold holds out.

    Five folds on small tables, three on medium ones, one fifth of the rows, once, on large ones.

    Parameters
    ----------
    n_rows : int
    strata : Tensor [N], optional
        Classes; every fold gets its share of each.
    seed : int

    Examples
    --------
    >>> import torch
    >>> [int(mask.sum()) for mask in held_out(10, None, 0)]
    [2, 2, 2, 2, 2]
    """
    if n_rows < 2:
        return []
    parts = 3 if SMALL < n_rows <= MEDIUM else min(HELD_OUT, n_rows)
    fold = _folds(n_rows, strata, seed, parts)
    return [fold == k for k in range(1 if n_rows > MEDIUM else parts)]


def scout(n_rows: int, strata: torch.Tensor | None, seed: int) -> torch.Tensor:
    """Return the mask [N] of one row in seven, held out while terms are looked for."""
    return _folds(n_rows, strata, seed, min(SCOUT, n_rows)) == 0


def _folds(n_rows: int, strata: torch.Tensor | None, seed: int, parts: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(n_rows, generator=generator)
    if strata is not None:
        order = order[strata[order].argsort(stable=True)]
    fold = torch.empty(n_rows, dtype=torch.long)
    fold[order] = torch.arange(n_rows) % parts
    return fold
