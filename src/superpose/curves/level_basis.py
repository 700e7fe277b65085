"""The basis of a categorical attribute: one height per level, written like a curve's basis."""

from __future__ import annotations

import torch
from torch import nn

from superpose.errors import InputError


class LevelBasis(nn.Module):
    """One height per level of a category, behind the same methods as `GPBasis`.

    The values u are level codes 0, 1, .., L - 1 held as floats. An unseen level (code -1) and a
    missing value (NaN) contribute nothing. The prior is z ~ N(0, I): levels shrink towards 0.

    Parameters
    ----------
    n_levels : int
        The number L of levels.

    Examples
    --------
    >>> import torch
    >>> LevelBasis(3).cardinal(torch.tensor([2.0, 0.0, -1.0, float("nan")]))
    tensor([[0., 0., 1.],
            [1., 0., 0.],
            [0., 0., 0.],
            [0., 0., 0.]])
    """

    knots: torch.Tensor

    def __init__(self, n_levels: int) -> None:
        super().__init__()
        if n_levels < 1:
            raise InputError(
                "n_levels must be at least 1",
                f"got n_levels={n_levels}",
                "drop the attribute, or count its levels again",
            )
        self.register_buffer("knots", torch.arange(n_levels, dtype=torch.float64))

    @property
    def n_heights(self) -> int:
        """Number of heights, one per level."""
        return self.knots.shape[0]

    def cardinal(self, u: torch.Tensor) -> torch.Tensor:
        """Return the one-hot rows, shape [N, L]; zeros for unseen (-1) and missing (NaN)."""
        return (u.unsqueeze(-1) == self.knots).to(u.dtype)

    def cardinal_derivative(self, u: torch.Tensor) -> torch.Tensor:
        """Return zeros, shape [N, L]: a category has no slope."""
        return u.new_zeros((*u.shape, self.n_heights))

    def precision(self) -> torch.Tensor:
        """Return the prior precision of the heights, the identity [L, L]."""
        return torch.eye(self.n_heights, dtype=self.knots.dtype, device=self.knots.device)

    def log_determinant(self) -> torch.Tensor:
        """Return the log-determinant of the prior covariance: 0."""
        return self.knots.new_zeros(())

    def conditional_variance(self, u: torch.Tensor) -> torch.Tensor:
        """Return the prior variance that the heights leave open: 1 for an unseen level, else 0."""
        seen = (u.unsqueeze(-1) == self.knots).any(-1)
        return (~seen & ~u.isnan()).to(u.dtype)
