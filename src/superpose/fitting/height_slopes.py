"""Outputs of any torch network, and how they move with the heights of the layers of curves in it.

Of a layer y_o = Σ_i c(x_i)ᵀ z_io inside a network f, the chain rule gives
∂f_k / ∂z_imo = c_m(x_i) ∂f_k / ∂y_o: cardinal functions times slopes, which back-propagation has.
Both are kept apart, because sums over rows are then products of small matrices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import nn

from superpose.errors import InputError
from superpose.networks import KSTLayer


@dataclass(frozen=True)
class HeightSlopes:
    """What N rows say about the heights of L layers; P = Σ I M O counts all heights.

    Attributes
    ----------
    outputs : Tensor [N, K]
    cardinals : list of Tensor [N, I M]
        Of each layer.
    slopes : list of Tensor [N, K, O]
        ∂ outputs / ∂ what each layer puts out.
    layers : sequence of KSTLayer
    places : list of Tensor [N, I]
        Of their inputs, on their axes.
    inputs : list of Tensor [N, I]
        Of every layer of curves in the network, those that are held fixed too.
    """

    outputs: torch.Tensor
    cardinals: list[torch.Tensor]
    slopes: list[torch.Tensor]
    layers: Sequence[KSTLayer]
    places: list[torch.Tensor]
    inputs: list[torch.Tensor]

    @cached_property
    def left_open(self) -> list[torch.Tensor]:
        """Σ_i v0 of each layer, [N]: what known heights leave open in every one of its outputs."""
        every = zip(self.layers, self.places, strict=True)
        return [_left_open(layer, u).sum(1) for layer, u in every]

    def gram(self, weights: torch.Tensor) -> torch.Tensor:
        """Return Σ_n J_nᵀ W_n J_n, [P, P], for weights W [N, K, K]."""
        rows = []
        for c, s in zip(self.cardinals, self.slopes, strict=True):
            weighted = s.mT @ weights
            every = zip(self.cardinals, self.slopes, strict=True)
            blocks = [torch.einsum("na,nop,nb->aobp", c, weighted @ t, d) for d, t in every]
            rows.append(torch.cat([it.flatten(2).flatten(0, 1) for it in blocks], 1))
        return torch.cat(rows)

    def covariance(self, of_heights: torch.Tensor, prior_variance: float) -> torch.Tensor:
        """Return J S Jᵀ of the outputs, [N, K, K], with what the heights leave open."""
        sizes = [c.shape[1] * s.shape[2] for c, s in zip(self.cardinals, self.slopes, strict=True)]
        total = self.outputs.new_zeros(*self.outputs.shape, self.outputs.shape[1])
        for i, rows in enumerate(of_heights.split(sizes)):
            c, s = self.cardinals[i], self.slopes[i]
            for j, block in enumerate(rows.split(sizes, 1)):
                d, t = self.cardinals[j], self.slopes[j]
                shaped = block.reshape(c.shape[1], s.shape[2], d.shape[1], t.shape[2])
                total = total + s @ torch.einsum("na,aobp,nb->nop", c, shaped, d) @ t.mT
            total = total + prior_variance * self.left_open[i][:, None, None] * (s @ s.mT)
        return total


def height_slopes(model: nn.Module, layers: Sequence[KSTLayer], X: torch.Tensor) -> HeightSlopes:
    """Return outputs at rows X, and what moves them, for some of the layers of a network.

    Parameters
    ----------
    model : nn.Module
        In float64 and in evaluation mode; every row's outputs [N, K] depend on this row alone.
    layers : sequence of KSTLayer
        Whose heights may move.
    X : Tensor [N, ..]
        Rows, as the model takes them.

    Raises
    ------
    InputError
        If a layer is not called once with one row of numbers a row, or outputs are not [N, K].
    """
    called: dict[KSTLayer, list[tuple[torch.Tensor, torch.Tensor]]] = {}
    hooks = [it.register_forward_hook(_note(called)) for it in curve_layers(model)]
    try:
        with torch.enable_grad():
            outputs = model(X)
    finally:
        for hook in hooks:
            hook.remove()
    _check(called, layers, outputs, len(X))
    put_out = [called[layer][0][1] for layer in layers]
    slopes = [
        torch.autograd.grad(column.sum(), put_out, retain_graph=True)
        for column in outputs.unbind(1)
    ]
    inputs = {layer: calls[0][0].detach() for layer, calls in called.items()}
    places = [layer.axis.at(inputs[layer]) for layer in layers]
    return HeightSlopes(
        outputs.detach(),
        [layer.basis.cardinal(u).flatten(1) for layer, u in zip(layers, places, strict=True)],
        [torch.stack([row[i] for row in slopes], 1) for i in range(len(layers))],
        layers,
        places,
        list(inputs.values()),
    )


def curve_layers(model: nn.Module) -> list[KSTLayer]:
    """Return the layers of curves of a network, in the order in which they were given to it."""
    return [module for module in model.modules() if isinstance(module, KSTLayer)]


def _left_open(layer: KSTLayer, u: torch.Tensor) -> torch.Tensor:
    """Return v0 of `GPBasis.conditional_variance` at u [N, I] on the axes of a layer."""
    return layer.basis.dense().conditional_variance(u.flatten().cpu()).reshape(u.shape).to(u)


def _note(
    called: dict[KSTLayer, list[tuple[torch.Tensor, torch.Tensor]]],
) -> Callable[[nn.Module, tuple[torch.Tensor, ...], torch.Tensor], None]:
    def note(layer: nn.Module, given: tuple[torch.Tensor, ...], out: torch.Tensor) -> None:
        assert isinstance(layer, KSTLayer)
        called.setdefault(layer, []).append((given[0], out))

    return note


def _check(
    called: dict[KSTLayer, list[tuple[torch.Tensor, torch.Tensor]]],
    layers: Sequence[KSTLayer],
    outputs: torch.Tensor,
    n_rows: int,
) -> None:
    calls = [len(called.get(layer, ())) for layer in layers]
    shapes = [tuple(called[layer][0][1].shape) for layer in layers if called.get(layer)]
    flat = all(len(shape) == 2 and shape[0] == n_rows for shape in shapes)
    if set(calls) != {1} or not flat or outputs.ndim != 2 or len(outputs) != n_rows:
        raise InputError(
            "every layer of curves must be called once, with one row of numbers a row of X, and "
            "the outputs must be [N, K]",
            f"got {calls} calls, layers that put out {shapes}, and outputs "
            f"{tuple(outputs.shape)} for {n_rows} rows",
            "pass a network of this kind, or the part of it from the features on",
        )
