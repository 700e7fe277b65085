"""Learn a network again on other rows while some of its parts are held as they are.

What is held enters as an offset, so the free main curves and pairs are one convex problem: Newton
steps, smoothness and noise by evidence, at the axes, length scales and dial of the network.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

import torch

from superpose.fitting.assemble import assemble
from superpose.fitting.by_hand import held_share
from superpose.fitting.columns import Block, main_block, pair_block, side
from superpose.fitting.design import Design
from superpose.fitting.fit import Fit, standard
from superpose.fitting.losses import loss_named
from superpose.fitting.newton import Problem, State, solve
from superpose.fitting.posterior import Posterior, Share
from superpose.networks import MainCurve, PairSurface, Superposition, Term

STEPS, TOLERANCE = 60, 1e-3
Part = MainCurve | PairSurface | Term


def refit_holding(
    fit: Fit, held: Collection[int], x: torch.Tensor, y: torch.Tensor, weight: torch.Tensor
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

    Returns
    -------
    Fit
        With the parts in the same places, and the edits of the old one.
    """
    network = fit.network
    held = set(held) | {i for i, part in enumerate(network.parts) if part.kind == "term"}
    loss = loss_named(fit.loss, y)
    axis_units = network.encode(x)
    with torch.no_grad():
        pieces = [network.parts[i](axis_units) for i in sorted(held)]
        offset = sum(pieces, torch.zeros(len(x), network.n_outputs, dtype=torch.float64))
    centre, spread = standard(loss, y, weight)
    target = (y.double() - centre) / spread
    problem = Problem(target, weight.double(), loss, offset=offset / spread)
    free = [i for i in range(len(network.parts)) if i not in held]
    blocks = tuple(_block(network.parts[i], axis_units, problem.weight) for i in free)
    design = Design(blocks, len(x), network.n_outputs)
    solution = solve(
        design, problem, _start(design, problem), iterations=STEPS, tolerance=TOLERANCE
    )
    learned, posterior = assemble(
        network.attributes, design, solution, centre=centre, spread=spread
    )
    found = iter(zip(learned.parts, posterior.shares, strict=True))
    parts, shares = _in_place(network, held, found)
    whole = Superposition(network.attributes, learned.bias, parts)
    whole.requires_grad_(False)
    noise, evidence = None, solution.evidence
    if loss.has_noise:
        noise = spread * solution.state.noise**0.5
        evidence -= (float(weight.sum()) - 1) * math.log(spread)
    return Fit(
        network=whole,
        posterior=Posterior(whole, posterior.covariance, shares, posterior.stride),
        path=fit.path,
        loss=fit.loss,
        noise=noise,
        evidence=evidence,
        converged=solution.converged,
        iterations=solution.iterations,
        gradient=max(solution.decrement, solution.gain),
        edits=fit.edits,
    )


def _block(part: Part, axis_units: torch.Tensor, weight: torch.Tensor) -> Block:
    """Return the columns of a part, over the bases that it has."""
    if isinstance(part, MainCurve):
        p = part.attributes[0]
        return main_block(p, part.basis, axis_units[:, p], weight)
    assert isinstance(part, PairSurface)
    p, r = part.attributes
    sides = (side(part.side(i), axis_units[:, q], weight) for i, q in enumerate((p, r)))
    return pair_block(p, r, (next(sides), next(sides)), weight)


def _start(design: Design, problem: Problem) -> State:
    start = problem.loss.start(problem.y, problem.weight)
    theta = torch.zeros(len(start), design.n_shared, dtype=torch.float64)
    theta[:, 0] = start
    return State(theta.flatten(), torch.zeros(design.groups()[1], dtype=torch.float64))


def _in_place(
    network: Superposition, held: set[int], found: Iterator[tuple[Part, Share]]
) -> tuple[list[Part], list[Share]]:
    """Put what was learned and what was held into the order that they had."""
    placed = [
        (part, held_share(part)) if i in held else next(found)
        for i, part in enumerate(network.parts)
    ]
    return [part for part, _ in placed], [share for _, share in placed]
