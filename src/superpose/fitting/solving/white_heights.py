"""Coordinates of a network in which its prior is diagonal, and nothing is counted twice.

The heights of every curve are z = D c: bends c_1 .. c_{M-2} with |bends|² = zᵀ Q z = rᵀ K⁻¹ r, then
a slope. Levels are known only in sum, so a layer has one for each of its outputs, which its links
share.
"""

from __future__ import annotations

import torch

from superpose.curves import EvenBasis
from superpose.networks import KSTNetwork


def white_directions(basis: EvenBasis) -> torch.Tensor:
    """Return D [M, M - 1]: the heights of unit bends, which are orthogonal to lines, and a slope.

    The rows of F = ``basis.bending`` are orthogonal, so F⁺ has its columns over their squares.
    """
    bending = basis.bending.double()
    bends = bending.mT / bending.square().sum(1)
    return torch.cat([bends, basis.knots.double().unsqueeze(1)], 1)


def all_directions(network: KSTNetwork) -> list[torch.Tensor]:
    """Return the directions of each layer."""
    return [white_directions(layer.basis) for layer in network.each_layer()]


@torch.no_grad()
def read_coefficients(network: KSTNetwork) -> torch.Tensor:
    """Return θ [P]: of each layer [I, M - 1, O], then the level [O]."""
    parts = []
    for layer in network.each_layer():
        parts.append(torch.linalg.pinv(white_directions(layer.basis)) @ layer.heights)
        parts.append(layer.heights.mean(1).sum(0))  # bends and slope have mean zero over the knots
    return torch.cat([part.flatten() for part in parts])


@torch.no_grad()
def write_coefficients(
    network: KSTNetwork, theta: torch.Tensor, directions: list[torch.Tensor]
) -> None:
    """Give the network the heights of θ; with ``directions`` from `all_directions`."""
    place = 0
    for layer, made in zip(network.each_layer(), directions, strict=True):
        n_in, n_out = layer.in_features, layer.out_features
        size = n_in * made.shape[1] * n_out
        curves = theta[place : place + size].view(n_in, made.shape[1], n_out)
        level = theta[place + size : place + size + n_out]
        layer.heights.copy_(made @ curves).add_(level / n_in)
        place += size + n_out


def coefficient_groups(network: KSTNetwork) -> tuple[torch.Tensor, int]:
    """Return which coefficients share a prior precision, [P], and how many groups there are.

    The bends of a layer share one, its slopes another; levels have none (-1).
    """
    groups: list[torch.Tensor] = []
    for place, layer in enumerate(network.each_layer()):
        n_knots, n_out = layer.basis.n_heights, layer.out_features
        ids = torch.full((layer.in_features, n_knots - 1, n_out), 2 * place)
        ids[:, -1] += 1
        groups += [ids.flatten(), torch.full((n_out,), -1)]
    return torch.cat(groups), len(groups)


def heights_spread(network: KSTNetwork) -> torch.Tensor:
    """Return T [heights, P] with heights = T θ, in the order of the parameters."""
    blocks = []
    for layer in network.each_layer():
        n_in, made = layer.in_features, white_directions(layer.basis)
        one = torch.eye(layer.out_features, dtype=torch.float64)
        curves = torch.kron(torch.eye(n_in, dtype=torch.float64), torch.kron(made, one))
        levels = one.repeat(n_in * len(made), 1) / n_in
        blocks.append(torch.cat([curves, levels], 1))
    return torch.block_diag(*blocks)
