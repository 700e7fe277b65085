"""Fit a superposition to a table: solve the convex part, grow the dial, keep the posterior."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import torch

from superpose.errors import ConvergenceWarning, StoppedWarning
from superpose.fitting.deadline import Deadline, Stopped
from superpose.fitting.superposition.assemble import assemble
from superpose.fitting.superposition.batches import RowBatch, checked_device
from superpose.fitting.superposition.checks import Check, check_curves
from superpose.fitting.superposition.dial import DialStep
from superpose.fitting.superposition.edit import Edit
from superpose.fitting.superposition.finish import Ended, ended_on
from superpose.fitting.superposition.grow import FEWEST_ROWS, grow
from superpose.fitting.superposition.growth import Growth
from superpose.fitting.superposition.losses import STUDENT_SCALE, Loss
from superpose.fitting.superposition.newton import Solution
from superpose.fitting.superposition.part_spread import with_spread
from superpose.fitting.superposition.posterior import Posterior
from superpose.fitting.superposition.prepare import Prepared, prepare
from superpose.fitting.superposition.purify import purified
from superpose.fitting.superposition.relevant import widened
from superpose.fitting.superposition.screened import Screened, screened
from superpose.fitting.superposition.uneven_noise import robust_covariance
from superpose.networks import Attribute, Superposition

FEW = 5_000  # rows that are asked for a spread where the time is over


@dataclass(frozen=True)
class Fit:
    """A fitted network, its posterior and how it came about.

    Attributes
    ----------
    network : Superposition
        At the mode, in units of the target or of the link.
    posterior : Posterior
        Of all coefficients; gives every band.
    path : tuple of DialStep
        Every step of the dial that was tried, the chosen one marked. Their loss is the log loss of
        classes, the mean deviance of the rest: for "gaussian" the squared error in units of the
        target's variance, for "student_t" in units of the scale at which the dial was chosen.
    loss : {"gaussian", "poisson", "gamma", "student_t", "bernoulli", "multinomial"}
    noise : float or None
        Standard deviation of the noise in units of the target ("gaussian"), its scale in these
        units ("student_t"), its standard deviation as a share of the mean ("gamma"); else None.
    evidence : float
        Laplace log evidence of the chosen model, in nats, for the target in its own units.
    converged : bool
    iterations : int
        Newton steps of the final fit.
    gradient : float
        What a further step could still gain, in nats, of the penalised loss or, without terms, of
        the evidence.
    held_out : Tensor [N, K] or None
        Output for each training row by a model of the same dial that had not seen it, offset
        included; NaN where a row was not held out. The dial was chosen with these rows, which
        flatters them a little.
    edits : tuple of Edit
        What was changed by hand since, in that order.
    checks : tuple of Check
        What the rows say against each part; empty where they were not asked.
    stopped : Stopped or None
        Why the fit ended early, and what it left undone.
    screened : tuple of Screened
        Pairs that are not in the model, the one that promises most first; empty where none was
        looked for.
    """

    network: Superposition
    posterior: Posterior
    path: tuple[DialStep, ...]
    loss: str
    noise: float | None
    evidence: float
    converged: bool
    iterations: int
    gradient: float
    held_out: torch.Tensor | None = None
    edits: tuple[Edit, ...] = ()
    checks: tuple[Check, ...] = ()
    stopped: Stopped | None = None
    screened: tuple[Screened, ...] = ()

    def dof(self) -> float:
        """Return the effective degrees of freedom of all parts and outputs together.

        The trace of what turns targets into fitted values (Hastie and Tibshirani, 1990, section
        3.5), less the bias of each output, which every model has. A straight line uses 1, a curve
        through m free points up to m - 1.
        """
        return sum(self.posterior.dof)


def fit_superposition(
    attributes: Sequence[Attribute],
    x: torch.Tensor,
    y: torch.Tensor,
    *,
    loss: str,
    sample_weight: torch.Tensor | None = None,
    offset: torch.Tensor | None = None,
    pairs: str | int | Sequence[tuple[int, int]] = "auto",
    terms: str | int | Sequence[tuple[int, ...]] = "auto",
    kernel: str = "auto",
    knots: int = 24,
    random_state: int = 0,
    progress: Callable[..., None] | None = None,
    everything: Iterable[RowBatch] | None = None,
    device: str = "cpu",
    deadline: Deadline | None = None,
) -> Fit:
    """Fit f(x) = b + Σ g_p + Σ s_pr + Σ Φ_q(Σ ψ_qp) by Newton steps and evidence.

    Where the main curves have more than 2,000 control points together, only attributes that are
    worth a curve get one (see `superposition.relevant`), and pairs and terms read only these.

    Parameters
    ----------
    attributes : sequence of Attribute
        The columns.
    x : Tensor [N, n]
        Rows in original units; NaN is missing, categories are codes (-1 unseen).
    y : Tensor [N]
        Numbers ("gaussian", "student_t"), counts ("poisson"), positive numbers ("gamma"), 0/1
        ("bernoulli") or class codes ("multinomial").
    loss : {"gaussian", "poisson", "gamma", "student_t", "bernoulli", "multinomial"}
    sample_weight : Tensor [N], optional
        A row of weight 2 counts twice.
    offset : Tensor [N, K], optional
        Known part of the outputs; the network learns the rest.
    pairs : "auto", int or list of (int, int), default "auto"
        Chosen on held-out rows; or how many; or which.
    terms : "auto", int or list of tuple of int, default "auto"
        Chosen on held-out rows; or how many; or over which attributes.
    kernel : str, default "auto"
        Covariance of the curves; "auto" is "matern32", and "matern12" over more knots for a main
        curve that jumps.
    knots : int, default 24
        Control points at most of a curve; set in the axes of ``attributes`` already.
    random_state : int, default 0
        Seed of the held-out rows and of the directions that are tried for terms.
    progress : callable, optional
        Called as progress(done, total, what).
    everything : iterable of RowBatch, optional
        All rows, of which ``x`` and ``y`` are a sample; gone through a few times. Axes, length
        scales, pairs, terms and what was held out are then the sample's; coefficients, smoothness,
        noise and bands are those of all rows.
    device : str, default "cpu"
        Where the columns and products of the last steps are made; "cuda" on a GPU.
    deadline : Deadline, optional
        Until when the fit may go on. When it is over, the fit is at the best step of the dial that
        was finished, one Newton step later; at the main curves alone where none was. Of
        ``everything`` it is then the sample's, and its curves are not checked.

    Returns
    -------
    Fit

    Raises
    ------
    InputError
        Where targets or weights are not finite, the weights count no rows, the loss is unknown, or
        there is no such device.

    Warns
    -----
    ConvergenceWarning
        Where the steps ran out before the fit had converged; `StoppedWarning` where the deadline
        ended it.

    Examples
    --------
    >>> import torch
    >>> from superpose.curves import Axis
    >>> from superpose.networks import Attribute
    >>> x = torch.linspace(0, 6, 100, dtype=torch.float64)[:, None]
    >>> hour = Attribute("hour", "number", Axis.from_data(x[:, 0], n_knots=12))
    >>> fit = fit_superposition([hour], x, x[:, 0].sin(), loss="gaussian", pairs=0, terms=0)
    >>> fit.network.n_curves(), round(fit.network(x[25:26]).item(), 1)
    (1, 1.0)
    """
    device = checked_device(device)
    asked = prepare(
        *(attributes, x, y, loss, sample_weight, offset),
        *(pairs, terms, kernel, deadline or Deadline()),
    )
    grown = grow(asked.rows, asked.pairs, asked.terms, random_state, progress)
    growth, stopped = grown.growth, asked.rows.problem.deadline
    if stopped.over():  # a pass over all rows may take longer than all that was allowed
        if everything is not None:
            stopped.leave("a pass over all rows (the model is that of a sample)")
        everything, device = None, "cpu"
    ended = ended_on(asked, growth, everything, device)
    stopped.before("nothing")
    robust = None
    if everything is None:
        robust = robust_covariance(*growth.training, ended.solution)
    network, posterior = _readable(asked, growth, ended, robust)
    late, solution = stopped.stopped is not None, ended.solution
    checks, left = _checks(growth, solution, late), solution.decrement
    if not growth.design.terms:  # else the smoothness is held, and the coefficients are at the end
        left = max(left, solution.gain)
    _warn_of_the_end(solution, left, stopped.stopped)
    own = solution, asked.loss, ended.carrier, ended.total, ended.spread
    if progress:
        progress(4, 4, "done")
    held_out = asked.centre + asked.spread * grown.held_out + asked.known.of_target[:, None]
    listed = bool(asked.pairs) and len(y) >= FEWEST_ROWS and not late
    return Fit(
        *(network, posterior, _deviances(grown.path, loss), loss, *_in_units(*own)),
        *(solution.converged, solution.iterations, left),
        held_out=held_out,
        checks=checks,
        stopped=stopped.stopped,
        screened=screened(growth, asked.places) if listed else (),
    )


def _readable(
    asked: Prepared, growth: Growth, ended: Ended, covariance: torch.Tensor | None
) -> tuple[Superposition, Posterior]:
    """Return the network in units of the target, of pure parts, and its posterior."""
    network, posterior = assemble(
        asked.rows.attributes,
        growth.design,
        ended.solution,
        centre=asked.centre,
        spread=ended.spread,
        covariance=covariance,
    )
    network, posterior = widened(posterior, asked.attributes, asked.places)
    network.bias.sub_(asked.known.level)
    problem, u = asked.rows.problem, asked.axis_units
    network, posterior = purified(network, posterior, u, problem.weight)
    few = slice(None, None, max(1, len(u) // FEW) if problem.deadline.stopped else 1)
    return network, with_spread(posterior, u[few], problem.weight[few])


def _warn_of_the_end(solution: Solution, left: float, stopped: Stopped | None) -> None:
    """Say so where a fit was stopped, or ran out of steps."""
    if stopped:
        warnings.warn(
            f"the fit should have come to its end; it was stopped ({stopped}); "
            "give it more time, or read the model as what it is",
            StoppedWarning,
            stacklevel=3,
        )
    elif not solution.converged:
        warnings.warn(
            f"the fit should have converged; a step could still gain {left:.2g} nats after "
            f"{solution.iterations} steps; use fewer pairs and terms or look for duplicate columns",
            ConvergenceWarning,
            stacklevel=3,
        )


def _checks(growth: Growth, solution: Solution, late: bool) -> tuple[Check, ...]:
    """Ask the curves whether they are null; and the rows, or their sample, whether one jumps.

    Nothing is asked where it is too late.
    """
    if late:
        return ()
    rows = growth.rows
    return check_curves(rows.attributes, rows.axis_units, *growth.training, solution)


def in_units(
    solution: Solution, loss: Loss, y: torch.Tensor, weight: torch.Tensor, spread: float
) -> tuple[float | None, float]:
    """Return noise and log evidence for the target in its own units; no noise where none is."""
    carrier = float(weight @ loss.carrier(y))
    return _in_units(solution, loss, carrier, float(weight.sum()), spread)


def _in_units(
    solution: Solution, loss: Loss, carrier: float, total: float, spread: float
) -> tuple[float | None, float]:
    if not loss.has_noise:
        return None, solution.evidence + carrier
    noise = spread * solution.state.noise**0.5
    noise *= STUDENT_SCALE if loss.name == "student_t" else 1.0
    return noise, solution.evidence + carrier - (total - 1) * math.log(spread)


def _deviances(path: tuple[DialStep, ...], loss: str) -> tuple[DialStep, ...]:
    """Count deviances of counts, too, and not half of them."""
    if loss != "poisson":
        return path
    return tuple(replace(it, loss=2 * it.loss, loss_se=2 * it.loss_se) for it in path)
