"""Sequences enter through linear memories that are computed once, exactly."""

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
from superpose.sequences.sequence_batch import SequenceBatch, read_sequences
from superpose.sequences.sequence_file import load_pipeline, save_pipeline
from superpose.sequences.stream import Stream

__all__ = [
    "LMU",
    "LMUCell",
    "LMUState",
    "LegendreMemory",
    "LegendreSystem",
    "MemoryState",
    "SequenceBatch",
    "Stream",
    "advance",
    "all_steps_by_blocks",
    "all_steps_by_fft",
    "block_matrix",
    "continuous_system",
    "discrete_system",
    "euler_limit",
    "hold",
    "impulse_response",
    "last_step",
    "load_pipeline",
    "one_step",
    "powers_applied",
    "read_sequences",
    "save_pipeline",
    "window_polynomials",
]
