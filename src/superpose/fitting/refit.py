"""Learn a network again on other rows while some of its parts are held as they are.

What is held enters as an offset, so the free main curves and pairs are one convex problem: Newton
steps, smoothness and noise by evidence, at the axes, length scales and dial of the network.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import torch

from superpose.fitting.assemble import assemble
from superpose.fitting.by_hand import held_share
from superpose.fitting.columns import Block, main_block, pair_block, side
from superpose.fitting.design import Design
from superpose.fitting.fit import Fit, in_units, standard
from superpose.fitting.growth import Growth, Rows
from superpose.fitting.known import Known
from superpose.fitting.losses import loss_named
from superpose.fitting.newton import flat_start
from superpose.fitting.part_slopes import Share
from superpose.fitting.part_spread import with_spread
from superpose.fitting.posterior import Posterior
from superpose.fitting.problem import Problem
from superpose.fitting.purify import purified
from superpose.fitting.scale import settle_scale
from superpose.fitting.uneven_noise import robust_covariance
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
    """Learn the main curves and pairs that are not held; terms are always held.

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
    held = set(held) | {i for i, part in enumerate(network.parts) if part.kind == "term"}
    axis_units = network.encode(x)
    known = Known.of(loss, _held(network, held, axis_units, offset), weight)
    y = y.double() - known.of_target
    centre, spread = standard(loss, y, weight)
    problem = Problem((y - centre) / spread, weight.double(), loss, known.of_outputs)
    free = [i for i in range(len(network.parts)) if i not in held]
    blocks = tuple(_block(network.parts[i], axis_units, problem.weight) for i in free)
    design = Design(blocks, len(x), network.n_outputs)
    rows = Rows(network.attributes, axis_units, problem, "")
    growth = Growth(rows, design, flat_start(design, problem), torch.ones(len(x), dtype=torch.bool))
    if loss.name == "student_t":
        spread *= settle_scale(growth)
    solution = growth.fit(iterations=STEPS, tolerance=TOLERANCE)
    learned, posterior = assemble(
        network.attributes,
        design,
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


def _held(
    network: Superposition, held: set[int], axis_units: torch.Tensor, offset: torch.Tensor | None
) -> torch.Tensor:
    """Return what is known of the outputs, [N, K]: what is held, and the offset."""
    known = axis_units.new_zeros(len(axis_units), network.n_outputs)
    with torch.no_grad():
        for i in sorted(held):
            known = known + network.parts[i](axis_units)
    return known if offset is None else known + offset


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
