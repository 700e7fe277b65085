"""A family of Gaussian-process curves over shared control points, as one torch module."""

from __future__ import annotations

import torch
from torch import nn

from superpose.curves.gp_basis import GPBasis


class GPCurve(nn.Module):
    """C curves over one set of knots; what is learned are their heights at the knots.

    f_c(u) = cardinal(u) @ heights[c]: a straight line plus the interpolant of what is left
    (Rasmussen and Williams 2006, equations 2.25 and 2.41). The heights are read as they are: at
    knot j curve c is heights[c, j]. Outside the knots a curve goes on as a straight line.

    Parameters
    ----------
    basis : GPBasis
        Knots, kernel and length scale, shared by the family.
    n_curves : int, default 1
        Number C of curves.

    Attributes
    ----------
    heights : Parameter [C, M]
        Zero at first.
    support : Tensor [C, 2]
        Lowest and highest place where there was data; NaN until `record_support` is called.
    support_counts : Tensor [C, M + 1]
        Rows seen left of the knots, in each interval between two knots, and right of them.

    Examples
    --------
    >>> import torch
    >>> from superpose.curves import GPBasis, GPCurve
    >>> curve = GPCurve(GPBasis(torch.linspace(0, 1, 7), "matern32", length_scale=0.5))
    >>> _ = curve.heights.data.copy_(torch.sin(3 * curve.basis.knots))
    >>> u = torch.tensor([0.25, 2.0], dtype=torch.float64)
    >>> curve(u).detach().ravel().numpy().round(3)
    array([0.686, 0.28 ])

    A band that is zero at the knots and widens outside, for heights known exactly:

    >>> mean, variance = curve.posterior(u, torch.zeros(1, 7, 7))
    >>> variance.ravel().numpy().round(4)
    array([0.0082, 4.5901])
    """

    support: torch.Tensor
    support_counts: torch.Tensor

    def __init__(self, basis: GPBasis, n_curves: int = 1) -> None:
        super().__init__()
        self.basis = basis
        like = basis.knots
        self.heights = nn.Parameter(like.new_zeros(n_curves, basis.n_heights))
        self.register_buffer("support", like.new_full((n_curves, 2), float("nan")))
        self.register_buffer("support_counts", like.new_zeros(n_curves, basis.n_heights + 1))

    def forward(self, u: torch.Tensor) -> torch.Tensor:
        """Return the curves at places u [N], shape [N, C]; NaN gives 0."""
        return self.basis.cardinal(u) @ self.heights.mT

    def derivative(self, u: torch.Tensor) -> torch.Tensor:
        """Return the slopes of the curves at u [N], shape [N, C], per unit of the axis."""
        return self.basis.cardinal_derivative(u) @ self.heights.mT

    def quadratic_form(self) -> torch.Tensor:
        """Return rᵀ K⁻¹ r of each curve, [C]: how far its heights bend from their straight line.

        Half of it, over the prior variance, is the penalty of maximum a posteriori estimation.
        """
        return self.basis.quadratic_form(self.heights)

    def log_determinant(self) -> torch.Tensor:
        """Return the log-determinant of the heights' prior covariance, as `GPBasis` defines it."""
        return self.basis.log_determinant()

    def posterior(
        self, u: torch.Tensor, covariance: torch.Tensor, prior_variance: float | torch.Tensor = 1.0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and variance of the curves at any u when the heights are Gaussian.

        With heights ~ N(``self.heights``, S), the variance is s² v0(u) + c(u)ᵀ S c(u): what is
        open between control points, plus what is open at them.

        Parameters
        ----------
        u : Tensor [N]
            Places on the axis.
        covariance : Tensor [C, M, M]
            S, one matrix a curve.
        prior_variance : float or Tensor [C], default 1.0
            s², the variance of the Gaussian process. A larger one widens the band between knots.

        Returns
        -------
        mean, variance : Tensor [N, C]
        """
        rows = self.basis.cardinal(u)  # [N, M]
        at_knots = torch.einsum("nm,cmk,nk->nc", rows, covariance.to(rows.dtype), rows)
        between = self.basis.conditional_variance(u).unsqueeze(-1)  # [N, 1]
        return rows @ self.heights.mT, between * prior_variance + at_knots

    @torch.no_grad()
    def record_support(self, u: torch.Tensor) -> None:
        """Remember where there was data: ``u`` is [N], or [N, C] with one column a curve."""
        columns = u.reshape(len(u), -1).expand(-1, len(self.heights))
        for c, column in enumerate(columns.T):
            seen = column[~column.isnan()]
            if len(seen):
                self.support[c] = torch.stack([seen.min(), seen.max()])
            interval = torch.searchsorted(self.basis.knots, seen.contiguous(), right=True)
            self.support_counts[c] = torch.bincount(interval, minlength=len(self.basis.knots) + 1)
