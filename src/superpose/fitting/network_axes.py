"""Where the axes of a network stand: over its inputs, and over the inner sums as these move."""

from __future__ import annotations

import torch

from superpose.networks import KSTLayer, KSTNetwork, RunningAxis

MARGIN = 1.15
"""Half width of an axis over half the range of what falls on it. The knots beyond the outermost
rows give a curve the freedom at its ends that interpolation alone would take away."""
FULL, EMPTY = 1.0, 0.4
"""Of an axis: where rows end when it is too short, and too long."""


@torch.no_grad()
def cover_inputs(network: KSTNetwork, x: torch.Tensor) -> None:
    """Let the axes of the first layer reach over the rows x [N, n], unless they have bounds.

    The curves move with them, as in `cover_sums`.
    """
    layer = network.each_layer()[0]
    if layer.axis.runs:
        middle, spread = _middle(x)
        _move(layer, middle, spread)
        _set(layer.axis, middle, spread)
    _seen(layer.axis, x)


@torch.no_grad()
def cover_sums(network: KSTNetwork, x: torch.Tensor) -> None:
    """Let the axes between layers reach over the inner sums of the rows x [N, n], from -1 to 1.

    Curves on an axis that moves are interpolated at its new knots, so the function changes by what
    the curves of these knots cannot say. Then inner sums are moved and rescaled so that the axis
    has centre 0 and spread 1, which changes nothing.
    """
    layers = network.each_layer()
    for before, layer in zip([None, *layers], layers, strict=False):
        if before is not None:
            middle, spread = _middle(x)
            _move(layer, middle, spread)
            before.heights.sub_(middle / before.in_features).div_(spread)
            x = (x - middle) / spread
            _set(layer.axis, torch.zeros_like(middle), torch.ones_like(spread))
            _seen(layer.axis, x)
        x = layer.basis.sum(layer.axis.at(x), layer.heights)


def on_their_axes(u: torch.Tensor) -> bool:
    """Whether places u [N, I] on axes fill them, and leave a margin."""
    low, high = torch.aminmax(u, dim=0)
    reach = torch.maximum(-low, high)
    return bool((reach <= FULL).all() and (reach >= EMPTY).all())


@torch.no_grad()
def note_what_was_seen(network: KSTNetwork, x: torch.Tensor) -> None:
    """Write down on every axis the range of what falls on it."""
    for layer in network.each_layer():
        _seen(layer.axis, x)
        layer.axis.batches.fill_(1.0)
        x = layer.basis.sum(layer.axis.at(x), layer.heights)


def _middle(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return centre and half width [I] of axes over x [N, I]; a constant gets width 1."""
    low, high = torch.aminmax(x, dim=0)
    half = MARGIN * (high - low) / 2
    return (low + high) / 2, torch.where(half > 1e-9 * (1 + x.abs().amax(0)), half, 1.0)


def _move(layer: KSTLayer, centre: torch.Tensor, spread: torch.Tensor) -> None:
    """Interpolate the curves of a layer at the knots of other axes."""
    places = centre + spread * layer.basis.knots[:, None]  # [M, I]
    at = layer.basis.cardinal(layer.axis.at(places))  # [M, I, M]
    layer.heights.copy_(at.transpose(0, 1) @ layer.heights)


def _set(axis: RunningAxis, centre: torch.Tensor, spread: torch.Tensor) -> None:
    axis.centre.copy_(centre)
    axis.variance.copy_((spread / axis.reach) ** 2)


def _seen(axis: RunningAxis, x: torch.Tensor) -> None:
    low, high = torch.aminmax(x, dim=0)
    axis.lowest.copy_(low)
    axis.highest.copy_(high)
