"""Losses: minus the log-likelihood of the target given the link, with its derivatives.

Each loss has the value per row, minus its gradient (the residual) and its Hessian (the curvature)
in the outputs f [N, K]. K is 1 for numbers and for two classes, and the number of classes beyond.
Where the Hessian depends on the target its expectation stands in (Fisher scoring), which is
positive, so that a step goes downhill where the loss is not convex, too.

The value of a number is half its deviance: 0 where the prediction is perfect. What the
log-likelihood has besides, and only y decides, is `carrier`. A loss with noise stands for
exp(-value / noise), and its curvature is 1 in every row.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from scipy.optimize import brentq
from scipy.special import digamma
from torch.nn.functional import one_hot, softplus

from superpose.errors import InputError

SMALLEST_NOISE = 1e-20
LARGEST_SHAPE = 1e6  # beyond, a Gamma distribution is normal to rounding
STUDENT_DOF = 4.0
STUDENT_SCALE = math.sqrt((STUDENT_DOF + 1) / (STUDENT_DOF + 3))  # its curvature is then 1


LOG_LINKS = ("poisson", "gamma")
"""Losses whose outputs are the log of the mean."""


def weighted_median(values: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return the smallest value with at least half of the weight at or below it."""
    order = values.argsort()
    below = weight[order].cumsum(0)
    return values[order[int(torch.searchsorted(below, below[-1] / 2))]]


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
        """Return the (expected) Hessian in f, [N, K, K]."""

    def carrier(self, y: torch.Tensor) -> torch.Tensor:
        """Return what only y decides of the log-likelihood of each row, [N]."""

    def noise(self, energy: float, freedom: float) -> float:
        """Return the noise with the most evidence, given the penalised loss and rows less one."""

    def normaliser(self, noise: float, freedom: float) -> float:
        """Return the log of what makes exp(-value / noise) a density, all rows less one."""


class Noiseless:
    """A loss that is a log-likelihood as it stands."""

    def carrier(self, y: torch.Tensor) -> torch.Tensor:
        """Return 0."""
        return torch.zeros_like(y)

    def noise(self, energy: float, freedom: float) -> float:
        """Return 1."""
        return 1.0

    def normaliser(self, noise: float, freedom: float) -> float:
        """Return 0."""
        return 0.0


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

    def carrier(self, y: torch.Tensor) -> torch.Tensor:
        """Return 0."""
        return torch.zeros_like(y)

    def noise(self, energy: float, freedom: float) -> float:
        """Return the variance by restricted maximum likelihood."""
        return max(2 * energy / freedom, SMALLEST_NOISE)

    def normaliser(self, noise: float, freedom: float) -> float:
        """Return -½ log 2πσ² a row, with one row's worth for the bias that is integrated out."""
        return -0.5 * freedom * math.log(2 * math.pi * noise)


class Poisson(Noiseless):
    """exp f - y f, less what it is at f = log y, for counts y and log mean f.

    The mean of y is exp f. An exposure e is an offset of log e (McCullagh and Nelder, 1989,
    chapter 6).

    Examples
    --------
    >>> import torch
    >>> Poisson().value(torch.tensor([[0.0]]), torch.tensor([0.0]))
    tensor([1.])
    """

    name, has_noise = "poisson", False

    def n_outputs(self, y: torch.Tensor) -> int:
        """Return 1."""
        return 1

    def start(self, y: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Return the log of the mean."""
        return ((weight * y).sum() / weight.sum()).clamp(min=1e-12).log()[None]

    def value(self, f: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return half the deviance."""
        return f[:, 0].exp() - y * f[:, 0] + torch.xlogy(y, y) - y

    def residual(self, f: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return y - exp f."""
        return y[:, None] - f.exp()

    def curvature(self, f: torch.Tensor) -> torch.Tensor:
        """Return exp f."""
        return f.exp()[:, :, None]

    def carrier(self, y: torch.Tensor) -> torch.Tensor:
        """Return the log-likelihood of a perfect prediction, y log y - y - log y!."""
        return torch.xlogy(y, y) - y - torch.lgamma(y + 1)


class Gamma:
    """y exp(-f) + f, less what it is at f = log y, for positive y and log mean f.

    The noise is the dispersion: one over the shape, the squared coefficient of variation of y
    (McCullagh and Nelder, 1989, chapter 8).

    Examples
    --------
    >>> import torch
    >>> Gamma().value(torch.tensor([[0.0]]), torch.tensor([1.0]))
    tensor([0.])
    """

    name, has_noise = "gamma", True

    def n_outputs(self, y: torch.Tensor) -> int:
        """Return 1."""
        return 1

    def start(self, y: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Return the log of the mean."""
        return ((weight * y).sum() / weight.sum()).log()[None]

    def value(self, f: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return half the deviance."""
        gap = y.log() - f[:, 0]
        return torch.expm1(gap) - gap

    def residual(self, f: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return y exp(-f) - 1."""
        return torch.expm1(y.log()[:, None] - f)

    def curvature(self, f: torch.Tensor) -> torch.Tensor:
        """Return 1, the mean of y exp(-f)."""
        return torch.ones_like(f)[:, :, None]

    def carrier(self, y: torch.Tensor) -> torch.Tensor:
        """Return -log y."""
        return -y.log()

    def noise(self, energy: float, freedom: float) -> float:
        """Return the dispersion 1/α with (n + 1)(log α - ψ(α)) - 1/2α = energy, n the freedom.

        The bracket is 2α/1 and more, so the root lies below that of a normal distribution.
        """
        most = 2 * energy / freedom
        if most < 1 / LARGEST_SHAPE:
            return max(most, SMALLEST_NOISE)

        def excess(noise: float) -> float:
            gap = -math.log(noise) - float(digamma(1 / noise))
            return (freedom + 1) * gap - 0.5 * noise - energy

        least = most / 3
        while excess(least) > 0:
            least /= 3
        return float(brentq(excess, least, most))

    def normaliser(self, noise: float, freedom: float) -> float:
        """Return α log α - α - log Γ(α) a row, and ½ log 2π/α for the bias."""
        shape = 1 / noise
        row = 0.5 * math.log(shape / (2 * math.pi)) - noise / 12  # Stirling's series
        if shape < LARGEST_SHAPE:
            row = shape * math.log(shape) - shape - math.lgamma(shape)
        return (freedom + 1) * row + 0.5 * math.log(2 * math.pi * noise)


class StudentT:
    """½ (ν + 1) log(1 + (y - f)²/νσ²), for ν = 4 degrees of freedom and the scale σ = √(5/7).

    A row far off pulls ever less, so a few wild values do not bend the curves (Lange, Little and
    Taylor, 1989, who recommend 4). With this scale a row says as much of f as one with normal noise
    of variance 1. It is not convex: the expected curvature keeps steps downhill.

    Examples
    --------
    >>> import torch
    >>> StudentT().residual(torch.tensor([[0.0]]), torch.tensor([1.0, 100.0]))
    tensor([[1.2963],
            [0.0500]])
    """

    name, has_noise = "student_t", True

    def n_outputs(self, y: torch.Tensor) -> int:
        """Return 1."""
        return 1

    def start(self, y: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Return the weighted median, which minimises nearly the same."""
        return weighted_median(y, weight)[None]

    def value(self, f: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return half the deviance."""
        square = ((y - f[:, 0]) / STUDENT_SCALE) ** 2
        return 0.5 * (STUDENT_DOF + 1) * torch.log1p(square / STUDENT_DOF)

    def residual(self, f: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return (ν + 1)(y - f) / (νσ² + (y - f)²)."""
        gap = y[:, None] - f
        return (STUDENT_DOF + 1) * gap / (STUDENT_DOF * STUDENT_SCALE**2 + gap**2)

    def curvature(self, f: torch.Tensor) -> torch.Tensor:
        """Return 1, the mean over y of (ν + 1)(νσ² - (y - f)²) / (νσ² + (y - f)²)²."""
        return torch.ones_like(f)[:, :, None]

    def carrier(self, y: torch.Tensor) -> torch.Tensor:
        """Return 0."""
        return torch.zeros_like(y)

    def noise(self, energy: float, freedom: float) -> float:
        """Return 1: `superposition.scale` measures the target in the unit this takes."""
        return 1.0

    def normaliser(self, noise: float, freedom: float) -> float:
        """Return the log of the density at its top a row, and ½ log 2π for the bias."""
        row = math.lgamma((STUDENT_DOF + 1) / 2) - math.lgamma(STUDENT_DOF / 2)
        row -= 0.5 * math.log(STUDENT_DOF * math.pi) + math.log(STUDENT_SCALE)
        return (freedom + 1) * row + 0.5 * math.log(2 * math.pi)


class Bernoulli(Noiseless):
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


class Multinomial(Noiseless):
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
    named: dict[str, Loss] = {
        loss.name: loss for loss in (Gaussian(), Poisson(), Gamma(), StudentT(), Bernoulli())
    }
    if name in named:
        return named[name]
    raise InputError(
        f"loss must be one of {', '.join(map(repr, named))} or 'multinomial'",
        f"found {name!r}",
        "take the one that fits the target: numbers, counts, two classes, or more",
    )
