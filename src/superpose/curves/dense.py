"""The Gaussian-process interpolant written with the kernel itself: any kernel, any few knots."""

from __future__ import annotations

import warnings

import torch
from torch import nn

from superpose.curves.kernels import AbstractKernel
from superpose.errors import ConvergenceWarning

_JITTER = 1e-8
_WELL_CONDITIONED = 1e11


class DenseFeatures(nn.Module):
    """Features k(u, U): one kernel bump per knot, all of them active everywhere.

    Used for the squared exponential, and for fewer knots than a packet needs. Costs M³ once.

    Parameters
    ----------
    knots : Tensor [M]
        Increasing knots, float64.
    kernel : AbstractKernel
        The covariance.

    Attributes
    ----------
    jitter : float
        What was added to the diagonal of K: 0 unless K was singular in float64 (a warning says so).
    """

    knots: torch.Tensor
    covariance: torch.Tensor

    def __init__(self, knots: torch.Tensor, kernel: AbstractKernel) -> None:
        super().__init__()
        self.kernel = kernel
        covariance = kernel.value(knots[:, None] - knots[None, :])  # K
        self.jitter = _rescue(covariance, kernel)
        self.register_buffer("knots", knots)
        self.register_buffer(
            "covariance", covariance + self.jitter * torch.eye(len(knots), dtype=knots.dtype)
        )

    def active(self, u: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return start 0 and all M values: every kernel is active."""
        return torch.zeros(u.shape, dtype=torch.long, device=u.device), self.values(u)

    def values(self, u: torch.Tensor) -> torch.Tensor:
        """Return k(u, U), shape [N, M]."""
        return self.kernel.value(u.unsqueeze(-1) - self.knots)

    def slopes(self, u: torch.Tensor) -> torch.Tensor:
        """Return dk(u, U)/du, shape [N, M]."""
        return self.kernel.derivative(u.unsqueeze(-1) - self.knots)

    def weights(self, residuals: torch.Tensor) -> torch.Tensor:
        """Return K⁻¹ r: the weights of the features that interpolate r, for columns r of [M, C]."""
        return torch.linalg.solve(self.covariance, residuals)

    def project(self, residuals: torch.Tensor, line: torch.Tensor) -> torch.Tensor:
        """Return Hᵀ K⁻¹ r for the columns h of ``line`` [M, q] and r of ``residuals`` [M, C]."""
        return line.mT @ self.weights(residuals)

    def gram(self) -> torch.Tensor:
        """Return the Gram matrix of the features in the kernel's own inner product: K."""
        return self.covariance

    def squared_norm(self, weights: torch.Tensor) -> torch.Tensor:
        """Return wᵀ K w for weights [.., M]."""
        return ((weights @ self.covariance) * weights).sum(-1)

    def gram_inverse(self) -> torch.Tensor:
        """Return K⁻¹."""
        return torch.linalg.inv(self.covariance)

    def log_determinant(self) -> torch.Tensor:
        """Return log det K."""
        return torch.linalg.slogdet(self.covariance).logabsdet


def _rescue(covariance: torch.Tensor, kernel: AbstractKernel) -> float:
    condition = float(torch.linalg.cond(covariance))
    if condition < _WELL_CONDITIONED:
        return 0.0
    warnings.warn(
        f"the covariance of {len(covariance)} knots under {kernel} has condition {condition:.0e}; "
        f"added {_JITTER:.0e} to its diagonal, so curves pass near the control points, not through "
        "them; use a Matérn kernel or a shorter length scale",
        ConvergenceWarning,
        stacklevel=4,
    )
    return _JITTER
