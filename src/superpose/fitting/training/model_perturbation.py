"""Adversarial model perturbation. Source: Zheng, Zhang and Mao (2021), arXiv:2010.04925."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from superpose.fitting.training.perturbed_optimizer import Groups, PerturbedOptimizer, Tensors


class AMP(PerturbedOptimizer):
    """Adversarial model perturbation: descend where a step uphill inside a ball leads.

    Not automatic mixed precision, which torch calls amp. On the rows of one step::

        D ← 0; N times: D ← D + ζ ∇L(θ + D), and D ← ε D / ‖D‖ where ‖D‖ > ε
        θ ← base step at θ with ∇L(θ + D)

    (Zheng, Zhang and Mao 2021, section 3, https://arxiv.org/abs/2010.04925). With N = 1, to first
    order, this is the gradient of L + (ζ/2) ‖∇L‖² inside the ball and of L + ε ‖∇L‖ on its
    surface, so the loss falls less far on the training rows, and minima with a wide floor win.

    `PerturbedOptimizer` says how to call it: ``optimizer.step(closure)``. A step costs N + 1
    passes. It is an aid to calibration of classifiers; the guide says where it loses.

    Parameters
    ----------
    params : iterable
        As of any torch optimizer. Groups may have their own ``epsilon`` and ``zeta``.
    base : callable, optional
        What takes the step; `torch.optim.SGD` without it.
    epsilon : float
        ε, radius of the ball, in units of the weights; ``math.inf`` for none.
    zeta : float
        ζ, length of a step uphill per unit of the gradient. Where ζ ‖∇L‖ exceeds ε only ε counts.
    inner_steps : int, default 1
        N.
    per_tensor : bool, default False
        A ball for each tensor, as in the authors' code, which moves the weights √T times as far
        with T tensors; without it one ball for all, as in the paper's formula.
    network : Module, optional
        Whose running statistics follow the clean weights alone, once a step.
    **base_options
        Of the base, ``lr`` for instance.

    Attributes
    ----------
    base : Optimizer
        The optimizer that takes the steps.

    Raises
    ------
    InputError
        If an option is negative, or the base has one of the same name.

    Examples
    --------
    >>> import torch
    >>> from superpose.fitting import AMP
    >>> weight = torch.tensor([2.0], requires_grad=True)
    >>> optimizer = AMP([weight], lr=0.1, epsilon=0.5, zeta=1.0)
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = 0.5 * weight.square().sum()
    ...     loss.backward()
    ...     return loss
    >>> optimizer.step(closure).item(), weight.item()  # 2 - 0.1 * (2 + 0.5)
    (2.0, 1.75)
    """

    def __init__(
        self,
        params: Iterable[Any],
        base: Callable[..., Optimizer] = torch.optim.SGD,
        *,
        epsilon: float,
        zeta: float,
        inner_steps: int = 1,
        per_tensor: bool = False,
        network: nn.Module | None = None,
        **base_options: Any,
    ) -> None:
        super().__init__(
            params,
            base,
            {"epsilon": epsilon, "zeta": zeta},
            inner_steps=inner_steps,
            per_tensor=per_tensor,
            network=network,
            base_options=base_options,
        )

    def _pushes(self, group: dict[str, Any]) -> bool:
        return bool(group["epsilon"] > 0 and group["zeta"] > 0)

    def _climb(self, moves: Tensors, last: Tensors, clean: Tensors, groups: Groups) -> list[float]:
        if last:  # D + ζ g = ζ (g + D / ζ), so that one product is left
            torch._foreach_div_(last, [group["zeta"] for group in groups])
            torch._foreach_add_(moves, last)
        norms = self._norms(moves, [group["epsilon"] / group["zeta"] for group in groups])
        return [group["zeta"] / max(norm, 1.0) for group, norm in zip(groups, norms, strict=True)]
