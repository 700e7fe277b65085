"""A network whose curves are closed forms: values, slopes in all parameters, and the expression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from superpose.curves.forms import Form
from superpose.errors import InputError
from superpose.optional import optional_package

#: Layer, input and output of a link.
Place = tuple[int, int, int]
Parameters = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class FormulaNetwork:
    """y_o = Σ_i c F(a x_i + b) + d, layer after layer: a network with a closed form on every link.

    It is what `KSTNetwork.formula` makes of curves, and one expression when it is composed.

    Attributes
    ----------
    widths : tuple of int
        Numbers going in, between the layers, and coming out.
    forms : mapping of (layer, input, output) to Form
        A link that is not named adds nothing.
    parameters : mapping of (layer, input, output) to (a, b, c, d)

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.curves import FORMS
    >>> from superpose.networks import FormulaNetwork
    >>> forms = {(0, 0, 0): FORMS["sin"], (0, 1, 0): FORMS["square"], (1, 0, 0): FORMS["exp"]}
    >>> parameters = {(0, 0, 0): (3, 0, 1, 0), (0, 1, 0): (1, 0, 1, 0), (1, 0, 0): (1, 0, 2, 0)}
    >>> network = FormulaNetwork((2, 1, 1), forms, parameters)
    >>> network.expressions(["x", "y"])[0]
    2*exp(y**2 + sin(3*x))
    >>> network(np.array([[0.0, 1.0]])).round(3)
    array([[5.437]])
    """

    widths: tuple[int, ...]
    forms: Mapping[Place, Form]
    parameters: Mapping[Place, Parameters]

    @property
    def places(self) -> list[Place]:
        """Its links, from the inputs on."""
        return sorted(self.forms)

    @property
    def complexity(self) -> int:
        """Cost and free parameters of all forms."""
        return sum(form.complexity for form in self.forms.values())

    def into(self, layer: int, node: int) -> list[Place]:
        """Return the links of a layer that end in a node."""
        return [place for place in self.places if place[0] == layer and place[2] == node]

    def out_of(self, layer: int, node: int) -> list[Place]:
        """Return the links of a layer that start from a node."""
        return [place for place in self.places if place[0] == layer and place[1] == node]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return the outputs [N, O] of x [N, n]; NaN where a form is not defined."""
        return self.nodes(x)[-1]

    def nodes(self, x: np.ndarray) -> list[np.ndarray]:
        """Return the inputs, what every layer puts out, and so the outputs at the end."""
        found = [np.asarray(x, dtype=np.float64)]
        with np.errstate(all="ignore"):
            for layer, width in enumerate(self.widths[1:]):
                y = np.zeros((len(x), width))
                for place in self.places:
                    if place[0] == layer:
                        curve = self.forms[place].curve(
                            found[-1][:, place[1]], *self.parameters[place]
                        )
                        y[:, place[2]] += curve
                found.append(y)
        return found

    def gradient(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return outputs [N, O] and their slopes in a, b, c, d of every link, [N, O, 4 links]."""
        nodes = self.nodes(x)
        places, outputs = self.places, self.widths[-1]
        slopes = np.zeros((len(x), outputs, len(places), 4))
        behind = np.broadcast_to(np.eye(outputs), (len(x), outputs, outputs))  # ∂ outputs / ∂ layer
        with np.errstate(all="ignore"):
            for layer in reversed(range(len(self.widths) - 1)):
                before = np.zeros((len(x), outputs, self.widths[layer]))
                for number, place in enumerate(places):
                    if place[0] != layer:
                        continue
                    _, i, o = place
                    own = self.forms[place].gradient(nodes[layer][:, i], *self.parameters[place])
                    slopes[:, :, number] = behind[:, :, o, None] * own[:, None]
                    before[:, :, i] += (
                        behind[:, :, o] * (own[:, 1] * self.parameters[place][0])[:, None]
                    )
                behind = before
        return nodes[-1], slopes.reshape(len(x), outputs, -1)

    def vector(self) -> np.ndarray:
        """Return a, b, c, d of every link, [4 links], in the order of `places`."""
        return np.array([self.parameters[place] for place in self.places], dtype=np.float64).ravel()

    def moved(self, vector: np.ndarray) -> FormulaNetwork:
        """Return the network with other parameters, [4 links]."""
        rows = np.asarray(vector, dtype=np.float64).reshape(-1, 4).tolist()
        parameters = {place: tuple(row) for place, row in zip(self.places, rows, strict=True)}
        return FormulaNetwork(self.widths, self.forms, parameters)  # type: ignore[arg-type]

    def expressions(
        self, names: Sequence[str] | None = None, *, digits: int | None = None
    ) -> tuple[Any, ...]:
        """Return the outputs as sympy expressions of the inputs.

        Parameters
        ----------
        names : sequence of str, optional
            Of the inputs; x1, x2, ... without it.
        digits : int, optional
            Significant digits of the numbers, where not all of them are wanted.

        Returns
        -------
        tuple of sympy.Expr

        Raises
        ------
        InputError
            If there is not one name an input.
        MissingExtraError
            If sympy is not installed.
        """
        sympy = optional_package("sympy", "formulas need", "superpose[formulas]")
        values = [sympy.Symbol(name, real=True) for name in self._names(names)]
        for layer, width in enumerate(self.widths[1:]):
            sums = [sympy.Integer(0)] * width
            for place in self.places:
                if place[0] == layer:
                    sums[place[2]] += self._link(sympy, place, values[place[1]])
            values = sums
        return tuple(
            value if digits is None else _rounded(sympy, value, digits) for value in values
        )

    def _names(self, names: Sequence[str] | None) -> list[str]:
        found = [f"x{i + 1}" for i in range(self.widths[0])] if names is None else list(names)
        if len(found) != self.widths[0]:
            raise InputError(
                f"names must name the {self.widths[0]} inputs", f"got {found}", "pass one name each"
            )
        return found

    def _link(self, sympy: Any, place: Place, value: Any) -> Any:
        a, b, c, d = (_number(sympy, p) for p in self.parameters[place])
        return c * self.forms[place].write(sympy, a * value + b) + d


def shortest(expression: Any, digits: int | None = None) -> Any:
    """Return an expression as it is or written out, whichever is shorter, with so many digits."""
    sympy = optional_package("sympy", "formulas need", "superpose[formulas]")
    written = sympy.expand(expression)
    numbers = [abs(float(term.as_coeff_Mul()[0])) for term in sympy.Add.make_args(written)]
    terms = zip(sympy.Add.make_args(written), numbers, strict=True)
    written = sympy.Add(*(term for term, size in terms if size > 1e-9 * max(numbers)))
    both = (expression, written)
    if digits is not None:
        both = tuple(_rounded(sympy, each, digits) for each in both)
    return min(both, key=sympy.count_ops)


def _rounded(sympy: Any, expression: Any, digits: int) -> Any:
    """Return an expression whose numbers have so many significant digits."""
    numbers = expression.atoms(sympy.Float)
    return expression.xreplace({n: _number(sympy, float(f"{n:.{digits}g}")) for n in numbers})


def _number(sympy: Any, value: float) -> Any:
    """Return an integer where the number is one, so that 1 x is written x."""
    return sympy.Integer(int(value)) if value == int(value) else sympy.Float(value)
