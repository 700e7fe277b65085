"""The posterior over all coefficients, and the bands it gives every part and every prediction.

Laplace: θ ~ N(mode, S) with S the inverse Gauss-Newton Hessian. A part with Jacobian J has
variance J S Jᵀ; to this comes what the prior leaves open between and beyond the control points
(Rasmussen and Williams, 2006, equation 2.42).

With more than two classes only differences of outputs have a meaning, so every variance is that of
an output less the mean over the classes: a centred log-probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import torch

from superpose.networks import MainCurve, PairSurface, Superposition, Term

CHUNK = 8192


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
    draws : Tensor [D, H], optional
        For a main curve of a known shape: heights drawn from its posterior, each of this shape.
    """

    shared: tuple[int, int]
    inner: tuple[int, int]
    directions: tuple[torch.Tensor, ...]
    open_variance: tuple[float, ...]
    freedom: float
    centre: torch.Tensor | None = None
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
            curves = part.basis.cardinal(axis_units[:, part.attributes[0]]) @ share.draws.mT
            tails = torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=torch.float64)
            low, high = curves.quantile(tails, dim=1)
            return torch.minimum(low[:, None], mean), torch.maximum(high[:, None], mean)
        sd = self._variance([index], axis_units, bias=False).clamp(min=0).sqrt()
        reach = NormalDist().inv_cdf((1 + level) / 2) * sd
        return mean - reach, mean + reach

    def variance(self, axis_units: torch.Tensor) -> torch.Tensor:
        """Return the posterior variance [N, K] of the outputs, all parts and the bias together."""
        every = list(range(len(self.shares)))
        chunks = axis_units.split(CHUNK) if len(axis_units) else [axis_units]
        return torch.cat([self._variance(every, rows, bias=True) for rows in chunks])

    @torch.no_grad()
    def _variance(self, parts: list[int], axis_units: torch.Tensor, bias: bool) -> torch.Tensor:
        pieces = [self._jacobian(i, axis_units) for i in parts]
        n_outputs = self.network.n_outputs
        left_open = axis_units.new_zeros(len(axis_units), n_outputs)
        left_open = left_open + sum(piece[2] for piece in pieces)
        known = [self._known(k, parts, pieces, bias) for k in range(n_outputs)]
        return torch.stack(known, 1) + left_open

    def _known(
        self,
        k: int,
        parts: list[int],
        pieces: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]],
        bias: bool,
    ) -> torch.Tensor:
        """Return J S Jᵀ of output k, [N]."""
        rows = [pieces[0][0].new_ones(len(pieces[0][0]), 1)] if bias and pieces else []
        places = [k * self.stride] if bias else []
        if not pieces:
            return self.covariance[k * self.stride, k * self.stride][None]
        for i, (shared, inner, _) in zip(parts, pieces, strict=True):
            share = self.shares[i]
            rows += [shared, inner[k]]
            first = share.shared[0] + k * self.stride
            places += range(first, first + share.shared[1])
            places += range(share.inner[0], sum(share.inner))
        jacobian = torch.cat(rows, 1)
        index = torch.tensor(places, dtype=torch.long)
        return ((jacobian @ self.covariance[index][:, index]) * jacobian).sum(1)

    def _jacobian(
        self, i: int, axis_units: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return J in shared [N, m] and inner coefficients [K, N, m]; open variance [N, K]."""
        part, share = self.network.parts[i], self.shares[i]
        n_outputs = self.network.n_outputs
        none = axis_units.new_zeros(n_outputs, len(axis_units), 0)
        if isinstance(part, MainCurve):
            shared, left = _curve(part, share, axis_units)
        elif isinstance(part, PairSurface):
            shared, left = _surface(part, share, axis_units)
        else:
            return _term(part, share, axis_units)
        return shared, none, left[:, None].expand(-1, n_outputs) * _between(n_outputs)


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
