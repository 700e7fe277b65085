"""Main curves as a few features a row: sums over many rows at the price of B-splines.

A column of a main curve is a sum of kernel packets, of which at most four are active in a row, and
of a straight line (Chen, Ding and Tuo, 2022, JMLR 23:127); of a category it is a sum of levels, of
which one is. So products are summed over packets, lines and levels, and turned to those of the
columns at the end: columns = features @ turn, hence Jᵀ W J = turnᵀ (Fᵀ W F) turn. Blocks
of another kind (pairs, curves with a shape or few control points) are columns among the features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from superpose.curves import GPBasis, LevelBasis
from superpose.curves.machine_code import compiled
from superpose.curves.packets import KernelPackets
from superpose.fitting import loops
from superpose.fitting.loops import ACTIVE
from superpose.fitting.superposition.columns import Block
from superpose.fitting.superposition.design import Design
from superpose.fitting.superposition.equations import SMALLEST_CURVATURE
from superpose.fitting.superposition.problem import Problem

ROWS = 2048
"""Rows at once: their features stay in the processor's cache."""

Over = Callable[[Design, torch.Tensor], Design]


@dataclass(frozen=True)
class LocalColumns:
    """The columns of a design without terms, as features.

    Attributes
    ----------
    blocks : tuple of Block
        Main curves that are sums of packets or levels.
    tables : tuple of tuple
        Of each, the table of its packets; nothing for levels.
    rest : Design
        The bias and the other blocks.
    first : tuple of int
        Where the packets or levels of each block begin among the features; and how many there are
        in all. Behind them stand the columns of `rest`, then of each block its straight line and
        whether it is missing.
    turn : Tensor [features, P0]
    """

    blocks: tuple[Block, ...]
    tables: tuple[tuple[np.ndarray, ...], ...]
    rest: Design
    first: tuple[int, ...]
    turn: torch.Tensor

    @classmethod
    def of(cls, design: Design) -> LocalColumns | None:
        """Return the features of a design; None where it has terms, or no curve is local."""
        local = tuple(b for b in design.blocks if _is_local(b))
        if design.terms or not local:
            return None
        rest = Design(tuple(b for b in design.blocks if not _is_local(b)), 0, design.n_outputs)
        first = np.cumsum([0, *(len(b.bases[0].knots) + ACTIVE - 1 for b in local)]).tolist()
        return cls(local, tuple(map(_table, local)), rest, tuple(first), _turn(design))

    def sums(
        self,
        pieces: Iterable[tuple[torch.Tensor, Problem]],
        theta: torch.Tensor,
        over: Over,
        information: bool = True,
    ) -> tuple[torch.Tensor, torch.Tensor, float, float]:
        """Return information, gradient, loss and total weight of the rows at θ.

        Parameters
        ----------
        pieces : iterable of (Tensor [n, attributes], Problem)
            Axis units and targets, at most `ROWS` rows each.
        theta : Tensor [P]
        over : callable
            Makes the columns of `rest` over other rows.
        information : bool, default True
            Whether to sum that, too; else it is 0.
        """
        n_outputs, size = self.rest.n_outputs, len(self.turn)
        weights = (self.turn @ theta.view(n_outputs, -1).mT).contiguous()
        inner = torch.zeros(n_outputs, n_outputs, size, size, dtype=torch.float64)
        slope = torch.zeros(size, n_outputs, dtype=torch.float64)
        value = total = 0.0
        for u, problem in pieces:
            features = self._features(u, over)
            f = problem.outputs(features.outputs(weights))
            residual = problem.weight[:, None] * problem.loss.residual(f, problem.y)
            features.add_products_with(residual, slope)
            value += problem.value(f)
            total += float(problem.weight.sum())
            if information:
                curved = _curvature(problem, f)
                for k in range(n_outputs):
                    for j in range(k, n_outputs):
                        features.add_gram(curved[:, k, j].contiguous(), inner[k, j])
        if not bool(slope.isfinite().all()):
            raise FloatingPointError("a Newton step needs finite targets, weights and columns")
        return self._turned(inner), (self.turn.mT @ slope).mT.flatten(), value, total

    def _features(self, u: torch.Tensor, over: Over) -> _Features:
        places = [block.attributes[0] for block in self.blocks]
        own = u.mT[places].contiguous()
        missing, numbers = own.isnan(), torch.tensor(self.numbers)
        start = torch.zeros(own.shape, dtype=torch.int64)
        values = torch.zeros(*own.shape, ACTIVE, dtype=torch.float64)
        for i, table in enumerate(self.tables):
            if table:
                place = start[i].numpy(), values[i].numpy()
                compiled(loops.packets)(own[i].numpy(), *table, *place)
            else:
                known = (own[i] >= 0) & (own[i] < len(self.blocks[i].bases[0].basis.knots))
                start[i] = torch.where(known, own[i], 0.0).long()
                values[i, :, 0] = known
        start += torch.tensor(self.first[:-1])[:, None]
        line = own[numbers].masked_fill_(missing[numbers], 0.0)
        columns = [over(self.rest, u).fixed, line.mT, missing.mT]
        return _Features(start.numpy().view(np.uint64), values.numpy(), torch.cat(columns, 1))

    @cached_property
    def numbers(self) -> list[int]:
        """Which of the blocks have packets, and so a straight line."""
        return [i for i, table in enumerate(self.tables) if table]

    def _turned(self, inner: torch.Tensor) -> torch.Tensor:
        """Return turnᵀ (Fᵀ W F) turn of all outputs, from the half that was summed."""
        n_outputs, rows = len(inner), self.turn.shape[1]
        total = inner.new_empty(n_outputs * rows, n_outputs * rows)
        for k in range(n_outputs):
            for j in range(k, n_outputs):
                upper = inner[k, j].triu()
                block = self.turn.mT @ (upper + upper.triu(1).mT) @ self.turn
                above, left = slice(k * rows, (k + 1) * rows), slice(j * rows, (j + 1) * rows)
                total[above, left], total[left, above] = block, block.mT
        return total


@dataclass(frozen=True)
class _Features:
    """Features of some rows: the local ones by place and value, and columns [n, c]."""

    start: np.ndarray
    values: np.ndarray
    columns: torch.Tensor

    def outputs(self, weights: torch.Tensor) -> torch.Tensor:
        """Return F h, [n, K]."""
        local = len(weights) - self.columns.shape[1]
        f = self.columns @ weights[local:]
        compiled(loops.outputs)(f.numpy(), self.start, self.values, weights[:local].numpy())
        return f

    def add_products_with(self, residual: torch.Tensor, total: torch.Tensor) -> None:
        """Add Fᵀ r, [features, K]."""
        local = len(total) - self.columns.shape[1]
        compiled(loops.against)(total[:local].numpy(), self.start, self.values, residual.numpy())
        total[local:] += self.columns.mT @ residual

    def add_gram(self, weight: torch.Tensor, total: torch.Tensor) -> None:
        """Add Fᵀ diag(w) F; what is below the diagonal is not to be read."""
        local, scaled = len(total) - self.columns.shape[1], self.columns * weight[:, None]
        sums = total.numpy()
        compiled(loops.products)(sums, self.start, self.values, weight.numpy())
        side = torch.zeros(local, self.columns.shape[1], dtype=torch.float64)
        compiled(loops.against)(side.numpy(), self.start, self.values, scaled.numpy())
        total[:local, local:] += side
        total[local:, local:] += scaled.mT @ self.columns


def _is_local(block: Block) -> bool:
    basis = block.bases[0].basis
    if isinstance(basis, GPBasis) and isinstance(basis.features, KernelPackets):
        return block.kind == "curve" and 2 * basis.features.order <= ACTIVE
    return block.kind == "curve" and isinstance(basis, LevelBasis)


def _curvature(problem: Problem, f: torch.Tensor) -> torch.Tensor:
    """Return w C, [n, K, K]; of a loss with noise w alone."""
    if problem.loss.has_noise:
        return problem.weight[:, None, None]
    curvature = problem.loss.curvature(f)
    if f.shape[1] == 1:
        curvature = curvature.clamp(min=SMALLEST_CURVATURE)
    return problem.weight[:, None, None] * curvature


def _table(block: Block) -> tuple[np.ndarray, ...]:
    """Return the table of packets of a curve as `loops.packets` reads it, `ACTIVE` of them."""
    basis = block.bases[0].basis
    if not isinstance(basis, GPBasis) or not isinstance(basis.features, KernelPackets):
        return ()
    *cells, powers = (it.numpy() for it in basis.features.table())
    return *cells, np.pad(powers, ((0, 0), (0, 0), (0, ACTIVE - powers.shape[2])))


def _turn(design: Design) -> torch.Tensor:
    """Return what makes the columns of the design of the features."""
    near, level, beside, line, gap = zip(*map(_made_of, design.blocks), strict=True)
    before, *behind = (torch.block_diag(*it) for it in (near, beside, line, gap))
    columns = torch.cat([before, torch.cat(level)[None], *behind])
    bias = torch.arange(len(columns)) == len(before)
    return torch.cat([bias.double()[:, None], columns], 1)


def _made_of(block: Block) -> tuple[torch.Tensor, ...]:
    """Return of which features the columns of a block are made.

    Returns
    -------
    near : Tensor [features, m]
        Its packets or levels.
    level : Tensor [m]
        The bias.
    beside : Tensor [0 or m, m]
        Its own columns, where it is not local.
    line, gap : Tensor [0 or 1, m]
        Its place on the axis, and that it is missing.
    """
    width = block.directions.shape[1]
    none, level = torch.zeros(0, width).double(), torch.zeros(width).double()
    if not _is_local(block):
        return none, level, torch.eye(width).double(), none, none
    basis = block.bases[0]
    heights, line = block.directions[: basis.basis.n_heights], none
    gap = block.directions[-1:] if basis.missing else level[None]
    if isinstance(basis.basis, GPBasis):
        of_line, of_packets = basis.basis.rows()
        level, end = basis.basis.line(torch.tensor([0.0, 1.0]).double()) @ of_line @ heights
        heights, line, gap = of_packets @ heights, (end - level)[None], gap - level
    near = torch.zeros(len(heights) + ACTIVE - 1, width).double()
    near[: len(heights)] = heights
    return near, level, none, line, gap
