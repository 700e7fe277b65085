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

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from superpose.fitting.superposition.part_slopes import MovedHeights, Share, Slopes
from superpose.fitting.superposition.posterior import Posterior
from superpose.fitting.superposition.projection import Projection
from superpose.networks import (
    AxisRows,
    InputBasis,
    MainCurve,
    PairSurface,
    Superposition,
    Term,
)
from superpose.networks.axis_rows import BATCH
from superpose.networks.superposition import moved

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
    givers = [i for i, it in enumerate(parts) if not isinstance(it, MainCurve) and i not in held]
    takers = {i: [mains[p] for p in parts[i].attributes if p in mains] for i in givers}
    moves = _projected(posterior, takers, axis_units, weight)
    for i, move in moves.items():
        parts[i] = _less(parts[i], move.curves)
    factors = _chances(network.parts, parts, moves, axis_units, weight)
    for i, move in moves.items():
        covariance, chances = _wider(covariance, factors[i], move.curves)
        rows = zip(takers[i], move.curves, move.maps, chances, strict=True)
        for j, curve, own, chance in rows:
            parts[j] = MainCurve(curve.attributes[0], curve.basis, parts[j].heights + curve.heights)
            shares[j] = _with(shares[j], own, chance)
            shares[i] = _with(shares[i], own, chance)
    pure = Superposition(network.attributes, network.bias, parts)
    pure.requires_grad_(False)
    return pure, Posterior(pure, covariance, shares, posterior.stride)


@dataclass(frozen=True)
class _Move:
    """What of a part moves: the projection, a curve for each main curve, how they depend on it."""

    projection: Projection
    curves: list[MainCurve]
    maps: list[MovedHeights]


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
    takers: dict[int, list[int]],
    axis_units: torch.Tensor,
    weight: torch.Tensor,
) -> dict[int, _Move]:
    """Return for each part what of it moves to main curves, and how that depends on the part."""
    parts = posterior.network.parts
    mains = {
        i: [part for j in own if isinstance(part := parts[j], MainCurve)]
        for i, own in takers.items()
    }
    moments: dict[int, list[torch.Tensor]] = {}
    for rows, w in _batches(axis_units, weight / weight.sum().clamp(min=1e-300)):
        for i, own in mains.items():
            new = _moments(posterior, i, own, rows, w)
            old = moments.get(i, [])
            moments[i] = [a + b for a, b in zip(old, new, strict=True)] if old else new
    total = float(weight.sum())
    return {i: _move(posterior, i, mains[i], moments[i], total) for i in moments}


def _move(
    posterior: Posterior,
    index: int,
    mains: list[MainCurve],
    moments: list[torch.Tensor],
    total: float,
) -> _Move:
    """Return what of a part moves, by its moments over so many rows."""
    gram, product, mean = moments
    share, n_outputs = posterior.shares[index], posterior.network.n_outputs
    most = int(total / (ROWS * max(len(mains), 1)))
    columns = torch.block_diag(*(_columns(it.basis, max(most, 1)) for it in mains))
    widths = [it.basis.n_heights for it in mains]
    columns = _centred(columns, mean, widths)
    projection = Projection(columns, columns.mT @ gram @ columns)
    curves, maps = [], []
    for main, own in zip(mains, projection.heights(product).split(widths), strict=True):
        sizes = [n_outputs, share.shared[1], n_outputs * share.inner[1]]
        value, shared, bent = own.split(sizes, 1)
        bent = bent.view(len(own), n_outputs, -1).transpose(0, 1)
        curves.append(MainCurve(main.attributes[0], main.basis, value.mT))
        maps.append(MovedHeights(share.shared, share.inner, shared, bent))
    return _Move(projection, curves, maps)


@torch.no_grad()
def _chances(
    before: Sequence[Part],
    pure: Sequence[Part],
    moves: dict[int, _Move],
    axis_units: torch.Tensor,
    weight: torch.Tensor,
) -> dict[int, torch.Tensor]:
    """Return factors [K, ΣH, r] of the covariance of what moved, if other rows had been drawn.

    What was pure already has had its share of chance.
    """
    fresh = {i: move for i, move in moves.items() if move.curves and not moved(before[i])}
    squares: dict[int, torch.Tensor] = {}
    for rows, w in _batches(axis_units, weight):
        for i, move in fresh.items():
            square = move.projection.square(_cardinal(move.curves, rows), pure[i](rows), w)
            squares[i] = squares[i] + square if i in squares else square
    factors, total = {}, float(weight.sum())
    for i, move in moves.items():
        n_heights, n_outputs = len(move.projection.columns), len(pure[i].heights)
        none = torch.zeros(n_outputs, n_heights, 0, dtype=torch.float64)
        factors[i] = move.projection.chance(squares[i], total) if i in fresh else none
    return factors


def _batches(
    axis_units: torch.Tensor, weight: torch.Tensor
) -> Iterator[tuple[AxisRows, torch.Tensor]]:
    batches = zip(axis_units.split(BATCH), weight.split(BATCH), strict=True)
    return ((AxisRows(rows), w) for rows, w in batches)


def _wider(
    covariance: torch.Tensor, factor: torch.Tensor, curves: list[MainCurve]
) -> tuple[torch.Tensor, list[MovedHeights]]:
    """Return the covariance with r independent coefficients more, and how each curve has them."""
    count = factor.shape[2]
    wider = torch.block_diag(covariance, torch.eye(count, dtype=torch.float64))
    own = factor.split([it.basis.n_heights for it in curves], 1) if curves else ()
    inner = (len(covariance), count)
    return wider, [MovedHeights((0, 0), inner, it.new_zeros(it.shape[1], 0), it) for it in own]


def _cardinal(curves: Sequence[MainCurve], rows: AxisRows) -> torch.Tensor:
    """Return the cardinal functions [N, ΣH] of curves, one after the other."""
    return torch.cat([rows.cardinal(it.basis, it.attributes[0]) for it in curves], 1)


def _moments(
    posterior: Posterior,
    index: int,
    mains: Sequence[MainCurve],
    rows: AxisRows,
    share: torch.Tensor,
) -> list[torch.Tensor]:
    """Return weighted sums over the rows: C Cᵀ, C [f, slopes of f]ᵀ, and C.

    C are the cardinal functions of the main curves, one under the other.
    """
    cardinal = _cardinal(mains, rows)
    slopes: Slopes = posterior.slopes(index, rows)
    targets = torch.cat([posterior.network.parts[index](rows), slopes.shared, *slopes.bent], 1)
    weighted = (cardinal * share[:, None]).mT
    return [weighted @ cardinal, weighted @ targets, weighted.sum(1)]


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
