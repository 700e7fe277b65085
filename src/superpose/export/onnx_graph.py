"""A small writer of ONNX graphs: constants and nodes, in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np

from superpose.export.pieces import DEGREE, Pieces
from superpose.export.written import Written
from superpose.optional import optional_package

__all__ = ["PREFIX", "Graph"]

PREFIX = "superpose:"
"""What names inside a graph begin with; no input does."""


class Graph:
    """Nodes in the order in which they run; a call adds one and returns its output's name."""

    def __init__(self) -> None:
        self.onnx = optional_package("onnx.helper", "export to ONNX needs", "superpose[onnx]")
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def __call__(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output."""
        return self.many(operator, 1, *inputs, **attributes)[0]

    def many(self, operator: str, count: int, *inputs: str, **attributes: Any) -> list[str]:
        """Add a node with several outputs."""
        at = f"{PREFIX}{operator}{len(self.nodes)}"
        outputs = [f"{at}.{i}" for i in range(count)]
        make = self.onnx.helper.make_node
        self.nodes.append(make(operator, list(inputs), outputs, name=at, **attributes))
        return outputs

    def constant(self, values: Any) -> str:
        """Add an array: float64, int64, booleans or text as they come."""
        array = np.asarray(values)
        array = array.astype(object) if array.dtype.kind == "U" else array
        name = f"{PREFIX}constant{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def named(self, value: str, name: str) -> None:
        """Give a value its name as an output of the graph."""
        self.nodes.append(self.onnx.helper.make_node("Identity", [value], [name]))

    def flat(self, value: str) -> str:
        """[N, 1] to [N]."""
        return self("Squeeze", value, self.constant(np.array([1])))

    def count_below(self, v: str, edges: Any) -> str:
        """How many edges are at or below v [N, 1]: the cell of each row, [N]."""
        above = self("GreaterOrEqual", v, self.constant(np.asarray(edges)[None]))
        ones = self("Cast", above, to=self.onnx.TensorProto.INT64)
        return self("ReduceSum", ones, self.constant(np.array([1])), keepdims=0)

    def pieces(self, v: str, pieces: Pieces) -> str:
        """Outputs [N, K] at places v [N, 1]."""
        cell = self.count_below(v, pieces.edges)
        own = np.column_stack([pieces.centre, pieces.scale])
        centre, scale = self.columns(self("Gather", self.constant(own), cell), 2)
        s = self("Mul", self("Sub", v, centre), scale)
        powers = self("Pow", s, self.constant(np.arange(DEGREE + 1.0)[None]))  # [N, DEGREE + 1]
        one = self.constant(np.array([1]))
        table = self("Gather", self.constant(pieces.coefficients), cell)
        return self("Squeeze", self("MatMul", self("Unsqueeze", powers, one), table), one)

    def columns(self, table: str, count: int) -> list[str]:
        """The columns of [N, count], each [N, 1]."""
        return self.many("Split", count, table, axis=1, num_outputs=count)

    def written(self, place: str, written: Written) -> str:
        """Outputs [N, K] at the place of each row: axis units [N, 1] or codes [N]."""
        if not isinstance(written.shape, Pieces):
            return self("Gather", self.constant(written.codes()), place)
        found = self.pieces(place, written.shape)
        return self("Where", self("IsNaN", place), self.constant(written.missing[None]), found)
