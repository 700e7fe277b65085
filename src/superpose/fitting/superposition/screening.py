"""Which pairs could pay: the evidence gain of every pair on the Newton residual, all at once.

Each pair is given the products of the few strongest principal columns of both attributes and one
smoothness; with information d_ij and score g_ij of each product taken as independent, the gain is

    max over s² of ½ Σ_ij [ g_ij² s² / (1 + s² d_ij) - log(1 + s² d_ij) ].

Two matrix products over the rows give g and d for all pairs; nothing is binned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch

from superpose.fitting.superposition.columns import Side

STRENGTHS = 15


class PairGains(NamedTuple):
    """What screening says of every pair p < r.

    Attributes
    ----------
    nats : Tensor [n, n]
        Gain in evidence; -inf but in the upper triangle.
    precision : Tensor [n, n]
        1 / s² that gains most: about the prior precision that a fit will find.
    """

    nats: torch.Tensor
    precision: torch.Tensor


def pair_gains(
    sides: Sequence[Side], residual: torch.Tensor, information: torch.Tensor, rank: int = 5
) -> PairGains:
    """Return the gain in evidence, in nats, of every pair p < r, and the smoothness it is for.

    Parameters
    ----------
    sides : sequence of Side
        One an attribute.
    residual, information : Tensor [N, K]
        Minus the gradient and the diagonal of the Hessian of the loss in the outputs.
    rank : int, default 5
        Principal columns of each attribute that are tried.
    """
    n, n_outputs = len(sides), residual.shape[1]
    columns = torch.cat([s.columns[:, :rank] for s in sides], 1)
    owner = torch.cat(
        [torch.full((min(rank, s.columns.shape[1]),), p) for p, s in enumerate(sides)]
    )
    member = torch.nn.functional.one_hot(owner, n).double()
    score = [(columns * residual[:, k, None]).mT @ columns for k in range(n_outputs)]
    squared = columns**2
    spread = [(squared * information[:, k, None]).mT @ squared for k in range(n_outputs)]
    largest = max((float(d.max()) for d in spread if d.numel()), default=0.0)
    best = torch.full((n, n), -torch.inf, dtype=torch.float64)
    precision = torch.ones_like(best)
    if largest <= 0:
        return PairGains(best, precision)
    for log_strength in torch.linspace(-4, 10, STRENGTHS).tolist():
        s2 = torch.tensor(log_strength).exp().double() / largest
        gain = sum(
            0.5 * (g**2 * s2 / (1 + s2 * d) - torch.log1p(s2 * d))
            for g, d in zip(score, spread, strict=True)
        )
        gain = member.mT @ gain @ member
        precision = torch.where(gain > best, 1 / s2, precision)
        best = torch.maximum(best, gain)
    return PairGains(best.masked_fill(torch.ones(n, n).tril().bool(), -torch.inf), precision)
