"""How far a part moves the outputs over the training rows, kept for values that it never learned.

A value may be missing in a column that had none in fit. Of its curve nothing is known then but the
mean over the rows, 0, so the curve's whole variance over the rows is the variance of that 0.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import torch

from superpose.fitting.superposition.posterior import Posterior
from superpose.networks import AxisRows
from superpose.networks.axis_rows import BATCH


@torch.no_grad()
def with_spread(
    posterior: Posterior,
    axis_units: torch.Tensor,
    weight: torch.Tensor,
    held: Collection[int] = (),
) -> Posterior:
    """Return the posterior with the spread of every part that is not held.

    Parameters
    ----------
    posterior : Posterior
    axis_units : Tensor [N, n]
        The training rows.
    weight : Tensor [N]
        How many rows each stands for.
    held : collection of int
        Parts without a band.
    """
    network, shares = posterior.network, list(posterior.shares)
    share_of = (weight / weight.sum().clamp(min=1e-300)).split(BATCH)
    total = torch.zeros(len(shares), network.n_outputs, dtype=torch.float64)
    for units, w in zip(axis_units.split(BATCH), share_of, strict=True):
        rows = AxisRows(units)
        for own, part in zip(total, network.parts, strict=True):
            own += w @ part(rows) ** 2
    for i in set(range(len(shares))) - set(held):
        shares[i] = replace(shares[i], spread=total[i])
    return Posterior(network, posterior.covariance, shares, posterior.stride)
