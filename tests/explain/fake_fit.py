"""A fitted model made by hand, with known answers, that keeps the contract of a real one.

Four attributes: two numbers whose axes run over 0..10 and -5..5, a category that may be missing,
and a number that carries nothing. Every part is a plain formula of the axis units.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import NormalDist
from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor

from superpose.networks import AxisRows


def units(rows: Tensor | AxisRows) -> Tensor:
    """The rows as they are on the axes: parts read them with or without a memory."""
    return AxisRows.of(rows).units


@dataclass(frozen=True)
class FakeAxis:
    low: float
    high: float
    knots: Tensor

    def to_axis(self, x: Tensor) -> Tensor:
        return (x - self.low) / (self.high - self.low)

    def from_axis(self, u: Tensor) -> Tensor:
        return self.low + (self.high - self.low) * u


@dataclass(frozen=True)
class FakeAttribute:
    name: str
    kind: str
    axis: FakeAxis | None = None
    levels: tuple[str, ...] | None = None
    missing: bool = False


@dataclass(frozen=True)
class FakePart:
    kind: str
    attributes: tuple[int, ...]
    formula: Callable[[Tensor], Tensor]
    weights: Tensor
    inner: dict[int, Callable[[Tensor], Tensor]] = field(default_factory=dict)
    moved: tuple[FakePart, ...] = ()
    outer_knots: Tensor = field(default_factory=lambda: torch.linspace(-1.0, 2.0, 7))

    def __call__(self, u: Tensor | AxisRows) -> Tensor:
        return self.whole(u) - sum(curve(u) for curve in self.moved)

    def whole(self, u: Tensor | AxisRows) -> Tensor:
        u = units(u)
        if self.kind == "term":
            return self.outer(self.inner_sum(u))
        own = torch.full_like(u, float("nan"))  # reads its own columns and no others
        own[:, list(self.attributes)] = u[:, list(self.attributes)]
        return self.formula(own)[:, None] * self.weights

    def inner_sum(self, u: Tensor | AxisRows) -> Tensor:
        return sum(psi(units(u)[:, p]) for p, psi in self.inner.items())

    def outer(self, h: Tensor) -> Tensor:
        return self.formula(h)[:, None] * self.weights


class FakeNetwork:
    def __init__(self, attributes: list[FakeAttribute], parts: list[FakePart], bias: Tensor):
        self.attributes, self.parts, self.bias = attributes, parts, bias

    @property
    def unread(self) -> list[int]:
        read = {p for part in self.parts for p in part.attributes}
        return [p for p in range(len(self.attributes)) if p not in read]

    def encode(self, x: Tensor) -> Tensor:
        columns = [
            x[:, p] if a.axis is None else a.axis.to_axis(x[:, p])
            for p, a in enumerate(self.attributes)
        ]
        return torch.stack(columns, dim=1)

    def contributions(self, x: Tensor) -> Tensor:
        if not self.parts:
            return torch.zeros(len(x), 0, len(self.bias), dtype=x.dtype)
        return torch.stack([part(self.encode(x)) for part in self.parts], dim=1)

    def __call__(self, x: Tensor) -> Tensor:
        return self.bias + self.contributions(x).sum(dim=1)

    def n_curves(self) -> int:
        return sum(
            {"curve": 1, "pair": 1, "term": 1 + len(p.attributes)}[p.kind] for p in self.parts
        )

    def n_parameters(self) -> int:
        return 40


class FakePosterior:
    """Standard deviation .1 (i + 1) of part i on the axis, growing outside it."""

    def __init__(self, network: FakeNetwork):
        self.network = network
        self.dof = torch.arange(1.0, 1.0 + len(network.parts))

    def part_variance(self, index: int, u: Tensor | AxisRows) -> Tensor:
        own = torch.nan_to_num(units(u)[:, list(self.network.parts[index].attributes)], nan=0.5)
        outside = (own - own.clamp(0.0, 2.0)).abs().sum(dim=1)
        sd = 0.1 * (index + 1) * (1 + outside)
        return (sd**2)[:, None].expand(-1, len(self.network.bias))

    def evidence(self, index: int) -> float:
        return 10.0 * index

    def part_limits(self, index: int, u: Tensor, level: float) -> tuple[Tensor, Tensor]:
        mean = self.network.parts[index](u)
        reach = NormalDist().inv_cdf((1 + level) / 2) * self.part_variance(index, u).sqrt()
        return mean - reach, mean + reach

    def variance(self, u: Tensor) -> Tensor:
        start = torch.zeros(len(u), len(self.network.bias), dtype=u.dtype)
        return start + sum(self.part_variance(i, u) for i in range(len(self.network.parts)))


def hue(u: Tensor) -> Tensor:
    """Heights .5, -.5, 0 of the three levels; .25 where missing, 0 where never seen."""
    heights = torch.tensor([0.5, -0.5, 0.0, 0.0, 0.25], dtype=torch.float64)
    code = torch.nan_to_num(u, nan=4.0).long()
    return heights[torch.where(code < 0, torch.full_like(code, 3), code)]


def fake_fit(loss: str = "bernoulli", names: tuple[str, ...] = ("wave", "skew", "hue", "noise")):
    """A fit with three main curves, a pair, a term of two attributes and a term of three."""
    knots = torch.linspace(0.0, 1.0, 9, dtype=torch.float64)
    attributes = [
        FakeAttribute(names[0], "number", FakeAxis(0.0, 10.0, knots)),
        FakeAttribute(names[1], "number", FakeAxis(-5.0, 5.0, knots)),
        FakeAttribute(names[2], "category", levels=("red", "blue", "green"), missing=True),
        FakeAttribute(names[3], "number", FakeAxis(0.0, 1.0, knots)),
    ]
    weights = {"multinomial": [1.0, -0.25, -0.75]}.get(loss, [1.0])
    w = torch.tensor(weights, dtype=torch.float64)
    line = {p: (lambda u: torch.nan_to_num(u)) for p in (0, 1)}
    three = {**line, 2: hue}
    gone = (FakePart("curve", (0,), lambda u: 0.2 * (torch.nan_to_num(u[:, 0]) - 0.5), w),)
    parts = [
        FakePart("curve", (0,), lambda u: 4 * (u[:, 0] - 0.5), w),
        FakePart("curve", (1,), lambda u: 6 * (u[:, 1] - 0.5) ** 2 - 0.5, w),
        FakePart("curve", (2,), lambda u: hue(u[:, 2]), w),
        FakePart("pair", (0, 1), lambda u: 8 * (u[:, 0] - 0.5) * (u[:, 1] - 0.5), w),
        FakePart("term", (0, 1), lambda h: (h - 1) ** 2 - 0.17, w, line),
        FakePart("term", (0, 1, 2), lambda h: torch.sin(2 * h), w, three, gone),
        FakePart("curve", (3,), lambda u: 0.0 * u[:, 3], w),
    ]
    network = FakeNetwork(attributes, parts, 0.5 * w)
    return SimpleNamespace(
        network=network,
        posterior=FakePosterior(network),
        path=fake_path(),
        loss=loss,
        noise=0.3 if loss == "gaussian" else None,
        evidence=-123.4,
        converged=True,
        iterations=9,
        gradient=1e-9,
        stopped=None,
        screened=(),
    )


def fake_path():
    """Four steps of a dial; the third is the chosen one."""
    steps = [
        (0, 0, 4, 4.0, 9.0, 0.60, 0.04, ()),
        (1, 0, 5, 6.0, 14.0, 0.45, 0.03, ("wave × skew",)),
        (1, 2, 12, 13.0, 21.0, 0.38, 0.015, ("term 1 (wave, skew)", "term 2 (wave, skew, hue)")),
        (1, 4, 18, 19.0, 35.0, 0.37, 0.0, ("term 3 (skew, hue)", "term 4 (wave, hue)")),
    ]
    keys = ("pairs", "terms", "curves", "cost", "dof", "loss", "loss_se", "names")
    return tuple(
        SimpleNamespace(**dict(zip(keys, step, strict=True)), chosen=i == 2)
        for i, step in enumerate(steps)
    )


def fake_rows(count: int = 300, seed: int = 0) -> np.ndarray:
    """Rows whose second number follows the first, with holes in the category."""
    rng = np.random.default_rng(seed)
    wave = rng.uniform(0, 10, count)
    skew = np.clip(wave - 5 + rng.normal(0, 1.5, count), -5, 5)
    hue_code = rng.integers(0, 3, count).astype(float)
    hue_code[rng.random(count) < 0.1] = np.nan
    rows = np.column_stack([wave, skew, hue_code, rng.random(count)])
    rows[0, :2], rows[1, :2] = (0.0, -5.0), (10.0, 5.0)  # the ends of both axes are seen
    return rows


def fake_target(fit, rows: np.ndarray, seed: int = 1) -> np.ndarray:
    """Outcomes drawn from the fake model itself, so that it is perfectly calibrated."""
    rng = np.random.default_rng(seed)
    link = fit.network(torch.as_tensor(rows)).numpy()
    if fit.loss == "gaussian":
        return link[:, 0] + rng.normal(0, fit.noise, len(rows))
    if fit.loss == "bernoulli":
        return (rng.random(len(rows)) < 1 / (1 + np.exp(-link[:, 0]))).astype(int)
    p = np.exp(link) / np.exp(link).sum(axis=1, keepdims=True)
    return np.array([rng.choice(len(row), p=row) for row in p])
