"""What a fit is to explain."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch

from superpose.fitting.deadline import Deadline
from superpose.fitting.superposition.losses import Loss


@dataclass(frozen=True)
class Problem:
    """What is to be explained: targets y [N], weights [N] and the loss; and until when."""

    y: torch.Tensor
    weight: torch.Tensor
    loss: Loss
    offset: torch.Tensor | None = None  # [N, K], added to the outputs
    deadline: Deadline = field(default_factory=Deadline)

    def to(self, device: torch.device) -> Problem:
        """Return the same rows on a device."""
        offset = None if self.offset is None else self.offset.to(device)
        return replace(self, y=self.y.to(device), weight=self.weight.to(device), offset=offset)

    def rows(self, kept: torch.Tensor | slice) -> Problem:
        """Return some of the rows."""
        offset = None if self.offset is None else self.offset[kept]
        return replace(self, y=self.y[kept], weight=self.weight[kept], offset=offset)

    def outputs(self, f: torch.Tensor) -> torch.Tensor:
        """Return the outputs with the offset added."""
        return f if self.offset is None else f + self.offset

    def value(self, f: torch.Tensor) -> float:
        """Return the weighted loss, unpenalised, of outputs with their offset."""
        return float(self.weight @ self.loss.value(f, self.y))
