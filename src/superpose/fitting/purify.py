"""Pure interactions: what is additive in a pair or a term moves to the main curves.

The functional ANOVA of a fitted network under the distribution of its training rows (Hooker, 2007,
"Generalized functional ANOVA diagnostics for high-dimensional functions of dependent variables";
Lengerich et al., 2020, "Purifying interaction effects with the functional ANOVA"). For a part f
over attributes A, with the rows' weights w,

    m = argmin Σ_i w_i (f(x_i) - Σ_(p in A) m_p(x_ip))²,      f := f - Σ m_p,      g_p := g_p + m_p,

where each m_p is a curve in the basis of the main curve g_p. So no prediction changes, and over the
training rows what is left of f is orthogonal to every curve that m_p could have been. The measure
is that of the rows themselves, correlated as they are; missing values are values like any other.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import torch

from superpose.fitting.posterior import CHUNK, MovedHeights, Posterior, Share, Slopes
from superpose.fitting.projection import Projection
from superpose.networks import InputBasis, MainCurve, PairSurface, Superposition, Term

ROWS = 200.0
"""Rows for each column of a projection: chance alone moves a two-hundredth of a part, at most."""

Part = MainCurve | PairSurface | Term


def purified(
    network: Superposition,
    posterior: Posterior,
    axis_units: torch.Tensor,
    weight: torch.Tensor,
    held: Collection[int] = (),
) -> tuple[Superposition, Posterior]:
    """Move what is additive in pairs and terms to the main curves; no prediction changes.

    Parameters
    ----------
    network, posterior : Superposition, Posterior
        As assembled.
    axis_units : Tensor [N, n]
        The training rows.
    weight : Tensor [N]
        How many rows each stands for.
    held : collection of int
        Places of parts that stay as they are: main curves that take nothing, pairs and terms that
        give nothing.

    Returns
    -------
    Superposition, Posterior
        With pure pairs and terms. The posterior holds the move as a linear map and, in coefficients
        of its own, that other rows would have been distributed otherwise.
    """
    parts, shares = list(network.parts), list(posterior.shares)
    covariance = posterior.covariance
    mains = {
        part.attributes[0]: i
        for i, part in enumerate(parts)
        if isinstance(part, MainCurve) and i not in held
    }
    for i, part in enumerate(parts):
        if isinstance(part, MainCurve) or i in held:
            continue
        takers = [mains[p] for p in part.attributes if p in mains]
        projection, found = _projected(posterior, i, takers, axis_units, weight)
        parts[i] = _less(part, [curve for curve, _ in found])
        factor = _chance(projection, part, parts[i], found, axis_units, weight)
        covariance, chances = _wider(covariance, factor, [curve for curve, _ in found])
        for j, (curve, moved), chance in zip(takers, found, chances, strict=True):
            parts[j] = MainCurve(curve.attributes[0], curve.basis, parts[j].heights + curve.heights)
            shares[j] = _with(shares[j], moved, chance)
            shares[i] = _with(shares[i], moved, chance)
    pure = Superposition(network.attributes, network.bias, parts)
    pure.requires_grad_(False)
    return pure, Posterior(pure, covariance, shares, posterior.stride)


def _less(part: Part, curves: list[MainCurve]) -> Part:
    """Return a pair or a term from which curves have moved."""
    if isinstance(part, PairSurface):
        sides = (part.side(0), part.side(1))
        return PairSurface(part.attributes, sides, part.heights, [*part.moved, *curves])
    assert isinstance(part, Term)
    bases = [part.basis(i) for i in range(len(part.attributes))]
    own = (part.attributes, bases, list(part.inner_heights), part.outer_basis, part.heights)
    return Term(*own, [*part.moved, *curves])


def _with(share: Share, *maps: MovedHeights) -> Share:
    return replace(share, moved=(*share.moved, *maps))


@torch.no_grad()
def _projected(
    posterior: Posterior,
    index: int,
    takers: list[int],
    axis_units: torch.Tensor,
    weight: torch.Tensor,
) -> tuple[Projection, list[tuple[MainCurve, MovedHeights]]]:
    """Return for each main curve what of a part moves to it, and how that depends on the part."""
    parts, share = posterior.network.parts, posterior.shares[index]
    mains = [part for j in takers if isinstance(part := parts[j], MainCurve)]
    gram, product, mean = _moments(posterior, index, mains, axis_units, weight)
    most = int(float(weight.sum()) / (ROWS * max(len(mains), 1)))
    columns = torch.block_diag(*(_columns(it.basis, max(most, 1)) for it in mains))
    widths = [it.basis.n_heights for it in mains]
    columns = _centred(columns, mean, widths)
    projection = Projection(columns, columns.mT @ gram @ columns)
    heights = projection.heights(product)
    n_outputs, n_shared = posterior.network.n_outputs, share.shared[1]
    found = []
    for main, own in zip(mains, heights.split(widths), strict=True):
        value, shared, bent = own.split([n_outputs, n_shared, n_outputs * share.inner[1]], 1)
        bent = bent.view(len(own), n_outputs, -1).transpose(0, 1)
        curve = MainCurve(main.attributes[0], main.basis, value.mT)
        found.append((curve, MovedHeights(share.shared, share.inner, shared, bent)))
    return projection, found


@torch.no_grad()
def _chance(
    projection: Projection,
    before: PairSurface | Term,
    pure: Part,
    found: list[tuple[MainCurve, MovedHeights]],
    axis_units: torch.Tensor,
    weight: torch.Tensor,
) -> torch.Tensor:
    """Return a factor [K, ΣH, r] of the covariance of what moved, if other rows had been drawn.

    What was pure already has had its share of chance.
    """
    curves = [curve for curve, _ in found]
    if not curves or len(before.moved):
        n_heights = sum(it.basis.n_heights for it in curves)
        return torch.zeros(pure.heights.shape[0], n_heights, 0, dtype=torch.float64)
    chunks = zip(axis_units.split(CHUNK), weight.split(CHUNK), strict=True)
    return projection.chance((_cardinal(curves, rows), pure(rows), w) for rows, w in chunks)


def _wider(
    covariance: torch.Tensor, factor: torch.Tensor, curves: list[MainCurve]
) -> tuple[torch.Tensor, list[MovedHeights]]:
    """Return the covariance with r independent coefficients more, and how each curve has them."""
    count = factor.shape[2]
    wider = torch.block_diag(covariance, torch.eye(count, dtype=torch.float64))
    own = factor.split([it.basis.n_heights for it in curves], 1) if curves else ()
    inner = (len(covariance), count)
    return wider, [MovedHeights((0, 0), inner, it.new_zeros(it.shape[1], 0), it) for it in own]


def _cardinal(curves: list[MainCurve], axis_units: torch.Tensor) -> torch.Tensor:
    """Return the cardinal functions [N, ΣH] of curves, one after the other."""
    return torch.cat([it.basis.cardinal(axis_units[:, it.attributes[0]]) for it in curves], 1)


def _moments(
    posterior: Posterior,
    index: int,
    mains: list[MainCurve],
    axis_units: torch.Tensor,
    weight: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return weighted means over the rows: C Cᵀ, C [f, slopes of f]ᵀ, and C.

    C are the cardinal functions of the main curves, one under the other.
    """
    part, total = posterior.network.parts[index], weight.sum().clamp(min=1e-300)
    sums: list[torch.Tensor] = []
    for rows, w in zip(axis_units.split(CHUNK), (weight / total).split(CHUNK), strict=True):
        cardinal = _cardinal(mains, rows)
        slopes: Slopes = posterior.slopes(index, rows)
        targets = torch.cat([part(rows), slopes.shared, *slopes.bent], 1)
        weighted = (cardinal * w[:, None]).mT
        new = [weighted @ cardinal, weighted @ targets, weighted.sum(1)]
        sums = [a + b for a, b in zip(sums, new, strict=True)] if sums else new
    gram, product, mean = sums
    return gram, product, mean


def _columns(basis: InputBasis, most: int) -> torch.Tensor:
    """Return what a curve may be made of, as heights [H, m]: the smoothest first, ``most`` of them.

    For a category every level; and a height for missing values, where they have one.
    """
    line, white = basis.directions()
    if basis.kind == "number":
        white = white[:, : max(most - line.shape[1], 0)]
    missing = torch.eye(basis.n_heights, dtype=torch.float64)[:, -1:]
    return torch.cat([line, white, *([missing] if basis.missing else [])], 1)


def _centred(columns: torch.Tensor, mean: torch.Tensor, widths: list[int]) -> torch.Tensor:
    """Return the columns [ΣH, m] less their mean over the rows, so that no level moves."""
    owner = torch.repeat_interleave(torch.arange(len(widths)), torch.tensor(widths))
    own = torch.nn.functional.one_hot(owner, len(widths)).double()  # [ΣH, curves]
    return columns - own @ ((own * mean[:, None]).mT @ columns)
