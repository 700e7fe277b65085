"""Sequences enter through linear memories that are computed once, exactly."""

from superpose.sequences.activity import Operations, PopulationActivity
from superpose.sequences.activity_report import ActivityReport, NetworkActivity, activity_report
from superpose.sequences.bits import bit_length, popcount, significant_bits
from superpose.sequences.energy_tables import (
    ARITHMETIC,
    DEVICES,
    ArithmeticCost,
    DeviceCost,
    access_picojoule,
)
from superpose.sequences.hybrid_from_cell import hybrid_from_cell
from superpose.sequences.hybrid_lmu import QUANTIZERS, HybridLMU, HybridRun, HybridState
from superpose.sequences.integer_hybrid import IntegerHybrid, fixed_point
from superpose.sequences.legendre_memory import LegendreMemory, MemoryState
from superpose.sequences.legendre_system import (
    LegendreSystem,
    block_matrix,
    continuous_system,
    discrete_system,
    euler_limit,
    impulse_response,
    powers_applied,
    window_polynomials,
)
from superpose.sequences.lmu import LMU
from superpose.sequences.lmu_cell import LMUCell, LMUState
from superpose.sequences.memory_forms import (
    advance,
    all_steps_by_blocks,
    all_steps_by_fft,
    last_step,
    one_step,
)
from superpose.sequences.missing_steps import hold
from superpose.sequences.nir_graph import from_nir, to_nir
from superpose.sequences.onnx_step import onnx_step
from superpose.sequences.sequence_batch import SequenceBatch, read_sequences
from superpose.sequences.sequence_file import load_pipeline, save_pipeline
from superpose.sequences.stream import Stream

__all__ = [
    "ARITHMETIC",
    "DEVICES",
    "LMU",
    "QUANTIZERS",
    "ActivityReport",
    "ArithmeticCost",
    "DeviceCost",
    "HybridLMU",
    "HybridRun",
    "HybridState",
    "IntegerHybrid",
    "LMUCell",
    "LMUState",
    "LegendreMemory",
    "LegendreSystem",
    "MemoryState",
    "NetworkActivity",
    "Operations",
    "PopulationActivity",
    "SequenceBatch",
    "Stream",
    "access_picojoule",
    "activity_report",
    "advance",
    "all_steps_by_blocks",
    "all_steps_by_fft",
    "bit_length",
    "block_matrix",
    "continuous_system",
    "discrete_system",
    "euler_limit",
    "fixed_point",
    "from_nir",
    "hold",
    "hybrid_from_cell",
    "impulse_response",
    "last_step",
    "load_pipeline",
    "one_step",
    "onnx_step",
    "popcount",
    "powers_applied",
    "read_sequences",
    "save_pipeline",
    "significant_bits",
    "to_nir",
    "window_polynomials",
]
