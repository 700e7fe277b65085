"""Learn a network again on other rows while some of its parts are held as they are.

What is held enters as an offset, so the free main curves and pairs are one convex problem: Newton
steps, smoothness and noise by evidence, at the axes, length scales and dial of the network. Free
terms are held for that, and then learned together with the rest from where they are.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import replace

import torch

from superpose.fitting.superposition.assemble import assemble
from superpose.fitting.superposition.by_hand import held_share
from superpose.fitting.superposition.columns import Block, main_block, pair_block, side
from superpose.fitting.superposition.design import Design
from superpose.fitting.superposition.evidence import RANGE
from superpose.fitting.superposition.finish import finish
from superpose.fitting.superposition.fit import Fit, in_units
from superpose.fitting.superposition.growth import Growth, Rows
from superpose.fitting.superposition.known import Known
from superpose.fitting.superposition.known_term import known_term
from superpose.fitting.superposition.losses import loss_named
from superpose.fitting.superposition.newton import Solution, State, flat_start
from superpose.fitting.superposition.part_slopes import Share
from superpose.fitting.superposition.part_spread import with_spread
from superpose.fitting.superposition.posterior import Posterior
from superpose.fitting.superposition.prepare import standard
from superpose.fitting.superposition.problem import Problem
from superpose.fitting.superposition.purify import purified
from superpose.fitting.superposition.scale import settle_scale
from superpose.fitting.superposition.uneven_noise import robust_covariance
from superpose.networks import MainCurve, PairSurface, Superposition, Term

STEPS, TOLERANCE = 60, 1e-3
Part = MainCurve | PairSurface | Term


def refit_holding(
    fit: Fit,
    held: Collection[int],
    x: torch.Tensor,
    y: torch.Tensor,
    weight: torch.Tensor,
    offset: torch.Tensor | None = None,
) -> Fit:
    """Learn the parts that are not held.

    Parameters
    ----------
    fit : Fit
        The network to learn again, with its dial.
    held : collection of int
        Places of the parts that stay as they are. They have no band in the result: its bands are
        those of the other parts, given these.
    x : Tensor [N, n]
        Rows in original units.
    y : Tensor [N]
        Target, coded as in `fit_superposition`.
    weight : Tensor [N]
        How many rows each row stands for.
    offset : Tensor [N, K], optional
        Known part of the outputs.

    Returns
    -------
    Fit
        With the parts in the same places, and the edits of the old one.
    """
    network, loss = fit.network, loss_named(fit.loss, y)
    held, axis_units, target = set(held), network.encode(x), y.double()
    free = [i for i in range(len(network.parts)) if i not in held]
    terms = [i for i in free if network.parts[i].kind == "term"]
    known = Known.of(loss, _outside(network, held, terms, axis_units, offset), weight)
    y = target - known.of_target
    centre, spread = standard(loss, y, weight)
    problem = Problem((y - centre) / spread, weight.double(), loss, known.of_outputs)
    blocks = tuple(
        _block(network.parts[i], axis_units, problem.weight) for i in free if i not in terms
    )
    design = Design(blocks, len(x), network.n_outputs)
    rows = Rows(network.attributes, axis_units, problem, "")
    growth = Growth(rows, design, flat_start(design, problem), torch.ones(len(x), dtype=torch.bool))
    if loss.name == "student_t":
        spread *= settle_scale(growth)
    solution = growth.fit(iterations=STEPS, tolerance=TOLERANCE)
    if terms:
        level = known.level
        known = Known.of(loss, _outside(network, held, (), axis_units, offset), weight)
        y = target - known.of_target
        problem = replace(problem, y=(y - centre) / spread, offset=known.of_outputs)
        growth.rows = replace(growth.rows, problem=problem)
        solution, scale = _with_terms(growth, fit, terms, spread, known.level - level)
        spread *= scale
    learned, posterior = assemble(
        network.attributes,
        growth.design,
        solution,
        centre=centre,
        spread=spread,
        covariance=robust_covariance(*growth.training, solution),
    )
    learned.bias.sub_(known.level)
    found = iter(zip(learned.parts, posterior.shares, strict=True))
    parts, shares = _in_place(network, held, found)
    whole = Superposition(network.attributes, learned.bias, parts)
    whole.requires_grad_(False)
    posterior = Posterior(whole, posterior.covariance, shares, posterior.stride)
    whole, posterior = purified(whole, posterior, axis_units, problem.weight, held)
    posterior = with_spread(posterior, axis_units, problem.weight, held)
    noise, evidence = in_units(solution, loss, y, weight, spread)
    return Fit(
        network=whole,
        posterior=posterior,
        path=fit.path,
        loss=fit.loss,
        noise=noise,
        evidence=evidence,
        converged=solution.converged,
        iterations=solution.iterations,
        gradient=max(solution.decrement, solution.gain),
        edits=fit.edits,
    )


def _outside(
    network: Superposition,
    held: Collection[int],
    whole: Collection[int],
    axis_units: torch.Tensor,
    offset: torch.Tensor | None,
) -> torch.Tensor:
    """Return what is known of the outputs, [N, K]: what is held, whole terms, and the offset."""
    known = axis_units.new_zeros(len(axis_units), network.n_outputs)
    with torch.no_grad():
        for i in sorted({*held, *whole}):
            part = network.parts[i]
            known = known + (
                part.whole(axis_units)
                if isinstance(part, Term) and i in whole
                else part(axis_units)
            )
    return known if offset is None else known + offset


def _with_terms(
    growth: Growth, fit: Fit, terms: list[int], spread: float, level: torch.Tensor
) -> tuple[Solution, float]:
    """Learn terms, from where they are, with the rest; return the unit this is in, too.

    Their smoothness starts at that of the fit; ``level`` is added to the biases.
    """
    state, design, rho = growth.state, growth.design, [growth.state.rho]
    fixed, outer, inner = design.split(state.theta)
    fixed = torch.cat([fixed[:, :1] + level[:, None] / spread, fixed[:, 1:]], 1)
    for i in terms:
        part, variances = fit.network.parts[i], fit.posterior.shares[i].open_variance
        assert isinstance(part, Term)
        columns, c, a = known_term(part, growth.rows.axis_units, growth.rows.problem.weight)
        design, outer, inner = design.with_terms(columns), [*outer, c / spread], [*inner, a]
        own = torch.tensor([variances[0] / spread**2, *variances[1:]], dtype=torch.float64)
        own = torch.where(own > 0, own, 1.0)  # of a term that was held once, nothing is known
        rho.append((math.log(state.noise) - own.log()).clamp(*RANGE))
    growth.design = design
    growth.state = State(design.join(fixed, outer, inner), torch.cat(rho), state.noise)
    scale = settle_scale(growth) if growth.rows.problem.loss.name == "student_t" else 1.0
    return finish(growth), scale


def _block(part: Part, axis_units: torch.Tensor, weight: torch.Tensor) -> Block:
    """Return the columns of a part, over the bases that it has."""
    if isinstance(part, MainCurve):
        p = part.attributes[0]
        return main_block(p, part.basis, axis_units[:, p], weight)
    assert isinstance(part, PairSurface)
    p, r = part.attributes
    sides = (side(part.side(i), axis_units[:, q], weight) for i, q in enumerate((p, r)))
    return pair_block(p, r, (next(sides), next(sides)), weight)


def _in_place(
    network: Superposition, held: set[int], found: Iterator[tuple[Part, Share]]
) -> tuple[list[Part], list[Share]]:
    """Put what was learned and what was held into the order that they had."""
    placed = [
        (part, held_share(part)) if i in held else next(found)
        for i, part in enumerate(network.parts)
    ]
    return [part for part, _ in placed], [share for _, share in placed]
