"""The gauge of a term, held while it is learned: an inner sum of about unit variance.

A term Φ(h) with h = Σ_p Z_p a_p says the same when h is measured in another unit, but the prior
does not: its outer curve has knots and a length scale in units of h. Left alone the evidence moves
the unit until the rows stand between two knots, where the curve is a cubic and the prior leaves a
band of any width. So the unit gets a prior of its own, on each term,

    log σ_h ~ N(0, 1/κ),      σ_h² = aᵀ Q a,      Q the covariance of the columns over the rows,

which adds κ (log σ_h)² / 2 to the loss, -κ log σ_h · Q a / σ_h² to the downhill gradient and
κ Q a aᵀ Q / σ_h⁴ to the information (Gauss-Newton). It fixes a direction that no row sees (of the
gauge of such ridge terms: Friedman and Stuetzle, 1981, "Projection pursuit regression", who scale
the direction to length 1), so the posterior does not drift along it, either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from superpose.fitting.superposition.design import Design
from superpose.fitting.superposition.term_columns import TermColumns

if TYPE_CHECKING:
    from superpose.fitting.superposition.equations import Equations

STIFFNESS = 100.0
"""κ, in units of the loss: with a noise of variance 1 the unit is held to about a tenth, with less
noise closer. It carries no meaning, so any stiff value will do."""


class Gauged:
    """The `Equations` of rows, and the prior that holds the unit of every inner sum.

    Parameters
    ----------
    equations : Equations
    design : Design
        With terms.
    """

    def __init__(self, equations: Equations, design: Design) -> None:
        self.equations, self.total = equations, equations.total
        self.moments = [_moments(term) for term in design.terms]
        first = design.n_outputs * design.n_shared
        self.places = []
        for moments in self.moments:
            self.places.append(slice(first, first + len(moments)))
            first += len(moments)

    def at(self, theta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return information A and right-hand side A θ + gradient, those of the prior added."""
        information, right = self.equations.at(theta)
        information, right = information.clone(), right.clone()
        for moments, own in zip(self.moments, self.places, strict=True):
            size, slope = _unit(moments, theta[own])
            pull = STIFFNESS * torch.outer(slope, slope)
            information[own, own] += pull
            right[own] += pull @ theta[own] - STIFFNESS * size * slope
        return information, right

    def downhill(self, theta: torch.Tensor) -> torch.Tensor:
        """Return minus the gradient of `value`."""
        downhill = self.equations.downhill(theta).clone()
        for moments, own in zip(self.moments, self.places, strict=True):
            size, slope = _unit(moments, theta[own])
            downhill[own] -= STIFFNESS * size * slope
        return downhill

    def value(self, theta: torch.Tensor) -> float:
        """Return the loss of the rows, and half κ (log σ_h)² of every term."""
        units = (_unit(q, theta[own])[0] for q, own in zip(self.moments, self.places, strict=True))
        return self.equations.value(theta) + 0.5 * STIFFNESS * float(sum(it**2 for it in units))


def gauged(equations: Equations, design: Design) -> Equations:
    """Return the equations with every term's unit held; themselves where there are no terms."""
    return Gauged(equations, design) if design.terms else equations


def _moments(term: TermColumns) -> torch.Tensor:
    """Return Q, the weighted covariance [m, m] of the columns of all inner curves."""
    columns = torch.cat([side.columns for side in term.sides], 1)
    weight = term.weight / term.weight.sum().clamp(min=1e-300)
    columns = columns - weight @ columns
    return (columns * weight[:, None]).mT @ columns


def _unit(moments: torch.Tensor, inner: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return log σ_h and its slope [m] in the inner coefficients; 0 where the term is silent."""
    pulled = moments @ inner
    variance = inner @ pulled
    if not float(variance) > 0:
        return variance.new_zeros(()), torch.zeros_like(inner)
    return 0.5 * variance.log(), pulled / variance
