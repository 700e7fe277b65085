"""Normal equations summed over batches of rows, so that a table need not fit into memory.

A sum over rows is the sum over the batches of their sums, so information, gradient and loss are
those of the whole table, to rounding. The parts, their axes and their centring come from a design
over some of the rows; only what the coefficients are is decided by all of them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from superpose.errors import InputError
from superpose.fitting.superposition.columns import Block, Side
from superpose.fitting.superposition.design import Design
from superpose.fitting.superposition.equations import NormalEquations, Sums
from superpose.fitting.superposition.known import Known
from superpose.fitting.superposition.local_columns import ROWS, LocalColumns
from superpose.fitting.superposition.losses import Loss
from superpose.fitting.superposition.newton import Solution, State, solve
from superpose.fitting.superposition.problem import Problem
from superpose.fitting.superposition.term_columns import TermColumns
from superpose.networks import Attribute, InputBasis

NUMBERS = 2**21
"""Entries of the columns made at once: 16 MiB, which the allocator takes back and reuses."""
ROUNDS = 4
TRUSTED = 0.5  # of the fall that the quadratic model promised, or one nat
SMALL = 1e-4  # nats between the model and the loss


@dataclass(frozen=True)
class RowBatch:
    """Some rows of a large table.

    Attributes
    ----------
    x : Tensor [n, attributes]
        In original units; NaN is missing, categories are codes.
    y : Tensor [n]
        Targets, or codes of the classes.
    weight : Tensor [n]
    offset : Tensor [n, K], optional
        Known part of the outputs.

    Examples
    --------
    A sample of every third row decides the axis, all rows the curve:

    >>> import torch
    >>> from superpose.curves import Axis
    >>> from superpose.fitting import RowBatch, fit_superposition
    >>> from superpose.networks import Attribute
    >>> x = torch.linspace(0, 6, 300, dtype=torch.float64)[:, None]
    >>> y = x[:, 0].sin()
    >>> halves = [RowBatch(x[i::2], y[i::2], torch.ones(150)) for i in (0, 1)]
    >>> hour = Attribute("hour", "number", Axis.from_data(x[::3, 0], n_knots=12))
    >>> fit = fit_superposition([hour], x[::3], y[::3], loss="gaussian", pairs=0, terms=0,
    ...                         everything=halves)
    >>> round(fit.network(x[75:76]).item(), 2)
    1.0
    """

    x: torch.Tensor
    y: torch.Tensor
    weight: torch.Tensor
    offset: torch.Tensor | None = None


@dataclass
class Standardised:
    """Batches as Newton steps read them: axis units, and targets in the unit of the fit.

    ``carrier`` is the part of the log likelihood that no model changes, once they were read.
    """

    attributes: Sequence[Attribute]
    places: Sequence[int]
    rows: Iterable[RowBatch]
    loss: Loss
    known: Known
    centre: float
    spread: float
    carrier: float = 0.0

    def __iter__(self) -> Iterator[tuple[torch.Tensor, Problem]]:
        carrier = 0.0
        for batch in self.rows:
            read = zip(self.places, self.attributes, strict=True)
            u = torch.stack([a.encode(batch.x[:, p]) for p, a in read], 1)
            of_target, of_outputs = self.known.elsewhere(self.loss, batch.offset, len(u))
            y = (batch.y.double() - of_target - self.centre) / self.spread
            weight = batch.weight.double()
            carrier += float(weight @ self.loss.carrier(batch.y.double()))
            yield u, Problem(y, weight, self.loss, of_outputs)
        self.carrier = carrier


def checked_device(name: str) -> str:
    """Return the name of a device that float64 tensors can be made on, or say why there is none.

    Raises
    ------
    InputError
        Where torch does not know the device, or finds none of its kind.
    """
    try:
        torch.zeros(1, dtype=torch.float64, device=name)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise InputError(
            "device must be one that torch can make float64 tensors on",
            f"found device={name!r}: {str(error).splitlines()[0]}",
            'pass device="cpu", or install a torch that was built for the GPU',
        ) from error
    return name


def settle(
    design: Design, problem: Problem, state: State, equations: BatchedEquations, **options: Any
) -> Solution:
    """Solve with few passes: on the quadratic model first, and then on the rows themselves.

    Smoothness and coefficients climb to the end on the sums of one pass, which costs no rows; the
    next pass is made there, as long as the penalised loss then falls.
    """
    for _ in range(0 if equations.exact or problem.deadline.over() else ROUNDS):
        model = equations.sums(state.theta)
        reached = solve(design, problem, state, equations=model, **options).state
        expected = model.loss - model.value(reached.theta)
        fell = model.loss - equations.value(reached.theta)
        if abs(fell - expected) > TRUSTED * max(abs(expected), 1.0):
            break  # the model was wrong that far out: step from where it was right
        state = reached
        if abs(fell - expected) < SMALL or problem.deadline.over():
            break
    return solve(design, problem, state, equations=equations, **options)


class BatchedEquations:
    """The `Equations` of rows that come in batches: one pass over them for each θ that is asked.

    Parameters
    ----------
    design : Design
        The parts, over some of the rows.
    batches : iterable of (Tensor [n, attributes], Problem)
        Axis units and targets; gone through once a pass.
    theta : Tensor [P]
        Where the first pass is made.
    device : str, default "cpu"
        Where columns and products are made.
    """

    def __init__(
        self,
        design: Design,
        batches: Iterable[tuple[torch.Tensor, Problem]],
        theta: torch.Tensor,
        device: str = "cpu",
    ) -> None:
        self.design, self.batches, self.device = design, batches, torch.device(device)
        self.elsewhere = _moved(design, self.device)
        self.local = LocalColumns.of(design) if self.device.type == "cpu" else None
        self.corner: torch.Tensor | None = None
        self.exact, self.passes = False, 0
        self.last = self._pass(theta)
        self.total = self.last.total

    def at(self, theta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return information A = Jᵀ W J and right-hand side Jᵀ (W J θ + residual)."""
        return self.sums(theta).at(theta)

    def downhill(self, theta: torch.Tensor) -> torch.Tensor:
        """Return Jᵀ residual, minus the gradient of the unpenalised loss."""
        return self.sums(theta).downhill(theta)

    def value(self, theta: torch.Tensor) -> float:
        """Return the unpenalised loss."""
        return self.sums(theta).value(theta)

    def sums(self, theta: torch.Tensor) -> Sums:
        """Return what a pass at θ finds; without one where the last says it already."""
        if not self.exact and not torch.equal(theta, self.last.theta):
            self.last = self._pass(theta)
        return self.last

    def _pass(self, theta: torch.Tensor) -> Sums:
        summed = self._local_sums if self.local else self._dense_sums
        information, gradient, value, total = summed(theta)
        fixed = 1 + sum(self.design.widths[0])
        if self.corner is not None:
            information[:fixed, :fixed] += self.corner
        elif self.loss.has_noise:
            self.corner = information[:fixed, :fixed].clone()
        self.exact = self.loss.name == "gaussian" and not self.design.terms
        self.passes += 1
        return Sums(theta, information, gradient, value, total)

    def _local_sums(self, theta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, float, float]:
        """Return information, gradient, loss and weight, by the few features that a row has."""
        assert self.local is not None
        pieces = self._pieces(ROWS)
        return self.local.sums(pieces, theta, _over, information=self.corner is None)

    def _dense_sums(self, theta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, float, float]:
        """Return information without what is known of it, gradient, loss and weight."""
        size = self.design.n_coefficients
        information = torch.zeros(size, size, dtype=torch.float64, device=self.device)
        gradient = information.new_zeros(size)
        value, total, here = 0.0, 0.0, theta.to(self.device)
        terms = _centred(self.design, theta, self.elsewhere.terms)
        for u, problem in self._pieces(max(1024, NUMBERS // size)):
            design = _over(replace(self.elsewhere, terms=terms), u)
            equations = NormalEquations(design, problem)
            if self.corner is not None:
                equations.constant = torch.zeros_like(self.corner, device=self.device)
            more, downhill = equations.derivatives(here)
            information += more
            gradient += downhill
            value += equations.value(here)
            total += equations.total
        return information.cpu(), gradient.cpu(), value, total

    def _pieces(self, rows: int) -> Iterator[tuple[torch.Tensor, Problem]]:
        """Cut batches so that the columns of each piece stay small, and move them to the device."""
        for u, problem in self.batches:
            self.loss = problem.loss
            for start in range(0, len(u), rows):
                piece = problem.rows(slice(start, start + rows)).to(self.device)
                yield u[start : start + rows].to(self.device), piece


@dataclass(frozen=True)
class _Centred(TermColumns):
    """A term whose means over the rows it was grown on are known; they hold on any rows."""

    column_mean: torch.Tensor
    slope_mean: torch.Tensor

    def _mean(self, columns: torch.Tensor) -> torch.Tensor:
        return self.column_mean if columns.ndim == 2 else self.slope_mean[:, None, :]


def _centred(
    design: Design, theta: torch.Tensor, terms: tuple[TermColumns, ...]
) -> tuple[_Centred, ...]:
    """Return terms with their means at θ over the rows of ``design``, which has the same ones."""
    _, outer, inner = design.split(theta)
    centred = []
    for home, term, c, a in zip(design.terms, terms, outer, inner, strict=True):
        columns, slopes = (mean.to(term.directions.device) for mean in home.centres(c, a))
        parts = (term.attributes, term.sides, term.outer, term.directions, term.weight)
        centred.append(_Centred(*parts, columns, slopes))
    return tuple(centred)


def _moved(design: Design, device: torch.device) -> Design:
    """Return the parts of a design on a device, without their columns."""
    none = torch.zeros(0, 0, dtype=torch.float64)
    blocks = [
        replace(
            b,
            bases=tuple(_on(basis, device) for basis in b.bases),
            directions=b.directions.to(device),
            columns=none,
        )
        for b in design.blocks
    ]
    terms = [
        replace(
            t,
            sides=tuple(
                Side(_on(s.basis, device), s.directions.to(device), none, s.scale) for s in t.sides
            ),
            outer=_on(t.outer, device),
            directions=t.directions.to(device),
        )
        for t in design.terms
    ]
    return Design(tuple(blocks), 0, design.n_outputs, tuple(terms))


def _on(module: Any, device: torch.device) -> Any:
    return module if device.type == "cpu" else copy.deepcopy(module).to(device)


def _over(design: Design, u: torch.Tensor) -> Design:
    """Return the same parts over other rows, u [n, attributes] in axis units."""
    made: dict[tuple[int, int], torch.Tensor] = {}

    def cardinal(p: int, basis: InputBasis) -> torch.Tensor:
        key = (p, id(basis))
        if key not in made:
            made[key] = basis.cardinal(u[:, p])
        return made[key]

    def heights(block: Block) -> torch.Tensor:
        first, *second = (
            cardinal(p, b) for p, b in zip(block.attributes, block.bases, strict=True)
        )
        if second:
            first = (first[:, :, None] * second[0][:, None, :]).flatten(1)
        return first

    widths = [block.directions.shape[1] for block in design.blocks]
    fixed = u.new_empty(len(u), 1 + sum(widths))
    bias, *columns = fixed.split([1, *widths], 1)
    bias.fill_(1.0)
    for block, own in zip(design.blocks, columns, strict=True):
        torch.mm(heights(block), block.directions, out=own)
    blocks = tuple(replace(b, columns=c) for b, c in zip(design.blocks, columns, strict=True))
    terms = tuple(
        replace(
            term,
            sides=tuple(
                replace(side, columns=cardinal(p, side.basis) @ side.directions)
                for p, side in zip(term.attributes, term.sides, strict=True)
            ),
        )
        for term in design.terms
    )
    return Design(blocks, len(u), design.n_outputs, terms, {"fixed": fixed})
