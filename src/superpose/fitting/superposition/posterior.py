"""The posterior over all coefficients, and the bands it gives every part and every prediction.

Laplace: θ ~ N(mode, S) with S the inverse Gauss-Newton Hessian. A part with Jacobian J has
variance J S Jᵀ; to this comes what the prior leaves open between and beyond the control points
(Rasmussen and Williams, 2006, equation 2.42).

What moved from pairs and terms to main curves is a linear map of their coefficients (of those of a
term, to first order), so it moves in the posterior too. Variance that is left open does not move.

With more than two classes only differences of outputs have a meaning, so every variance is that of
an output less the mean over the classes: a centred log-probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from statistics import NormalDist

import torch

from superpose.fitting.superposition.part_evidence import savage_dickey
from superpose.fitting.superposition.part_slopes import Share, Slopes, between, own_slopes
from superpose.fitting.superposition.shaped_limits import shaped_limits
from superpose.networks import AxisRows, MainCurve, Superposition


class Posterior:
    """A normal distribution over the coefficients of a fitted network.

    Parameters
    ----------
    network : Superposition
        At the mode.
    covariance : Tensor [P, P]
        Of θ = [per output: bias, parts in order], then inner curves; coefficients of classes are
        measured from their mean over the classes.
    shares : sequence of Share
        One a part, in the order of ``network.parts``.
    stride : int
        Coefficients an output has to itself.
    """

    def __init__(
        self,
        network: Superposition,
        covariance: torch.Tensor,
        shares: Sequence[Share],
        stride: int,
    ) -> None:
        self.network = network
        self.covariance = covariance
        self.shares = tuple(shares)
        self.stride = stride

    @property
    def dof(self) -> list[float]:
        """Effective degrees of freedom of each part, all outputs together."""
        return [share.freedom for share in self.shares]

    def part_variance(self, index: int, axis_units: torch.Tensor | AxisRows) -> torch.Tensor:
        """Return the posterior variance [N, K] of one part at rows [N, n] in axis units."""
        batches = AxisRows.of(axis_units).batches()
        return torch.cat([self._part_variance(index, rows) for rows in batches])

    def part_limits(
        self, index: int, axis_units: torch.Tensor | AxisRows, level: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the pointwise limits [N, K] of one part, which hold it with this probability.

        Mean ± z sd of a normal distribution. Of a main curve of a known shape, that of its control
        points, with the root mean square of its draws about the mode as sd; limits of a curve that
        rises, rise, too.
        """
        batches = AxisRows.of(axis_units).batches()
        found = [self._limits(index, rows, level) for rows in batches]
        return torch.cat([low for low, _ in found]), torch.cat([high for _, high in found])

    @torch.no_grad()
    def _limits(
        self, index: int, rows: AxisRows, level: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        part, share = self.network.parts[index], self.shares[index]
        mean = part(rows)
        if isinstance(part, MainCurve) and share.draws is not None:
            low, high = shaped_limits(part, share.draws, level)
            cardinal = rows.cardinal(part.basis, part.attributes[0])
            # beyond the knots straight lines may cross; the lower of two that rise, rises
            return torch.minimum(cardinal @ low.mT, mean), torch.maximum(cardinal @ high.mT, mean)
        sd = self._part_variance(index, rows).clamp(min=0).sqrt()
        reach = NormalDist().inv_cdf((1 + level) / 2) * sd
        return mean - reach, mean + reach

    def variance(self, axis_units: torch.Tensor | AxisRows) -> torch.Tensor:
        """Return the posterior variance [N, K] of the outputs, all parts and the bias together."""
        return torch.cat([self._variance(rows) for rows in AxisRows.of(axis_units).batches()])

    @torch.no_grad()
    def part_factor(
        self, index: int, axis_units: torch.Tensor | AxisRows
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what a part's values at several rows have in common, and what each has alone.

        The values of output k at rows [N, n] in axis units have the covariance F[k] F[k]ᵀ, plus,
        in each row, the variance that the prior leaves open there.

        Returns
        -------
        factor : Tensor [K, N, m]
        left_open : Tensor [N, K]
        """
        rows = AxisRows.of(axis_units)
        own, left_open = self._own(index, rows)
        pieces, factors = [own, *self._moved(index, rows)], []
        for k in range(self.network.n_outputs):
            jacobian, covariance = self._rows(k, pieces)
            values, vectors = torch.linalg.eigh(covariance)
            factors.append(jacobian @ (vectors * values.clamp(min=0.0).sqrt()))
        return torch.stack(factors), left_open + self._unknown(index, rows)

    @torch.no_grad()
    def _part_variance(self, i: int, rows: AxisRows) -> torch.Tensor:
        part, share = self.network.parts[i], self.shares[i]
        if not isinstance(part, MainCurve):
            own, left = self._own(i, rows)
            return self._known([own, *self._moved(i, rows)]) + left + self._unknown(i, rows)
        p, n_outputs = part.attributes[0], self.network.n_outputs
        none = share.directions[0].new_zeros(n_outputs, len(share.directions[0]), 0)
        heights = [Slopes(share.shared, (0, 0), share.directions[0], none)]
        heights += [Slopes(it.place, it.inner, it.shared, it.bent) for it in share.moved]
        left = share.open_variance[0] * rows.conditional_variance(part.basis, p)
        variance = left[:, None] * between(n_outputs) + self._unknown(i, rows)
        cardinal, every = (
            rows.cardinal(part.basis, p),
            (self._rows(k, heights) for k in range(n_outputs)),
        )
        spread = (jacobian @ middle @ jacobian.mT for jacobian, middle in every)
        return variance + torch.stack([((cardinal @ it) * cardinal).sum(1) for it in spread], 1)

    @torch.no_grad()
    def _variance(self, rows: AxisRows) -> torch.Tensor:
        pieces = [self._bias(len(rows))]
        left_open = torch.zeros(len(rows), self.network.n_outputs, dtype=torch.float64)
        for i, lasting in enumerate(self._lasting):
            own, left = self._own(i, rows)
            pieces += [own, *self._moved(i, rows, lasting)]
            left_open = left_open + left + self._unknown(i, rows)
        return self._known(pieces) + left_open

    @cached_property
    def _lasting(self) -> list[list[int]]:
        """Which maps of each part count in the sum of all: not those that another part undoes."""
        mains = {
            part.attributes: i
            for i, part in enumerate(self.network.parts)
            if isinstance(part, MainCurve)
        }
        lasting = [list(range(len(share.moved))) for share in self.shares]
        for i, part in enumerate(self.network.parts):
            if isinstance(part, MainCurve):
                continue
            for j, curve in zip(tuple(lasting[i]), self._curves(i), strict=True):
                main = mains[curve.attributes]
                taken = self.shares[main].moved
                undone = [t for t in lasting[main] if taken[t].same(self.shares[i].moved[j])]
                if undone:
                    lasting[main].remove(undone[0])
                    lasting[i].remove(j)
        return lasting

    def slopes(self, i: int, axis_units: torch.Tensor | AxisRows) -> Slopes:
        """Return the derivative of a pair or a term in its own coefficients at rows [N, n]."""
        rows = AxisRows.of(axis_units)
        own = self._own(i, rows)[0]
        moved = [it for it in self._moved(i, rows) if it.place == own.place]
        shared = sum((it.shared for it in moved), start=own.shared)
        return replace(own, shared=shared, bent=sum((it.bent for it in moved), start=own.bent))

    def evidence(self, i: int) -> float | None:
        """Return what a pair or a term adds to the log evidence of all other parts, in nats.

        For a term it is that of its outer curve, whose inner curves are as they are. None for a
        part that is held: the posterior says nothing about it.
        """
        part, share = self.network.parts[i], self.shares[i]
        directions, variance = share.directions[0], share.open_variance[0]
        if not bool(directions.any()) or not variance > 0:
            return None
        heights = part.heights.detach().flatten(1)  # [K, H]
        theta = torch.linalg.lstsq(directions, heights.mT).solution.mT
        first = torch.arange(self.network.n_outputs)[:, None] * self.stride + share.shared[0]
        places = (first + torch.arange(share.shared[1])).flatten()
        return savage_dickey(theta, self.covariance[places][:, places], variance)

    def _known(self, pieces: list[Slopes]) -> torch.Tensor:
        """Return J S Jᵀ of every output, [N, K]."""
        every = (self._rows(k, pieces) for k in range(self.network.n_outputs))
        return torch.stack([((rows @ middle) * rows).sum(1) for rows, middle in every], 1)

    def _rows(self, k: int, pieces: list[Slopes]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return J [N, m] of output k, and the covariance [m, m] of what it multiplies.

        Derivatives in the same coefficient add up.
        """
        columns: list[torch.Tensor] = []
        places: list[int] = []
        for piece in pieces:
            columns += [piece.shared, piece.bent[k]]
            first = piece.place[0] + k * self.stride
            places += range(first, first + piece.place[1])
            places += range(piece.inner[0], sum(piece.inner))
        index, position = torch.tensor(places, dtype=torch.long).unique(return_inverse=True)
        jacobian = columns[0].new_zeros(len(columns[0]), len(index))
        jacobian.index_add_(1, position, torch.cat(columns, 1))
        return jacobian, self.covariance[index][:, index]

    def _unknown(self, i: int, rows: AxisRows) -> torch.Tensor:
        """Return the variance [N, K] of a part for values of a kind that was never learned."""
        spread, names = self.shares[i].spread, self.network.attributes
        if spread is None:
            return rows.units.new_zeros(len(rows), 1)
        read = [p for p in self.network.parts[i].attributes if not names[p].missing]
        return rows.units[:, read].isnan().any(1, keepdim=True) * spread

    def _bias(self, n_rows: int) -> Slopes:
        one = torch.ones(n_rows, 1, dtype=torch.float64)
        return Slopes((0, 1), (0, 0), one, one.new_zeros(self.network.n_outputs, n_rows, 0))

    def _own(self, i: int, rows: AxisRows) -> tuple[Slopes, torch.Tensor]:
        return own_slopes(self.network.parts[i], self.shares[i], rows, self.network.n_outputs)

    def _curves(self, i: int) -> list[MainCurve]:
        """Return, for each map, the main curve or the one that moved, whose heights it is for."""
        part, maps = self.network.parts[i], self.shares[i].moved
        if isinstance(part, MainCurve):
            return [part] * len(maps)
        each = len(maps) // max(len(part.moved), 1)  # a part that is held has no maps
        return [curve for curve in part.moved for _ in range(each)]

    def _moved(self, i: int, rows: AxisRows, lasting: Sequence[int] | None = None) -> list[Slopes]:
        """Return the slopes of what moved to a main curve, or, with minus, away from a part."""
        maps, curves = self.shares[i].moved, self._curves(i)
        asked = range(len(maps)) if lasting is None else lasting
        sign = 1.0 if isinstance(self.network.parts[i], MainCurve) else -1.0
        cardinal = {
            curve: sign * rows.cardinal(curve.basis, curve.attributes[0])
            for curve in dict.fromkeys(curves[j] for j in asked)
        }
        return [maps[j].slopes(cardinal[curves[j]]) for j in asked]
