"""What is known of the outputs beforehand: an offset, and how a fit takes it."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from superpose.fitting.superposition.losses import LOG_LINKS, Loss


@dataclass(frozen=True)
class Known:
    """An offset: taken from targets of the same units, else added to outputs less a level [K]."""

    of_target: torch.Tensor
    of_outputs: torch.Tensor | None
    level: torch.Tensor

    @classmethod
    def of(cls, loss: Loss, offset: torch.Tensor | None, weight: torch.Tensor) -> Known:
        nothing = torch.zeros(len(weight), dtype=torch.float64)
        if offset is None:
            return cls(nothing, None, nothing[:1])
        if loss.name in ("gaussian", "student_t"):
            return cls(offset[:, 0], None, nothing[:1])
        share = (weight / weight.sum())[:, None]
        level = (share * offset).sum(0)
        if loss.name in LOG_LINKS:  # with it, the best constant is the log of the mean
            level = (share.log() + offset).logsumexp(0)
        return cls(nothing, offset - level, level)

    def elsewhere(
        self, loss: Loss, offset: torch.Tensor | None, n_rows: int
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return what to take from targets, and to add to outputs, of other rows."""
        nothing = torch.zeros(n_rows, dtype=torch.float64)
        if offset is None:
            return nothing, None
        if loss.name in ("gaussian", "student_t"):
            return offset[:, 0], None
        return nothing, offset - self.level
