"""Columns of a term while it is being learned: the outer curve, slopes of the inner ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from superpose.curves import GPBasis
from superpose.fitting.superposition.columns import Side

OUTER_KNOTS = 12
OUTER_REACH = 3.0
OUTER_LENGTH = 2.0
INNER_RANK = 18


@dataclass(frozen=True)
class TermColumns:
    """Φ(h) with h = Σ_p Z_p a_p, Z_p the principal columns of attribute p.

    Attributes
    ----------
    attributes : tuple of int
        What the term reads.
    sides : tuple of Side
        Their principal columns, at most `INNER_RANK` each.
    outer : GPBasis
        Cardinal functions of the outer curve.
    directions : Tensor [M, m]
        Whitened directions of its heights, the slope first.
    weight : Tensor [N]
        Weights of the rows, for centring.
    """

    attributes: tuple[int, ...]
    sides: tuple[Side, ...]
    outer: GPBasis
    directions: torch.Tensor
    weight: torch.Tensor

    @property
    def n_outer(self) -> int:
        """Number of coefficients of the outer curve."""
        return self.directions.shape[1]

    @property
    def n_inner(self) -> list[int]:
        """Number of coefficients of each inner curve."""
        return [s.columns.shape[1] for s in self.sides]

    def rows(self, kept: torch.Tensor) -> TermColumns:
        """Return the columns of some of the rows."""
        sides = tuple(replace(s, columns=s.columns[kept]) for s in self.sides)
        return replace(self, sides=sides, weight=self.weight[kept])

    def inner_sum(self, inner: list[torch.Tensor]) -> torch.Tensor:
        """Return h, [N]."""
        return torch.stack([s.columns @ a for s, a in zip(self.sides, inner, strict=True)]).sum(0)

    def outer_columns(self, h: torch.Tensor) -> torch.Tensor:
        """Return the centred columns of the outer curve, [N, m]."""
        columns = self.outer.cardinal(h) @ self.directions
        return columns - self._mean(columns)

    def value(self, outer: torch.Tensor, inner: list[torch.Tensor]) -> torch.Tensor:
        """Return the centred contribution [N, K]; outer [K, m], inner a list of [m_p]."""
        return self.outer_columns(self.inner_sum(inner)) @ outer.mT

    def linearise(
        self, outer: torch.Tensor, inner: list[torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the columns of the outer curve, the slopes in the inner coefficients, the value.

        Returns
        -------
        columns : Tensor [N, m]
        slopes : Tensor [K, N, Σ m_p]
        value : Tensor [N, K]
        """
        h = self.inner_sum(inner)
        columns = self.outer_columns(h)
        steep = self.outer.cardinal_derivative(h) @ self.directions @ outer.mT  # [N, K]
        z = torch.cat([s.columns for s in self.sides], 1)
        slopes = steep.mT[:, :, None] * z
        return columns, slopes - self._mean(slopes.transpose(0, 1)), columns @ outer.mT

    def centres(
        self, outer: torch.Tensor, inner: list[torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the means over the rows that columns [m] and slopes [K, Σ m_p] are less."""
        h = self.inner_sum(inner)
        steep = self.outer.cardinal_derivative(h) @ self.directions @ outer.mT
        z = torch.cat([s.columns for s in self.sides], 1)
        total = self.weight.sum().clamp(min=1e-300)
        slopes = (self.weight[:, None] * steep).mT @ z / total
        return self._mean(self.outer.cardinal(h) @ self.directions), slopes

    def _mean(self, columns: torch.Tensor) -> torch.Tensor:
        """Return the weighted mean over the rows (first axis of what is given), broadcastable."""
        total = self.weight.sum().clamp(min=1e-300)
        mean = torch.tensordot(self.weight, columns, dims=1) / total
        return mean if columns.ndim == 2 else mean[:, None, :]


def outer_basis() -> tuple[GPBasis, torch.Tensor]:
    """Return the outer curve's basis over a standardised sum, and its whitened directions."""
    knots = torch.linspace(-OUTER_REACH, OUTER_REACH, OUTER_KNOTS, dtype=torch.float64)
    basis = GPBasis(knots, "matern32", length_scale=OUTER_LENGTH)
    return basis, outer_directions(basis)


def outer_directions(basis: GPBasis) -> torch.Tensor:
    """Return whitened directions [M, m] of the heights of an outer curve, the slope first."""
    values, vectors = torch.linalg.eigh(basis.precision())
    middle = (basis.knots[-1] + basis.knots[0]) / 2
    line = (basis.knots - middle)[:, None] / (basis.knots[-1] - middle)
    return torch.cat([line, vectors[:, 2:] / values[2:].sqrt()], 1)


def narrowed(side: Side) -> Side:
    """Keep the strongest columns of a side, as many as an inner curve has."""
    kept = slice(0, INNER_RANK)
    return Side(side.basis, side.directions[:, kept], side.columns[:, kept], side.scale[kept])
