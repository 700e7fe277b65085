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

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import torch

from superpose.fitting.part_evidence import savage_dickey
from superpose.networks import MainCurve, PairSurface, Superposition, Term

CHUNK = 8192


@dataclass(frozen=True)
class Slopes:
    """Derivative of a contribution at N rows in some coefficients.

    Attributes
    ----------
    place, inner : tuple of int
        First place and number of the coefficients, as in `Share`.
    shared : Tensor [N, m]
        Of any output in the coefficients that it has to itself.
    bent : Tensor [K, N, m]
        Of each output in the coefficients of inner curves.
    """

    place: tuple[int, int]
    inner: tuple[int, int]
    shared: torch.Tensor
    bent: torch.Tensor


@dataclass(frozen=True)
class MovedHeights:
    """Heights of a curve that moved from a part to a main curve, by the coefficients of the part.

    Attributes
    ----------
    place, inner : tuple of int
        The part's coefficients, as in `Share`.
    shared : Tensor [H, m]
        Derivative of the heights of any output in the coefficients that it has to itself.
    bent : Tensor [K, H, m]
        Derivative of each output's heights in the coefficients of inner curves.
    """

    place: tuple[int, int]
    inner: tuple[int, int]
    shared: torch.Tensor
    bent: torch.Tensor

    def slopes(self, curve: MainCurve, axis_units: torch.Tensor, sign: float = 1.0) -> Slopes:
        """Return the derivative of the curve through these heights at rows [N, n]."""
        rows = sign * curve.basis.cardinal(axis_units[:, curve.attributes[0]])
        return Slopes(self.place, self.inner, rows @ self.shared, rows @ self.bent)

    def mapped(self, change: Callable[[torch.Tensor], torch.Tensor]) -> MovedHeights:
        """Return these after a linear change of the heights, a function of [H, m]."""
        bent = torch.stack([change(it) for it in self.bent])
        return replace(self, shared=change(self.shared), bent=bent)


@dataclass(frozen=True)
class Share:
    """Where a part's coefficients are in θ, and how they make its heights.

    Attributes
    ----------
    shared : tuple of int
        First place and number of the coefficients an output has to itself, for the first output;
        each further output is ``stride`` places on.
    inner : tuple of int
        First place and number of the coefficients of inner curves; (0, 0) without.
    directions : tuple of Tensor [H, m]
        heights = directions @ coefficients: of the curve, surface or outer curve, then of each
        inner curve.
    open_variance : tuple of float
        Prior variance of the Gaussian process behind each of these.
    freedom : float
        Effective degrees of freedom of the part, all outputs together.
    centre : Tensor [K, m], optional
        For a term: mean slope over the training rows of each output in its inner coefficients.
        Contributions stay centred when an inner curve moves, so slopes count from there.
    moved : tuple of MovedHeights
        For a main curve: what moved to it from pairs and terms. For these: what moved away, as many
        maps for each curve in ``part.moved``, one curve after the other: by the coefficients of the
        part and by those of the chance that the rows were these.
    spread : Tensor [K], optional
        Mean square of the part over the training rows: its variance where it reads a missing value
        of an attribute that had none in fit, so that nothing is known but its mean, 0.
    draws : Tensor [D, K, H], optional
        For a main curve of a known shape: heights drawn from its posterior, each of this shape.
    """

    shared: tuple[int, int]
    inner: tuple[int, int]
    directions: tuple[torch.Tensor, ...]
    open_variance: tuple[float, ...]
    freedom: float
    centre: torch.Tensor | None = None
    moved: tuple[MovedHeights, ...] = ()
    spread: torch.Tensor | None = None
    draws: torch.Tensor | None = None


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

    def part_variance(self, index: int, axis_units: torch.Tensor) -> torch.Tensor:
        """Return the posterior variance [N, K] of one part at rows [N, n] in axis units."""
        chunks = axis_units.split(CHUNK) if len(axis_units) else [axis_units]
        return torch.cat([self._variance([index], rows, bias=False) for rows in chunks])

    def part_limits(
        self, index: int, axis_units: torch.Tensor, level: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the pointwise limits [N, K] of one part, which hold it with this probability.

        Mean ± z sd of a normal distribution. Of a main curve of a known shape, the quantiles of its
        draws, moved out to the curve itself where they would not hold it: quantiles of curves that
        all rise, rise, too.
        """
        chunks = axis_units.split(CHUNK) if len(axis_units) else [axis_units]
        found = [self._limits(index, rows, level) for rows in chunks]
        return torch.cat([low for low, _ in found]), torch.cat([high for _, high in found])

    @torch.no_grad()
    def _limits(
        self, index: int, axis_units: torch.Tensor, level: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        part, share = self.network.parts[index], self.shares[index]
        mean = part(axis_units)
        if isinstance(part, MainCurve) and share.draws is not None:
            cardinal = part.basis.cardinal(axis_units[:, part.attributes[0]])
            tails = torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=torch.float64)
            curves = [cardinal @ own.mT for own in share.draws.unbind(1)]
            low, high = torch.stack([it.quantile(tails, dim=1) for it in curves], -1)
            return torch.minimum(low, mean), torch.maximum(high, mean)
        sd = self._variance([index], axis_units, bias=False).clamp(min=0).sqrt()
        reach = NormalDist().inv_cdf((1 + level) / 2) * sd
        return mean - reach, mean + reach

    def variance(self, axis_units: torch.Tensor) -> torch.Tensor:
        """Return the posterior variance [N, K] of the outputs, all parts and the bias together."""
        every = list(range(len(self.shares)))
        chunks = axis_units.split(CHUNK) if len(axis_units) else [axis_units]
        return torch.cat([self._variance(every, rows, bias=True) for rows in chunks])

    @torch.no_grad()
    def part_factor(
        self, index: int, axis_units: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what a part's values at several rows have in common, and what each has alone.

        The values of output k at rows [N, n] in axis units have the covariance F[k] F[k]ᵀ, plus,
        in each row, the variance that the prior leaves open there.

        Returns
        -------
        factor : Tensor [K, N, m]
        left_open : Tensor [N, K]
        """
        own, left_open = self._own(index, axis_units)
        pieces, factors = [own, *self._moved(index, axis_units)], []
        for k in range(self.network.n_outputs):
            jacobian, covariance = self._rows(k, pieces)
            values, vectors = torch.linalg.eigh(covariance)
            factors.append(jacobian @ (vectors * values.clamp(min=0.0).sqrt()))
        return torch.stack(factors), left_open + self._unknown(index, axis_units)

    @torch.no_grad()
    def _variance(self, parts: list[int], axis_units: torch.Tensor, bias: bool) -> torch.Tensor:
        n_outputs = self.network.n_outputs
        pieces = [self._bias(len(axis_units))] if bias else []
        left_open = axis_units.new_zeros(len(axis_units), n_outputs)
        for i in parts:
            own, left = self._own(i, axis_units)
            pieces += [own, *self._moved(i, axis_units)]
            left_open = left_open + left + self._unknown(i, axis_units)
        known = [self._known(k, pieces) for k in range(n_outputs)]
        return torch.stack(known, 1) + left_open

    def slopes(self, i: int, axis_units: torch.Tensor) -> Slopes:
        """Return the derivative of a pair or a term in its own coefficients at rows [N, n]."""
        own = self._own(i, axis_units)[0]
        moved = [it for it in self._moved(i, axis_units) if it.place == own.place]
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

    def _known(self, k: int, pieces: list[Slopes]) -> torch.Tensor:
        """Return J S Jᵀ of output k, [N]."""
        jacobian, covariance = self._rows(k, pieces)
        return ((jacobian @ covariance) * jacobian).sum(1)

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

    def _unknown(self, i: int, axis_units: torch.Tensor) -> torch.Tensor:
        """Return the variance [N, K] of a part for values of a kind that was never learned."""
        spread, names = self.shares[i].spread, self.network.attributes
        if spread is None:
            return axis_units.new_zeros(len(axis_units), 1)
        read = [p for p in self.network.parts[i].attributes if not names[p].missing]
        return axis_units[:, read].isnan().any(1, keepdim=True) * spread

    def _bias(self, n_rows: int) -> Slopes:
        one = torch.ones(n_rows, 1, dtype=torch.float64)
        return Slopes((0, 1), (0, 0), one, one.new_zeros(self.network.n_outputs, n_rows, 0))

    def _own(self, i: int, axis_units: torch.Tensor) -> tuple[Slopes, torch.Tensor]:
        """Return the slopes of a part in its own coefficients, and its open variance [N, K]."""
        part, share = self.network.parts[i], self.shares[i]
        n_outputs = self.network.n_outputs
        bent = axis_units.new_zeros(n_outputs, len(axis_units), 0)
        if isinstance(part, MainCurve):
            shared, left = _curve(part, share, axis_units)
        elif isinstance(part, PairSurface):
            shared, left = _surface(part, share, axis_units)
        else:
            shared, bent, open_variance = _term(part, share, axis_units)
            return Slopes(share.shared, share.inner, shared, bent), open_variance
        left = left[:, None].expand(-1, n_outputs) * _between(n_outputs)
        return Slopes(share.shared, (0, 0), shared, bent), left

    def _moved(self, i: int, axis_units: torch.Tensor) -> list[Slopes]:
        """Return the slopes of what moved to a main curve, or, with minus, away from a part."""
        part, maps = self.network.parts[i], self.shares[i].moved
        if isinstance(part, MainCurve):
            return [it.slopes(part, axis_units) for it in maps]
        each = len(maps) // max(len(part.moved), 1)  # a part that is held has no maps
        curves = [curve for curve in part.moved for _ in range(each)]
        known = zip(curves, maps, strict=True)
        return [it.slopes(curve, axis_units, sign=-1.0) for curve, it in known]


def _between(n_outputs: int) -> float:
    """Return the share of a variance, alike in every output, that is not common to all of them."""
    return 1 - 1 / n_outputs if n_outputs > 1 else 1.0


def outer_slopes(part: Term, h: torch.Tensor) -> torch.Tensor:
    """Return the slopes of a term's outer curves at h, [N, K]; of several, less their mean."""
    steep = part.outer_basis.cardinal_derivative(h) @ part.heights.mT
    return steep - steep.mean(1, keepdim=True) if steep.shape[1] > 1 else steep


def _curve(
    part: MainCurve, share: Share, axis_units: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    u = axis_units[:, part.attributes[0]]
    left = share.open_variance[0] * part.basis.conditional_variance(u)
    return part.basis.cardinal(u) @ share.directions[0], left


def _surface(
    part: PairSurface, share: Share, axis_units: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The lattice, and between its points the product of what both sides leave open."""
    first, second = (part.side(i).cardinal(axis_units[:, p]) for i, p in enumerate(part.attributes))
    lattice = share.directions[0].view(first.shape[1], second.shape[1], -1)
    rows = torch.einsum("ni,ijm,nj->nm", first, lattice, second)
    open_1, open_2 = (
        part.side(i).conditional_variance(axis_units[:, p]) for i, p in enumerate(part.attributes)
    )
    return rows, share.open_variance[0] * (open_1 + open_2 + open_1 * open_2)


def _term(
    part: Term, share: Share, axis_units: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    h = part.inner_sum(axis_units)
    shared = part.outer_basis.cardinal(h) @ share.directions[0]
    steep = outer_slopes(part, h)
    columns, left = [], torch.zeros_like(h)
    pieces = zip(part.attributes, share.directions[1:], share.open_variance[1:], strict=True)
    for i, (p, directions, open_variance) in enumerate(pieces):
        u, basis = axis_units[:, p], part.basis(i)
        columns.append(basis.cardinal(u) @ directions)
        left = left + open_variance * basis.conditional_variance(u)
    inner = steep.mT[:, :, None] * torch.cat(columns, 1)
    if share.centre is not None:
        inner = inner - share.centre[:, None]
    outer_left = share.open_variance[0] * part.outer_basis.conditional_variance(h)
    outer_left = outer_left * _between(steep.shape[1])
    return shared, inner, outer_left[:, None] + steep**2 * left[:, None]
