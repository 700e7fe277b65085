"""Networks of polynomial curves, whose whole function is one polynomial.

Source: Goyal, Goyal and Lall (2019), arXiv:1906.09529.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import comb, prod
from typing import Any

import torch
from torch import nn

from superpose.curves import SLAF
from superpose.errors import InputError
from superpose.optional import optional_package


class SLNN(nn.Module):
    """A network in which every activation is a learned polynomial curve.

    z_0 = x, z_l = curves_l(W_l z_(l-1) + b_l), f = W z_L + b (Goyal, Goyal and Lall 2019). With L
    layers of curves of degree k, f is a polynomial of degree k^L with C(n + k^L, n) monomials,
    however wide the layers are, where all curves are inside their support; outside it goes on
    straight. It starts as a linear map. Each curve can be drawn (`SLAF.drawn`), and
    `polynomial` writes the whole of a small network out.

    Parameters
    ----------
    sizes : sequence of int
        Inputs, the units of each layer of curves, and outputs: [2, 20, 20, 1].
    degree : int, default 7
        Of every curve.
    basis : {"chebyshev", "powers", "hermite", "empirical"}
        As in `SLAF`.
    routine : {"clipped", "scaled", "normalised"}
        As in `SLAF`; with "clipped", train with `routine_step`.

    Attributes
    ----------
    layers : Sequential
        Linear, SLAF, .., Linear.

    Raises
    ------
    InputError
        If there are less than two sizes.

    Examples
    --------
    >>> import torch
    >>> from superpose.networks import SLNN
    >>> generator = torch.manual_seed(0)
    >>> network = SLNN([2, 3, 1], degree=2, basis="hermite")
    >>> x = torch.randn(500, 2)
    >>> _ = network(x)  # one batch: what the inputs of the curves are like
    >>> for curve in network.curves:
    ...     _ = curve.coefficients.data[:, 2].fill_(0.5)
    >>> (formula,) = network.double().eval().polynomial(["u", "v"])
    >>> sorted(str(m) for m in formula.as_coefficients_dict())
    ['1', 'u', 'u**2', 'u*v', 'v', 'v**2']
    >>> at = {"u": 0.5, "v": -0.25}
    >>> value = network(torch.tensor([list(at.values())], dtype=torch.float64)).item()
    >>> abs(float(formula.subs(at)) - value) < 1e-12
    True
    """

    def __init__(
        self,
        sizes: Sequence[int],
        degree: int = 7,
        basis: str = "chebyshev",
        routine: str = "clipped",
    ) -> None:
        super().__init__()
        if len(sizes) < 2:
            raise InputError(
                "sizes must hold at least inputs and outputs",
                f"got sizes={list(sizes)}",
                "pass for instance [2, 20, 20, 1]",
            )
        layers: list[nn.Module] = []
        for inputs, units in pairwise(sizes[:-1]):
            layers += [nn.Linear(inputs, units), SLAF(units, degree, basis, routine)]
        self.n_inputs = sizes[0]
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))

    @property
    def curves(self) -> list[SLAF]:
        """The families of curves, from the first layer to the last."""
        return [layer for layer in self.layers if isinstance(layer, SLAF)]

    @property
    def degree(self) -> int:
        """The degree k^L of the whole polynomial."""
        return prod(curve.degree for curve in self.curves)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs [N, outputs] of rows x [N, inputs]."""
        return self.layers(x)

    def prior(self) -> torch.Tensor:
        """Return the sum of the curves' priors, to be added to the loss with one weight."""
        return sum((curve.prior() for curve in self.curves), torch.zeros(()))

    def polynomial(
        self, names: Sequence[str] | None = None, *, most_monomials: int = 1_000
    ) -> tuple[Any, ...]:
        """Return the frozen network as sympy expressions in its inputs, one an output.

        It equals the network in evaluation mode where every curve is inside its support. The
        coefficients are exact rationals; ``formula.evalf(5)`` is easier to read. Evaluate a
        polynomial of high degree in exact numbers, too, because its terms cancel.

        Parameters
        ----------
        names : sequence of str, optional
            Names of the inputs; x1, x2, .. if left out.
        most_monomials : int, default 1000
            How many monomials an output may have, C(n + k^L, n) in all; time grows with its
            square.

        Returns
        -------
        tuple of sympy.Expr
            One an output.

        Raises
        ------
        InputError
            If the curves are no polynomials (basis "chebyshev"), there are too many monomials,
            or the names are not one an input.
        MissingExtraError
            If sympy is not installed.
        """
        n = self.n_inputs
        names = [f"x{i + 1}" for i in range(n)] if names is None else list(names)
        _check_small(n, self.degree, most_monomials)
        if len(names) != n:
            raise InputError(
                f"names must name the {n} inputs", f"got {len(names)} names", "give one an input"
            )
        sympy = optional_package("sympy", "formulas need", "superpose[formulas]")
        ring, *values = sympy.polys.rings.ring(names, sympy.QQ)

        def number(value: float) -> Any:
            return sympy.QQ(*value.as_integer_ratio())

        for layer in self.layers:
            if isinstance(layer, SLAF):
                values = layer.compose(values, number)
            elif isinstance(layer, nn.Linear):
                values = _affine(layer, values, number, ring)
        return tuple(value.as_expr() for value in values)


def _affine(layer: nn.Linear, values: list[Any], number: Any, ring: Any) -> list[Any]:
    """Return W z + b of polynomials z."""
    found = []
    for weights, bias in zip(layer.weight.tolist(), layer.bias.tolist(), strict=True):
        products = (z * number(w) for w, z in zip(weights, values, strict=True))
        found.append(sum(products, ring(number(bias))))
    return found


def _check_small(n: int, degree: int, most: int) -> None:
    monomials = comb(n + degree, n)
    if monomials > most:
        raise InputError(
            f"the polynomial must have at most {most} monomials (most_monomials)",
            f"{n} inputs and degree {degree} have {monomials}",
            "use a lower degree or fewer layers, or raise most_monomials and wait",
        )
