"""Parts changed by hand, each with its share in the posterior.

What a person sets is not uncertain in the way a band means: the data did not say it. So heights
that were set lose their place in the posterior, and with it their band; all else keeps its own.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn

from superpose.fitting.superposition.part_slopes import Share
from superpose.networks import Attribute, HandBasis, InputBasis, MainCurve, Moved, PairSurface, Term

Part = MainCurve | PairSurface | Term
STRAIGHT = 1.0
"""Degrees of freedom of a straight line."""


def held_share(part: Part) -> Share:
    """Return the share of a part about which the posterior says nothing: it has no band."""
    if isinstance(part, Term):
        inner = tuple(torch.zeros(len(z), 0, dtype=torch.float64) for z in part.inner_heights)
        outer = torch.zeros(part.outer_basis.n_heights, 1, dtype=torch.float64)
        return Share((0, 1), (0, 0), (outer, *inner), (0.0,) * (1 + len(inner)), 0.0)
    zeros = torch.zeros(part.heights[0].numel(), 1, dtype=torch.float64)
    return Share((0, 1), (0, 0), (zeros,), (0.0,), 0.0)


def removed(part: Part) -> tuple[Part, Share]:
    """Return the part with every height 0: it keeps its name and place, and contributes nothing."""
    flat = copy.deepcopy(part)
    flat.heights.data = torch.zeros_like(part.heights)
    if not isinstance(flat, MainCurve):
        flat.moved = Moved()
    return flat, held_share(part)


def drawn(
    part: MainCurve, share: Share, attribute: Attribute, places: torch.Tensor, values: torch.Tensor
) -> tuple[MainCurve, Share]:
    """Return the main curve of a number with straight lines through (places [P], values [K, P]).

    Outside the first and last place both curve and band are what they were.
    """
    basis = HandBasis(part.basis, attribute, places)
    curve = MainCurve(part.attributes[0], basis, torch.cat([values, part.heights], 1))
    share = _mapped(share, lambda own: nn.functional.pad(own, (0, 0, len(places), 0)))
    if share.draws is not None:
        draws = torch.cat([values.expand(len(share.draws), -1, -1), share.draws], 2)
        share = replace(share, draws=draws)
    return curve, share


def with_heights(
    part: MainCurve, share: Share, heights: dict[int, torch.Tensor]
) -> tuple[MainCurve, Share]:
    """Return the main curve with some heights [K], by their place, set: levels, or missing."""
    changed, places = part.heights.detach().clone(), list(heights)
    draws = None if share.draws is None else share.draws.clone()
    for j, value in heights.items():
        changed[:, j] = value
        if draws is not None:
            draws[:, :, j] = value
    curve = MainCurve(part.attributes[0], part.basis, changed)
    share = _mapped(share, lambda own: own.index_fill(0, torch.tensor(places), 0.0))
    return curve, replace(share, draws=draws)


def smoothed(
    part: MainCurve, share: Share, attribute: Attribute, u: torch.Tensor, freedom: float
) -> tuple[MainCurve, Share]:
    """Return the main curve of a number, smoothed over rows u [N] to so many degrees of freedom.

    The heights z become the smoothest that stay near the curve at these rows,

        h = argmin Σ_i (c(u_i)ᵀ (h - z))² + λ ∫ f''(x)² dx,

    with x in units of the attribute, so that straight lines stay, and with the trace of the map
    z → h, less 1 for the level, equal to ``freedom`` (Reinsch, 1967; Hastie and Tibshirani, 1990).
    The sum over the rows is kept. The band is that of the smoothed curve: the same map, applied to
    the posterior. Stretches that were drawn by hand stay as they are.
    """
    core = _core(part.basis)
    first = part.basis.n_heights - core.n_heights
    own = slice(first, first + core.basis.n_heights)
    smoother = _smoother(_even(attribute, core.knots), core.basis.cardinal(u), freedom)
    heights, whole = part.heights.detach(), torch.eye(part.basis.n_heights, dtype=torch.float64)
    whole[own, own] = smoother
    curve = MainCurve(part.attributes[0], part.basis, heights @ whole.mT)
    share = replace(share, freedom=min(share.freedom, freedom))
    return curve, _mapped(share, lambda directions: whole @ directions)


def _mapped(share: Share, change: Callable[[torch.Tensor], torch.Tensor]) -> Share:
    """Return the share of a main curve after a linear change of its heights."""
    moved = tuple(it.mapped(change) for it in share.moved)
    return replace(share, directions=(change(share.directions[0]),), moved=moved)


def _core(basis: InputBasis) -> InputBasis:
    """Return the basis underneath everything that was drawn by hand."""
    return _core(basis.base) if isinstance(basis, HandBasis) else basis


def _even(attribute: Attribute, knots: torch.Tensor) -> torch.Tensor:
    """Return the knots [M] in units, gaps that are far from the usual one brought nearer to it."""
    assert attribute.axis is not None
    gaps = attribute.axis.from_axis(knots).diff()
    if not len(gaps):
        return knots
    usual = float(gaps.median())
    return torch.cat([gaps.new_zeros(1), gaps.clamp(usual / 100, 20 * usual).cumsum(0) / usual])


def _roughness(x: torch.Tensor) -> torch.Tensor:
    """Return the form [M, M] that is ∫ f''(x)² dx of heights at x, by divided differences."""
    gaps = x.diff()
    slopes = torch.eye(len(x), dtype=x.dtype).diff(dim=0) / gaps[:, None]
    bends = slopes.diff(dim=0) / ((gaps[1:] + gaps[:-1]) / 2).sqrt()[:, None]
    return bends.mT @ bends


def _smoother(x: torch.Tensor, rows: torch.Tensor, freedom: float) -> torch.Tensor:
    """Return the map [M, M] of the heights with trace 1 + freedom, by bisection in log λ."""
    gram, eye = rows.mT @ rows, torch.eye(len(x), dtype=torch.float64)
    if len(x) < 3:
        return eye
    if freedom <= STRAIGHT:
        line = torch.stack([torch.ones_like(x), x], 1)
        return line @ torch.linalg.solve(line.mT @ gram @ line, line.mT @ gram)
    rough = _roughness(x)

    def at(log_strength: float) -> torch.Tensor:
        penalty = 10.0**log_strength * float(gram.trace() / rough.trace()) * rough
        return torch.linalg.pinv(gram + penalty, hermitian=True) @ gram

    low, high = -8.0, 8.0
    if float(at(low).trace()) <= 1 + freedom:
        return eye
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if float(at(middle).trace()) > 1 + freedom else (low, middle)
    return at(high)
