"""Columns of the design matrix: what the coefficients of a part multiply, one block a part.

A part's heights are directions @ coefficients. The directions whiten the prior, so every
coefficient has a normal prior whose variance the evidence sets, one variance a group.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from superpose.networks import InputBasis

PAIR_KNOTS = 16
PAIR_RANK = 64
PAIR_TOLERANCE = 1e-3
SIDE_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Block:
    """The columns of one main curve or pair.

    Attributes
    ----------
    kind : str
        "curve" or "pair".
    attributes : tuple of int
        What it reads.
    bases : tuple of InputBasis
        The cardinal functions of each attribute.
    directions : Tensor [H, m]
        heights (those of a pair row by row) = directions @ coefficients.
    columns : Tensor [N, m]
        Cardinal functions of the rows @ directions; of weighted mean 0.
    labels : tuple of str [m]
        Group of each coefficient: "slope", "smooth", "missing" or "surface".
    turn : Tensor [m0, m], optional
        Where the block was thinned: coefficients of the whole block = turn @ coefficients.
    """

    kind: str
    attributes: tuple[int, ...]
    bases: tuple[InputBasis, ...]
    directions: torch.Tensor
    columns: torch.Tensor
    labels: tuple[str, ...]
    turn: torch.Tensor | None = None

    def rows(self, kept: torch.Tensor) -> Block:
        """Return the columns of some of the rows."""
        return replace(self, columns=self.columns[kept])


@dataclass(frozen=True)
class Side:
    """One attribute as a direction of pairs and as an inner curve: its principal columns.

    The columns of a whitened curve, centred and turned to their principal axes over the rows,
    strongest first; those below a millionth of the strongest variance are left out.
    """

    basis: InputBasis
    directions: torch.Tensor
    columns: torch.Tensor
    scale: torch.Tensor


def main_block(p: int, basis: InputBasis, u: torch.Tensor, weight: torch.Tensor) -> Block:
    """Return the columns of the main curve of attribute p, u [N] its column in axis units."""
    line, white = basis.directions()
    parts, labels = [line, white], ["slope"] * line.shape[1] + ["smooth"] * white.shape[1]
    if basis.missing:
        parts.append(torch.eye(basis.n_heights)[:, -1:].double())
        labels.append("missing")
    directions, columns = _centred(torch.cat(parts, 1), basis.cardinal(u), weight)
    return Block("curve", (p,), (basis,), directions, columns, tuple(labels))


def side(basis: InputBasis, u: torch.Tensor, weight: torch.Tensor) -> Side:
    """Return the principal columns of an attribute; missing values contribute 0."""
    directions = torch.cat(basis.directions(), 1)
    known = weight * ~u.isnan()
    directions, columns = _centred(directions, basis.cardinal(u), known)
    variance = (columns * known[:, None]).mT @ columns / known.sum().clamp(min=1e-300)
    values, vectors = torch.linalg.eigh(variance)
    values, vectors = values.flip(0), vectors.flip(1)
    kept = values > SIDE_TOLERANCE * values[:1]
    vectors = vectors[:, kept]
    scale = values[kept].clamp(min=0.0).sqrt()
    return Side(basis, directions @ vectors, columns @ vectors, scale)


def empty_side(made: Side) -> Side:
    """Return a side without columns: no pair and no term reads the attribute."""
    none = slice(0, 0)
    return Side(made.basis, made.directions[:, none], made.columns[:, none], made.scale[none])


def pair_block(
    p: int, r: int, sides: tuple[Side, Side], weight: torch.Tensor, rank: int = PAIR_RANK
) -> Block:
    """Return the columns of the surface of attributes p and r.

    Products of the principal columns of both sides, strongest first: at most ``rank``, and none
    below a thousandth of the strongest. A constant attribute has none.
    """
    first, second = sides
    i, j = _strongest(torch.outer(first.scale, second.scale), rank)
    product = first.columns[:, i] * second.columns[:, j]
    lattice = torch.einsum("am,bm->abm", first.directions[:, i], second.directions[:, j])
    present = (first.columns.abs().sum(1) > 0) & (second.columns.abs().sum(1) > 0)
    known = weight * present
    mean = (known @ product) / known.sum().clamp(min=1e-300)
    return Block(
        "pair",
        (p, r),
        (first.basis, second.basis),
        (lattice - mean).flatten(0, 1),
        product - torch.outer(present.double(), mean),
        ("surface",) * len(i),
    )


def _strongest(scale: torch.Tensor, rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    order = scale.flatten().argsort(descending=True, stable=True)[:rank]
    order = order[scale.flatten()[order] > PAIR_TOLERANCE * scale.flatten()[order[:1]]]
    return order // scale.shape[1], order % scale.shape[1]


def _centred(
    directions: torch.Tensor, cardinal: torch.Tensor, weight: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Shift heights so that the columns have weighted mean 0; rows of NaN keep contributing 0."""
    total = weight.sum().clamp(min=1e-300)
    mean = (weight @ cardinal) @ directions / total
    centred = directions - mean
    return centred, cardinal @ centred
