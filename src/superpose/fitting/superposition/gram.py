"""Weighted sums of products of columns: what the normal equations are made of."""

from __future__ import annotations

import torch

NEGLIGIBLE = 1e-7
PANEL = 256
ENTRIES = 2**20
"""Numbers in the columns that are weighted at a time: 8 MiB, which the allocator reuses."""


def gram(columns: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return Zᵀ diag(w) Z; only one half is multiplied out, in panels, and mirrored."""
    size = columns.shape[1]
    total = columns.new_zeros(size, size)
    for rows in row_batches(len(columns), size):
        add_lower(total, columns[rows], weight[rows])
    return mirrored(total)


def row_batches(n_rows: int, width: int) -> list[slice]:
    """Return slices of rows, so that so many columns of them are no large array."""
    step = max(1, ENTRIES // max(width, 1))
    return [slice(i, i + step) for i in range(0, n_rows, step)]


def add_lower(
    total: torch.Tensor, columns: torch.Tensor, weight: torch.Tensor, first: int = 0
) -> None:
    """Add Zᵀ diag(w) Z to ``total`` on and below the diagonal, from row ``first`` on."""
    for start in range(first, len(total), PANEL):
        stop = min(start + PANEL, len(total))
        scaled = (columns[:, start:stop] * weight[:, None]).mT
        total[start:stop, :stop] += scaled @ columns[:, :stop]


def mirrored(total: torch.Tensor) -> torch.Tensor:
    """Return the symmetric matrix that is ``total`` on and below the diagonal."""
    return total.tril() + total.tril(-1).mT


def sparse_gram(columns: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return Zᵀ diag(w) Z without the rows whose weight is next to nothing.

    Where classes are well apart, most rows are of certain class and their p_k p_j is of this kind.
    """
    counts = weight.abs() > NEGLIGIBLE * weight.abs().max()
    if float(counts.double().mean()) < 0.5:
        columns, weight = columns[counts], weight[counts]
    return gram(columns, weight)


def bordered(
    corner: torch.Tensor, fixed: torch.Tensor, moving: torch.Tensor, weight: torch.Tensor
) -> torch.Tensor:
    """Return [F M]ᵀ diag(w) [F M], where Fᵀ diag(w) F is known."""
    if not moving.shape[1]:
        return corner
    scaled = moving * weight[:, None]
    side = fixed.mT @ scaled
    top = torch.cat([corner, side], 1)
    return torch.cat([top, torch.cat([side.mT, scaled.mT @ moving], 1)])
