"""The curve of one attribute, written down: its pieces or its levels, and missing values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from superpose.curves import GPBasis, SplineBasis
from superpose.export.pieces import Pieces
from superpose.networks import HandBasis, InputBasis

__all__ = ["Written"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Written:
    """K functions of one attribute.

    Parameters
    ----------
    shape : Pieces or ndarray [L, K]
        Functions of a number on its axis; or the value of each level.
    missing : ndarray [K]
        Where the value is missing. A level that was not seen gives 0.
    """

    shape: Pieces | Floats
    missing: Floats

    @classmethod
    def of(cls, basis: InputBasis, heights: torch.Tensor) -> Written:
        """Write down the curves through ``heights`` [K, H]."""
        z = heights.detach().to(torch.float64)
        if isinstance(basis, HandBasis):
            last = z[:, -1].numpy() if basis.missing else np.zeros(len(z))
            return cls(Pieces.of(basis, z), last)
        n = basis.basis.n_heights
        missing = z[:, n].numpy() if basis.missing else np.zeros(len(z))
        if isinstance(basis.basis, GPBasis | SplineBasis):
            return cls(Pieces.of(basis.basis, z[:, :n]), missing)
        return cls(z[:, :n].T.numpy(), missing)

    @classmethod
    def cardinal(cls, basis: InputBasis) -> Written:
        """Write down the cardinal functions of a basis, one output a height."""
        return cls.of(basis, torch.eye(basis.n_heights, dtype=torch.float64))

    def codes(self) -> Floats:
        """Values by code [L + 2, K]: the levels, one that was not seen, and a missing value."""
        assert not isinstance(self.shape, Pieces)
        return np.vstack([self.shape, np.zeros_like(self.missing), self.missing])
