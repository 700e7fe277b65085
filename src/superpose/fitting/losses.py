"""Losses: minus the log-likelihood of the target given the link, with its derivatives.

Each loss has the value per row, minus its gradient (the residual) and its Hessian (the curvature)
in the outputs f [N, K]. K is 1 for numbers and for two classes, and the number of classes beyond.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch.nn.functional import one_hot, softplus

from superpose.errors import InputError


class Loss(Protocol):
    """What fitting asks of a loss."""

    name: str
    has_noise: bool

    def n_outputs(self, y: torch.Tensor) -> int:
        """Return K."""

    def start(self, y: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Return the best constant outputs [K]."""

    def value(self, f: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the loss of each row, [N]."""

    def residual(self, f: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return minus the gradient in f, [N, K]."""

    def curvature(self, f: torch.Tensor) -> torch.Tensor:
        """Return the Hessian in f, [N, K, K]."""


class Gaussian:
    """½ (y - f)², for a noise of unit variance; the noise level is found by the evidence.

    Examples
    --------
    >>> import torch
    >>> Gaussian().value(torch.tensor([[1.0]]), torch.tensor([3.0]))
    tensor([2.])
    """

    name, has_noise = "gaussian", True

    def n_outputs(self, y: torch.Tensor) -> int:
        """Return 1."""
        return 1

    def start(self, y: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Return the mean."""
        return ((weight * y).sum() / weight.sum())[None]

    def value(self, f: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return ½ (y - f)²."""
        return 0.5 * (y - f[:, 0]) ** 2

    def residual(self, f: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return y - f."""
        return (y - f[:, 0])[:, None]

    def curvature(self, f: torch.Tensor) -> torch.Tensor:
        """Return 1."""
        return torch.ones_like(f)[:, :, None]


class Bernoulli:
    """log(1 + exp f) - y f, for y in {0, 1} and log-odds f.

    Examples
    --------
    >>> import torch
    >>> Bernoulli().value(torch.tensor([[0.0]]), torch.tensor([1.0]))
    tensor([0.6931])
    """

    name, has_noise = "bernoulli", False

    def n_outputs(self, y: torch.Tensor) -> int:
        """Return 1."""
        return 1

    def start(self, y: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Return the log-odds of the class shares."""
        share = (weight * y).sum() / weight.sum()
        return torch.logit(share)[None]

    def value(self, f: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the log loss."""
        return softplus(f[:, 0]) - y * f[:, 0]

    def residual(self, f: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return y - p."""
        return y[:, None] - torch.sigmoid(f)

    def curvature(self, f: torch.Tensor) -> torch.Tensor:
        """Return p (1 - p)."""
        return (torch.sigmoid(f) * torch.sigmoid(-f))[:, :, None]


class Multinomial:
    """logsumexp f - f_y, for class codes y and one output a class.

    Only differences of outputs matter; the prior of the curves settles the rest symmetrically.

    Examples
    --------
    >>> import torch
    >>> Multinomial(3).value(torch.zeros(1, 3), torch.tensor([2.0]))
    tensor([1.0986])
    """

    name, has_noise = "multinomial", False

    def __init__(self, n_classes: int) -> None:
        self.n_classes = n_classes

    def n_outputs(self, y: torch.Tensor) -> int:
        """Return the number of classes."""
        return self.n_classes

    def start(self, y: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Return the centred log shares."""
        share = weight @ one_hot(y.long(), self.n_classes).to(weight.dtype) / weight.sum()
        log_share = share.log()
        return log_share - log_share.mean()

    def value(self, f: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the log loss."""
        return torch.logsumexp(f, 1) - f.gather(1, y.long()[:, None])[:, 0]

    def residual(self, f: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return one-hot(y) - p."""
        return one_hot(y.long(), self.n_classes).to(f.dtype) - torch.softmax(f, 1)

    def curvature(self, f: torch.Tensor) -> torch.Tensor:
        """Return diag(p) - p pᵀ."""
        p = torch.softmax(f, 1)
        return torch.diag_embed(p) - p[:, :, None] * p[:, None, :]


def loss_named(name: str, y: torch.Tensor) -> Loss:
    """Return the loss of this name; an `InputError` where there is none.

    Examples
    --------
    >>> import torch
    >>> loss_named("multinomial", torch.tensor([0.0, 2.0, 1.0])).n_classes
    3
    """
    if name == "multinomial":
        return Multinomial(int(y.max()) + 1)
    if name == "bernoulli":
        return Bernoulli()
    if name == "gaussian":
        return Gaussian()
    raise InputError(
        "loss must be 'gaussian', 'bernoulli' or 'multinomial'",
        f"found {name!r}",
        "take the one that fits the target: numbers, two classes, or more",
    )
