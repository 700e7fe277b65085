"""Columns that hardly count, left out where only predictions are asked for.

The smooth columns Z of a block, prior N(0, I/λ), are turned to the principal axes of their
information Zᵀ W Z. Axis j, with information d_j, uses d_j / (d_j + λ) degrees of freedom (Hastie
and Tibshirani, 1990, section 3.5), so an axis that uses next to none, even were λ a good deal
smaller, can go; of several outputs the one with most information decides. Fits over held-out rows
are thinned; the final fit has all columns, since what goes is what widens a band where there are no
data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from superpose.curves import SplineBasis
from superpose.fitting.superposition.columns import Block
from superpose.fitting.superposition.growth import Growth

SMALLEST_FREEDOM = 0.05
SLACK = 1.0  # λ may still fall by this factor, in logs
FEWEST = 4
WORTH_IT = 0.75  # fewer columns cost a new Gram matrix


def thinned(growth: Growth) -> Growth:
    """Return the growth, where it is, over the columns that count; itself if most of them do.

    Parameters
    ----------
    growth : Growth
        Its smoothness says what counts; its training rows and weights how much.
    """
    information = growth.working(growth.outputs())[1]
    lowest = growth.state.rho - torch.tensor(growth.state.noise).log() - SLACK
    groups = growth.design.groups()[0][1 : growth.design.n_shared]
    blocks: list[Block] = []
    coefficients: list[torch.Tensor] = []
    for block, own, group in zip(
        growth.design.blocks,
        growth.own_coefficients(),
        groups.split(growth.design.widths[0]),
        strict=True,
    ):
        turn = _turn(block, information, lowest[group].exp())
        blocks.append(block if turn is None else turned(block, turn))
        coefficients.append(own if turn is None else own @ turn)
    design, state = growth.over(blocks, coefficients)
    if design.n_shared > WORTH_IT * growth.design.n_shared:
        return growth
    return Growth(growth.rows, design, state, growth.kept)


def with_all_columns(growth: Growth, mains: Sequence[Block]) -> Growth:
    """Return a thinned growth, where it is, over all columns; ``mains`` are its whole curves."""
    blocks: list[Block] = []
    coefficients: list[torch.Tensor] = []
    own = zip(growth.design.blocks, growth.own_coefficients(), strict=True)
    for i, (block, theta) in enumerate(own):
        whole = block
        if block.turn is not None:
            whole = mains[i] if i < len(mains) else growth.rows.pair(*block.attributes)
        blocks.append(whole)
        coefficients.append(theta if block.turn is None else theta @ block.turn.mT)
    return Growth(growth.rows, *growth.over(blocks, coefficients), growth.kept)


def turned(block: Block, turn: torch.Tensor) -> Block:
    """Return the block over other axes of its coefficients; turn [m, m'] has orthonormal columns.

    A column of `turn` keeps to the coefficients of one label.
    """
    labels = tuple(block.labels[int(i)] for i in turn.abs().argmax(0))
    directions, columns = block.directions @ turn, block.columns @ turn
    whole = turn if block.turn is None else block.turn @ turn
    return replace(block, directions=directions, columns=columns, labels=labels, turn=whole)


def _turn(block: Block, information: torch.Tensor, precision: torch.Tensor) -> torch.Tensor | None:
    """Return the axes of a block that count, or None where all do."""
    smooth = torch.tensor([label in ("smooth", "surface") for label in block.labels])
    shaped = isinstance(block.bases[0].basis, SplineBasis)  # its coefficients have conditions
    if shaped or int(smooth.sum()) <= FEWEST:
        return None
    columns = block.columns[:, smooth]
    needed = [(columns * own[:, None]).mT @ columns for own in information.mT]
    strength, axes = torch.linalg.eigh(max(needed, key=lambda it: float(it.trace())))
    strength = strength.clamp(min=0.0)
    counts = strength / (strength + precision[smooth][0]) > SMALLEST_FREEDOM
    counts[-FEWEST:] = True
    if bool(counts.all()):
        return None
    rest = torch.eye(len(smooth), dtype=torch.float64)[:, ~smooth]
    kept = torch.zeros(len(smooth), int(counts.sum()), dtype=torch.float64)
    kept[smooth] = axes[:, counts].flip(1)
    return torch.cat([rest, kept], 1)
