"""Does a curve jump? A scan of what the fit left over for steps that its curves cannot take.

Source: the score test of one added column (Rao, 1948) for a step at each of many places; the
largest is compared with the largest that the model draws (Davies, 1977, Biometrika 64, 247, on
tests of what has a place under the alternative only).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

PLACES, FEWEST_PLACES, FEWEST_ROWS = 40, 6, 10
DRAWS = 5000
LEAST_OPEN = 1e-3
"""Share of a step's information that smooth curves must leave, for a step to be told from them."""


@dataclass(frozen=True)
class Leftover:
    """What a fit left unexplained, and what it knows: enough to test columns that it has not.

    Attributes
    ----------
    residual : Tensor [N, K]
        Minus the gradient of the loss in the outputs.
    curvature : Tensor [N, K, K]
        Its Hessian.
    slopes : Tensor [N, Ps]
        Derivative of every output in the coefficients it has to itself.
    inner : Tensor [K, N, Pv]
        Derivative of each output in the coefficients of inner curves.
    covariance : Tensor [P, P]
        Posterior covariance of the coefficients.
    """

    residual: torch.Tensor
    curvature: torch.Tensor
    slopes: torch.Tensor
    inner: torch.Tensor
    covariance: torch.Tensor


def find_jump(left: Leftover, u: torch.Tensor) -> tuple[float, float] | None:
    r"""Find the place on the axis that looks most like a jump, and how surprising it is.

    With r the residual, W the curvature, Z the slopes and S the covariance of a fit, a step h has
    the score :math:`h^\top r`, of variance :math:`h^\top W h - h^\top W Z S Z^\top W h`: what
    the fitted curves, drawn anew from their prior, would not take of it. The largest score in
    standard deviations, of at most 39 steps that cut the rows into equal shares, is compared with
    draws of normal vectors of these covariances.

    Parameters
    ----------
    left : Leftover
    u : Tensor [N]
        Axis units of one attribute; NaN is missing.

    Returns
    -------
    tuple of two floats, or None
        Place on the axis, and the probability of a clearer step anywhere. None where the attribute
        has too few values, or its curves can take any step.

    Examples
    --------
    A fit that knows nothing but the mean, and a step it did not take:

    >>> import torch
    >>> u = torch.linspace(0, 1, 100).double()
    >>> one = torch.ones(100, 1).double()
    >>> residual = torch.where(u > 0.5, 1.0, -1.0)[:, None].double()
    >>> left = Leftover(residual, one[:, None], one, one.new_zeros(1, 100, 0), one[:1] / 100)
    >>> place, p = find_jump(left, u)
    >>> round(place, 2), p < 0.001
    (0.5, True)
    """
    places = _places(u)
    if len(places) < FEWEST_PLACES:
        return None
    bins = torch.where(u.isnan(), -1, torch.searchsorted(places, u.nan_to_num()))
    found = [it for it in map(_clearest, _steps(left, bins, len(places))) if it is not None]
    if not found:
        return None
    p, step = min(found)
    return float(places[step]), min(p * len(found), 1.0)


def _places(u: torch.Tensor) -> torch.Tensor:
    """Return where steps are tried: between values, equal shares of the rows apart."""
    known = u[~u.isnan()].sort().values
    distinct = known.unique_consecutive()
    if len(distinct) <= FEWEST_PLACES:
        return known[:0]
    ranks = (torch.arange(1, PLACES) * len(known) // PLACES - 1).clamp(min=0)
    below = torch.searchsorted(distinct, known[ranks]).unique()
    below = below[below < len(distinct) - 1]
    places = (distinct[below] + distinct[below + 1]) / 2
    rows = torch.searchsorted(known, places)
    return places[(rows >= FEWEST_ROWS) & (rows <= len(known) - FEWEST_ROWS)]


def _steps(
    left: Leftover, bins: torch.Tensor, count: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Yield for each output the steps' scores [m], covariance [m, m] and own information [m]."""
    order = torch.arange(count)

    def above(columns: torch.Tensor) -> torch.Tensor:
        """Sum columns [N, C] over the rows above each step, [m, C]; missing values are below."""
        sums = columns.new_zeros(count + 2, columns.shape[1]).index_add_(0, bins + 1, columns)
        return sums.flip(0).cumsum(0).flip(0)[2:]

    n_outputs = left.residual.shape[1]
    for k in range(n_outputs):
        curvature = left.curvature[:, k]
        own = above(curvature[:, k, None])[:, 0]
        shared = [above(curvature[:, j, None] * left.slopes) for j in range(n_outputs)]
        bent = above(torch.einsum("nj,jnv->nv", curvature, left.inner))
        cross = torch.cat([*shared, bent], 1)
        overlap = own[torch.maximum(order[:, None], order)]
        covariance = overlap - cross @ left.covariance @ cross.mT
        smaller = torch.minimum(own, curvature[:, k].sum() - own)
        yield above(left.residual[:, k, None])[:, 0], covariance, smaller


def _clearest(
    steps: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
) -> tuple[float, int] | None:
    """Return the probability of the clearest step and which it is; None where all are taken."""
    score, covariance, information = steps
    kept = torch.nonzero(covariance.diagonal() > LEAST_OPEN * information)[:, 0]
    if not len(kept):
        return None
    scale = covariance.diagonal()[kept].rsqrt()
    size = score[kept].abs() * scale
    correlation = covariance[kept][:, kept] * scale * scale[:, None]
    step = int(size.argmax())
    return _probability(float(size[step]), correlation), int(kept[step])


def _probability(size: float, correlation: torch.Tensor) -> float:
    """Return how often the largest of correlated normals is above; Bonferroni's bound far out."""
    bound = len(correlation) * math.erfc(size / math.sqrt(2))
    values, vectors = torch.linalg.eigh(correlation)
    factor = vectors * values.clamp(min=0.0).sqrt()
    chance = torch.Generator().manual_seed(0)
    draws = torch.randn(len(factor), DRAWS, generator=chance, dtype=torch.float64)
    largest = (factor @ draws).abs().amax(0)
    return min(bound, (1 + int((largest >= size).sum())) / (1 + DRAWS))
