"""Outputs of layers of curves, and their exact slopes in all heights, without autograd."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from superpose.errors import InputError
from superpose.networks import KSTLayer, KSTNetwork


@dataclass(frozen=True)
class LinearisedNetwork:
    """What the chain rule needs of a network at some rows.

    Attributes
    ----------
    outputs : Tensor [N, K]
    places : list of Tensor [N, I]
        Where the inputs of each layer fall on their axes.
    cardinals : list of Tensor [N, I, M]
        Of each layer, there.
    slopes : list of Tensor [N, K, O]
        ∂ outputs / ∂ what each layer puts out.
    """

    outputs: torch.Tensor
    places: list[torch.Tensor]
    cardinals: list[torch.Tensor]
    slopes: list[torch.Tensor]


def products(columns: torch.Tensor, slopes: torch.Tensor) -> torch.Tensor:
    """Return columns [N, I, m] of each link times slopes [N, K, O], shape [N, K, I m O]."""
    return (columns[:, None, :, :, None] * slopes[:, :, None, None, :]).flatten(2)


@torch.no_grad()
def linearise_network(
    network: KSTNetwork, x: torch.Tensor, first: torch.Tensor | None = None
) -> LinearisedNetwork:
    """Return outputs and slopes at x [N, n]; ``first`` are the cardinals of the first layer.

    With y_l what layer l puts out, ∂f/∂y_{l-1,i} = Σ_o ∂f/∂y_{l,o} f'_io(y_{l-1,i}), from the last
    layer, where it is 1, to the first.
    """
    places: list[torch.Tensor] = []
    cardinals, bends = [], []
    for place, layer in enumerate(network.each_layer()):
        u = layer.axis.at(x)
        places.append(u)
        known = first if place == 0 else None
        cardinals.append(layer.basis.cardinal(u) if known is None else known)
        if place:
            bends.append(_link_slopes(layer, u))
        x = cardinals[-1].flatten(1) @ layer.heights.flatten(0, 1)
    slopes = [torch.eye(x.shape[1], dtype=x.dtype).expand(len(x), -1, -1)]
    for bend in reversed(bends):
        slopes.append(slopes[-1] @ bend.mT)
    return LinearisedNetwork(x, places, cardinals, slopes[::-1])


def _link_slopes(layer: KSTLayer, u: torch.Tensor) -> torch.Tensor:
    """Return f'_io, [N, I, O], per unit of the inputs, at u [N, I] on the axes."""
    unit = layer.basis.cardinal_derivative(u).transpose(0, 1)  # [I, N, M]
    return (unit @ layer.heights).transpose(0, 1) / layer.axis.spread[:, None]


def network_jacobian(network: KSTNetwork, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the outputs of a network and their slopes in every height.

    A height moves its link by its cardinal function; what that does to the outputs is the product
    of the slopes of the curves behind it. The axes stand still.

    Parameters
    ----------
    network : KSTNetwork
        In float64 (``network.double()``).
    x : Tensor [N, n]
        Rows, in original units.

    Returns
    -------
    outputs : Tensor [N, K]
    jacobian : Tensor [N, K, P]
        Its last axis in the order of ``torch.nn.utils.parameters_to_vector``.

    Raises
    ------
    InputError
        If the network is not in float64.

    Examples
    --------
    >>> import torch
    >>> from superpose.fitting import network_jacobian
    >>> from superpose.networks import KSTNetwork
    >>> network = KSTNetwork([2, 3, 1], knots=8).double()
    >>> x = torch.rand(5, 2, dtype=torch.float64)
    >>> outputs, jacobian = network_jacobian(network, x)
    >>> outputs.shape, jacobian.shape  # (2 · 3 + 3 · 1) curves of 8 heights
    (torch.Size([5, 1]), torch.Size([5, 1, 72]))
    """
    found = network.each_layer()[0].heights.dtype
    if found != torch.float64:
        raise InputError("the network must be in float64", f"got {found}", "pass network.double()")
    at = linearise_network(network, x.double())
    blocks = [products(c, s) for c, s in zip(at.cardinals, at.slopes, strict=True)]
    return at.outputs, torch.cat(blocks, 2)
