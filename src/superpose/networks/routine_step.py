"""One step of training as the routines of polynomial curves ask for it.

Source: Goyal, Goyal and Lall (2019), arXiv:1906.09529, the routine GC of the authors' code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from superpose.curves import SLAF


def routine_step(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    closure: Callable[[], Any] | None = None,
    *,
    largest_gradient: float = 5.0,
    shrink: float = 0.005,
) -> Any:
    """Take one step of the optimiser, with what the routine "clipped" asks for around it.

    If a `SLAF` in the network has that routine, the gradient of all parameters together is
    clipped first, and after the step its coefficients shrink towards straight lines, apart from
    what the optimiser does (Goyal, Goyal and Lall 2019). Other networks just take the step.

    Parameters
    ----------
    network : Module
        Any network; gradients have been computed.
    optimiser : Optimizer
        Over its parameters.
    closure : callable, optional
        Makes the gradients anew and returns the loss, for optimisers that ask for it more than
        once a step. Without it the gradients are there already.
    largest_gradient : float, default 5.0
        The norm to which the gradient is clipped.
    shrink : float, default 0.005
        Weight of `SLAF.prior` in this step; times the learning rate of the optimiser's first
        group it is the amount of `SLAF.shrink`.

    Returns
    -------
    Tensor or None
        What the closure returned, by way of the optimiser.

    Examples
    --------
    >>> import torch
    >>> from superpose.networks import SLNN, routine_step
    >>> generator = torch.manual_seed(0)
    >>> network = SLNN([2, 6, 1], degree=2, basis="hermite")
    >>> optimiser = torch.optim.Adam(network.parameters(), lr=0.02)
    >>> x = torch.randn(256, 2)
    >>> for _ in range(200):
    ...     optimiser.zero_grad()
    ...     loss = (network(x).squeeze(1) - x[:, 0] * x[:, 1]).square().mean()
    ...     loss.backward()
    ...     routine_step(network, optimiser)
    >>> loss.item() < 0.01
    True
    """
    curves = [it for it in network.modules() if isinstance(it, SLAF) and it.routine == "clipped"]

    def clip() -> None:
        if curves:
            nn.utils.clip_grad_norm_(network.parameters(), largest_gradient)

    loss = None
    if closure is None:
        clip()
        optimiser.step()
    else:
        loss = optimiser.step(_then(closure, clip))
    for curve in curves:
        curve.shrink(shrink * optimiser.param_groups[0]["lr"])
    return loss


def _then(closure: Callable[[], Any], after: Callable[[], None]) -> Callable[[], Any]:
    def both() -> Any:
        found = closure()
        after()
        return found

    return both
