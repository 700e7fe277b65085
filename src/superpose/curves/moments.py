"""Curves at a place that is not known exactly: moments under u ~ N(mean, sd²).

Source: the law of total variance. With heights z ~ N(ẑ, S), cardinal functions c and the variance
v0 that known heights leave open,

    E[y]   = E[c]ᵀ ẑ
    Var[y] = ẑᵀ Cov[c] ẑ + tr(S E[c cᵀ]) + s² E[v0],

all expectations over u. What varies because the place does is the first term; what is not known of
the curve is the rest. The expectations are integrals of functions that are smooth between any two
knots, so each is taken there by itself, by Gauss-Legendre quadrature.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.polynomial.legendre import leggauss

from superpose.curves.even_basis import EvenBasis
from superpose.curves.gp_basis import GPBasis
from superpose.errors import InputError

REACH = 8.5  # a standard normal number lies further out with probability 2e-17
FARTHEST = 40.0  # length scales: beyond, exp(-40) of a curve is left on its straight line
WIDEST = 4.0  # length scales a panel may span: 24 nodes then integrate squares to rounding
NODES = 24
_CHUNK = 256  # rows at a time: their panels and products stay below some 100 MB


@dataclass(frozen=True)
class CardinalMoments:
    """Moments of the cardinal functions c(u) at N places u ~ N(mean, sd²).

    Attributes
    ----------
    first : Tensor [N, M]
        E[c]; rows sum to 1.
    spread : Tensor [N, M, M]
        Cov[c]; of a straight line of slope b it makes b² sd².
    hermite : Tensor [N, K, M]
        E[c(u) g_k((u - mean) / sd)] with the normalised Hermite polynomials g_1 .. g_K. Two curves
        at places of correlation ρ have the covariance Σ_k ρᵏ a_k b_k, where a_k and b_k are these
        rows times their heights (Mehler 1866).
    left_open : Tensor [N]
        E[v0], the mean of what heights that are known leave open, for curves of unit variance.
    """

    first: torch.Tensor
    spread: torch.Tensor
    hermite: torch.Tensor
    left_open: torch.Tensor

    def curve(
        self,
        heights: torch.Tensor,
        covariance: torch.Tensor | None = None,
        prior_variance: float = 0.0,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and variance [N] of one curve.

        Parameters
        ----------
        heights : Tensor [M]
            Their mean ẑ.
        covariance : Tensor [M, M], optional
            Their covariance S; without it they are known.
        prior_variance : float, default 0.0
            s² of the Gaussian process between and beyond the knots. At 0 the curve is taken as the
            interpolant of its heights.
        """
        mean = self.first @ heights
        variance = torch.einsum("nij,i,j->n", self.spread, heights, heights).clamp(min=0.0)
        if covariance is not None:
            second = self.spread + self.first.unsqueeze(-1) * self.first.unsqueeze(-2)
            variance = variance + (second * covariance).sum((-1, -2))
        return mean, variance + prior_variance * self.left_open


def cardinal_moments(
    basis: EvenBasis | GPBasis, mean: torch.Tensor, sd: torch.Tensor, *, orders: int = 0
) -> CardinalMoments:
    """Return moments of the cardinal functions of a basis at places u ~ N(mean, sd²).

    Good to some 1e-13 of the largest cardinal function there, for any kernel and any sd from 0 to
    far beyond the knots: Gauss-Legendre quadrature between knots, where curves are smooth, with
    positive weights, so nothing cancels.

    Parameters
    ----------
    basis : EvenBasis or GPBasis
        In float64.
    mean, sd : Tensor [N]
        In axis units; sd of 0 is a place that is known.
    orders : int, default 0
        K, how many Hermite moments to return.

    Returns
    -------
    CardinalMoments

    Raises
    ------
    InputError
        If a mean or an sd is not finite, or an sd is negative.

    Examples
    --------
    >>> import torch
    >>> from superpose.curves import EvenBasis, cardinal_moments
    >>> basis = EvenBasis(9, length_scale=0.5)
    >>> place = torch.tensor([0.2, 5.0], dtype=torch.float64)
    >>> moments = cardinal_moments(basis, place, torch.full_like(place, 0.3))
    >>> mean, variance = moments.curve(1 + 2 * basis.knots)  # 2² times 0.3²
    >>> print(mean.numpy().round(3), variance.numpy().round(3))
    [ 1.4 11. ] [0.36 0.36]
    """
    _check(mean, sd)
    edges = _edges(basis)
    open_variance = (basis.dense() if isinstance(basis, EvenBasis) else basis).conditional_variance
    pieces = [
        _moments(basis, open_variance, Panels.under(edges, *rows), orders)
        for rows in zip(mean.double().split(_CHUNK), sd.double().split(_CHUNK), strict=True)
    ]
    names = [field.name for field in fields(CardinalMoments)]
    return CardinalMoments(*(torch.cat([getattr(piece, n) for piece in pieces]) for n in names))


@dataclass(frozen=True)
class Panels:
    """Places and weights that integrate over N normal densities, some panels a density.

    Attributes
    ----------
    rows : int
        N.
    row : Tensor [P]
        Which density a panel belongs to.
    z, places, weights : Tensor [P, n]
        Standardised places, the same in axis units, and weights; those of a row sum to 1.
    """

    rows: int
    row: torch.Tensor
    z: torch.Tensor
    places: torch.Tensor
    weights: torch.Tensor

    @classmethod
    def under(cls, edges: torch.Tensor, mean: torch.Tensor, sd: torch.Tensor) -> Panels:
        """Return the panels that N(mean, sd²) reaches, cut at ``edges`` and at the mean."""
        inner = (edges - mean.unsqueeze(-1)) / sd.clamp(min=1e-300).unsqueeze(-1)
        ends = inner.new_tensor([-REACH, 0.0, REACH]).expand(len(mean), -1)
        cuts = torch.cat([inner.clamp(-REACH, REACH), ends], -1).sort(-1).values
        row, panel = torch.nonzero(cuts.diff(dim=-1) > 0, as_tuple=True)
        low, high = cuts[row, panel].unsqueeze(-1), cuts[row, panel + 1].unsqueeze(-1)
        nodes, weights = (torch.from_numpy(it).to(low) for it in leggauss(NODES))
        z = (low + high) / 2 + (high - low) / 2 * nodes
        density = torch.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        places = mean[row].unsqueeze(-1) + sd[row].unsqueeze(-1) * z
        return cls(len(mean), row, z, places, (high - low) / 2 * weights * density)

    def total(self, values: torch.Tensor) -> torch.Tensor:
        """Return the sums over the panels of every row, [N, ..], of ``values`` [P, ..]."""
        return values.new_zeros(self.rows, *values.shape[1:]).index_add(0, self.row, values)


def _moments(
    basis: EvenBasis | GPBasis,
    open_variance: Callable[[torch.Tensor], torch.Tensor],
    panels: Panels,
    orders: int,
) -> CardinalMoments:
    flat = panels.places.flatten()
    cardinal = basis.cardinal(flat).unflatten(0, panels.places.shape)  # [P, n, M]
    weights = panels.weights.unsqueeze(-1)
    first = panels.total((weights * cardinal).sum(1))
    apart = cardinal - first[panels.row].unsqueeze(1)
    spread = panels.total((weights * apart).mT @ apart)
    hermite = panels.total(_hermite(panels.z, orders) @ (weights * apart))
    left_open = open_variance(flat).reshape(panels.places.shape)
    return CardinalMoments(
        first, spread, hermite, panels.total((panels.weights * left_open).sum(1))
    )


def _hermite(z: torch.Tensor, orders: int) -> torch.Tensor:
    """Return g_1 = z to g_K at z [P, n], [P, K, n]: E[g_j g_k] = 1 if j = k else 0."""
    found = [torch.zeros_like(z), torch.ones_like(z)]
    for k in range(orders):
        found.append((z * found[-1] - math.sqrt(k) * found[-2]) / math.sqrt(k + 1))
    return torch.stack(found, 1)[:, 2:]


def _edges(basis: EvenBasis | GPBasis) -> torch.Tensor:
    """Return where panels end: at all knots, and so close that exponentials are integrated."""
    scale = basis.length_scale if isinstance(basis, EvenBasis) else basis.kernel.length_scale
    knots = basis.knots.double()
    far = FARTHEST * scale
    ends = torch.cat([knots[:1] - far, knots, knots[-1:] + far])
    gaps = zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)
    cut = [np.linspace(a, b, math.ceil((b - a) / (WIDEST * scale)) + 1)[:-1] for a, b in gaps]
    return torch.cat([torch.from_numpy(np.concatenate(cut)).to(knots), ends[-1:]])


def _check(mean: torch.Tensor, sd: torch.Tensor) -> None:
    if mean.shape != sd.shape or not bool((mean.isfinite() & sd.isfinite() & (sd >= 0)).all()):
        raise InputError(
            "mean and sd must be finite, of one length, and sd not negative",
            f"got shapes {tuple(mean.shape)} and {tuple(sd.shape)}, "
            f"{int((~mean.isfinite()).sum() + (~sd.isfinite()).sum())} numbers that are not finite "
            f"and {int((sd < 0).sum())} negative sd",
            "pass one mean and one standard deviation a place",
        )
