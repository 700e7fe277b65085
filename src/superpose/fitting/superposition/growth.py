"""A model that grows: additive first, then pairs and terms, refitted as they come.

The columns are made once for all rows; a growth learns from some of them (its training rows), so
that several growths can hold out different rows at little cost.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from superpose.fitting.superposition.columns import (
    PAIR_KNOTS,
    PAIR_RANK,
    Block,
    Side,
    empty_side,
    main_block,
    pair_block,
    side,
)
from superpose.fitting.superposition.design import Design
from superpose.fitting.superposition.evidence import HYPER_MEAN, LARGEST_STEP
from superpose.fitting.superposition.newton import Solution, State, flat_start, solve
from superpose.fitting.superposition.problem import Problem
from superpose.fitting.superposition.screening import PairGains, pair_gains
from superpose.networks import Attribute, InputBasis

LENGTH_SCALE = 0.3
PAIR_LENGTH_SCALE = 0.2
SMOOTH, ROUGH, ROUGH_LENGTH_SCALE = "matern32", "matern12", 0.1
MORE = 2  # knots that a curve that may jump has for each other one


@dataclass(frozen=True)
class Promise:
    """A pair, the evidence that screening promises of it, and the log precision to start from."""

    pair: tuple[int, int]
    gain: float = math.nan
    rho: float = HYPER_MEAN


@dataclass(frozen=True)
class Rows:
    """All rows of a table: attributes, axis units [N, n], and what is to be explained."""

    attributes: tuple[Attribute, ...]
    axis_units: torch.Tensor
    problem: Problem
    kernel: str
    _sides: dict[int, Side] = field(default_factory=dict, repr=False)
    _bases: dict[tuple[Any, ...], InputBasis] = field(default_factory=dict, repr=False)
    _pairs: dict[tuple[int, int], Block] = field(default_factory=dict, repr=False)

    def main(self, p: int, length_scale: float = LENGTH_SCALE) -> Block:
        """Return the columns of the main curve of attribute p."""
        basis = self._basis(p, None, length_scale, missing=self.attributes[p].missing)
        return main_block(p, basis, self.axis_units[:, p], self.problem.weight)

    def rough(self, p: int) -> Block:
        """Return the columns of a main curve that may jump: Matérn 1/2 over more knots."""
        attribute = self.attributes[p]
        assert attribute.axis is not None
        knots = with_more(torch.as_tensor(attribute.axis.knots), self.axis_units[:, p])
        basis = InputBasis(
            attribute,
            knots,
            kernel=ROUGH,
            length_scale=ROUGH_LENGTH_SCALE,
            missing=attribute.missing,
        )
        return main_block(p, basis, self.axis_units[:, p], self.problem.weight)

    def side(self, p: int) -> Side:
        """Return the principal columns of attribute p, made when first asked for."""
        if p not in self._sides:
            attribute = self.attributes[p]
            knots = None
            if attribute.axis is not None and len(attribute.axis.knots) > PAIR_KNOTS:
                knots = torch.linspace(0, 1, PAIR_KNOTS, dtype=torch.float64)
            basis = self._basis(p, knots, PAIR_LENGTH_SCALE, missing=False)
            made = side(basis, self.axis_units[:, p], self.problem.weight)
            self._sides[p] = empty_side(made) if attribute.shape else made
        return self._sides[p]

    def _basis(
        self, p: int, knots: torch.Tensor | None, length_scale: float, missing: bool
    ) -> InputBasis:
        """Return the cardinal functions of attribute p; attributes with equal knots share them."""
        attribute = self.attributes[p]
        if attribute.axis is None:
            return InputBasis(attribute, missing=missing)
        places = torch.as_tensor(attribute.axis.knots) if knots is None else knots
        key = (tuple(places.tolist()), length_scale, missing, attribute.shape)
        if key not in self._bases:
            self._bases[key] = InputBasis(
                attribute,
                places,
                kernel=SMOOTH if self.kernel == "auto" else self.kernel,
                length_scale=length_scale,
                missing=missing,
            )
        return self._bases[key]

    def sides(self) -> list[Side]:
        """Return the principal columns of every attribute."""
        return [self.side(p) for p in range(len(self.attributes))]

    def pair(self, p: int, r: int) -> Block:
        """Return the columns of the surface of attributes p and r, made when first asked for."""
        if (p, r) not in self._pairs:
            rank = round(PAIR_RANK / self.problem.loss.n_outputs(self.problem.y) ** 0.5)
            sides = (self.side(p), self.side(r))
            self._pairs[p, r] = pair_block(p, r, sides, self.problem.weight, rank)
        return self._pairs[p, r]


def with_more(knots: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """Return the knots with more between them, where the rows have most different values."""
    count = MORE * len(knots)
    values = u[u.isfinite()].unique()
    values = values[(values > knots[0]) & (values < knots[-1])]
    if len(values) > count:
        values = values[torch.linspace(0, len(values) - 1, count).round().long()]
    every = torch.cat([knots, values]).sort().values
    apart = torch.cat([torch.tensor([True]), every.diff() > 1e-4])
    return every[apart]


class Growth:
    """A design, where its fit is, and the rows it learns from.

    Parameters
    ----------
    rows : Rows
    design : Design
        Over all rows.
    state : State
        To begin with.
    kept : Tensor [N] of bool
        Training rows.
    """

    def __init__(self, rows: Rows, design: Design, state: State, kept: torch.Tensor) -> None:
        self.rows, self.state, self.kept = rows, state, kept
        self.everything = bool(kept.all())
        self.solution: Solution | None = None
        self._design = design
        self._training: tuple[Design, Problem] | None = None

    @classmethod
    def additive(cls, rows: Rows, kept: torch.Tensor) -> Growth:
        """Return a growth of main curves alone, not yet fitted."""
        blocks = tuple(rows.main(p) for p in range(len(rows.attributes)))
        problem = rows.problem.rows(kept)
        design = Design(blocks, len(kept), problem.loss.n_outputs(problem.y))
        return cls(rows, design, flat_start(design, problem), kept)

    def holding_out(self, held: torch.Tensor) -> Growth:
        """Return a growth that starts here and learns from the other rows."""
        return Growth(self.rows, self.design, self.state, self.kept & ~held)

    @property
    def design(self) -> Design:
        """Over all rows; what it shares with the one before is kept for the training rows, too."""
        return self._design

    @design.setter
    def design(self, design: Design) -> None:
        old, self._design = self._design, design
        if self._training is None:
            return
        seen, problem = self._training
        blocks, terms = len(old.blocks), len(old.terms)
        kept = (*design.blocks[:blocks], *design.terms[:terms])
        if [id(part) for part in kept] != [id(part) for part in (*old.blocks, *old.terms)]:
            self._training = None
            return
        if len(design.blocks) > blocks:
            seen = seen.with_block(*(b.rows(self.kept) for b in design.blocks[blocks:]))
        if len(design.terms) > terms:
            seen = seen.with_terms(*(t.rows(self.kept) for t in design.terms[terms:]))
        self._training = seen, problem

    def copy(self) -> Growth:
        """Return a growth that starts here and learns from the same rows."""
        other = Growth(self.rows, self.design, self.state, self.kept)
        other._training = self._training
        return other

    def over(
        self, blocks: Sequence[Block], coefficients: Sequence[torch.Tensor]
    ) -> tuple[Design, State]:
        """Return the design over other blocks, each with its coefficients, and where it then is."""
        fixed, outer, inner = self.design.split(self.state.theta)
        design = replace(self.design, blocks=tuple(blocks), _cache={})
        theta = design.join(torch.cat([fixed[:, :1], *coefficients], 1), outer, inner)
        return design, State(theta, self.state.rho, self.state.noise)

    def own_coefficients(self) -> tuple[torch.Tensor, ...]:
        """Return the coefficients [K, m] of every block."""
        fixed = self.design.split(self.state.theta)[0]
        return fixed[:, 1:].split(self.design.widths[0], 1)

    @property
    def pairs(self) -> list[tuple[int, ...]]:
        """The pairs that are in the model."""
        return [b.attributes for b in self.design.blocks if b.kind == "pair"]

    @property
    def smoothed_pairs(self) -> list[tuple[int, ...]]:
        """The pairs that have a smoothness; one of a constant attribute has no columns."""
        pairs = (b for b in self.design.blocks if b.kind == "pair")
        return [b.attributes for b in pairs if b.columns.shape[1]]

    @property
    def training(self) -> tuple[Design, Problem]:
        """The design and the problem on the training rows."""
        if self.everything:
            return self.design, self.rows.problem
        if self._training is None:
            self._training = self.design.rows(self.kept), self.rows.problem.rows(self.kept)
        return self._training

    def fit(
        self, iterations: int = 25, tolerance: float = 2e-2, reach: float = LARGEST_STEP
    ) -> Solution:
        """Refit everything, from where it is."""
        self.solution = solve(
            *self.training, self.state, iterations=iterations, tolerance=tolerance, reach=reach
        )
        self.state = self.solution.state
        return self.solution

    def outputs(self) -> torch.Tensor:
        """Return the outputs [N, K] of all rows, with their offset."""
        return self.rows.problem.outputs(self.design.predict(self.state.theta))

    def working(self, f: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the Newton residual and information of the training rows, [N, K] each.

        Minus the gradient and the diagonal of the Hessian of the loss at outputs f, with weights
        and noise; 0 in rows that are held out.
        """
        problem = self.rows.problem
        weight = (problem.weight * self.kept)[:, None] / self.state.noise
        curvature = problem.loss.curvature(f).diagonal(dim1=1, dim2=2)
        return weight * problem.loss.residual(f, problem.y), weight * curvature

    def mains(self) -> torch.Tensor:
        """Return what the main curve of every attribute contributes, [N, n], outputs added up."""
        blocks = self.design.blocks[: len(self.rows.attributes)]
        own = zip(blocks, self.own_coefficients(), strict=False)
        return torch.stack([block.columns @ it.sum(0) for block, it in own], 1)

    def add_pairs(self, promises: Sequence[Promise]) -> None:
        """Put pairs into the model; their surfaces start flat."""
        blocks = [self.rows.pair(*it.pair) for it in promises]
        fixed, outer, inner = self.design.split(self.state.theta)
        width = sum(b.columns.shape[1] for b in blocks)
        fixed = torch.cat([fixed, fixed.new_zeros(len(fixed), width)], 1)
        self.design = self.design.with_block(*blocks)
        begin = [it.rho for it, b in zip(promises, blocks, strict=True) if b.columns.shape[1]]
        rho = torch.cat([self.state.rho, torch.tensor(begin, dtype=torch.float64)])
        self.state = State(self.design.join(fixed, outer, inner), rho, self.state.noise)

    def guided(self, guide: Growth) -> None:
        """Take the smoothness of a growth of the same main curves, for all that both have."""
        mains = len(guide.state.rho) - len(guide.smoothed_pairs)
        known = dict(zip(guide.smoothed_pairs, guide.state.rho[mains:].tolist(), strict=True))
        own = zip(self.smoothed_pairs, self.state.rho[mains:].tolist(), strict=True)
        pairs = torch.tensor([known.get(pair, rho) for pair, rho in own], dtype=torch.float64)
        rho = torch.cat([guide.state.rho[:mains], pairs])
        self.state = State(self.state.theta, rho, guide.state.noise)

    def pair_gains(self) -> PairGains:
        """Return what the screen says of every pair p < r; a gain of -inf for no candidates.

        A row of a certain class has next to no information, also where it is wrong; by its square
        the residual says how far the score may vary, so that one such row makes no pair. Where
        there is a noise, it says what a row may tell.
        """
        residual, information = self.working(self.outputs())
        if not self.rows.problem.loss.has_noise:
            share = self.rows.problem.weight.clamp(min=1e-300)[:, None]
            information = torch.maximum(information, residual**2 / share)
        sides = self.rows.sides()
        found = pair_gains(sides, residual, information)
        for p, r in self.pairs:
            found.nats[p, r] = -torch.inf
        silent = [p for p, side in enumerate(sides) if not side.columns.shape[1]]
        found.nats[silent] = found.nats[:, silent] = -torch.inf  # constant, or of a shape
        return found

    def promising(self, count: int) -> list[Promise]:
        """Return the pairs, not yet in the model, that promise most, best first."""
        found, noise = self.pair_gains(), math.log(self.state.noise)
        values, order = found.nats.flatten().sort(descending=True, stable=True)
        n, most = len(found.nats), int((values > -torch.inf).sum())
        rho = (found.precision.log().flatten() + noise).clamp(max=HYPER_MEAN)
        return [
            Promise((i // n, i % n), float(found.nats.flatten()[i]), float(rho[i]))
            for i in order[: min(count, most)].tolist()
        ]
