"""Kernel packets as features of a curve: an exact Matérn process at the price of B-splines.

Source: Chen, Ding and Tuo (2022), JMLR 23:127, https://arxiv.org/abs/2203.03116.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn.functional import embedding

from superpose.curves.banded import BandedLU
from superpose.curves.kernels import AbstractMatern
from superpose.curves.packet_coefficients import coefficients, packet_values
from superpose.curves.packet_table import DEGREE, MARGIN, PacketTable, build_table

_MASS = {1: 2.0, 2: 4.0, 3: 16.0 / 3.0}  # integral of the kernel over t


class KernelPackets(nn.Module):
    """Features with compact support that span the same curves as the kernels of the knots.

    Packet phi_j(u) = sum_i A_ij k(u, u_i) vanishes outside 2p + 1 neighbouring knots, so at most
    2p = 2, 4, 6 packets (Matérn 1/2, 3/2, 5/2) are active anywhere, and p outside the knots. Then
    phi(u) = k(u, U) A, Phi = K A and G = Aᵀ Phi are banded, and each packet's largest value is 1.

    Parameters
    ----------
    knots : Tensor [M]
        Increasing knots, float64, M >= 2p + 1.
    kernel : Matern12, Matern32 or Matern52
        The covariance.

    Attributes
    ----------
    a, phi : ndarray [M, M]
        A and Phi, with half-bandwidths p and p - 1.

    Examples
    --------
    >>> import torch
    >>> from superpose.curves.kernels import Matern32
    >>> packets = KernelPackets(torch.arange(9.0, dtype=torch.float64), Matern32(1.0))
    >>> start, values = packets.active(torch.tensor([3.5], dtype=torch.float64))
    >>> start.tolist(), values.numpy().round(3)
    ([2], array([[0.019, 0.653, 0.653, 0.019]]))
    """

    _edges: torch.Tensor
    _centre: torch.Tensor
    _scale: torch.Tensor
    _start: torch.Tensor
    _powers: torch.Tensor
    _diagonals: torch.Tensor

    def __init__(self, knots: torch.Tensor, kernel: AbstractMatern) -> None:
        super().__init__()
        self.order = kernel.order
        u = knots.numpy()
        raw = coefficients(u, kernel.rate, self.order)
        table = build_table(u, kernel.rate, raw, self.order)
        self.a = raw / table.size
        self.phi = np.zeros_like(raw)
        i, j = np.nonzero(
            np.abs(np.subtract.outer(np.arange(len(u)), np.arange(len(u)))) < self.order
        )
        self.phi[i, j] = packet_values(u[i], u, kernel.rate, self.a, j, self.order)
        self._covariance = kernel.value(knots[:, None] - knots[None, :])
        self._phi_lu = BandedLU(self.phi, max(self.order - 1, 1))
        self._moments = _moments(table, kernel.rate, u) / _MASS[self.order]
        self.register_buffer("_edges", torch.from_numpy(table.edges))
        self.register_buffer("_centre", torch.from_numpy(table.centre))
        self.register_buffer("_scale", torch.from_numpy(1 / table.half))
        self.register_buffer("_start", torch.from_numpy(table.start))
        self.register_buffer("_powers", torch.from_numpy(table.powers).transpose(0, 1).contiguous())
        self.register_buffer("_diagonals", _upper_diagonals(self.gram(), 2 * self.order))

    def active(self, u: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the packets that may be active at u: the first one [N], and 2p values [N, 2p]."""
        cell, s = self._locate(u)
        value = embedding(cell, self._powers[DEGREE])
        for power in range(DEGREE - 1, -1, -1):  # Horner
            value = value * s + embedding(cell, self._powers[power])
        return self._start[cell], value

    def table(self) -> tuple[torch.Tensor, ...]:
        """Return edges, centre, one over half, start and powers as a `PacketTable` has them."""
        powers = self._powers.transpose(0, 1).contiguous()
        return self._edges, self._centre, self._scale, self._start, powers

    def values(self, u: torch.Tensor) -> torch.Tensor:
        """Return all packets at u, [N, M], mostly zeros."""
        return self._spread(*self.active(u))

    def slopes(self, u: torch.Tensor) -> torch.Tensor:
        """Return the packets' slopes at u, [N, M], per unit of the axis."""
        cell, s = self._locate(u)
        slope = torch.zeros_like(s)
        for power in range(DEGREE, 0, -1):
            slope = slope * s + power * self._powers[power][cell]
        return self._spread(self._start[cell], slope * self._scale[cell].unsqueeze(-1))

    def _locate(self, u: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        last = self._centre.shape[0] - 1
        at = u.detach().contiguous()
        cell = (torch.searchsorted(self._edges, at, right=True) - 1).clamp(0, last)
        s = ((u - self._centre[cell]) * self._scale[cell]).clamp(-1 - MARGIN, 1 + MARGIN)
        return cell, s.unsqueeze(-1)

    def _spread(self, start: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        columns = start.unsqueeze(-1) + torch.arange(2 * self.order, device=start.device)
        full = values.new_zeros((*start.shape, len(self.phi)))
        return full.scatter(-1, columns, values)

    def weights(self, residuals: torch.Tensor) -> torch.Tensor:
        """Return Phi⁻¹ r, the weights of the packets that interpolate the columns r of [M, C]."""
        return torch.from_numpy(self._phi_lu.solve(residuals.numpy()))

    def project(self, residuals: torch.Tensor, line: torch.Tensor) -> torch.Tensor:
        """Return Hᵀ K⁻¹ r for straight lines h, the columns of ``line`` [M, q], and r [M, C].

        Hᵀ K⁻¹ r = Hᵀ A w, and Hᵀ A needs no sum over A, which would cancel: a straight line
        times a packet integrates to the line at the knots, times A, times the kernel's mass.
        """
        level, tilt = line[:1].T, (line[-1:] - line[:1]).T
        lines = torch.cat([level, tilt], dim=1) @ torch.from_numpy(self._moments)  # Hᵀ A [q, M]
        return lines @ self.weights(residuals)

    def gram(self) -> torch.Tensor:
        """Return G = Aᵀ Phi, [M, M], symmetric positive definite, half-bandwidth 2p - 1."""
        g = self.a.T @ self.phi
        return torch.from_numpy((g + g.T) / 2)

    def squared_norm(self, weights: torch.Tensor) -> torch.Tensor:
        """Return wᵀ G w for weights [.., M], diagonal by diagonal."""
        total = (weights * weights * self._diagonals[0]).sum(-1)
        for k in range(1, len(self._diagonals)):
            pairs = weights[..., k:] * weights[..., :-k] * self._diagonals[k, :-k]
            total = total + 2 * pairs.sum(-1)
        return total

    def gram_inverse(self) -> torch.Tensor:
        """Return G⁻¹ = Phi⁻¹ K Phi⁻ᵀ, [M, M], through the well-conditioned Phi."""
        half = self.weights(self._covariance)
        return self.weights(half.mT.contiguous())

    def log_determinant(self) -> torch.Tensor:
        """Return log det K = log abs det Phi - log abs det A."""
        a = BandedLU(self.a, self.order)
        return torch.tensor(
            self._phi_lu.log_abs_determinant() - a.log_abs_determinant(), dtype=torch.float64
        )


def _upper_diagonals(matrix: torch.Tensor, count: int) -> torch.Tensor:
    size = len(matrix)
    rows = [torch.nn.functional.pad(matrix.diagonal(k), (0, k)) for k in range(min(count, size))]
    return torch.stack(rows)


def _moments(table: PacketTable, rate: float, knots: np.ndarray) -> np.ndarray:
    """Return sum_i A_ij and sum_i A_ij x_i, [2, M], with x = 0 and 1 at the end knots."""
    gauss, mass = np.polynomial.legendre.leggauss(DEGREE)
    low, high = table.edges[:-1, None], table.edges[1:, None]
    places = (high + low) / 2 + (high - low) / 2 * gauss
    s = (places - table.centre[:, None]) / table.half[:, None]
    phi = np.vander(s.ravel(), DEGREE + 1, increasing=True).reshape(*s.shape, -1) @ table.powers
    area = rate * (high - low) / 2 * mass  # [C, nodes]
    along = (places - knots[0]) / (knots[-1] - knots[0])
    pieces = np.stack([np.einsum("cg,cgj->cj", area * w, phi) for w in (np.ones_like(s), along)])
    total = np.zeros((2, len(knots)))
    columns = table.start[:, None] + np.arange(phi.shape[-1])
    for row, piece in zip(total, pieces, strict=True):
        np.add.at(row, columns, piece)
    return total
