"""Curves on the Kolmogorov-Arnold topology, with a dial from additive to the full theorem."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import nn

from superpose.errors import InputError
from superpose.networks.attribute import Attribute
from superpose.networks.axis_rows import AxisRows
from superpose.networks.main_curve import MainCurve
from superpose.networks.pair_surface import PairSurface
from superpose.networks.term import Term

Part = MainCurve | PairSurface | Term


class Superposition(nn.Module):
    """f(x) = b + Σ_p g_p(x_p) + Σ_(p,r) s_pr(x_p, x_r) + Σ_q Φ_q(Σ_p ψ_qp(x_p)).

    Main curves g, pair surfaces s and terms Φ_q are its parts; each reads a subset of the
    attributes. With no pair and no term it is an additive model; with 2n + 1 terms that read all
    n attributes it has the width of the superposition theorem (Kolmogorov, 1957).

    Parameters
    ----------
    attributes : sequence of Attribute
        The columns, in order.
    bias : Tensor [K]
        The offset b of each output.
    parts : sequence of MainCurve, PairSurface or Term
        In reading order.

    Examples
    --------
    >>> import torch
    >>> from superpose.networks import InputBasis
    >>> colour = Attribute("colour", "category", None, ("blue", "red"))
    >>> curve = MainCurve(0, InputBasis(colour), torch.tensor([[-1.0, 1.0]]).double())
    >>> network = Superposition([colour], torch.tensor([0.5]).double(), [curve])
    >>> network(torch.tensor([[0.0], [1.0]]).double()).squeeze(1).tolist()
    [-0.5, 1.5]
    """

    def __init__(
        self, attributes: Sequence[Attribute], bias: torch.Tensor, parts: Sequence[Part]
    ) -> None:
        super().__init__()
        self.attributes = tuple(attributes)
        self.bias = nn.Parameter(bias.clone())
        self._parts = nn.ModuleList(parts)
        self._check()

    @property
    def parts(self) -> list[Part]:
        """Main curves, pairs and terms, in reading order."""
        return [cast(Part, part) for part in self._parts]

    @property
    def n_outputs(self) -> int:
        """Number K of outputs."""
        return len(self.bias)

    @property
    def unread(self) -> list[int]:
        """Places of the attributes that no part reads, which move no output."""
        read = {p for part in self.parts for p in part.attributes}
        return [p for p in range(len(self.attributes)) if p not in read]

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Map rows [N, n] in units to axis units; codes and NaN stay as they are."""
        columns = [a.encode(x[:, p]) for p, a in enumerate(self.attributes)]
        return torch.stack(columns, 1) if columns else x

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs [N, K] of rows [N, n] in units."""
        return self.bias + self.contributions(x).sum(1)

    def contributions(self, x: torch.Tensor) -> torch.Tensor:
        """Return what every part adds to every output, [N, parts, K]; with the bias, f."""
        if not self.parts:
            return x.new_zeros(len(x), 0, self.n_outputs)
        rows = AxisRows(self._encode_what_is_read(x))
        return torch.stack([part(rows) for part in self.parts], 1)

    def _encode_what_is_read(self, x: torch.Tensor) -> torch.Tensor:
        """Map rows to axis units, and of a wide table only the few columns that a part reads."""
        unread, own = set(self.unread), enumerate(self.attributes)
        return torch.stack([x[:, p] if p in unread else a.encode(x[:, p]) for p, a in own], 1)

    def n_curves(self) -> int:
        """Return how many curves and surfaces a reader looks at, per output."""
        return sum(part.n_curves for part in self.parts)

    def n_parameters(self) -> int:
        """Return how many numbers were learned: heights and biases."""
        again = sum(curve.heights.numel() for part in self.parts for curve in moved(part))
        return sum(p.numel() for p in self.parameters()) - again  # what moved is counted once

    def _check(self) -> None:
        n = len(self.attributes)
        for part in self.parts:
            if not all(0 <= p < n for p in part.attributes):
                raise InputError(
                    f"a part must read attributes 0 to {n - 1}",
                    f"a {part.kind} reads {part.attributes}",
                    "give its columns by their place in `attributes`",
                )
            gone = moved(part)
            if any(curve.attributes[0] not in part.attributes for curve in gone):
                raise InputError(
                    "what moved from a part must be of attributes that it reads",
                    f"a {part.kind} over {part.attributes} has others",
                    "give a curve for each attribute of the part, or none",
                )
            if any(len(it.heights) != self.n_outputs for it in (part, *gone)):
                raise InputError(
                    f"a part must have heights for each of the {self.n_outputs} outputs",
                    f"a {part.kind} over {part.attributes} has {len(part.heights)}",
                    "stack one set of heights per output on the first axis",
                )


def moved(part: Part) -> list[MainCurve]:
    """Return the curves that moved from a part to main curves."""
    return [] if isinstance(part, MainCurve) else list(part.moved)
