"""Where the fit of a network begins: narrower networks of the same kind, with random curves."""

from __future__ import annotations

import copy

import torch

from superpose.fitting.solving.network_axes import cover_inputs, cover_sums
from superpose.fitting.solving.white_heights import all_directions, write_coefficients
from superpose.networks import KSTNetwork

BENT, STEEP = 0.3, 0.5
"""Standard deviations of bends and slopes: inner curves that differ clearly from lines and from one
another, on axes from -1 to 1."""


def narrower(network: KSTNetwork, width: int, generator: torch.Generator) -> KSTNetwork:
    """Return a network in float64 with at most ``width`` numbers between its layers.

    Kernel, length scale, knots and the axes of the inputs are those of ``network``.
    """
    layers = network.each_layer()
    basis = layers[0].basis
    hidden = [min(width, layer.out_features) for layer in layers[:-1]]
    widths = [layers[0].in_features, *hidden, layers[-1].out_features]
    found = KSTNetwork(
        widths,
        basis.n_heights,
        basis.kernel_name,
        length_scale=basis.length_scale,
        generator=generator,
    )
    found.each_layer()[0].axis = copy.deepcopy(layers[0].axis)
    return found.double().eval().requires_grad_(False)


def draw(network: KSTNetwork, x: torch.Tensor, generator: torch.Generator) -> KSTNetwork:
    """Return a copy with random curves, its axes over the rows x [N, n] and their inner sums.

    The curves of the last layer are straight: its best curves for the random ones before it follow
    in the first step.
    """
    network = copy.deepcopy(network)
    coefficients = []
    for layer in network.each_layer():
        last = layer is network.each_layer()[-1]
        shape = layer.in_features, layer.basis.n_heights - 1, layer.out_features
        drawn = torch.randn(shape, generator=generator, dtype=torch.float64)
        drawn[:, :-1] *= 0.0 if last else BENT
        drawn[:, -1] *= STEEP
        coefficients += [drawn.flatten(), torch.zeros(layer.out_features, dtype=torch.float64)]
    cover_inputs(network, x)
    write_coefficients(network, torch.cat(coefficients), all_directions(network))
    cover_sums(network, x)
    return network
