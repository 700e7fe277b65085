"""Candidate terms: random inner directions, ranked by how much an outer curve explains with them.

An inner direction is a sum of inner curves over a few attributes: random curves, or the main
curves in random proportions, since what main curves share is often a common outer curve. The
outer curve of a candidate has a closed-form fit to the Newton residual, and the evidence gained by
it ranks the candidates (projection pursuit, Friedman and Stuetzle, 1981, with curves for lines).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from superpose.curves import GPBasis
from superpose.fitting.columns import Side
from superpose.fitting.term_columns import TermColumns, narrowed, outer_basis

CANDIDATES = 128
ROWS = 3_000
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


def candidates(
    sides: Sequence[Side],
    mains: torch.Tensor,
    weight: torch.Tensor,
    residual: torch.Tensor,
    information: torch.Tensor,
    generator: torch.Generator,
    only: Sequence[int] | None = None,
) -> list[Candidate]:
    """Return random candidates, best first.

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
    only : sequence of int, optional
        The attributes that each of them reads; a few at random by default.
    """
    asked = range(len(sides)) if only is None else only
    usable = [p for p in asked if sides[p].columns.shape[1]]
    if not usable:
        return []
    seen = torch.nonzero(weight > 0)[:, 0]
    kept = seen[torch.randperm(len(seen), generator=generator)[:ROWS]]
    scale = float(weight[seen].sum() / weight[kept].sum())
    residual, information = residual[kept] * scale, information[kept] * scale
    sizes = SIZES if only is None else (len(usable),)
    pool = _pool({p: narrowed(sides[p]) for p in usable}, mains, kept, sizes)
    outer = outer_basis()
    found = [
        _draw(pool, i % 2 == 0, outer, weight, kept, residual, information, generator)
        for i in range(CANDIDATES)
    ]
    return sorted(found, key=lambda c: -c.gain)


@dataclass(frozen=True)
class _Pool:
    """The attributes a term can read: sides, shapes of main curves, odds; and how many it reads."""

    sides: dict[int, Side]
    shapes: dict[int, torch.Tensor]
    odds: torch.Tensor
    sizes: tuple[int, ...]


def _pool(
    sides: dict[int, Side], mains: torch.Tensor, kept: torch.Tensor, sizes: tuple[int, ...]
) -> _Pool:
    shapes, spread = {}, []
    for p, s in sides.items():
        columns, target = s.columns[kept], mains[kept, p]
        ridge = 1e-8 * (columns**2).sum(0).max() + 1e-12
        gram = columns.mT @ columns + ridge * torch.eye(columns.shape[1], dtype=columns.dtype)
        shapes[p] = torch.linalg.solve(gram, columns.mT @ target)
        spread.append(float(target.std()))
    share = torch.tensor(spread, dtype=torch.float64)
    odds = share / share.sum().clamp(min=1e-12) + 1.0 / len(spread)
    return _Pool(sides, shapes, odds, sizes)


def _draw(
    pool: _Pool,
    alike: bool,
    outer: tuple[GPBasis, torch.Tensor],
    weight: torch.Tensor,
    kept: torch.Tensor,
    residual: torch.Tensor,
    information: torch.Tensor,
    generator: torch.Generator,
) -> Candidate:
    """Draw a few attributes and inner curves over them; fit the outer curve on the kept rows."""
    size = pool.sizes[int(torch.randint(len(pool.sizes), (1,), generator=generator))]
    usable = list(pool.sides)
    size = min(size, len(usable))
    picked = torch.multinomial(pool.odds, size, generator=generator).sort().values
    attributes = tuple(usable[int(i)] for i in picked)
    columns = TermColumns(attributes, tuple(pool.sides[p] for p in attributes), *outer, weight)
    few = columns.rows(kept)
    if alike:
        scale = 0.5 + torch.rand(size, generator=generator, dtype=torch.float64)
        inner = [pool.shapes[p] * c for p, c in zip(attributes, scale, strict=True)]
    else:
        inner = [_random_curve(s, generator) for s in few.sides]
    h = few.inner_sum(inner)
    spread = h.std().clamp(min=1e-9)
    inner = [a / spread for a in inner]
    c, rho, gain = _closed_form(few.outer_columns(h / spread), residual, information)
    return Candidate(columns, c, inner, rho, gain)


def _random_curve(side: Side, generator: torch.Generator) -> torch.Tensor:
    """Return coefficients of a smooth random curve, with a random share in the sum."""
    m = side.columns.shape[1]
    a = torch.randn(m, generator=generator, dtype=torch.float64)
    a = a * torch.exp(-0.5 * torch.arange(m, dtype=torch.float64))
    share = 0.3 + 0.7 * float(torch.rand(1, generator=generator))
    return a * share / (side.columns @ a).std().clamp(min=1e-9)


def _closed_form(
    columns: torch.Tensor, residual: torch.Tensor, information: torch.Tensor
) -> tuple[torch.Tensor, float, float]:
    """Return the outer coefficients [K, m], the log precision and the evidence gained."""
    best: tuple[torch.Tensor, float, float] | None = None
    score = residual.mT @ columns  # [K, m]
    hessian = torch.einsum("ni,nk,nj->kij", columns, information, columns)
    eye = torch.eye(columns.shape[1], dtype=columns.dtype)
    for strength in STRENGTHS:
        matrix = hessian + strength * eye
        outer = torch.linalg.solve(matrix, score[:, :, None])[:, :, 0]
        shrunk = torch.logdet(matrix / strength).sum()
        gain = float(0.5 * ((score * outer).sum() - shrunk))
        if best is None or gain > best[2]:
            best = (outer, float(torch.tensor(strength).log()), gain)
    assert best is not None
    return best
