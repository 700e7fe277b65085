"""Networks made by hand, each beside the description that the slow oracle reads."""

from __future__ import annotations

import numpy as np
import torch
from tests.oracles.superposition_loops import Input

from superpose.curves import Axis, GPBasis
from superpose.networks import (
    Attribute,
    InputBasis,
    MainCurve,
    PairSurface,
    Superposition,
    Term,
)

LENGTH_SCALE = 0.3
OUTER_KNOTS = np.linspace(-2.0, 2.0, 6)


def number(name: str, n_knots: int = 7, missing: bool = False) -> Attribute:
    """An attribute from 0 to 1 whose axis is its units."""
    ends = np.array([0.0, 1.0])
    return Attribute(name, "number", Axis(ends, ends, np.linspace(0, 1, n_knots)), None, missing)


def category(name: str, n_levels: int = 3, missing: bool = False) -> Attribute:
    return Attribute(name, "category", None, tuple("abcdefgh"[:n_levels]), missing)


class Maker:
    """Makes parts with random heights and writes down, for the oracle, what it made."""

    def __init__(self, attributes: list[Attribute], n_outputs: int = 1, seed: int = 0) -> None:
        self.attributes, self.n_outputs = attributes, n_outputs
        self.generator = torch.Generator().manual_seed(seed)
        self.parts: list = []
        self.bias = self.random(n_outputs)
        self.mains, self.pairs, self.terms = [], [], []

    def random(self, *shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=self.generator, dtype=torch.float64)

    def basis(self, p: int, missing: bool = False) -> tuple[InputBasis, Input]:
        a = self.attributes[p]
        made = InputBasis(a, length_scale=LENGTH_SCALE, missing=missing)
        if a.axis is None:
            return made, Input(n_levels=a.n_levels, missing=missing)
        return made, Input(a.axis.knots, LENGTH_SCALE, missing=missing)

    def main(self, p: int, missing: bool = False) -> Maker:
        basis, described = self.basis(p, missing)
        heights = self.random(self.n_outputs, basis.n_heights)
        self.parts.append(MainCurve(p, basis, heights))
        self.mains.append((p, described, heights.numpy()))
        return self

    def pair(self, p: int, r: int) -> Maker:
        (first, a), (second, b) = self.basis(p), self.basis(r)
        heights = self.random(self.n_outputs, first.n_heights, second.n_heights)
        self.parts.append(PairSurface((p, r), (first, second), heights))
        self.pairs.append((p, r, a, b, heights.numpy()))
        return self

    def term(self, *attributes: int) -> Maker:
        made = [self.basis(p) for p in attributes]
        inner = [0.5 * self.random(basis.n_heights) for basis, _ in made]
        outer = GPBasis(OUTER_KNOTS, "matern32", length_scale=1.0)
        heights = self.random(self.n_outputs, len(OUTER_KNOTS))
        bases = [basis for basis, _ in made]
        self.parts.append(Term(attributes, bases, inner, outer, heights))
        pieces = zip(attributes, made, inner, strict=True)
        described = [(p, d, z.numpy()) for p, (_, d), z in pieces]
        self.terms.append((described, OUTER_KNOTS, 1.0, heights.numpy()))
        return self

    @property
    def network(self) -> Superposition:
        return Superposition(self.attributes, self.bias, self.parts)

    @property
    def described(self) -> dict:
        return {"bias": self.bias.numpy(), "mains": self.mains, "pairs": self.pairs,
                "terms": self.terms}

    def rows(self, n: int, missing: float = 0.0) -> torch.Tensor:
        """Rows inside and a little outside the data, with unseen levels where there are levels."""
        x = torch.rand(n, len(self.attributes), generator=self.generator, dtype=torch.float64)
        x = 1.4 * x - 0.2
        for p, a in enumerate(self.attributes):
            if a.axis is None:
                codes = torch.arange(n) % (a.n_levels + 1) - 1
                x[:, p] = codes.double()
        holes = torch.rand(x.shape, generator=self.generator) < missing
        return x.masked_fill(holes, torch.nan)
