"""The additive functions nearest to a part over the rows, and how far other rows would differ.

With columns B over rows of weights w and G = Σ w b bᵀ, a function f has the coefficients

    c = G⁻¹ Σ w b f,      e = f - bᵀ c,      Cov c ≈ G⁻¹ (Σ w (b e)(b e)ᵀ) G⁻¹

if the rows were drawn and f is given: the influence b e of each row, squared (Huber, 1967; White,
1980, "Using least squares to approximate unknown regression functions").
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

SMALLEST = 1e-13
"""Share of the largest eigenvalue below which columns repeat one another."""


@dataclass(frozen=True)
class Projection:
    """Least squares on curves, in terms of their heights.

    Attributes
    ----------
    columns : Tensor [H, m]
        What the curves may be made of, as heights of all of them, one under the other.
    gram : Tensor [m, m]
        Weighted mean over the rows of the products of these columns.
    """

    columns: torch.Tensor
    gram: torch.Tensor

    def heights(self, product: torch.Tensor) -> torch.Tensor:
        """Return the heights [H, v] of the curves nearest to functions, by their moments [H, v].

        Examples
        --------
        >>> import torch
        >>> both = torch.ones(2, 1).double()
        >>> Projection(both, both.mT @ both).heights(torch.tensor([[1.0], [2.0]]).double()).tolist()
        [[1.5], [1.5]]
        """
        return self.columns @ solved(self.gram, self.columns.mT @ product)

    def square(
        self, cardinal: torch.Tensor, left: torch.Tensor, weight: torch.Tensor
    ) -> torch.Tensor:
        """Return Σ w (b e)(b e)ᵀ [K m, K m] of rows, to be added up over batches.

        Parameters
        ----------
        cardinal : Tensor [N, H]
            Cardinal functions.
        left : Tensor [N, K]
            What the projection left of each output.
        weight : Tensor [N]
            How many rows each row stands for.
        """
        influence = ((cardinal @ self.columns)[:, :, None] * left[:, None]).flatten(1)
        return (influence * weight[:, None]).mT @ influence

    def chance(self, square: torch.Tensor, total: float) -> torch.Tensor:
        """Return a factor F [K, H, r] of the covariance F Fᵀ of the heights over draws of the rows.

        Parameters
        ----------
        square : Tensor [K m, K m]
            Of all rows.
        total : float
            How many they are.
        """
        values, vectors = torch.linalg.eigh(square)
        kept = values > SMALLEST * values[-1:].clamp(min=1e-300)
        root = vectors[:, kept] * values[kept].sqrt() / max(total, 1e-300)
        n_outputs = len(square) // len(self.gram)
        coefficients = solved(self.gram, root.view(len(self.gram), -1))
        return (self.columns @ coefficients).view(len(self.columns), n_outputs, -1).transpose(0, 1)


def solved(gram: torch.Tensor, product: torch.Tensor) -> torch.Tensor:
    """Return the least-squares coefficients; of columns that repeat one another, the smallest."""
    size = gram.diagonal().clamp(min=0.0).sqrt()
    scale = torch.where(size > 1e-12 * size.max(), 1 / size, 0.0)[:, None]
    values, vectors = torch.linalg.eigh(gram * scale * scale.mT)
    kept = values > SMALLEST * values[-1]
    vectors = vectors[:, kept]
    return scale * (vectors @ ((vectors.mT @ (scale * product)) / values[kept, None]))
