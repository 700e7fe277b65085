"""The least-squares problem of a network: what a Gauss-Newton step asks of its rows."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from superpose.fitting.evidence import membership
from superpose.fitting.network_axes import cover_sums, on_their_axes
from superpose.fitting.network_jacobian import linearise_network, products
from superpose.fitting.white_heights import (
    all_directions,
    coefficient_groups,
    read_coefficients,
    write_coefficients,
)
from superpose.networks import KSTNetwork

LEVEL_PRECISION = 1e-3
"""Of levels, in half widths of their axes or standard deviations of the target: next to none."""


@dataclass(frozen=True)
class LinearProblem:
    """The normal equations at some θ.

    Attributes
    ----------
    information : Tensor [P, P]
        Jᵀ J.
    right : Tensor [P]
        Jᵀ (y - f).
    loss : float
        ½ Σ (y - f)².
    sums_fit : bool
        Whether the inner sums fill their axes and stay on them.
    """

    information: torch.Tensor
    right: torch.Tensor
    loss: float
    sums_fit: bool


class NetworkProblem:
    """½ Σ (y - f)² of a network as a function of its white coefficients θ.

    Parameters
    ----------
    network : KSTNetwork
        In float64; it is the one that changes.
    x, y : Tensor [N, n], [N, K]

    Attributes
    ----------
    member : Tensor [P, G]
        Which coefficients share a prior precision.
    held : Tensor [P]
        A small precision of the levels.
    """

    def __init__(self, network: KSTNetwork, x: torch.Tensor, y: torch.Tensor) -> None:
        self.network, self.x, self.y = network, x, y
        layer = network.each_layer()[0]
        self.first = layer.basis.cardinal(layer.axis.at(x))
        self.directions = all_directions(network)
        groups, n_groups = coefficient_groups(network)
        self.member = membership(groups, n_groups)
        self.held = LEVEL_PRECISION * (groups < 0)

    @property
    def total(self) -> float:
        """How many numbers are fitted, N K."""
        return float(self.y.numel())

    def start(self) -> torch.Tensor:
        """Return θ of the network as it stands."""
        return read_coefficients(self.network)

    def value(self, theta: torch.Tensor) -> float:
        """Return the loss at θ; the network is there afterwards."""
        write_coefficients(self.network, theta, self.directions)
        first, *layers = self.network.each_layer()
        h = self.first.flatten(1) @ first.heights.flatten(0, 1)
        for layer in layers:
            h = layer.basis.sum(layer.axis.at(h), layer.heights)
        return 0.5 * float((self.y - h).square().sum())

    def at(self, theta: torch.Tensor) -> LinearProblem:
        """Return what a Gauss-Newton step from θ asks."""
        write_coefficients(self.network, theta, self.directions)
        found = linearise_network(self.network, self.x, self.first)
        blocks = []
        table = zip(found.cardinals, self.directions, found.slopes, strict=True)
        for cardinal, directions, slopes in table:
            blocks += [products(cardinal @ directions, slopes), slopes]
        columns = torch.cat(blocks, 2).flatten(0, 1)
        residual = (self.y - found.outputs).flatten()
        return LinearProblem(
            columns.mT @ columns,
            columns.mT @ residual,
            0.5 * float(residual.square().sum()),
            all(on_their_axes(u) for u in found.places[1:]),
        )

    def cover(self, theta: torch.Tensor) -> torch.Tensor:
        """Move the axes between layers over their inner sums, and return θ there."""
        write_coefficients(self.network, theta, self.directions)
        cover_sums(self.network, self.x)
        return self.start()
