"""Covariance functions of a curve: Matérn 1/2, 3/2, 5/2 and the squared exponential.

Source: Rasmussen and Williams, *Gaussian Processes for Machine Learning* (2006), section 4.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from superpose.errors import InputError

_FAR = 700.0  # exp(-700) is 1e-304: beyond it a kernel is zero, and t * t cannot overflow


@dataclass(frozen=True)
class AbstractKernel:
    """A covariance k(x, u) = k(d) with unit variance, seen as a function of d = x - u.

    Parameters
    ----------
    length_scale : float
        The distance over which a curve forgets, in the units of the axis. Larger is smoother.
    """

    length_scale: float
    name: ClassVar[str]

    def __post_init__(self) -> None:
        if not 0.0 < float(self.length_scale) < math.inf:
            raise InputError(
                "length_scale must be a positive finite number",
                f"got length_scale={self.length_scale!r}",
                "pass a distance on the axis, for instance 0.2",
            )

    def value(self, d: torch.Tensor) -> torch.Tensor:
        """Return k(d); 1 at d = 0."""
        raise NotImplementedError

    def derivative(self, d: torch.Tensor) -> torch.Tensor:
        """Return dk/dd, the slope in x of k(x - u)."""
        raise NotImplementedError

    def second_derivative(self, d: torch.Tensor) -> torch.Tensor:
        """Return d²k/dd²."""
        raise NotImplementedError


@dataclass(frozen=True)
class AbstractMatern(AbstractKernel):
    """A Matérn kernel of half-integer order: a polynomial of degree p - 1 times exp(-t).

    Here p = nu + 1/2, t = rate * abs(d) and rate = sqrt(2 nu) / length_scale.
    """

    order: ClassVar[int]  # p

    @property
    def rate(self) -> float:
        """The decay c = sqrt(2 nu) / length_scale, in 1 / axis units."""
        return (2 * self.order - 1) ** 0.5 / self.length_scale

    def _scaled(self, d: torch.Tensor) -> torch.Tensor:
        return (self.rate * d.abs()).clamp(max=_FAR)  # t


@dataclass(frozen=True)
class Matern12(AbstractMatern):
    """Matérn 1/2, k = exp(-t) with t = abs(d) / length_scale: corners at the knots.

    Examples
    --------
    >>> import torch
    >>> Matern12(2.0).value(torch.tensor([0.0, 2.0]))
    tensor([1.0000, 0.3679])
    """

    name: ClassVar[str] = "matern12"
    order: ClassVar[int] = 1

    def value(self, d: torch.Tensor) -> torch.Tensor:
        return torch.exp(-self._scaled(d))

    def derivative(self, d: torch.Tensor) -> torch.Tensor:
        return -self.rate * torch.sign(d) * self.value(d)

    def second_derivative(self, d: torch.Tensor) -> torch.Tensor:
        return self.rate**2 * self.value(d)  # away from d = 0, where the slope jumps


@dataclass(frozen=True)
class Matern32(AbstractMatern):
    """Matérn 3/2, k = (1 + t) exp(-t) with t = sqrt(3) abs(d) / length_scale.

    The interpolant has two continuous derivatives; as the length scale grows it becomes the
    natural cubic spline.

    Examples
    --------
    >>> import torch
    >>> Matern32(2.0).value(torch.tensor([0.0, 2.0]))
    tensor([1.0000, 0.4834])
    """

    name: ClassVar[str] = "matern32"
    order: ClassVar[int] = 2

    def value(self, d: torch.Tensor) -> torch.Tensor:
        t = self._scaled(d)
        return (1 + t) * torch.exp(-t)

    def derivative(self, d: torch.Tensor) -> torch.Tensor:
        t = self._scaled(d)
        return -self.rate * torch.sign(d) * t * torch.exp(-t)

    def second_derivative(self, d: torch.Tensor) -> torch.Tensor:
        t = self._scaled(d)
        return self.rate**2 * (t - 1) * torch.exp(-t)


@dataclass(frozen=True)
class Matern52(AbstractMatern):
    """Matérn 5/2, k = (1 + t + t²/3) exp(-t) with t = sqrt(5) abs(d) / length_scale.

    The interpolant has four continuous derivatives.

    Examples
    --------
    >>> import torch
    >>> Matern52(2.0).value(torch.tensor([0.0, 2.0]))
    tensor([1.0000, 0.5240])
    """

    name: ClassVar[str] = "matern52"
    order: ClassVar[int] = 3

    def value(self, d: torch.Tensor) -> torch.Tensor:
        t = self._scaled(d)
        return (1 + t + t * t / 3) * torch.exp(-t)

    def derivative(self, d: torch.Tensor) -> torch.Tensor:
        t = self._scaled(d)
        return -self.rate / 3 * torch.sign(d) * t * (1 + t) * torch.exp(-t)

    def second_derivative(self, d: torch.Tensor) -> torch.Tensor:
        t = self._scaled(d)
        return self.rate**2 / 3 * (t * t - t - 1) * torch.exp(-t)


@dataclass(frozen=True)
class SquaredExponential(AbstractKernel):
    """Squared exponential, k = exp(-d² / (2 length_scale²)): analytic, global and ringing.

    Here for comparison; its matrices are near singular from about two knot spacings on.

    Examples
    --------
    >>> import torch
    >>> SquaredExponential(2.0).value(torch.tensor([0.0, 2.0]))
    tensor([1.0000, 0.6065])
    """

    name: ClassVar[str] = "squared_exponential"

    def _ratio(self, d: torch.Tensor) -> torch.Tensor:
        return (d / self.length_scale).clamp(-_FAR, _FAR)

    def value(self, d: torch.Tensor) -> torch.Tensor:
        return torch.exp(-0.5 * self._ratio(d) ** 2)

    def derivative(self, d: torch.Tensor) -> torch.Tensor:
        return -self._ratio(d) / self.length_scale * self.value(d)

    def second_derivative(self, d: torch.Tensor) -> torch.Tensor:
        return (self._ratio(d) ** 2 - 1) / self.length_scale**2 * self.value(d)


KERNELS: dict[str, type[AbstractKernel]] = {
    cls.name: cls for cls in (Matern12, Matern32, Matern52, SquaredExponential)
}


def kernel(name: str, length_scale: float) -> AbstractKernel:
    """Return the kernel of this name.

    Parameters
    ----------
    name : {"matern12", "matern32", "matern52", "squared_exponential"}
        Which covariance; later names are smoother.
    length_scale : float
        In units of the axis, positive.

    Raises
    ------
    InputError
        If the name is unknown or the length scale is not a positive finite number.

    Examples
    --------
    >>> kernel("matern32", 0.5)
    Matern32(length_scale=0.5)
    """
    if name not in KERNELS:
        raise InputError(
            f"kernel must be one of {', '.join(KERNELS)}",
            f"got kernel={name!r}",
            "use 'matern32' unless you know better",
        )
    return KERNELS[name](length_scale)
