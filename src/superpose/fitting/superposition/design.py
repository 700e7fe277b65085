"""The design: which parts are in the model, and how outputs depend on their coefficients.

Coefficients θ are laid out output by output [bias, blocks, outer curves of terms], then the inner
curves of the terms, which all outputs share.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from superpose.fitting.superposition.columns import Block
from superpose.fitting.superposition.gram import add_lower, mirrored, row_batches
from superpose.fitting.superposition.term_columns import TermColumns


@dataclass(frozen=True)
class Linearised:
    """The outputs and their derivatives at some θ.

    Attributes
    ----------
    outputs : Tensor [N, K]
    fixed : Tensor [N, P0]
        Derivative of every output in its bias and the coefficients of its blocks; the same at
        every θ.
    outer : Tensor [N, Po]
        Derivative of every output in the coefficients of its outer curves.
    inner : Tensor [K, N, Pv]
        Derivative of each output in the coefficients of the inner curves.
    """

    outputs: torch.Tensor
    fixed: torch.Tensor
    outer: torch.Tensor
    inner: torch.Tensor


@dataclass(frozen=True)
class Design:
    """Blocks of main curves and pairs, and terms, over N rows and K outputs.

    Attributes
    ----------
    blocks : tuple of Block
        Main curves and pairs.
    terms : tuple of TermColumns
    n_rows, n_outputs : int
    """

    blocks: tuple[Block, ...]
    n_rows: int
    n_outputs: int
    terms: tuple[TermColumns, ...] = ()
    _cache: dict[str, torch.Tensor] = field(default_factory=dict, repr=False, compare=False)

    @property
    def fixed(self) -> torch.Tensor:
        """Columns of the bias and the blocks, [N, P0]; built once."""
        if "fixed" not in self._cache:
            columns = [b.columns for b in self.blocks]
            device = columns[0].device if columns else None
            one = torch.ones(self.n_rows, 1, dtype=torch.float64, device=device)
            self._cache["fixed"] = torch.cat([one, *columns], 1)
        return self._cache["fixed"]

    def gram(self, weight: torch.Tensor) -> torch.Tensor:
        """Return Zᵀ diag(w) Z of the columns of the bias and the blocks; built once a weight.

        What a smaller design of the same rows and weights has built is not built again.
        """
        known = self._cache.get("gram")
        if known is None or self._cache["weight"] is not weight:
            known = weight.new_zeros(0, 0)
        size = 1 + sum(self.widths[0])
        if len(known) < size:
            total = known.new_zeros(size, size)
            for rows in row_batches(self.n_rows, size):
                add_lower(total, self._columns(rows), weight[rows], len(known))
            total[: len(known), : len(known)] = known
            self._cache["gram"], self._cache["weight"] = mirrored(total), weight
        return self._cache["gram"]

    def products(self, values: torch.Tensor) -> torch.Tensor:
        """Return Zᵀ v [P0] of the columns of the bias and the blocks."""
        return torch.cat([values.sum()[None], *(b.columns.mT @ values for b in self.blocks)])

    def _columns(self, rows: slice) -> torch.Tensor:
        own = [b.columns[rows] for b in self.blocks]
        count = len(range(self.n_rows)[rows])
        one = torch.ones(count, 1, dtype=torch.float64, device=own[0].device if own else None)
        return torch.cat([one, *own], 1)

    @property
    def widths(self) -> tuple[list[int], list[int], list[list[int]]]:
        """Number of coefficients of each block, of each outer curve, and of each inner curve."""
        return (
            [b.columns.shape[1] for b in self.blocks],
            [t.n_outer for t in self.terms],
            [t.n_inner for t in self.terms],
        )

    @property
    def n_shared(self) -> int:
        """Number Ps of coefficients an output has to itself."""
        blocks, outer, _ = self.widths
        return 1 + sum(blocks) + sum(outer)

    @property
    def n_inner(self) -> int:
        """Number Pv of coefficients of inner curves."""
        return sum(map(sum, self.widths[2]))

    @property
    def n_coefficients(self) -> int:
        """Length of θ."""
        return self.n_outputs * self.n_shared + self.n_inner

    def with_block(self, *blocks: Block) -> Design:
        """Return the design with more blocks."""
        known = {key: self._cache[key] for key in self._cache if key in ("gram", "weight")}
        return Design(self.blocks + blocks, self.n_rows, self.n_outputs, self.terms, known)

    def with_terms(self, *terms: TermColumns) -> Design:
        """Return the design with more terms; the columns of the blocks are shared."""
        return Design(self.blocks, self.n_rows, self.n_outputs, self.terms + terms, self._cache)

    def rows(self, kept: torch.Tensor) -> Design:
        """Return the design of some of the rows."""
        blocks = tuple(b.rows(kept) for b in self.blocks)
        terms = tuple(t.rows(kept) for t in self.terms)
        n_rows = int(kept.sum()) if kept.dtype == torch.bool else len(kept)
        return Design(blocks, n_rows, self.n_outputs, terms)

    def groups(self) -> tuple[torch.Tensor, int]:
        """Return the group of every coefficient, [P] (-1 for biases), and how many there are.

        Group 0 holds the slopes of all main curves; every other label of a block, every outer and
        every inner curve has its own. Outputs share their groups.
        """
        shared, count = [-1], 1
        for block in self.blocks:
            own: dict[str, int] = {}
            for label in block.labels:
                if label != "slope" and label not in own:
                    own[label], count = count, count + 1
                shared.append(0 if label == "slope" else own[label])
        inner: list[int] = []
        for term in self.terms:
            shared += [count] * term.n_outer
            count += 1
            for width in term.n_inner:
                inner += [count] * width
                count += 1
        return torch.tensor(shared * self.n_outputs + inner), count

    def split(
        self, theta: torch.Tensor
    ) -> tuple[torch.Tensor, list[torch.Tensor], list[list[torch.Tensor]]]:
        """Return θ as coefficients [K, P0], of outer curves [K, m], and of inner curves [m]."""
        blocks, outer, inner = self.widths
        shared = theta[: self.n_outputs * self.n_shared].view(self.n_outputs, -1)
        fixed, *outers = shared.split([1 + sum(blocks), *outer], 1)
        flat = theta[self.n_outputs * self.n_shared :]
        inners: list[list[torch.Tensor]] = []
        for widths in inner:
            inners.append(list(flat[: sum(widths)].split(widths)))
            flat = flat[sum(widths) :]
        return fixed, list(outers), inners

    def join(
        self, fixed: torch.Tensor, outer: list[torch.Tensor], inner: list[list[torch.Tensor]]
    ) -> torch.Tensor:
        """Return θ from its pieces, the inverse of `split`."""
        shared = torch.cat([fixed, *outer], 1).flatten()
        return torch.cat([shared, *(z for term in inner for z in term)])

    def predict(self, theta: torch.Tensor) -> torch.Tensor:
        """Return the outputs [N, K]."""
        fixed, outer, inner = self.split(theta)
        if "fixed" in self._cache:
            outputs = self.fixed @ fixed.mT
        else:  # block by block: a product of them all would take another copy of them
            outputs = fixed[:, 0].expand(self.n_rows, -1)
            pieces = zip(self.blocks, fixed[:, 1:].split(self.widths[0], 1), strict=True)
            outputs = sum((b.columns @ own.mT for b, own in pieces), start=outputs)
        for term, c, a in zip(self.terms, outer, inner, strict=True):
            outputs = outputs + term.value(c, a)
        return outputs

    def linearise(self, theta: torch.Tensor) -> Linearised:
        """Return the outputs and their derivatives at θ."""
        fixed, outer, inner = self.split(theta)
        outputs = self.fixed @ fixed.mT
        none = self.fixed.new_zeros(self.n_rows, 0)
        columns, bent = [none], [none.expand(self.n_outputs, -1, -1)]
        for term, c, a in zip(self.terms, outer, inner, strict=True):
            moving, slopes, value = term.linearise(c, a)
            columns.append(moving)
            bent.append(slopes)
            outputs = outputs + value
        return Linearised(outputs, self.fixed, torch.cat(columns, 1), torch.cat(bent, 2))
