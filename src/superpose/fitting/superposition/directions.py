"""Candidate terms: random inner directions, ranked by how much an outer curve explains with them.

An inner direction is a sum of inner curves over a few attributes: random curves, or the main
curves in random proportions, since what main curves share is often a common outer curve. The
outer curve of a candidate has a closed-form fit to the Newton residual, and the evidence gained by
it ranks the candidates (projection pursuit, Friedman and Stuetzle, 1981, with curves for lines).
For that the sums are binned: a bin is a fifteenth of their standard deviation wide, and the outer
curve's control points lie seven bins apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from superpose.curves import GPBasis
from superpose.fitting.superposition.columns import Side
from superpose.fitting.superposition.term_columns import (
    OUTER_REACH,
    TermColumns,
    narrowed,
    outer_basis,
)

CANDIDATES = 128
ROWS = 3_000
BINS = 90
SIZES = (2, 3, 4, 6, 8)
STRENGTHS = (1.0, 10.0, 100.0)


@dataclass(frozen=True)
class Candidate:
    """A term to start from: its columns, coefficients of both kinds, log precision, and gain."""

    columns: TermColumns
    outer: torch.Tensor
    inner: list[torch.Tensor]
    rho: float
    gain: float


@dataclass(frozen=True)
class Direction:
    """What a term could read, and the coefficients of its inner curves, whose sum has sd 1."""

    attributes: tuple[int, ...]
    inner: list[torch.Tensor]
    total: torch.Tensor


def candidates(
    sides: Sequence[Side],
    mains: torch.Tensor,
    weight: torch.Tensor,
    residual: torch.Tensor,
    information: torch.Tensor,
    generator: torch.Generator,
    count: int,
    only: Sequence[int] | None = None,
) -> list[Candidate]:
    """Return the best of many random candidates, best first.

    Parameters
    ----------
    sides : sequence of Side
        One an attribute.
    mains : Tensor [N, n]
        What the main curve of every attribute contributes at present.
    weight : Tensor [N]
        Of the rows, 0 where they are held out.
    residual, information : Tensor [N, K]
        Minus the gradient and the diagonal of the Hessian of the loss, weights included.
    generator : torch.Generator
    count : int
        How many are wanted.
    only : sequence of int, optional
        The attributes that each of them reads; a few at random by default.
    """
    asked = range(len(sides)) if only is None else only
    usable = [p for p in asked if sides[p].columns.shape[1]]
    seen = torch.nonzero(weight > 0)[:, 0]
    if not usable or len(seen) < 2:
        return []
    kept = seen[torch.randperm(len(seen), generator=generator)[:ROWS]]
    scale = float(weight[seen].sum() / weight[kept].sum())
    sizes = SIZES if only is None else (len(usable),)
    narrow = {p: narrowed(sides[p]) for p in usable}
    pool = _pool({p: side.columns[kept] for p, side in narrow.items()}, mains[kept], sizes)
    drawn = [_draw(pool, i % 2 == 0, generator) for i in range(CANDIDATES)]
    outer = outer_basis()
    binned = _binned(drawn, weight[kept], residual[kept] * scale, information[kept] * scale)
    coefficients, strength, gain = _closed_form(_centred(outer, binned[0]), *binned[1:])
    return [
        Candidate(
            TermColumns(
                drawn[i].attributes, tuple(narrow[p] for p in drawn[i].attributes), *outer, weight
            ),
            coefficients[i],
            drawn[i].inner,
            float(strength[i].log()),
            float(gain[i]),
        )
        for i in gain.argsort(descending=True, stable=True)[:count].tolist()
    ]


@dataclass(frozen=True)
class _Pool:
    """The attributes a term can read: columns, shapes of main curves, odds, how many of them."""

    columns: dict[int, torch.Tensor]
    shapes: dict[int, torch.Tensor]
    odds: torch.Tensor
    sizes: tuple[int, ...]


def _pool(columns: dict[int, torch.Tensor], mains: torch.Tensor, sizes: tuple[int, ...]) -> _Pool:
    shapes, spread = {}, []
    for p, own in columns.items():
        target = mains[:, p]
        ridge = 1e-8 * (own**2).sum(0).max() + 1e-12
        gram = own.mT @ own + ridge * torch.eye(own.shape[1], dtype=own.dtype)
        shapes[p] = torch.linalg.solve(gram, own.mT @ target)
        spread.append(float(target.std()))
    share = torch.tensor(spread, dtype=torch.float64)
    odds = share / share.sum().clamp(min=1e-12) + 1.0 / len(spread)
    return _Pool(columns, shapes, odds, sizes)


def _draw(pool: _Pool, alike: bool, generator: torch.Generator) -> Direction:
    """Draw a few attributes and inner curves over them."""
    size = pool.sizes[int(torch.randint(len(pool.sizes), (1,), generator=generator))]
    usable = list(pool.columns)
    size = min(size, len(usable))
    picked = torch.multinomial(pool.odds, size, generator=generator).sort().values
    attributes = tuple(usable[int(i)] for i in picked)
    if alike:
        scale = 0.5 + torch.rand(size, generator=generator, dtype=torch.float64)
        inner = [pool.shapes[p] * c for p, c in zip(attributes, scale, strict=True)]
    else:
        inner = [_random_curve(pool.columns[p], generator) for p in attributes]
    total = torch.cat([pool.columns[p] for p in attributes], 1) @ torch.cat(inner)
    spread = total.std().clamp(min=1e-9)
    return Direction(attributes, [a / spread for a in inner], total / spread)


def _random_curve(columns: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return coefficients of a smooth random curve, with a random share in the sum."""
    m = columns.shape[1]
    a = torch.randn(m, generator=generator, dtype=torch.float64)
    a = a * torch.exp(-0.5 * torch.arange(m, dtype=torch.float64))
    share = 0.3 + 0.7 * float(torch.rand(1, generator=generator))
    return a * share / (columns @ a).std().clamp(min=1e-9)


def _binned(
    drawn: list[Direction], weight: torch.Tensor, *values: torch.Tensor
) -> list[torch.Tensor]:
    """Return the sums of weights [C, B], and of other values [C, B, K], in bins of each sum."""
    width = 2 * OUTER_REACH / BINS
    totals = torch.stack([it.total for it in drawn])
    place = ((totals + OUTER_REACH) / width).long().clamp(0, BINS - 1)
    place += BINS * torch.arange(len(drawn))[:, None]

    def sums(value: torch.Tensor) -> torch.Tensor:
        spread = value.expand(len(drawn), -1).flatten()
        return torch.bincount(place.flatten(), spread, BINS * len(drawn)).view(-1, BINS)

    return [sums(weight), *(torch.stack([sums(v) for v in value.mT], 2) for value in values)]


def _centred(outer: tuple[GPBasis, torch.Tensor], weight: torch.Tensor) -> torch.Tensor:
    """Return the columns [C, B, m] of outer curves at the bins, less their means over the rows."""
    basis, directions = outer
    middles = torch.linspace(-1, 1, 2 * BINS + 1, dtype=torch.float64)[1::2] * OUTER_REACH
    columns = basis.cardinal(middles) @ directions
    mean = weight @ columns / weight.sum(1, keepdim=True)
    return columns - mean[:, None]


def _closed_form(
    columns: torch.Tensor, residual: torch.Tensor, information: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the outer coefficients [C, K, m], the precision [C] and the evidence gained [C].

    Columns [C, B, m]; residual and information [C, B, K], summed in bins.
    """
    score = torch.einsum("cbm,cbk->ckm", columns, residual)
    hessian = torch.einsum("cbm,cbk,cbj->ckmj", columns, information, columns)
    tried = torch.tensor(STRENGTHS, dtype=torch.float64)[:, None, None, None, None]
    eye = torch.eye(columns.shape[2], dtype=torch.float64)
    matrix = hessian + tried * eye
    outer = torch.linalg.solve(matrix, score[..., None].expand(len(tried), -1, -1, -1, 1))[..., 0]
    shrunk = torch.logdet(matrix / tried).sum(2)
    gain, best = (0.5 * ((score * outer).sum((2, 3)) - shrunk)).max(0)
    return outer[best, torch.arange(len(columns))], tried.flatten()[best], gain
