"""Layers of curves, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import cast

import torch
from torch import nn

from superpose.curves import Form
from superpose.errors import InputError
from superpose.networks.formula_network import Place
from superpose.networks.kst_layer import KSTLayer, LinkCurve
from superpose.networks.network_formula import NetworkFormula


class KSTNetwork(nn.Module):
    """y = L_D(... L_2(L_1(x))): layers in which every link is a Gaussian-process curve.

    ``KSTNetwork([n, 2 n + 1, 1])`` has the width of the superposition theorem (Kolmogorov, 1957).

    Parameters
    ----------
    widths : sequence of int
        Numbers going in, between the layers, and coming out.
    knots, kernel, length_scale
        As in `KSTLayer`.
    bounds : (float, float), optional
        Range of the network's inputs. The axes between layers follow what comes in.
    generator : torch.Generator, optional
        As in `KSTLayer`.

    Attributes
    ----------
    layers : nn.ModuleList of KSTLayer

    Examples
    --------
    >>> import torch
    >>> from superpose.networks import KSTNetwork
    >>> network = KSTNetwork([2, 5, 1], bounds=(-1, 1))
    >>> network(torch.zeros(3, 2)).shape, network.n_curves
    (torch.Size([3, 1]), 15)
    >>> loss = network(torch.zeros(3, 2)).square().mean() + 1e-4 * network.prior()
    """

    def __init__(
        self,
        widths: Sequence[int],
        knots: int = 16,
        kernel: str = "matern32",
        *,
        length_scale: float = 0.5,
        bounds: tuple[float, float] | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if len(widths) < 2:
            raise InputError(
                "widths must name at least what goes in and what comes out",
                f"got widths={list(widths)}",
                "pass for instance [2, 5, 1]",
            )
        self.layers = nn.ModuleList(
            KSTLayer(
                into,
                out,
                knots,
                kernel,
                length_scale=length_scale,
                bounds=bounds if place == 0 else None,
                generator=generator,
            )
            for place, (into, out) in enumerate(pairwise(widths))
        )

    @property
    def n_curves(self) -> int:
        """How many curves a reader looks at."""
        return sum(layer.n_curves for layer in self.each_layer())

    def each_layer(self) -> list[KSTLayer]:
        """Return the layers, from the inputs on."""
        return [cast(KSTLayer, layer) for layer in self.layers]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs [.., O] of x [.., I]."""
        for layer in self.layers:
            x = layer(x)
        return x

    def prior(self) -> torch.Tensor:
        """Return the prior of all layers, one number to weight; see `KSTLayer.prior`."""
        return torch.stack([layer.prior() for layer in self.each_layer()]).sum()

    def refine(self) -> None:
        """Put a knot between any two on all axes; the function stays what it is, to rounding."""
        for layer in self.each_layer():
            layer.refine()

    def formula(
        self,
        level: float = 0.95,
        *,
        tolerance: float = 1e-3,
        covariances: Mapping[Place, torch.Tensor] | None = None,
        forms: Mapping[str, Form] | None = None,
    ) -> NetworkFormula:
        """Return the simplest closed form inside the band of each curve, and all composed.

        Parameters
        ----------
        level : float, default 0.95
            Of the bands, as in `LinkCurve.formula`.
        tolerance : float, default 0.001
            Noise of a curve without a covariance, as a share of its range over its support.
        covariances : mapping of (layer, input, output) to Tensor [M, M], optional
            Of the heights, where a posterior is known.
        forms : mapping of str to Form, optional
            The library; `superpose.curves.FORMS` without it.

        Returns
        -------
        NetworkFormula

        Raises
        ------
        InputError
            If a layer has not seen rows, so that its curves have no support.
        """
        known = {} if covariances is None else covariances
        curves = {}
        for number, layer in enumerate(self.each_layer()):
            for i in range(layer.in_features):
                for o in range(layer.out_features):
                    place = number, i, o
                    curve = replace(layer.curve(i, o), covariance=known.get(place))
                    noise = tolerance * _range(curve)
                    curves[place] = curve.formula(level, noise=noise, forms=forms)
        return NetworkFormula(curves)


def _range(curve: LinkCurve) -> float:
    """Return how far a curve reaches over its support; 1 where it is constant or has none."""
    low, high = curve.support
    if not low < high:
        return 1.0
    values = curve(torch.linspace(low, high, 101, dtype=torch.float64))
    return float(values.max() - values.min()) or 1.0
