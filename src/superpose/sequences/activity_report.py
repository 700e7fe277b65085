"""Events, bits and energy of a hybrid network, beside what it has to be held against."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd
import torch

from superpose.errors import InputError
from superpose.sequences.activity import (
    Operations,
    PopulationActivity,
    evaluated,
    mean_bits,
    measure_activity,
    operations_of,
)
from superpose.sequences.energy_tables import ARITHMETIC, DEVICES
from superpose.sequences.hybrid_lmu import HybridLMU

__all__ = ["ActivityReport", "NetworkActivity", "activity_report"]

DEFINITIONS = """\
bits: floor(log2|n|) + 1 of a count n, one more for the sign where a population has both, 0 of 0.
significant bits: without the zeros at the end, without sign. Means over neurons, steps, sequences;
"multiplying each weight" is the mean over all products of a weight with a count, zeros included.
energy: nJ a step. Arithmetic is multiply-adds of floats, and for counts one addition a one in |n|;
shifts are free. Memory is every 4-byte read and write by the size of its array. The Legendre memory
is exact in all networks and never cheaper. Devices count units of |n| as events; a plain network
does not run on those that need events."""


@dataclass(frozen=True)
class NetworkActivity:
    """One network of a report.

    Attributes
    ----------
    name : str
        What it is.
    dt : float
        Events a unit of activity a step; infinite of the plain network.
    populations : tuple of PopulationActivity
        The memory's readout, and the hidden state.
    operations : Operations
        Of one step.
    accuracy : float
        Share of sequences whose largest output is their label; NaN without labels.
    """

    name: str
    dt: float
    populations: tuple[PopulationActivity, ...]
    operations: Operations
    accuracy: float

    @property
    def bits(self) -> float:
        """Mean over all neurons."""
        return mean_bits(self.populations)

    @property
    def significant_bits(self) -> float:
        """Mean over all products of a weight with a count: "multiplying each weight"."""
        products = sum(p.neurons * p.fan_out for p in self.populations)
        return sum(p.neurons * p.fan_out * p.significant_bits for p in self.populations) / products


@dataclass(frozen=True)
class ActivityReport:
    """What `activity_report` found; `to_frame`, `energy` and `str` are three ways to read it.

    Attributes
    ----------
    networks : tuple of NetworkActivity
        The network itself, the memoryless one of the same bits, and the plain one.
    steps : int
        Of a sequence.
    """

    networks: tuple[NetworkActivity, ...]
    steps: int

    def to_frame(self) -> pd.DataFrame:
        """Return a row a network and population: activity, as `PopulationActivity` has it."""
        rows = [
            {"network": network.name, "dt": network.dt, "accuracy": network.accuracy}
            | {"population": p.name, "sparsity": p.sparsity}
            | {key: value for key, value in vars(p).items() if key != "name"}
            for network in self.networks
            for p in network.populations
        ]
        return pd.DataFrame(rows)

    def operations(self) -> pd.DataFrame:
        """Return a row a network: kinds of operations of one step, as `Operations` has them."""
        rows = [{"network": each.name} | vars(each.operations) for each in self.networks]
        return pd.DataFrame(rows)

    def energy(self) -> pd.DataFrame:
        """Return a row a network and cost table: nJ a step, with the source of the table.

        Columns: network, table, arithmetic, memory, total, source. Of a whole device only the
        total is known.
        """
        rows = []
        for network in self.networks:
            done = network.operations
            adds = done.adds + done.graded_adds
            for cost in ARITHMETIC:
                picojoule = done.multiply_adds * cost.multiply_add + adds * cost.add
                parts = 1e-3 * picojoule, 1e-3 * done.access_picojoule, cost.source
                rows.append((network.name, cost.name, *parts))
            for device in DEVICES:
                by_events = done.multiply_adds + done.spikes
                runs = math.nan if math.isinf(network.dt) else by_events
                operations = runs if device.by_events else done.connections
                joule = operations * device.operation + done.updates * device.update
                rows.append((network.name, device.name, 1e9 * joule, 0.0, device.source))
        frame = pd.DataFrame(rows, columns=["network", "table", "arithmetic", "memory", "source"])
        frame.insert(4, "total", frame.arithmetic + frame.memory)
        return frame

    def __str__(self) -> str:
        summary = pd.DataFrame(
            [
                {
                    "network": each.name,
                    "dt": each.dt,
                    "accuracy": each.accuracy,
                    "bits": each.bits,
                    "significant bits a product": each.significant_bits,
                }
                for each in self.networks
            ]
        )
        energy = self.energy().pivot_table(
            index=["table", "source"], columns="network", values="total", sort=False
        )
        ordered = energy[[each.name for each in self.networks]]
        number = "{:.4g}".format
        parts = (summary, self.to_frame().drop(columns=["dt", "accuracy"]), self.operations())
        tables = [part.to_string(index=False, float_format=number) for part in parts]
        tables.append("nJ a step\n" + ordered.to_string(float_format=number))
        return "\n\n".join([*tables, DEFINITIONS])


def activity_report(
    model: HybridLMU, x: torch.Tensor, labels: torch.Tensor | None = None
) -> ActivityReport:
    """Measure the events, bits, operations and energy of a network along sequences.

    Beside it stand what it has to be held against: the same weights rounded without memory, at
    the dt that gives the same mean bits, and the same weights unquantized. A network that was
    trained with one quantizer is at home with it: compare with one trained for rounding, too.

    Parameters
    ----------
    model : HybridLMU
        With a quantizer.
    x : Tensor [B, T, I]
        Sequences, for instance a few tens of a test set.
    labels : Tensor [B] of int, optional
        Classes, for the accuracy.

    Returns
    -------
    ActivityReport
        ``print`` it; the definitions of its measures are printed with it.

    Raises
    ------
    InputError
        If the network is not quantized, or emits nothing.

    Examples
    --------
    >>> import torch
    >>> from superpose.sequences import HybridLMU, activity_report
    >>> model = HybridLMU(1, 16, 2, order=8, theta=50, dt=4.0, window=4)
    >>> report = activity_report(model, torch.sin(torch.arange(200.0) / 8).reshape(4, 50, 1))
    >>> print(report.to_frame()[["network", "population", "events"]].round(1).to_string())
                      network      population  events
    0                diffused  memory readout     0.8
    1                diffused          hidden     0.4
    2  memoryless, equal bits  memory readout     0.8
    3  memoryless, equal bits          hidden     0.4
    4                   plain  memory readout     1.0
    5                   plain          hidden     1.0
    """
    if model.quantizer == "none":
        raise InputError(
            "a report is of a network of events",
            "found a plain one (quantizer='none')",
            'pass model.quantized("diffused"); the plain network stands beside it',
        )
    if labels is not None and len(labels) != len(x):
        raise InputError(
            "labels must be one a sequence",
            f"got {len(labels)} labels of {len(x)} sequences",
            "cut both alike",
        )
    own = _network(model, model.quantizer, x, labels)
    if own.bits == 0:
        raise InputError(
            "a network must emit events to be reported",
            f"found none at dt={own.dt:g}",
            "raise dt with model.resolution.set",
        )
    rounded = with_bits(model.quantized("memoryless"), x, own.bits)
    networks = (
        own,
        _network(rounded, "memoryless, equal bits", x, labels),
        _network(model.quantized("none"), "plain", x, labels),
    )
    return ActivityReport(networks, x.shape[1])


def with_bits(model: HybridLMU, x: torch.Tensor, bits: float) -> HybridLMU:
    """Set dt of a network so that its mean bits along x are these, within 1 % or 20 halvings."""
    low, high = 1e-3, 1e6
    for _ in range(20):
        dt = math.sqrt(low * high)
        model.resolution.set(dt)
        found = mean_bits(measure_activity(model, x))
        if abs(found - bits) <= 0.01 * bits:
            break
        low, high = (dt, high) if found < bits else (low, dt)
    return model


def _network(
    model: HybridLMU, name: str, x: torch.Tensor, labels: torch.Tensor | None
) -> NetworkActivity:
    populations = measure_activity(model, x)
    dt = math.inf if model.quantizer == "none" else float(model.resolution.dt)
    accuracy = math.nan
    if labels is not None:
        with evaluated(model):
            right = [
                (model(rows).argmax(1) == known).double().mean() * len(rows)
                for rows, known in zip(x.split(16), labels.split(16), strict=True)
            ]
        accuracy = float(sum(right)) / len(x)
    return NetworkActivity(name, dt, populations, operations_of(model, populations), accuracy)
