"""Bands where the noise is uneven: a covariance that asks the residuals, once they speak for it.

With S = (A + Λ)⁻¹ and noise σ², the posterior covariance is σ² S = S (σ² A) S + σ² S Λ S: what the
noise does, and what the prior leaves. The first holds for a noise as even as the loss has it.
Whatever the noise is, the first is near

    S M S,      M = Σ w r² / (1 - h) x xᵀ,      h = C xᵀ S x,

with slopes x and residual r of a row, curvature C and leverage h (Huber, 1967; White, 1980,
Econometrica 48, 817; MacKinnon and White, 1985, J. Econometrics 29, 305, estimator HC2; with a
prior, Szpiro, Rice and Lumley, 2010, Ann. Appl. Stat. 4, 2099). It is a rougher estimate, so it is
taken only where a test says that M is not σ² A.
"""

from __future__ import annotations

import torch

from superpose.fitting.superposition.design import Design
from superpose.fitting.superposition.evidence import membership
from superpose.fitting.superposition.gram import gram
from superpose.fitting.superposition.newton import Solution
from superpose.fitting.superposition.problem import Problem
from superpose.fitting.superposition.quadratic_form import upper_tail

LOSSES = ("gaussian", "poisson", "gamma")
"""Those whose mean can be right while their noise is not; of classes, the mean is all there is."""
LEVEL = 0.05
ROWS = 10_000
"""Rows at most that are asked, a step of all; more would cost more than they tell."""
CLOSEST = 1e-9  # of 1: leverage of a row that alone decides what is fitted to it


def robust_covariance(design: Design, problem: Problem, solution: Solution) -> torch.Tensor:
    """Return S M S + σ² S Λ S [P, P] where the noise is found uneven, the posterior's elsewhere.

    Parameters
    ----------
    design, problem : Design, Problem
        Over the training rows.
    solution : Solution

    Returns
    -------
    Tensor [P, P]
        Covariance of θ; ``solution.covariance`` itself where the test sees no uneven noise, and for
        losses of classes and Student's t.
    """
    if problem.loss.name not in LOSSES:
        return solution.covariance
    kept = torch.arange(0, design.n_rows, max(1, -(-design.n_rows // ROWS)))
    total = float(problem.weight.sum())
    design, problem = design.rows(kept), problem.rows(kept)
    columns, square, expected = _squares(design, problem, solution)
    n_mains = 1 + sum(b.columns.shape[1] for b in design.blocks if b.kind == "curve")
    excess = square - expected
    if unevenness(columns[:, :n_mains], excess, problem, expected) >= LEVEL:
        return solution.covariance
    groups, n_groups = design.groups()
    state, scale = solution.state, total / float(problem.weight.sum())
    middle = scale * gram(columns, problem.weight * square)
    middle += state.noise * torch.diag(membership(groups, n_groups) @ state.rho.exp())
    inverse = solution.covariance / state.noise
    return inverse @ middle @ inverse


def _squares(
    design: Design, problem: Problem, solution: Solution
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the slopes of each row, its residual squared as if left out by half, and σ² C."""
    at, noise = design.linearise(solution.state.theta), solution.state.noise
    f = problem.outputs(at.outputs)
    columns = torch.cat([at.fixed, at.outer, at.inner[0]], 1)
    expected = noise * problem.loss.curvature(f)[:, 0, 0]
    variance = ((columns @ solution.covariance) * columns).sum(1)
    left_out = (1 - variance * expected / noise**2).clamp(min=CLOSEST)
    return columns, problem.loss.residual(f, problem.y)[:, 0] ** 2 / left_out, expected


def unevenness(
    columns: torch.Tensor, excess: torch.Tensor, problem: Problem, expected: torch.Tensor
) -> float:
    r"""Return the probability of squares as uneven as these, if the noise is as the loss has it.

    The statistic :math:`|X^\top W d|^2` of the squares' excess d over what is expected is that of a
    score test against variances that are curves drawn from the prior of the main curves (Breusch
    and Pagan, 1979, with the smooth alternatives of Lin, 1997). The variance of d is the mean of
    its squares (Koenker, 1981), since a noise with long tails is no less even; or μ + 2μ² for
    counts of mean μ. Below .05 the noise is called uneven.

    Parameters
    ----------
    columns : Tensor [N, m]
        Of the bias and the main curves.
    excess : Tensor [N]
    problem : Problem
        Weights and loss. Where the noise level was fitted, only a difference between rows counts.
    expected : Tensor [N]
        What the squares were expected to be.

    Examples
    --------
    >>> import torch
    >>> from superpose.fitting.superposition.losses import Gaussian
    >>> line = torch.linspace(-1, 1, 200, dtype=torch.float64)[:, None]
    >>> noise = torch.ones(200).double()
    >>> noise[::2] = -1
    >>> rows = Problem(noise, torch.ones_like(noise), Gaussian())
    >>> one = torch.ones_like(noise)
    >>> unevenness(line, noise, rows, one) > 0.5
    True
    >>> unevenness(line, noise + line[:, 0], rows, one) < 1e-6
    True
    """
    weight, variance = problem.weight, expected + 2 * expected**2
    if problem.loss.has_noise:
        excess = excess - (weight @ excess) / weight.sum()
        columns = columns - (weight @ columns) / weight.sum()
        variance = ((weight @ excess**2) / weight.sum()).expand_as(excess)
    score = columns.mT @ (weight * excess)
    weights = torch.linalg.eigvalsh(gram(columns, weight * variance)).clamp(min=0)
    if not bool((weights > 0).any()):
        return 1.0
    return upper_tail(weights, float(score @ score))
