"""One step of a hybrid network as an ONNX graph, for streams without torch."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import nn

from superpose.errors import InputError
from superpose.optional import optional_package
from superpose.sequences.hybrid_lmu import HybridLMU, HybridState
from superpose.sequences.legendre_memory import MemoryState

__all__ = ["onnx_step"]

STATE = ("memory", "v_memory", "v_hidden", "hidden", "recent")


def onnx_step(model: HybridLMU, rows: int = 1) -> Any:
    """Return one step of a network as ONNX: x and the state in, outputs and the state out.

    The inputs are ``x`` [rows, I] and the state before the step, the outputs ``outputs``
    [rows, O] and the state after it: ``memory`` [rows, d, q], ``v_memory``, ``v_hidden``,
    ``hidden`` and ``recent`` as in `HybridState`, each with ``_after`` at its end. Feed what comes
    out back in. Start with zeros, and with v from U[0, 1).

    Parameters
    ----------
    model : HybridLMU
        Diffused, memoryless or plain; its dtype is that of the graph.
    rows : int, default 1
        Sequences side by side.

    Returns
    -------
    onnx.ModelProto
        Of the operators of ONNX alone; onnx.save writes it.

    Raises
    ------
    MissingExtraError
        Where the packages onnx and onnxscript are not installed.
    InputError
        If the quantizer draws at every step, which a graph cannot.

    Examples
    --------
    >>> from superpose.sequences import HybridLMU, onnx_step
    >>> graph = onnx_step(HybridLMU(1, 4, 2, order=3, theta=20, dt=4.0)).graph  # doctest: +SKIP
    >>> [each.name for each in graph.input]  # doctest: +SKIP
    ['x', 'memory', 'v_memory', 'v_hidden', 'hidden', 'recent']
    """
    optional_package("onnxscript", "export to ONNX needs", "superpose[onnx]")
    if model.quantizer == "stochastic":
        raise InputError(
            "a graph must not draw at random",
            "found quantizer='stochastic'",
            'pass model.quantized("diffused"), which draws once, before the first step',
        )
    twin = model.quantized(model.quantizer).eval()
    x = torch.zeros(rows, model.encode.in_features, dtype=model.read.weight.dtype)
    state = twin.start(x)
    twin.step(x, state)  # matrices are made now, not while the graph is drawn
    given = (x, state.memory.memory, *state[1:])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about itself
        program = torch.onnx.export(
            _Step(twin),
            given,
            input_names=["x", *STATE],
            output_names=["outputs", *(f"{name}_after" for name in STATE)],
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    return program.model_proto


class _Step(nn.Module):
    """`HybridLMU.step` of tensors alone."""

    def __init__(self, model: HybridLMU) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor, memory: torch.Tensor, *rest: torch.Tensor) -> Any:
        held = memory[..., 0]  # is read where samples are missing, which here they are not
        outputs, state = self.model.step(x, HybridState(MemoryState(memory, held), *rest))
        return outputs, state.memory.memory, *state[1:]
