"""Curves of a known shape: the conditions on their coefficients, in a Newton step and in the band.

A shape is G θ ≥ 0 (`superpose.curves.SplineBasis`). With several outputs, which are known up to a
common curve, it is that of the difference of two. The step that lowers the quadratic model most and
keeps the shape is the projection of Newton's own, in the metric of the Hessian; its dual is a
non-negative least-squares problem (Lawson and Hanson, 1974) with a few dozen unknowns.

The posterior is what these projections make of draws from the normal one (Lin and Dunson, 2014,
Biometrika 101:303): it is exact where no condition is felt, and each of its draws has the shape.
The smoothness is set by the evidence that the normal posterior has when the loss and the penalty
are those of the constrained mode; where nothing is felt that is the evidence as ever (Bachoc,
Lagnoux and López-Lopera, 2019, Electron. J. Stat. 13:2921, on estimates without the shape).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from scipy.optimize import nnls

from superpose.curves import SplineBasis
from superpose.fitting.superposition.design import Design
from superpose.networks import InputBasis

DRAWS = 400
MOST_ROUNDS, SETTLED = 60, 1e-10
ROUNDING = 1e-11  # of a diagonal of ones; conditions next to each other say nearly the same

Solve = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Bounds:
    """The conditions G θ ≥ 0 of a design.

    Attributes
    ----------
    rows : Tensor [d, c]
        What G has in the coefficients of shaped curves; it is 0 elsewhere.
    places : Tensor [c]
        Where these coefficients are in θ.
    sizes : tuple of int
        How many of the d conditions each curve has, in order.
    """

    rows: torch.Tensor
    places: torch.Tensor
    sizes: tuple[int, ...]

    @classmethod
    def of(cls, design: Design) -> Bounds:
        """Collect the conditions of all shaped curves; there may be none."""
        found: list[torch.Tensor] = []
        places = [torch.zeros(0, dtype=torch.long)]
        place, outputs = 1, torch.arange(design.n_outputs)[:, None] * design.n_shared
        for block in design.blocks:
            width = block.columns.shape[1]
            if block.bases[0].shape:
                conditions = conditions_on(block.bases[0], design.n_outputs)
                found.append((conditions @ block.directions).flatten(1))
                places.append((place + torch.arange(width) + outputs).flatten())
            place += width
        none = torch.zeros(0, 0, dtype=torch.float64)
        rows = torch.block_diag(*found).double() if found else none
        return cls(rows, torch.cat(places), tuple(map(len, found)))

    def __bool__(self) -> bool:
        return len(self.rows) > 0

    def step(self, theta: torch.Tensor, newton: torch.Tensor, solve: Solve) -> torch.Tensor:
        """Return the step from θ [P] that keeps the shape, and Newton's own where that does.

        Parameters
        ----------
        theta, newton : Tensor [P]
            Where it starts, keeping the shape, and the step of the whole quadratic model.
        solve : callable
            M ↦ H⁻¹ M for the matrix H of the model, M [P, d].
        """
        if not self or bool((self.rows @ (theta + newton)[self.places] >= 0).all()):
            return newton
        full = newton.new_zeros(len(theta), len(self.rows))
        full[self.places] = self.rows.mT
        away = solve(full)
        gram = self.rows @ away[self.places]
        force = _forces(gram, (self.rows @ (theta + newton)[self.places])[None], self.sizes)
        return newton + away @ force[0]

    def nearest(self, theta: torch.Tensor) -> torch.Tensor:
        """Return the coefficients [P] nearest to these that keep the shape."""
        if not self:
            return theta
        force = _forces(
            self.rows @ self.rows.mT, (self.rows @ theta[self.places])[None], self.sizes
        )
        return theta.index_add(0, self.places, (force @ self.rows)[0])

    def lost_freedom(
        self, target: torch.Tensor, covariance: torch.Tensor, precision: torch.Tensor
    ) -> torch.Tensor:
        """Return how many degrees of freedom the shape takes from each coefficient, [P].

        With L = S G_aᵀ (G_a S G_aᵀ)⁻¹ G_a the covariance along the `face` is S - L S, and its trace
        with the information counts the freedom (Meyer and Woodroofe, 2000, Ann. Stat. 28:1083),
        which is that of S less tr(L) - tr(Λ L S).

        Parameters
        ----------
        target : Tensor [P]
            Where Newton's step would go without the shape.
        covariance, precision : Tensor [P, P], [P]
            S in units of the noise, and the diagonal of Λ.
        """
        felt, away, scaled = self._felt(target, covariance)
        lost = -precision * (scaled * away).sum(1)
        lost[self.places] += (scaled[self.places] * self.rows[felt].mT).sum(1)
        return lost

    def face(self, target: torch.Tensor, covariance: torch.Tensor) -> torch.Tensor:
        """Return S [P, P] along the face of the cone on which the mode is.

        There some conditions a hold with equality: S - S G_aᵀ (G_a S G_aᵀ)⁻¹ G_a S.
        """
        _, away, scaled = self._felt(target, covariance)
        return covariance - scaled @ away.mT

    def _felt(
        self, target: torch.Tensor, covariance: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return which conditions are felt [d], S G_aᵀ [P, a] and S G_aᵀ (G_a S G_aᵀ)⁻¹."""
        away = covariance[:, self.places] @ self.rows.mT
        gram = self.rows @ away[self.places]
        felt = _forces(gram, (self.rows @ target[self.places])[None], self.sizes)[0] > 0
        inner = _scaled(gram[felt][:, felt])
        return felt, away[:, felt], torch.linalg.solve(inner, away[:, felt].mT).mT

    def draws(self, target: torch.Tensor, covariance: torch.Tensor) -> torch.Tensor:
        """Return draws [D, c] of the coefficients of shaped curves, in pairs about the target.

        Parameters
        ----------
        target : Tensor [P]
            Mean of the normal posterior: where Newton's step would go without the shape.
        covariance : Tensor [P, P]
            Of the normal posterior.
        """
        own = covariance[self.places][:, self.places]
        values, vectors = torch.linalg.eigh(own)
        generator = torch.Generator().manual_seed(0)
        white = torch.randn(DRAWS // 2, len(own), generator=generator, dtype=torch.float64)
        moved = white * values.clamp(min=0).sqrt() @ vectors.mT
        free = target[self.places] + torch.cat([moved, -moved])
        away = own @ self.rows.mT
        return free + _forces(self.rows @ away, free @ self.rows.mT, self.sizes) @ away.mT

    def spread(
        self, covariance: torch.Tensor, draws: torch.Tensor, mode: torch.Tensor
    ) -> torch.Tensor:
        """Return the covariance [P, P] of all coefficients when these are drawn as `draws` has it.

        All others are normal given these, so S becomes S + B (V - S_cc) Bᵀ with B = S_:c S_cc⁻¹ and
        V the mean square of the draws about the mode.
        """
        own = covariance[self.places][:, self.places]
        away = draws - mode[self.places]
        change = away.mT @ away / len(draws) - own
        slopes = torch.linalg.solve(own, covariance[self.places]).mT
        slopes[self.places] = torch.eye(len(own), dtype=own.dtype)
        return covariance + slopes @ change @ slopes.mT


def conditions_on(basis: InputBasis, n_outputs: int) -> torch.Tensor:
    """Return what a shape asks of the heights [K, H] of a main curve, [d, K, H].

    Of one output: that its curve has the shape. Of several: that the curve of one, less that of
    each other one, has it; and, where one has the opposite shape, that of each other one less its.
    """
    assert isinstance(basis.basis, SplineBasis)
    own = torch.nn.functional.pad(basis.basis.conditions, (0, int(basis.missing)))
    compared = _compared(n_outputs, basis.shape_of)
    return torch.einsum("ck,dh->cdkh", compared, own).flatten(0, 1)


def kept(conditions: torch.Tensor, heights: torch.Tensor) -> torch.Tensor:
    """Return heights [.., K, H] that keep the conditions, moved by what rounding broke of them."""
    rows, flat = conditions.flatten(1), heights.flatten(-2)
    broken = (flat @ rows.mT).clamp(max=0.0)
    return (flat - broken @ torch.linalg.pinv(rows).mT).view_as(heights)


def _compared(n_outputs: int, of: Sequence[int]) -> torch.Tensor:
    """Return which outputs a shape compares, [c, K]: 1 for the upper one, -1 for the lower one.

    That the first of two is above the last follows where there are others between them.
    """
    eye = torch.eye(n_outputs, dtype=torch.float64)
    if n_outputs == 1:
        return eye
    others = [j for j in range(n_outputs) if j not in of]
    rows = [eye[of[0]] - eye[j] for j in others]
    rows += [eye[j] - eye[of[1]] for j in others if len(of) > 1]
    return torch.stack(rows)


def _forces(gram: torch.Tensor, at: torch.Tensor, sizes: Sequence[int]) -> torch.Tensor:
    """Return multipliers μ ≥ 0 [D, d] with G S Gᵀ μ + G θ ≥ 0, each 0 where that is above 0.

    Curve after curve, the multipliers of the others held, until nothing moves: what couples two
    curves is small beside what couples the conditions of one, so a few rounds do.

    Parameters
    ----------
    gram : Tensor [d, d]
        G S Gᵀ.
    at : Tensor [D, d]
        G θ of each of D points.
    sizes : sequence of int
        Conditions of each curve.
    """
    scale = gram.diagonal().clamp(min=1e-300).rsqrt()
    gram, at = gram * scale * scale[:, None], at * scale
    ends = np.cumsum([0, *sizes])
    own = [slice(int(a), int(b)) for a, b in pairwise(ends)]
    roots = [_root(gram[block, block]) for block in own]
    forces = torch.zeros_like(at)
    moving = (at < 0).any(1).nonzero()[:, 0]
    small = SETTLED * (1 + at.abs().amax(1))
    for _ in range(MOST_ROUNDS if len(own) > 1 else 1):
        now = forces[moving]
        for block, root in zip(own, roots, strict=True):
            others = at[moving, block] + now @ gram[:, block] - now[:, block] @ gram[block, block]
            now[:, block] = _nearest(root, others)
        moved = ((now - forces[moving]) @ gram).abs().amax(1)
        forces[moving] = now
        moving = moving[moved > small[moving]]
        if not len(moving):
            return scale * forces
    if len(own) > 1:
        forces[moving] = _nearest(_root(gram), at[moving])
    return scale * forces


def _root(gram: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the eigenvectors of a matrix with diagonal 1 and the roots of its eigenvalues."""
    values, vectors = torch.linalg.eigh(gram)
    return values.clamp(min=ROUNDING * len(gram)).sqrt(), vectors


def _nearest(root: tuple[torch.Tensor, torch.Tensor], at: torch.Tensor) -> torch.Tensor:
    """Solve min ½ μᵀ Q μ + μᵀ a over μ ≥ 0 for each row a [D, d], Q given by its root."""
    values, vectors = root
    dual, right = (values[:, None] * vectors.mT).numpy(), (-at @ vectors / values).numpy()
    found = np.zeros(right.shape)
    for i in (at < 0).any(1).nonzero()[:, 0].tolist():
        found[i], _ = nnls(dual, right[i], maxiter=30 * len(values))
    return torch.from_numpy(found)


def _scaled(gram: torch.Tensor) -> torch.Tensor:
    """Return a matrix with as much added to its diagonal as rounding may have taken."""
    return gram + ROUNDING * torch.diag(gram.diagonal())
