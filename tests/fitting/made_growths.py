"""Small tables as growths of main curves."""

from __future__ import annotations

import torch
from tests.fitting.made_problems import encoded, numbers

from superpose.fitting.superposition.growth import Growth, Rows
from superpose.fitting.superposition.losses import loss_named
from superpose.fitting.superposition.problem import Problem


def growth_of(x: torch.Tensor, y: torch.Tensor, loss: str, *, kernel="auto", n_knots=16) -> Growth:
    """Main curves of every column, not yet fitted."""
    attributes = numbers(x, n_knots)
    weight = torch.ones(len(x), dtype=torch.float64)
    problem = Problem(y, weight, loss_named(loss, y))
    rows = Rows(tuple(attributes), encoded(attributes, x), problem, kernel)
    return Growth.additive(rows, torch.ones(len(x), dtype=torch.bool))


def classes(x: torch.Tensor, strength: float = 8.0, seed: int = 3) -> torch.Tensor:
    """Three classes that lie apart along the first two columns."""
    zero = torch.zeros(len(x), dtype=torch.float64)
    f = torch.stack([strength * x[:, 0], strength * x[:, 1], zero + strength / 2], 1)
    noise = torch.rand(f.shape, generator=torch.Generator().manual_seed(seed)).double()
    return (f - (-noise.log()).log()).argmax(1).double()
