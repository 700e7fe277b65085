"""The dial: pairs and terms added where they pay, and the step that is chosen.

What a part costs to read, in curves: a main curve 1; a pair, one heat map, 2; a term one for
each inner curve and one for the outer one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

COST_CURVE = 1.0
COST_PAIR = 2.0
WORTH = 1e-3
SAME = 0.5  # degrees of freedom


@dataclass(frozen=True)
class DialStep:
    """One step of the dial, from additive upwards.

    Attributes
    ----------
    pairs, terms : int
        How many there are.
    curves : int
        Curves and surfaces to read.
    cost : float
        What they cost to read, in curves.
    dof : float
        Effective degrees of freedom.
    loss, loss_se : float
        Validation loss per row (log loss; for numbers, squared error in units of the target's
        variance) and the standard error of its difference from the best step's.
    chosen : bool
        Whether the model stands at this step.
    names : tuple of str
        What was added in this step.
    """

    pairs: int
    terms: int
    curves: int
    cost: float
    dof: float
    loss: float
    loss_se: float
    chosen: bool
    names: tuple[str, ...] = ()


def reading_cost(curves: int, pairs: int, term_widths: Sequence[int]) -> float:
    """Return what a model costs to read, in curves.

    Parameters
    ----------
    curves, pairs : int
    term_widths : sequence of int
        How many attributes each term reads.

    Examples
    --------
    >>> reading_cost(4, 1, [3])
    10.0
    """
    return COST_CURVE * curves + COST_PAIR * pairs + sum(w + 1.0 for w in term_widths)


def choose(
    losses: Sequence[torch.Tensor],
    weight: torch.Tensor,
    costs: Sequence[float],
    constant: float = 0.0,
    freedom: Sequence[float] | None = None,
) -> tuple[int, list[float], list[float]]:
    """Choose a step by the one-standard-error rule on paired differences.

    The cheapest step whose loss exceeds the best step's by no more than one standard error of
    their difference, row by row (Breiman et al., 1984, section 3.4.3, made paired), or by less than
    a thousandth of it or a ten-thousandth of the best constant's loss. A step whose parts use
    less than half a degree of freedom more than a cheaper one's is hardly another model: it has to
    gain a thousandth of the best constant's loss.

    Parameters
    ----------
    losses : sequence of Tensor [N]
        Validation loss of every row at each step; NaN where a row was not held out.
    weight : Tensor [N]
    costs : sequence of float
        What each step costs to read.
    constant : float, default 0
        Loss per row of the best constant model.
    freedom : sequence of float, optional
        Effective degrees of freedom of each step.

    Returns
    -------
    int, list of float, list of float
        The step, the mean losses and the standard errors of their differences from the best.
    """
    held = ~torch.stack(list(losses)).isnan().any(0)
    weight = weight[held] / weight[held].sum()
    table = torch.stack([loss[held] for loss in losses])
    means = table @ weight
    best = int(means.argmin())
    gaps = table - table[best]
    excess = gaps @ weight
    errors = (((gaps - excess[:, None]) ** 2) @ weight**2).sqrt()
    slack = errors.clamp(min=max(WORTH * abs(float(means[best])), 0.1 * WORTH * constant))
    if freedom is not None:
        used = torch.tensor(list(freedom), dtype=slack.dtype)
        alike = used > used[best] - SAME
        slack = torch.where(alike, slack.clamp(min=WORTH * constant), slack)
    near = [i for i in range(len(losses)) if excess[i] <= slack[i]]
    chosen = min(near, key=lambda i: (costs[i], float(means[i])))
    return chosen, means.tolist(), errors.tolist()
