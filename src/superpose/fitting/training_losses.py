"""Losses of minibatches: those of this library by name, or any function of outputs and target."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch

from superpose.errors import InputError
from superpose.fitting.losses import Bernoulli, Gaussian, Multinomial, Poisson

NAMES = ("gaussian", "poisson", "bernoulli", "multinomial")
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
"""Where an object stands in memory: another place in each process."""
RARE = 1e-12
"""A mean of the target that a link takes, where there is none of it at all."""
Function = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class BatchLoss:
    """The mean loss of a batch, of outputs in the units in which a network is trained.

    Attributes
    ----------
    name : str
    function : callable
        Of outputs and target, to the mean over the rows.
    standardises : bool
        Whether the target is brought to mean 0 and standard deviation 1, and the loss is in its
        squared units.
    has_noise : bool
        Whether the loss is a log-likelihood only when divided by a variance.
    link : callable, optional
        Mean of the target to the constant with which outputs begin.

    Examples
    --------
    >>> import torch
    >>> loss = loss_of("bernoulli", n_outputs=1)
    >>> loss.function(torch.zeros(2, 1), torch.tensor([0.0, 1.0]))
    tensor(0.6931)
    """

    name: str
    function: Function
    standardises: bool = False
    has_noise: bool = False
    link: Callable[[torch.Tensor], torch.Tensor] | None = None


def loss_of(loss: str | Function, n_outputs: int) -> BatchLoss:
    """Return the loss of this name, or of this function."""
    if callable(loss):
        name = getattr(loss, "__qualname__", None) or ADDRESS.sub("", repr(loss))
        return BatchLoss(name, loss)
    named = {
        "gaussian": BatchLoss("gaussian", _each(Gaussian()), True, True),
        "poisson": BatchLoss("poisson", _each(Poisson()), link=lambda m: m.clamp(min=RARE).log()),
        "bernoulli": BatchLoss(
            "bernoulli", _each(Bernoulli()), link=partial(torch.logit, eps=RARE)
        ),
        "multinomial": BatchLoss("multinomial", _of_classes(Multinomial(n_outputs))),
    }
    if loss not in named:
        raise InputError(
            f"loss must be one of {', '.join(map(repr, NAMES))}, or a function",
            f"got {loss!r}",
            "pass one of these, or a function of outputs and target that returns their mean loss",
        )
    return named[loss]


def check_target(name: str, target: torch.Tensor, shape: torch.Size) -> None:
    """Refuse a target that the loss of this name cannot be asked about for outputs [N, K]."""
    if name == "multinomial":
        whole = bool((target == target.round()).all())
        fits = target.ndim == 1 and len(shape) == 2
        if not fits or not whole or target.min() < 0 or target.max() >= shape[1]:
            raise _unfit(f"codes 0 to {shape[-1] - 1}, one a row, for {shape[-1]} outputs", target)
    elif name in NAMES and target[:1].numel() != shape[1:].numel():
        raise InputError(
            "target must have as many columns as the network has outputs",
            f"got target {list(target.shape)} and {shape[1:].numel()} outputs",
            "pass another network, or another loss",
        )
    if name == "bernoulli" and not bool(((target == 0) | (target == 1)).all()):
        raise _unfit("0 or 1", target)
    if name == "poisson" and bool((target < 0).any()):
        raise _unfit("counts, 0 or more", target)


def _unfit(must: str, target: torch.Tensor) -> InputError:
    return InputError(
        f"target must be {must}",
        f"got values from {float(target.min()):.6g} to {float(target.max()):.6g}, "
        f"shape {list(target.shape)}",
        "encode it so, or pass another loss",
    )


def _each(loss: Gaussian | Poisson | Bernoulli) -> Function:
    """Sum a loss of one number over the outputs."""

    def mean(outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        y = target.reshape(-1)
        return loss.value(outputs.reshape(len(y), 1), y).sum() / len(target)

    return mean


def _of_classes(loss: Multinomial) -> Function:
    return lambda outputs, target: loss.value(outputs, target).mean()
