"""Sharpness-aware minimisation, plain (arXiv:2010.01412) and adaptive (arXiv:2102.11600)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from superpose.fitting.training.perturbed_optimizer import Groups, PerturbedOptimizer, Tensors


class _SteepestAscent(PerturbedOptimizer):
    """D = ρ² S² ∇L / ‖ρ S ∇L‖: to first order the worst D with ‖S⁻¹ D‖ ≤ ρ, S diagonal."""

    @abstractmethod
    def _stretch(self, moves: Tensors, clean: Tensors, groups: Groups) -> None:
        """Multiply by S at the clean weights, in place."""

    def _pushes(self, group: dict[str, Any]) -> bool:
        return bool(group["rho"] > 0)

    def _climb(self, moves: Tensors, last: Tensors, clean: Tensors, groups: Groups) -> list[float]:
        self._stretch(moves, clean, groups)
        norms = self._norms(moves, [1 / group["rho"] for group in groups])
        self._stretch(moves, clean, groups)
        return [g["rho"] ** 2 / (norm or 1.0) for g, norm in zip(groups, norms, strict=True)]


class SAM(_SteepestAscent):
    """Sharpness-aware minimisation: descend from the worst point of a ball, to first order.

    D = ρ ∇L / ‖∇L‖; θ ← base step at θ with ∇L(θ + D) (Foret, Kleiner, Mobahi and Neyshabur 2021,
    equation 2, https://arxiv.org/abs/2010.01412). It always goes as far as ρ, where `AMP` goes
    less far as the gradient shrinks; where ζ ‖∇L‖ ≥ ε it is AMP with ρ = ε. A step costs two
    passes. `PerturbedOptimizer` says how to call it.

    Parameters
    ----------
    params : iterable
        As of any torch optimizer. Groups may have their own ``rho``.
    base : callable, optional
        What takes the step; `torch.optim.SGD` without it.
    rho : float
        ρ, radius of the ball, in units of the weights.
    per_tensor : bool, default False
        A ball for each tensor instead of one for all.
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
        If rho is negative, or the base has an option of the same name.

    Examples
    --------
    >>> import torch
    >>> from superpose.fitting import SAM
    >>> weight = torch.tensor([3.0, 4.0], requires_grad=True)
    >>> optimizer = SAM([weight], rho=0.5, lr=0.1)
    >>> (0.5 * weight.square().sum()).backward()
    >>> optimizer.perturb()
    >>> weight
    tensor([3.3000, 4.4000], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        base: Callable[..., Optimizer] = torch.optim.SGD,
        *,
        rho: float,
        per_tensor: bool = False,
        network: nn.Module | None = None,
        **base_options: Any,
    ) -> None:
        super().__init__(
            params,
            base,
            {"rho": rho},
            inner_steps=1,
            per_tensor=per_tensor,
            network=network,
            base_options=base_options,
        )

    def _stretch(self, moves: Tensors, clean: Tensors, groups: Groups) -> None:
        """The ball is as wide in every weight."""


class ASAM(_SteepestAscent):
    """Adaptive sharpness-aware minimisation: the ball is as wide in a weight as the weight is.

    D = ρ T² ∇L / ‖T ∇L‖ with ``T = |θ| + η``, so that scaling one layer up and the next one down
    changes nothing (Kwon, Kim, Park and Choi 2021, equation 4 and section 4,
    https://arxiv.org/abs/2102.11600). Otherwise as `SAM`. Biases are scaled too.

    Parameters
    ----------
    params : iterable
        As of any torch optimizer. Groups may have their own ``rho`` and ``eta``.
    base : callable, optional
        What takes the step; `torch.optim.SGD` without it.
    rho : float
        ρ, radius of the ball, as a share of the weights; ten times that of `SAM` is usual.
    eta : float, default 0.01
        η, so that a weight at 0 can move.
    per_tensor : bool, default False
        A ball for each tensor instead of one for all.
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
    >>> from superpose.fitting import ASAM
    >>> weight = torch.tensor([2.0, 0.0], requires_grad=True)
    >>> optimizer = ASAM([weight], rho=0.5, eta=0.0, lr=0.1)
    >>> weight.sum().backward()
    >>> optimizer.perturb()
    >>> weight
    tensor([3., 0.], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        base: Callable[..., Optimizer] = torch.optim.SGD,
        *,
        rho: float,
        eta: float = 0.01,
        per_tensor: bool = False,
        network: nn.Module | None = None,
        **base_options: Any,
    ) -> None:
        super().__init__(
            params,
            base,
            {"rho": rho, "eta": eta},
            inner_steps=1,
            per_tensor=per_tensor,
            network=network,
            base_options=base_options,
        )

    def _stretch(self, moves: Tensors, clean: Tensors, groups: Groups) -> None:
        for move, weight, group in zip(moves, clean, groups, strict=True):
            move.mul_(weight.abs().add_(group["eta"]))
