"""Layers of events as a graph of the Neuromorphic Intermediate Representation (NIR).

Source: Pedersen et al. (2024), Neuromorphic intermediate representation, Nature Communications
15:8122.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from superpose.curves import DiffusedQuantizer
from superpose.errors import InputError
from superpose.optional import optional_package

__all__ = ["from_nir", "to_nir"]

SUBTRACTS = {"reset": "subtract"}


def to_nir(layers: nn.Sequential, lowest: float, highest: float) -> Any:
    """Return layers of events as a NIR graph, where that graph means the same.

    A diffused quantizer is integrate-and-fire with gain dt, threshold 1 and a reset by
    subtraction, but only while every drive is between 0 and 1 / dt: NIR knows neither relu, nor
    negative events, nor two events a step. That is decided from the weights and the range of the
    inputs, by intervals, and all else is refused; so is a `HybridLMU`, whose memory has both signs
    and no primitive. Events become 1, so the weights after them are divided by dt. NIR's own text
    resets to a voltage; that this graph subtracts stands in the metadata of its neurons, and a
    reader must do so. v starts at 0 in NIR: give it draws from U[0, 1), or lose half an event.

    Parameters
    ----------
    layers : nn.Sequential
        Of nn.Linear and DiffusedQuantizer in turn, the first of them linear.
    lowest, highest : float
        Between which every input is.

    Returns
    -------
    nir.NIRGraph
        nir.write keeps it; `from_nir` makes layers of it again.

    Raises
    ------
    MissingExtraError
        Where the package nir is not installed.
    InputError
        If a layer has no counterpart, or a drive may leave 0 to 1 / dt.

    Examples
    --------
    >>> from torch import nn
    >>> from superpose.curves import DiffusedQuantizer
    >>> from superpose.sequences import to_nir
    >>> layers = nn.Sequential(nn.Linear(2, 3), DiffusedQuantizer(nn.ReLU(), dt=1.0))
    >>> to_nir(layers, 0.0, 9.0)  # doctest: +SKIP
    Traceback (most recent call last):
    ...
    superpose.errors.InputError: NIR needs every drive between 0 and 1 / dt = 1; ...
    """
    nir = optional_package("nir", "export to NIR needs", "superpose[nir]")
    nodes: list[Any] = []
    unit = 1.0  # what an event before the next weights stands for
    low = high = torch.zeros(0)
    for place, layer in enumerate(layers):
        if isinstance(layer, nn.Linear) and place % 2 == 0:
            if place == 0:
                low, high = (torch.full((layer.in_features,), e) for e in (lowest, highest))
            low, high = _reach(layer, low, high)
            nodes.append(nir.Affine(_array(layer.weight) * unit, _array(_offset(layer))))
        elif isinstance(layer, DiffusedQuantizer) and place % 2 == 1:
            dt = float(layer.resolution.dt)
            _check_register(place, layer)
            _check_drive(place, float(low.min()), float(high.max()), dt, layer.activation)
            unit, size = 1 / dt, len(low)
            low, high = torch.zeros(size), torch.full((size,), unit)
            flat = np.ones(size)
            nodes.append(nir.IF(r=dt * flat, v_threshold=flat, metadata=SUBTRACTS))
        else:
            raise InputError(
                "NIR takes nn.Linear and DiffusedQuantizer in turn, the first of them linear",
                f"found {type(layer).__name__} at place {place}",
                "export to ONNX with onnx_step, or rebuild the network of these two",
            )
    return nir.NIRGraph.from_list(*nodes)


def from_nir(graph: Any) -> nn.Sequential:
    """Return the layers of a graph that `to_nir` wrote, events of 1 / dt again.

    Parameters
    ----------
    graph : nir.NIRGraph
        A chain of Affine and IF nodes, in the order of its nodes.

    Returns
    -------
    nn.Sequential
        In float64 and evaluation mode; it counts as the layers that were written.

    Raises
    ------
    InputError
        If a node is of another kind, or does not reset by subtraction.

    Examples
    --------
    >>> import nir  # doctest: +SKIP
    >>> from superpose.sequences import from_nir  # doctest: +SKIP
    >>> from_nir(nir.read("layers.nir"))  # doctest: +SKIP
    Sequential(...)
    """
    layers: list[nn.Module] = []
    unit = 1.0
    for node in _in_order(graph):
        kind = type(node).__name__
        if kind == "Affine":
            linear = nn.Linear(*reversed(node.weight.shape)).double()
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(np.array(node.weight)) / unit)
                linear.bias.copy_(torch.from_numpy(np.array(node.bias)))
            layers.append(linear)
        elif kind == "IF" and dict(node.metadata).get("reset") in ("subtract", b"subtract"):
            dt = _resolution(node)
            layers.append(DiffusedQuantizer(nn.ReLU(), dt=dt).double())
            unit = 1 / dt
        else:
            raise InputError(
                "a graph must be of Affine nodes and of IF nodes that reset by subtraction",
                f"found {kind} with the metadata {getattr(node, 'metadata', {})}",
                "read graphs that to_nir wrote",
            )
    return nn.Sequential(*layers).eval()


def _resolution(node: Any) -> float:
    """Return dt of an integrator: what all its neurons gain in a step, over their threshold."""
    gains = np.asarray(node.r) / np.asarray(node.v_threshold)
    if not (gains == gains.flat[0]).all():
        raise InputError(
            "the neurons of an IF node must have one gain, which is dt",
            f"found r / v_threshold from {gains.min():g} to {gains.max():g}",
            "read graphs that to_nir wrote",
        )
    return float(gains.flat[0])


def _in_order(graph: Any) -> list[Any]:
    """Return the nodes of a chain, without its ends."""
    after = dict(graph.edges)
    place = "input"
    found: list[Any] = []
    while after.get(place, "output") != "output" and len(found) < len(graph.nodes):
        place = after[place]
        found.append(graph.nodes[place])
    if after.get(place) != "output":
        raise InputError(
            "a graph must be a chain from its input to its output",
            f"found one that does not arrive: its last node is {place!r}",
            "read graphs that to_nir wrote",
        )
    return found


def _reach(
    layer: nn.Linear, low: torch.Tensor, high: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return between which a linear map of numbers from low to high is: W⁺ low + W⁻ high + b."""
    weight = layer.weight.detach().double()
    up, down, offset = weight.clamp(min=0), weight.clamp(max=0), _offset(layer).detach().double()
    low, high = low.double(), high.double()
    return up @ low + down @ high + offset, up @ high + down @ low + offset


def _check_register(place: int, layer: DiffusedQuantizer) -> None:
    if layer.register is not None:
        raise InputError(
            "NIR integrates exactly, without a register of whole numbers",
            f"found register={layer.register} at place {place}",
            "make the quantizer without one, or export with IntegerHybrid",
        )


def _check_drive(place: int, low: float, high: float, dt: float, activation: Any) -> None:
    if not (activation is torch.relu or isinstance(activation, nn.ReLU)):
        raise InputError(
            "NIR has integrators, not other curves",
            f"found the activation {activation} at place {place}",
            "use relu, or export to ONNX with onnx_step",
        )
    if not (low >= 0 and high * dt <= 1):
        raise InputError(
            f"NIR needs every drive between 0 and 1 / dt = {1 / dt:g}",
            f"found that drives at place {place} may go from {low:.3g} to {high:.3g}",
            "lower dt, raise the offsets above 0, or export to ONNX with onnx_step",
        )


def _offset(layer: nn.Linear) -> torch.Tensor:
    return layer.weight.new_zeros(layer.out_features) if layer.bias is None else layer.bias


def _array(tensor: torch.Tensor) -> np.ndarray:
    return np.asarray(tensor.detach().double().numpy())
