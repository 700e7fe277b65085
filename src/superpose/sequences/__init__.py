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
from superpose.sequences.memory_forms import (
    advance,
    all_steps_by_blocks,
    all_steps_by_fft,
    last_step,
    one_step,
)
from superpose.sequences.missing_steps import hold
from superpose.sequences.sequence_batch import SequenceBatch, read_sequences

__all__ = [
    "LegendreMemory",
    "LegendreSystem",
    "MemoryState",
    "SequenceBatch",
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
    "one_step",
    "powers_applied",
    "read_sequences",
    "window_polynomials",
]
