"""What an operation costs, by published tables; each names its source."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ARITHMETIC", "DEVICES", "ArithmeticCost", "DeviceCost", "access_picojoule"]

HOROWITZ = "Horowitz, ISSCC 2014, as in PMC10242054 and PMC8934428, table 3"
SPIKINGJELLY = "SpikingJelly, compute_energy"
KERASSPIKING = "KerasSpiking, ModelEnergy"


@dataclass(frozen=True)
class ArithmeticCost:
    """Picojoules of an operation: of a multiply and add, of an add alone; and who says so.

    Attributes
    ----------
    name : str
        Of the technology and the numbers.
    multiply_add, add : float
        pJ.
    source : str
        Where the two stand.
    """

    name: str
    multiply_add: float
    add: float
    source: str


@dataclass(frozen=True)
class DeviceCost:
    """Joules of a synaptic operation and of an update of a neuron on a device; and who says so.

    Attributes
    ----------
    name : str
        Of the device.
    operation, update : float
        J.
    by_events : bool
        Whether only events cost operations; otherwise every connection does at every step.
    source : str
        Where the two stand.
    """

    name: str
    operation: float
    update: float
    by_events: bool
    source: str


ARITHMETIC = (
    ArithmeticCost("45 nm, 32-bit float", 4.6, 0.9, HOROWITZ),
    ArithmeticCost("45 nm, 32-bit integer", 3.2, 0.1, HOROWITZ),
    ArithmeticCost("FP32", 4.6, 0.9, SPIKINGJELLY),
    ArithmeticCost("FP16", 1.5, 0.4, SPIKINGJELLY),
    ArithmeticCost("INT8", 0.23, 0.03, SPIKINGJELLY),
)
"""Of arithmetic alone; a 32-bit integer product is 3.1 pJ, and its sum 0.1."""

DEVICES = (
    DeviceCost("cpu (i7-4960X)", 8.6e-9, 8.6e-9, False, f"{KERASSPIKING}: Degnan 2016"),
    DeviceCost("gpu (Titan Black)", 0.3e-9, 0.3e-9, False, f"{KERASSPIKING}: Degnan 2016"),
    DeviceCost("arm (Cortex-A)", 0.9e-9, 0.9e-9, False, f"{KERASSPIKING}: Degnan 2016"),
    DeviceCost("loihi", (23.6 + 3.5) * 1e-12, 81e-12, True, f"{KERASSPIKING}: Davies 2018"),
    DeviceCost("spinnaker", 13.3e-9, 26e-9, True, f"{KERASSPIKING}: Hoeppner 2019"),
    DeviceCost("spinnaker2", 450e-12, 2.19e-9, True, f"{KERASSPIKING}: Hoeppner 2019"),
)
"""Of whole devices; overheads are not in them."""


def access_picojoule(size: float) -> float:
    """Return the pJ of reading or writing 4 bytes of a memory of that many bytes.

    10 up to 8 kB, 20 up to 32 kB, 100 up to 1 MB (Lemaire et al., as in SpikingJelly). Of larger
    memories the table says nothing; they count as 100, which is too little.

    Parameters
    ----------
    size : float
        Bytes.

    Returns
    -------
    float
        pJ.

    Examples
    --------
    >>> from superpose.sequences import access_picojoule
    >>> [access_picojoule(1000 * kilobytes) for kilobytes in (4, 20, 500)]
    [10.0, 20.0, 100.0]
    """
    return 10.0 if size <= 8_192 else 20.0 if size <= 32_768 else 100.0
