"""Weighted sums of products of columns: what the normal equations are made of."""

from __future__ import annotations

import torch

NEGLIGIBLE = 1e-7


def gram(columns: torch.Tensor, weight: torch.Tensor, panel: int = 256) -> torch.Tensor:
    """Return Zᵀ diag(w) Z; only one half is multiplied out, in panels, and mirrored."""
    scaled, size = columns * weight[:, None], columns.shape[1]
    total = columns.new_empty(size, size)
    for start in range(0, size, panel):
        stop = min(start + panel, size)
        block = scaled[:, start:stop].mT @ columns[:, start:]
        total[start:stop, start:] = block
        total[start:, start:stop] = block.mT
    return total


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
