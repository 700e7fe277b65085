"""All parameters of a composed formula fitted to the rows together.

Levenberg (1944) and Marquardt (1963): damped Gauss-Newton steps in the free parameters of
`superpose.networks.formula_gauge`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from superpose.networks.formula_gauge import settle
from superpose.networks.formula_network import FormulaNetwork

STEPS = 80
LOST = 1e-9  # residuals this share of the target's spread are rounding, and compared no further


@dataclass(frozen=True, eq=False)
class RefinedFormula:
    """A formula whose parameters were fitted together.

    Attributes
    ----------
    network : FormulaNetwork
    free : array [4 links] of bool
        Parameters that say something of their own.
    errors : array [4 links]
        Standard errors, from the curvature and the mean squared residual; 0 where not free.
    rmse : float
        Root mean square of the residuals over rows and outputs.
    log_evidence : float
        -½ n log(mean square) - ½ k log n - complexity · log 2 of n numbers and k free parameters
        (Schwarz 1978); differences between formulas for the same rows mean something.
    """

    network: FormulaNetwork
    free: np.ndarray
    errors: np.ndarray
    rmse: float
    log_evidence: float


def refine_formula(
    network: FormulaNetwork,
    x: np.ndarray,
    y: np.ndarray,
    *,
    free: np.ndarray | None = None,
    steps: int = STEPS,
) -> RefinedFormula:
    """Return the formula with all free parameters at the least squares of the rows.

    Parameters
    ----------
    network : FormulaNetwork
        Where the steps start; only its forms and links stay.
    x : array [N, n]
    y : array [N, O]
    free : array [4 links] of bool, optional
        Parameters that move, where the gauge is settled already, as in `RefinedFormula`.
    steps : int, default 80
        At most so many.

    Returns
    -------
    RefinedFormula
        Of infinite ``rmse`` where the formula is not defined at all rows.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.curves import FORMS
    >>> from superpose.fitting import refine_formula
    >>> from superpose.networks import FormulaNetwork
    >>> x = np.linspace(0, 1, 20)[:, None]
    >>> start = FormulaNetwork((1, 1), {(0, 0, 0): FORMS["exp"]}, {(0, 0, 0): (1, 0, 1, 0)})
    >>> refined = refine_formula(start, x, 2 * np.exp(3 * x))
    >>> np.round(refined.network.parameters[0, 0, 0], 8) + 0.0, refined.rmse < 1e-9
    (array([3., 0., 2., 0.]), True)
    """
    with np.errstate(all="ignore"):
        if free is None:
            network, free = settle(within_domain(network, x), x)
            network, _ = _descend(network, free, x, y, steps)
            network, free = settle(network, x)
        network, squares = _descend(network, free, x, y, steps)
        return measured(network, free, squares, x, y)


def _descend(
    network: FormulaNetwork, free: np.ndarray, x: np.ndarray, y: np.ndarray, steps: int
) -> tuple[FormulaNetwork, float]:
    vector, (outputs, slopes) = network.vector(), network.gradient(x)
    squares, damping = _squares(y - outputs), 1e-3
    lost = LOST**2 * float(((y - y.mean(0)) ** 2).sum()) * 1e-6
    for _ in range(steps if np.isfinite(squares) else 0):
        step = _step(slopes, y - outputs, free, damping)
        if step is None:
            break
        moved = vector.copy()
        moved[free] += step
        tried = network.moved(moved)
        found = tried(x)
        if _squares(y - found) < squares:
            gained, squares = squares - _squares(y - found), _squares(y - found)
            vector, damping = moved, max(damping / 9, 1e-14)
            if gained <= 1e-12 * squares or squares <= lost:
                break
            outputs, slopes = tried.gradient(x)
        else:
            damping *= 7
            if damping > 1e8:
                break
    return network.moved(vector), squares


def _step(
    slopes: np.ndarray, residual: np.ndarray, free: np.ndarray, damping: float
) -> np.ndarray | None:
    """Return the damped Gauss-Newton step of the free parameters, scaled by their slopes."""
    columns = slopes.reshape(-1, slopes.shape[-1])[:, free]
    size = np.sqrt((columns**2).sum(0))
    if not np.isfinite(size).all():
        return None
    size[size == 0] = 1.0
    columns = columns / size
    normal = columns.T @ columns
    normal[np.diag_indices_from(normal)] += damping + 1e-14
    try:
        return np.asarray(np.linalg.solve(normal, columns.T @ residual.ravel()) / size)
    except np.linalg.LinAlgError:
        return None


def _squares(residual: np.ndarray) -> float:
    total = float((residual**2).sum())
    return total if math.isfinite(total) else math.inf


def within_domain(network: FormulaNetwork, x: np.ndarray) -> FormulaNetwork:
    """Return the network with arguments shifted to where its forms are defined at all rows."""
    for layer in range(len(network.widths) - 1):
        values = network.nodes(x)[layer]
        parameters = dict(network.parameters)
        for place in network.places:
            if place[0] == layer and network.forms[place].positive:
                a, b, c, d = parameters[place]
                argument = a * values[:, place[1]] + b
                least = 1e-3 * float(np.ptp(argument)) or 1e-6
                if argument.min() < least:
                    parameters[place] = a, b + least - float(argument.min()), c, d
        network = FormulaNetwork(network.widths, network.forms, parameters)
    return network


def measured(
    network: FormulaNetwork, free: np.ndarray, squares: float, x: np.ndarray, y: np.ndarray
) -> RefinedFormula:
    """Return a formula with errors and evidence at its parameters."""
    count, errors = y.size, np.zeros(len(free))
    if not math.isfinite(squares):
        return RefinedFormula(network, free, errors, math.inf, -math.inf)
    columns = network.gradient(x)[1].reshape(count, -1)[:, free]
    size = np.sqrt((columns**2).sum(0))
    if not np.isfinite(size).all():
        return RefinedFormula(network, free, errors, math.inf, -math.inf)
    size[size == 0] = math.inf
    scaled = columns / size
    spread = np.diag(np.linalg.pinv(scaled.T @ scaled, rcond=1e-13, hermitian=True)).clip(0)
    errors[free] = np.sqrt(spread * squares / max(count - int(free.sum()), 1)) / size
    floor = LOST**2 * float(((y - y.mean(0)) ** 2).mean())
    log_evidence = (
        -0.5 * count * math.log(max(squares / count, floor, 1e-300))
        - 0.5 * int(free.sum()) * math.log(count)
        - network.complexity * math.log(2)
    )
    return RefinedFormula(network, free, errors, math.sqrt(squares / count), log_evidence)


def without_zeros(refined: RefinedFormula, x: np.ndarray, y: np.ndarray) -> RefinedFormula:
    """Return the formula without shifts and constants that cannot be told from zero.

    One at a time, the smallest in its standard errors first, where the evidence does not fall.
    """
    with np.errstate(all="ignore"):
        return _without_zeros(refined, x, y)


def _without_zeros(refined: RefinedFormula, x: np.ndarray, y: np.ndarray) -> RefinedFormula:
    movable = refined.free & (np.arange(len(refined.free)) % 4 % 2 == 1)  # b and d
    while True:
        vector = refined.network.vector()
        ratio = np.full(len(vector), math.inf)
        small = 3 * refined.errors + LOST * max(1.0, float(np.abs(vector).max()))
        ratio[movable] = np.abs(vector[movable]) / small[movable]
        k = int(ratio.argmin())
        if ratio[k] > 1:
            return refined
        movable[k] = False
        start, free = vector.copy(), refined.free.copy()
        start[k], free[k] = 0.0, False
        network, squares = _descend(refined.network.moved(start), free, x, y, STEPS)
        tried = measured(network, free, squares, x, y)
        if tried.log_evidence >= refined.log_evidence:
            refined = tried
