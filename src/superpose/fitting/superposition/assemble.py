"""From coefficients to a network whose heights can be read, and its posterior."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from superpose.curves import GPBasis
from superpose.fitting.superposition.bounds import Bounds, conditions_on, kept
from superpose.fitting.superposition.columns import Block
from superpose.fitting.superposition.design import Design
from superpose.fitting.superposition.evidence import membership
from superpose.fitting.superposition.newton import Solution
from superpose.fitting.superposition.part_slopes import Share, outer_slopes
from superpose.fitting.superposition.posterior import Posterior
from superpose.fitting.superposition.term_columns import TermColumns
from superpose.networks import Attribute, MainCurve, PairSurface, Superposition, Term

Part = MainCurve | PairSurface | Term


def assemble(
    attributes: Sequence[Attribute],
    design: Design,
    solution: Solution,
    *,
    centre: float = 0.0,
    spread: float = 1.0,
    covariance: torch.Tensor | None = None,
) -> tuple[Superposition, Posterior]:
    """Build the network at the mode and the posterior over its coefficients.

    Parameters
    ----------
    attributes : sequence of Attribute
    design, solution : Design, Solution
    centre, spread : float
        The target was standardised as (y - centre) / spread; undone here.
    covariance : Tensor [P, P], optional
        Of the coefficients, for the bands; the solution's if not given.
    """
    state = solution.state
    fixed, outer, inner = design.split(state.theta)
    groups, n_groups = design.groups()
    scale = torch.ones(design.n_coefficients, dtype=torch.float64)
    scale[: design.n_outputs * design.n_shared] = spread  # inner curves have no units of the target
    prior = _prior_variance(groups, n_groups, solution) * scale**2
    freedom = freedom_of(groups, n_groups, solution)
    bounds = Bounds.of(design)
    draws = torch.zeros(0, 0, dtype=torch.float64)
    normal = solution.covariance
    covariance = normal if covariance is None else covariance
    if bounds:
        precision = membership(groups, n_groups) @ state.rho.exp()
        freedom = freedom - bounds.lost_freedom(solution.target, normal / state.noise, precision)
        draws = bounds.draws(solution.target, covariance)
        covariance = bounds.spread(covariance, draws, state.theta)
    covariance = _less_class_mean(covariance * scale * scale[:, None], design)
    parts: list[Part] = []
    shares: list[Share] = []
    place, inner_place = 1, design.n_outputs * design.n_shared
    for block in design.blocks:
        width = block.columns.shape[1]
        heights = fixed[:, place : place + width] @ block.directions.mT * spread
        parts.append(_part(block, heights))
        share = _block_share(block, place, prior, freedom, design)
        if block.bases[0].shape:
            conditions, heights = conditions_on(block.bases[0], len(fixed)), parts[-1].heights
            own, draws = draws.tensor_split([len(fixed) * width], 1)
            own = _less_mean(own.view(len(own), len(fixed), width)) @ block.directions.mT * spread
            share = replace(share, draws=kept(conditions, own))
            heights.data[:] = kept(conditions, heights.data)
        shares.append(share)
        place += width
    for term, c, a in zip(design.terms, outer, inner, strict=True):
        part, share = _term(term, c * spread, a, place, inner_place, prior, freedom, design)
        parts.append(part)
        shares.append(share)
        place, inner_place = place + term.n_outer, inner_place + sum(term.n_inner)
    network = Superposition(attributes, centre + spread * fixed[:, 0], parts)
    network.requires_grad_(False)
    return network, Posterior(network, covariance, shares, design.n_shared)


def _less_class_mean(covariance: torch.Tensor, design: Design) -> torch.Tensor:
    """Return the covariance [P, P] of coefficients less their mean over the outputs, if several.

    The loss sees only differences of classes; their common level is as wide as the prior.
    """
    if design.n_outputs == 1:
        return covariance
    own = design.n_outputs * design.n_shared
    for _ in range(2):  # rows, then columns
        table = covariance[:own].view(design.n_outputs, design.n_shared, -1)
        covariance = torch.cat([(table - table.mean(0)).flatten(0, 1), covariance[own:]]).mT
        covariance = covariance.contiguous()
    return covariance


def _prior_variance(groups: torch.Tensor, n_groups: int, solution: Solution) -> torch.Tensor:
    """Return the prior variance of every coefficient, [P]; 0 for biases."""
    variance = solution.state.noise * (-solution.state.rho).exp()
    return membership(groups, n_groups) @ variance


def freedom_of(groups: torch.Tensor, n_groups: int, solution: Solution) -> torch.Tensor:
    """Return 1 - λ_j S_jj of every coefficient, [P]."""
    precision = membership(groups, n_groups) @ solution.state.rho.exp()
    return 1 - precision * solution.covariance.diagonal() / solution.state.noise


def _less_mean(coefficients: torch.Tensor) -> torch.Tensor:
    """Return coefficients [.., K, m] less their mean over the outputs, if several."""
    if coefficients.shape[-2] == 1:
        return coefficients
    return coefficients - coefficients.mean(-2, keepdim=True)


def _places(first: int, width: int, design: Design) -> torch.Tensor:
    """Return the places of a part's own coefficients for all outputs."""
    steps = torch.arange(design.n_outputs)[:, None] * design.n_shared
    return (first + torch.arange(width) + steps).flatten()


def _part(block: Block, heights: torch.Tensor) -> Part:
    if block.kind == "curve":
        return MainCurve(block.attributes[0], block.bases[0], heights)
    first, second = block.bases
    lattice = heights.view(len(heights), first.n_heights, second.n_heights)
    return PairSurface((block.attributes[0], block.attributes[1]), (first, second), lattice)


def _block_share(
    block: Block, place: int, prior: torch.Tensor, freedom: torch.Tensor, design: Design
) -> Share:
    width = block.columns.shape[1]
    smooth = [i for i, label in enumerate(block.labels) if label in ("smooth", "surface")]
    variance = float(prior[place + smooth[0]]) if smooth else 0.0
    used = float(freedom[_places(place, width, design)].sum())
    return Share((place, width), (0, 0), (block.directions,), (variance,), used)


def _term(
    columns: TermColumns,
    outer: torch.Tensor,
    inner: list[torch.Tensor],
    place: int,
    inner_place: int,
    prior: torch.Tensor,
    freedom: torch.Tensor,
    design: Design,
) -> tuple[Term, Share]:
    """Build a term in its gauge: inner sum of unit variance, the steepest outer curve rising."""
    h = columns.inner_sum(inner)
    weight = columns.weight / columns.weight.sum()
    spread = float((weight @ (h - weight @ h) ** 2).sqrt().clamp(min=1e-12))
    sign = -1.0 if float(outer[outer[:, 0].abs().argmax(), 0]) < 0 else 1.0
    gauge = sign / spread
    knots, directions = columns.outer.knots * gauge, columns.directions
    if sign < 0:
        knots, directions = knots.flip(0), directions.flip(0)
    basis = GPBasis(
        knots, "matern32", length_scale=float(columns.outer.kernel.length_scale) / spread
    )
    centre = weight @ (basis.cardinal(h * gauge) @ directions)
    directions = directions - centre
    sides = columns.sides
    heights = [s.directions @ a * gauge for s, a in zip(sides, inner, strict=True)]
    part = Term(columns.attributes, [s.basis for s in sides], heights, basis, outer @ directions.mT)
    n_inner = sum(columns.n_inner)
    starts = [inner_place + sum(columns.n_inner[:i]) for i in range(len(sides))]
    used = float(freedom[_places(place, columns.n_outer, design)].sum())
    used += float(freedom[inner_place : inner_place + n_inner].sum())
    share = Share(
        (place, columns.n_outer),
        (inner_place, n_inner),
        (directions, *(s.directions * gauge for s in sides)),
        (float(prior[place]), *(float(prior[i]) * gauge**2 for i in starts)),
        used,
        _mean_slopes(part, h * gauge, torch.cat([s.columns for s in sides], 1) * gauge, weight),
    )
    return part, share


@torch.no_grad()
def _mean_slopes(
    part: Term, h: torch.Tensor, columns: torch.Tensor, weight: torch.Tensor
) -> torch.Tensor:
    """Return the mean slope [K, m] of each output in the inner coefficients over the rows."""
    return (weight[:, None] * outer_slopes(part, h)).mT @ columns
