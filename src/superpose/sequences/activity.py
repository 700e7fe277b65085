"""What a network of events does: counts of activity, and the operations that follow from them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from superpose.sequences.bits import bit_length, popcount, significant_bits
from superpose.sequences.energy_tables import access_picojoule
from superpose.sequences.hybrid_lmu import HybridLMU

__all__ = ["Operations", "PopulationActivity", "measure_activity", "operations_of"]

FLOAT_BITS, FLOAT_BYTES = 32, 4
MANY_VALUES = 10**6


@dataclass(frozen=True)
class PopulationActivity:
    """Counts n of one population, means over its neurons, steps and sequences.

    Attributes
    ----------
    name : str
        Of the population.
    neurons, fan_out : int
        How many there are, and how many weights each is multiplied by.
    events : float
        Share of n that are not 0: events a neuron a step.
    size : float
        Mean of ``|n|``.
    bits : float
        ``⌊log₂|n|⌋ + 1``, one more for the sign where the population has both, 0 of 0.
    significant_bits : float
        Without the zeros at the end, without sign.
    popcount : float
        Ones in ``|n|``.
    single : float
        Share of n that are 1 or -1.
    graded_popcount : float
        Mean of the ones in those ``|n|`` that are 2 or more, all others counted as 0.
    largest : int
        Of ``|n|``.
    range_bits : float
        log₂ of how many levels there are from the lowest n to the highest.
    """

    name: str
    neurons: int
    fan_out: int
    events: float
    size: float
    bits: float
    significant_bits: float
    popcount: float
    single: float
    graded_popcount: float
    largest: int
    range_bits: float

    @property
    def sparsity(self) -> float:
        """Share of n that are 0."""
        return 1 - self.events


@dataclass(frozen=True)
class Operations:
    """What one step of one sequence costs, in operations; each kind in its own column.

    Attributes
    ----------
    multiply_adds : float
        Of floats: the exact memory and the encoders; of a plain network everything.
    adds : float
        Of a weight, for an event of 1 or -1.
    graded : float
        Products of a weight with a larger count.
    graded_adds : float
        Shifted additions that make those products, one a one in ``|n|``.
    spikes : float
        Additions if every unit of ``|n|`` were an event of its own.
    connections : int
        Weights there are, the exact memory's included.
    updates : int
        Neurons.
    accesses : float
        Reads and writes of 4 bytes, of weights and states.
    access_picojoule : float
        What those cost, by the size of the array each stands in.
    """

    multiply_adds: float
    adds: float
    graded: float
    graded_adds: float
    spikes: float
    connections: int
    updates: int
    accesses: float
    access_picojoule: float


class _Sums:
    """Sums over counts as they come."""

    def __init__(self) -> None:
        self.count, self.lowest, self.highest = 0, 0, 0
        self.sums = torch.zeros(6, dtype=torch.float64)

    def add(self, counts: torch.Tensor) -> None:
        n, often = _tallied(counts)
        size = n.abs()
        parts = (size > 0, size, bit_length(n), significant_bits(n), popcount(n), size == 1)
        self.sums += torch.stack([(part * often).sum() for part in parts])
        self.count += counts.numel()
        self.lowest = min(self.lowest, int(n.min()))
        self.highest = max(self.highest, int(n.max()))

    def population(self, name: str, neurons: int, fan_out: int) -> PopulationActivity:
        events, size, bits, significant, ones, single = (self.sums / self.count).tolist()
        signed = self.lowest < 0 < self.highest
        return PopulationActivity(
            name,
            neurons,
            fan_out,
            events,
            size,
            bits + events * signed,
            significant,
            ones,
            single,
            ones - single,
            max(-self.lowest, self.highest),
            math.log2(self.highest - self.lowest + 1),
        )


def measure_activity(model: HybridLMU, x: torch.Tensor) -> tuple[PopulationActivity, ...]:
    """Return what the two populations of a network do along sequences x [B, T, I]."""
    fans = {"memory readout": model.read.out_features, "hidden": hidden_fan_out(model)}
    sizes = dict(zip(fans, (model.read.in_features, model.read.out_features), strict=True))
    if model.quantizer == "none":
        return tuple(_plain(name, sizes[name], fans[name]) for name in fans)
    found = {name: _Sums() for name in fans}
    with evaluated(model):
        for rows in x.split(16):
            run = model.run(rows)
            found["memory readout"].add(model.memory_quantizer.counts(run.memory))
            found["hidden"].add(model.hidden_quantizer.counts(run.hidden))
    return tuple(found[name].population(name, sizes[name], fans[name]) for name in fans)


def mean_bits(populations: tuple[PopulationActivity, ...]) -> float:
    """Return the mean bits over all neurons of a network."""
    neurons = sum(p.neurons for p in populations)
    return sum(p.neurons * p.bits for p in populations) / neurons


def hidden_fan_out(model: HybridLMU) -> int:
    """Return how many weights an event of a hidden neuron meets."""
    back = (model.recur, model.encode_hidden)
    return model.head.out_features + sum(way.out_features for way in back if way is not None)


def operations_of(model: HybridLMU, populations: tuple[PopulationActivity, ...]) -> Operations:
    """Return what one step costs: the exact part always, the rest by events or all of it."""
    d, q = model.encode.out_features, model.memory.order
    inputs = model.encode.in_features * (d + (model.read.out_features if model.read_input else 0))
    exact = d * q * q + d * q + inputs
    plain = model.quantizer == "none"
    used = [(p, p.neurons * p.fan_out) for p in populations]
    by_events = [0.0 if plain else weights * p.events for p, weights in used]
    singles = sum(weights * p.single for p, weights in used)
    neurons = sum(p.neurons for p in populations)
    # what is read and written, with the bytes of the array it stands in
    places: list[tuple[float, int]] = [
        (exact, exact * FLOAT_BYTES),
        (2 * d * q, d * q * FLOAT_BYTES),
    ]
    for (p, weights), events in zip(used, by_events, strict=True):
        places.append((weights if plain else events, weights * FLOAT_BYTES))
        places.append((2 * p.neurons * p.events, p.neurons * FLOAT_BYTES))
        if model.quantizer == "diffused":
            places.append((2 * p.neurons, p.neurons * FLOAT_BYTES))  # v
    return Operations(
        multiply_adds=exact + sum(weights for _, weights in used) * plain,
        adds=0.0 if plain else singles,
        graded=0.0 if plain else sum(by_events) - singles,
        graded_adds=0.0 if plain else sum(weights * p.graded_popcount for p, weights in used),
        spikes=0.0 if plain else sum(weights * p.size for p, weights in used),
        connections=exact + sum(weights for _, weights in used),
        updates=neurons,
        accesses=sum(count for count, _ in places),
        access_picojoule=sum(count * access_picojoule(size) for count, size in places),
    )


def _tallied(counts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the values that occur, and how often: there are far fewer than counts."""
    lowest = counts.min()
    if int(counts.max() - lowest) > MANY_VALUES:
        n, often = torch.unique(counts, return_counts=True)
        return n, often.double()
    often = torch.bincount((counts - lowest).flatten())
    return torch.arange(len(often), device=counts.device) + lowest, often.double()


@contextmanager
def evaluated(model: torch.nn.Module) -> Iterator[None]:
    """Evaluation mode, without gradients; the mode is put back."""
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(training)


def _plain(name: str, neurons: int, fan_out: int) -> PopulationActivity:
    bits = float(FLOAT_BITS)
    return PopulationActivity(
        name, neurons, fan_out, 1.0, math.nan, bits, bits, math.nan, 0.0, 0.0, 0, bits
    )
