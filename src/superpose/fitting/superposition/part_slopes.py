"""What a part depends on: the coefficients behind it, and how its values move with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from superpose.networks import AxisRows, MainCurve, PairSurface, Term


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

    def slopes(self, cardinal: torch.Tensor) -> Slopes:
        """Return the derivative of the curve at rows, by their cardinal functions [N, H]."""
        return Slopes(self.place, self.inner, cardinal @ self.shared, cardinal @ self.bent)

    def same(self, other: MovedHeights) -> bool:
        """Whether both say the same."""
        return (
            (self.place, self.inner) == (other.place, other.inner)
            and torch.equal(self.shared, other.shared)
            and torch.equal(self.bent, other.bent)
        )

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


def own_slopes(
    part: MainCurve | PairSurface | Term, share: Share, rows: AxisRows, n_outputs: int
) -> tuple[Slopes, torch.Tensor]:
    """Return the slopes of a part in its own coefficients, and its open variance [N, K]."""
    if isinstance(part, Term):
        shared, bent, left = _term(part, share, rows)
        return Slopes(share.shared, share.inner, shared, bent), left
    if isinstance(part, MainCurve):
        shared, left = _curve(part, share, rows)
    else:
        shared, left = _surface(part, share, rows)
    left = left[:, None].expand(-1, n_outputs) * between(n_outputs)
    return Slopes(share.shared, (0, 0), shared, left.new_zeros(n_outputs, len(rows), 0)), left


def between(n_outputs: int) -> float:
    """Return the share of a variance, alike in every output, that is not common to all of them."""
    return 1 - 1 / n_outputs if n_outputs > 1 else 1.0


def outer_slopes(part: Term, h: torch.Tensor) -> torch.Tensor:
    """Return the slopes of a term's outer curves at h, [N, K]; of several, less their mean."""
    steep = part.outer_basis.cardinal_derivative(h) @ part.heights.mT
    return steep - steep.mean(1, keepdim=True) if steep.shape[1] > 1 else steep


def _curve(part: MainCurve, share: Share, rows: AxisRows) -> tuple[torch.Tensor, torch.Tensor]:
    p = part.attributes[0]
    left = share.open_variance[0] * rows.conditional_variance(part.basis, p)
    return rows.cardinal(part.basis, p) @ share.directions[0], left


def _surface(part: PairSurface, share: Share, rows: AxisRows) -> tuple[torch.Tensor, torch.Tensor]:
    """The lattice, and between its points the product of what both sides leave open."""
    sides = [(part.side(i), p) for i, p in enumerate(part.attributes)]
    first, second = (rows.cardinal(*side) for side in sides)
    lattice = (first[:, :, None] * second[:, None]).flatten(1)
    one, other = (rows.conditional_variance(*side) for side in sides)
    return lattice @ share.directions[0], share.open_variance[0] * (one + other + one * other)


def _term(
    part: Term, share: Share, rows: AxisRows
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    h = part.inner_sum(rows)
    shared = part.outer_basis.cardinal(h) @ share.directions[0]
    steep = outer_slopes(part, h)
    columns, left = [], torch.zeros_like(h)
    pieces = zip(part.attributes, share.directions[1:], share.open_variance[1:], strict=True)
    for i, (p, directions, open_variance) in enumerate(pieces):
        columns.append(rows.cardinal(part.basis(i), p) @ directions)
        left = left + open_variance * rows.conditional_variance(part.basis(i), p)
    inner = steep.mT[:, :, None] * torch.cat(columns, 1)
    if share.centre is not None:
        inner = inner - share.centre[:, None]
    outer_left = share.open_variance[0] * part.outer_basis.conditional_variance(h)
    outer_left = outer_left * between(steep.shape[1])
    return shared, inner, outer_left[:, None] + steep**2 * left[:, None]
