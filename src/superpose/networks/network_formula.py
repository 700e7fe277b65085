"""What `KSTNetwork.formula` returns: a closed form for every curve, and their composition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from superpose.curves.curve_formula import CurveFormula
from superpose.networks.formula_network import FormulaNetwork, Place


@dataclass(frozen=True, eq=False)
class NetworkFormula:
    """The simplest closed form inside the band of each curve of a network, and all composed.

    A curve without a form inside its band takes the best of the library and is named in
    `outside`: the expression is then not the network, and only rows can tell by how much.

    Attributes
    ----------
    curves : mapping of (layer, input, output) to CurveFormula
    """

    curves: Mapping[Place, CurveFormula]

    @property
    def outside(self) -> list[Place]:
        """Links none of whose forms stays inside the band."""
        return [place for place, found in self.curves.items() if not found.inside]

    @property
    def network(self) -> FormulaNetwork:
        """The network of the chosen forms."""
        forms = {place: found.chosen.form for place, found in self.curves.items()}
        parameters = {place: found.chosen.parameters for place, found in self.curves.items()}
        layers = 1 + max(place[0] for place in self.curves)
        widths = [1 + max(p[1] for p in self.curves if p[0] == k) for k in range(layers)]
        outputs = 1 + max(place[2] for place in self.curves if place[0] == layers - 1)
        return FormulaNetwork((*widths, outputs), forms, parameters)

    def expressions(
        self, names: Sequence[str] | None = None, *, digits: int | None = None
    ) -> tuple[Any, ...]:
        """Return one sympy expression an output; see `FormulaNetwork.expressions`."""
        return self.network.expressions(names, digits=digits)
