"""Which attributes of a wide table are worth a curve: forward by evidence, in linear time.

Newton's step on all curves costs the cube of their number. In a wide table each attribute is first
asked by itself: the evidence of its curve on the Newton residual of the model so far, at the best
smoothness, against no curve (`superposition.covariance`). One of n attributes is worth it
where the gain exceeds log n nats, which is a prior of one relevant attribute in the table. Those
that are join the model, it is fitted, curves that the others made superfluous leave it, and the
rest are asked again until none answers. A round costs one pass over the columns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from superpose.fitting.superposition.assemble import freedom_of
from superpose.fitting.superposition.covariance import partial_evidence
from superpose.fitting.superposition.growth import Growth, Rows
from superpose.fitting.superposition.posterior import Posterior
from superpose.networks import Attribute, Superposition

WIDE = 2_000
"""Control points of all main curves together; up to here every attribute gets its curve."""

ROUNDS = 6
FIT_STEPS, FIT_TOLERANCE = 15, 0.3
SUPERFLUOUS = 0.1  # effective degrees of freedom


def is_wide(attributes: Sequence[Attribute]) -> bool:
    """Whether the main curves are too many to be solved for together."""
    return sum(map(_control_points, attributes)) > WIDE


def relevant(rows: Rows, always: Sequence[int] = ()) -> list[int]:
    """Return the places of the attributes worth a curve, in order.

    Parameters
    ----------
    rows : Rows
    always : sequence of int
        Attributes that are kept whatever they are worth.

    Returns
    -------
    list of int
        At most so many that their control points fit into `WIDE`; the most telling ones first.
    """
    worth, kept, asked = math.log(len(rows.attributes)), sorted(set(always)), set(always)
    for _ in range(ROUNDS):
        growth = _fitted(rows, kept)
        kept = _needed(growth, kept, set(always))
        found = _found(rows, growth, asked, worth, WIDE - _size(rows, kept))
        if not found or rows.problem.deadline.over():
            break
        asked |= set(found)
        kept = sorted({*kept, *found})
    return kept


def _found(rows: Rows, growth: Growth, asked: set[int], worth: float, room: int) -> list[int]:
    """Return the attributes, not asked yet, that gain most, as long as there is room."""
    residual, information = growth.working(growth.outputs())
    slope = float(growth.state.rho[0].exp()) / growth.state.noise
    gains = {
        p: partial_evidence(rows.main(p), residual, information, slope)
        for p in range(len(rows.attributes))
        if p not in asked
    }
    found = []
    for p in sorted((p for p in gains if gains[p] > worth), key=lambda p: -gains[p]):
        room -= _control_points(rows.attributes[p])
        if room < 0:
            break
        found.append(p)
    return found


def only(rows: Rows, places: list[int]) -> Rows:
    """Return the rows with some of their attributes."""
    attributes = tuple(rows.attributes[p] for p in places)
    return Rows(attributes, rows.axis_units[:, places], rows.problem, rows.kernel)


def widened(
    posterior: Posterior, attributes: Sequence[Attribute], places: list[int]
) -> tuple[Superposition, Posterior]:
    """Return network and posterior that read the same parts from a table of all attributes."""
    narrow = posterior.network
    for part in narrow.parts:
        part.attributes = tuple(places[p] for p in part.attributes)
    network = Superposition(attributes, narrow.bias, narrow.parts)
    network.requires_grad_(False)
    return network, Posterior(network, posterior.covariance, posterior.shares, posterior.stride)


def _control_points(attribute: Attribute) -> int:
    return attribute.n_levels if attribute.axis is None else len(attribute.axis.knots)


def _size(rows: Rows, places: list[int]) -> int:
    return sum(_control_points(rows.attributes[p]) for p in places)


def _fitted(rows: Rows, places: list[int]) -> Growth:
    everything = torch.ones(len(rows.problem.y), dtype=torch.bool)
    growth = Growth.additive(only(rows, places), everything)
    growth.fit(FIT_STEPS, FIT_TOLERANCE)
    return growth


def _needed(growth: Growth, places: list[int], always: set[int]) -> list[int]:
    """Leave out the attributes whose curves the others made superfluous."""
    design, solution = growth.design, growth.solution
    assert solution is not None
    freedom = freedom_of(*design.groups(), solution)
    own = freedom[: design.n_outputs * design.n_shared].view(design.n_outputs, -1).sum(0)
    used = [float(it.sum()) for it in own[1:].split(design.widths[0])]
    return [p for p, it in zip(places, used, strict=True) if it > SUPERFLUOUS or p in always]
