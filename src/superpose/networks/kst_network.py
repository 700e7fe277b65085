"""Layers of curves, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import nn

from superpose.errors import InputError
from superpose.networks.kst_layer import KSTLayer


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
