"""Missing samples are held: the memory sees the last value that was observed."""

from __future__ import annotations

import torch

__all__ = ["hold"]


def hold(
    u: torch.Tensor, observed: torch.Tensor, before: torch.Tensor | None = None
) -> torch.Tensor:
    """Return u with each missing sample replaced by the last observed one of its channel.

    v_t = u_t where observed, else v_(t-1), and v_0 = 0. Zero-order hold takes every sample to last
    until the next one arrives; a missing sample is one that did not arrive, so the memory of v is
    exactly that of the input as it was observed. What is missing before the first observation is 0
    and leaves a new memory at 0, as if the channel began later.

    Parameters
    ----------
    u : Tensor [B, T, C]
        Whatever stands where nothing was observed, NaN for instance, is not read.
    observed : Tensor [B, T, C] of bool
        Where there is a sample.
    before : Tensor [B, C], optional
        v_0, the value held when the sequence is the continuation of another.

    Returns
    -------
    Tensor [B, T, C]
        v.

    Examples
    --------
    >>> import torch
    >>> from superpose.sequences import hold
    >>> u = torch.tensor([float("nan"), 3.0, float("nan"), 5.0]).reshape(1, 4, 1)
    >>> hold(u, ~u.isnan()).flatten()
    tensor([0., 3., 3., 5.])
    """
    step = torch.arange(u.shape[1], device=u.device)[:, None]
    latest = torch.where(observed, step, -1).cummax(1).values  # [B, T, C]
    start = u.new_zeros(()) if before is None else before.unsqueeze(1)
    return torch.where(latest >= 0, u.gather(1, latest.clamp(min=0)), start)
