"""A network between units: trained in standard ones, read in those of a table."""

from __future__ import annotations

import copy
from collections import Counter
from typing import TypeGuard

import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from superpose.networks.kst_head import KSTHead
from superpose.networks.kst_layer import KSTLayer
from superpose.networks.kst_network import KSTNetwork
from superpose.networks.nodewise_layer import NodewiseLayer
from superpose.networks.slnn import SLNN

CONTAINERS = (nn.Sequential, nn.ModuleList, KSTNetwork, SLNN, NodewiseLayer, KSTHead)
KNOWN = (*CONTAINERS, KSTLayer, nn.Linear)
"""Modules between the end of a network and the layer that stands there, and such layers."""
LOST = 1e-3
"""A number may lose so much of its standard deviation when a unit goes into a linear map."""


class Scaled(nn.Module):
    """f(x) = centre_y + spread_y · network((x - centre_x) / spread_x).

    Parameters
    ----------
    network : Module
        From standardised rows to standardised outputs.
    centre_x, spread_x : Tensor [n]
        Of the rows, in units of each column.
    centre_y, spread_y : Tensor [K]
        Of the outputs.

    Attributes
    ----------
    network : Module

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from superpose.networks import Scaled
    >>> one = torch.ones(1)
    >>> scaled = Scaled(nn.Identity(), 20 * one, 10 * one, 1000 * one, 100 * one)
    >>> scaled(torch.tensor([[30.0]])).item()
    1100.0
    """

    centre_x: torch.Tensor
    spread_x: torch.Tensor
    centre_y: torch.Tensor
    spread_y: torch.Tensor

    def __init__(
        self,
        network: nn.Module,
        centre_x: torch.Tensor,
        spread_x: torch.Tensor,
        centre_y: torch.Tensor,
        spread_y: torch.Tensor,
    ) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("centre_x", centre_x)
        self.register_buffer("spread_x", spread_x)
        self.register_buffer("centre_y", centre_y)
        self.register_buffer("spread_y", spread_y)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs in their own units, of rows in theirs."""
        y: torch.Tensor = self.network(self.standard(x))
        return (self.centre_y + self.spread_y * y).to(y.dtype)

    def standard(self, x: torch.Tensor) -> torch.Tensor:
        """Return rows as the network takes them: in standard units, of its dtype.

        Whole numbers stay so where a network with an embedding reads them.
        """
        if not x.is_floating_point() and reads_codes(self.network):
            return x
        dtype = next(self.network.parameters(), self.centre_x).dtype
        return ((x - self.centre_x) / self.spread_x).to(dtype)

    def folded(self) -> nn.Module:
        """Return the network with these units inside it, where its ends can take them.

        The first layer takes those of the rows and the last those of the outputs if they are
        `KSTLayer`, `KSTHead` or ``nn.Linear`` with a bias; a `KSTNetwork`, an `SLNN` and a
        ``Sequential`` are looked into. What cannot be taken stays outside, in a `Scaled`: units of
        modules with a ``forward`` or hooks of their own, and of layers whose weights are computed
        (weight norm) or shared. This network is not changed.
        """
        rest = copy.deepcopy(self)
        first, last = first_layer(rest.network), last_layer(rest.network)
        with torch.no_grad():
            if _is_read(rest.network, first) and _takes_rows(first, self.centre_x, self.spread_x):
                _into_rows(first, self.centre_x, self.spread_x)
                rest.centre_x.fill_(0)
                rest.spread_x.fill_(1)
                rest.network.__dict__["rows_in_units"] = True
            if _is_read(rest.network, last) and _takes_outputs(last):
                _into_outputs(last, self.centre_y, self.spread_y)
                rest.centre_y.fill_(0)
                rest.spread_y.fill_(1)
                rest.network.__dict__["outputs_in_units"] = True
        return rest.network if rest._is_nothing() else rest

    def _is_nothing(self) -> bool:
        shifted = any(bool(it.any()) for it in (self.centre_x, self.centre_y))
        return not shifted and all(bool((it == 1).all()) for it in (self.spread_x, self.spread_y))


@torch.no_grad()
def between_units(
    network: nn.Module,
    centre_x: torch.Tensor,
    spread_x: torch.Tensor,
    centre_y: torch.Tensor,
    spread_y: torch.Tensor,
) -> Scaled:
    """Return a network between these units, so that it is in standard ones itself.

    If `Scaled.folded` has put units into it, which it notes there, they are taken out in place:
    its function stays the same. Units that had to stay outside, in a `Scaled`, stay as they are.
    """
    if isinstance(network, Scaled):
        scaled = network
    else:
        scaled = Scaled(network, centre_x, spread_x, centre_y, spread_y)
    inside = scaled.network
    if inside.__dict__.pop("rows_in_units", False):
        _into_rows(first_layer(inside), -centre_x / spread_x, 1 / spread_x)
        scaled.centre_x, scaled.spread_x = centre_x, spread_x
    if inside.__dict__.pop("outputs_in_units", False):
        _into_outputs(last_layer(inside), -centre_y / spread_y, 1 / spread_y)
        scaled.centre_y, scaled.spread_y = centre_y, spread_y
    return scaled


def reads_codes(network: nn.Module) -> bool:
    """Whether whole numbers may be codes to a network, because it has an embedding."""
    return any(isinstance(it, nn.Embedding | nn.EmbeddingBag) for it in network.modules())


def first_layer(network: nn.Module) -> nn.Module:
    """Return the layer that reads the rows, as far as it can be told."""
    if isinstance(network, nn.Sequential) and len(network):
        return first_layer(network[0])
    if isinstance(network, KSTNetwork | SLNN):
        return first_layer(network.layers[0])
    if isinstance(network, NodewiseLayer):
        return network.linear
    return network.curves if isinstance(network, KSTHead) else network


def last_layer(network: nn.Module) -> nn.Module:
    """Return the layer that gives the outputs, as far as it can be told."""
    if isinstance(network, nn.Sequential) and len(network):
        return last_layer(network[-1])
    return last_layer(network.layers[-1]) if isinstance(network, KSTNetwork | SLNN) else network


def stand_on_standard_axes(network: nn.Module) -> None:
    """Let axes of the first layer that run stand, over rows of mean 0 and standard deviation 1.

    What all rows say of the columns is better known than what a batch says. `Scaled.folded` puts
    the units in.
    """
    first = first_layer(network)
    if isinstance(first, KSTLayer) and first.axis.runs:
        first.axis.runs = False
        first.axis.centre.fill_(0)
        first.axis.variance.fill_(1)


def _is_read(network: nn.Module, layer: nn.Module) -> bool:
    """Whether nothing but what this library knows stands between a layer and the network's end."""
    around = [it for it in network.modules() if layer in it.modules()]
    uses = Counter(id(it) for _, it in network.named_parameters(remove_duplicate=False))
    return all(map(_is_known, around)) and all(uses[id(it)] == 1 for it in layer.parameters())


def _is_known(module: nn.Module) -> bool:
    """Whether a module computes what its kind does, of parameters that it holds."""
    hooked = module._forward_hooks or module._forward_pre_hooks
    as_known = any(type(module).forward is kind.forward for kind in KNOWN)
    return as_known and not hooked and not is_parametrized(module)


def _takes_rows(layer: nn.Module, centre: torch.Tensor, spread: torch.Tensor) -> bool:
    """Whether a layer can hold the units of the rows, and its numbers do not lose them."""
    if not (_is_affine(layer) or isinstance(layer, KSTLayer)):
        return False
    eps = torch.finfo(next(layer.parameters()).dtype).eps
    return bool((centre.abs() * eps <= LOST * spread).all())


def _into_rows(layer: nn.Module, centre: torch.Tensor, spread: torch.Tensor) -> None:
    """W (x - m) / s + b = (W / s) x + b - (W / s) m; an axis moves to m + s centre."""
    if _is_affine(layer):
        weight = layer.weight.double() / spread
        layer.bias.sub_(weight @ centre)
        layer.weight.copy_(weight)
    elif isinstance(layer, KSTLayer):
        axis = layer.axis
        axis.variance.mul_(spread**2)
        for place in (axis.centre, axis.lowest, axis.highest):
            place.copy_(centre + spread * place)


def _is_affine(layer: nn.Module) -> TypeGuard[nn.Linear]:
    return isinstance(layer, nn.Linear) and layer.bias is not None


def _takes_outputs(layer: nn.Module) -> bool:
    return _is_affine(layer) or isinstance(layer, KSTLayer | KSTHead)


def _into_outputs(layer: nn.Module, centre: torch.Tensor, spread: torch.Tensor) -> None:
    """Multiply what a layer gives and shift it; of a sum of curves each takes its share."""
    if isinstance(layer, KSTLayer):
        layer.heights.mul_(spread).add_(centre / layer.in_features)
    elif isinstance(layer, KSTHead):
        layer.curves.heights.mul_(spread)
        layer.bias.mul_(spread).add_(centre)
    elif isinstance(layer, nn.Linear):
        layer.weight.mul_(spread[:, None])
        layer.bias.mul_(spread).add_(centre)
