"""From a fitted model and rows to the importance of every part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from superpose.explain.importance import Importances
from superpose.explain.parts import contributions, deviation, encode, half_width, part_names

if TYPE_CHECKING:
    from superpose.fitting import Fit

__all__ = ["importances", "root_mean_square_band"]

Array = NDArray[np.float64]


def importances(
    fit: Fit, x: Array, *, sample_weight: Array | None = None, level: float = 0.95
) -> Importances:
    r"""How much each part moves the predictions of these rows, largest first.

    The importance of a part is the root mean square of its contributions c over the rows,

    .. math:: I = \sqrt{\tfrac1N \sum_i \|c(x_i)\|^2},

    in the units of the contributions: a part of importance .5 typically moves a prediction by half
    a unit. See `root_mean_square_band` for the band and why it may be wider than need be.

    Parameters
    ----------
    fit : Fit
    x : array [N, n]
        Rows as the network reads them.
    sample_weight : array [N], optional
    level : float

    Returns
    -------
    Importances

    Examples
    --------
    >>> import numpy as np
    >>> from superpose import KSTRegressor
    >>> from superpose.explain import importances
    >>> x = np.random.default_rng(0).uniform(-1, 1, (200, 2))
    >>> model = KSTRegressor(pairs=0, terms=0).fit(x, 3 * x[:, 0] + x[:, 1])
    >>> ranked = importances(model.fit_, x)
    >>> ranked.names, ranked.values.round(1)
    (('x0', 'x1'), array([1.7, 0.6]))
    """
    u, names = encode(fit, x), part_names(fit)
    bands = np.array(
        [
            root_mean_square_band(mean, deviation(fit, i, u), sample_weight, level=level)
            for i, mean in enumerate(contributions(fit, u))
        ]
    ).reshape(-1, 3)
    return Importances.of(names, bands[:, 0], bands[:, 1], bands[:, 2])


def root_mean_square_band(
    mean: Array,
    sd: Array,
    weight: Array | None = None,
    *,
    some: slice = slice(None),
    level: float = 0.95,
) -> tuple[float, float, float]:
    r"""Root mean square of an uncertain vector, and an interval that holds it often enough.

    Let the vector be normal with this mean and error e. By the triangle inequality its norm lies
    within :math:`\|e\|` of the norm of the mean. And :math:`\|e\|^2`, a sum of weighted
    chi-squares, exceeds :math:`z^2 E\|e\|^2` most often when all errors move together (Székely and
    Bakirov 2003, for levels above .785), where it does so with probability 1 - level. So

    .. math:: \|\mathrm{mean}\| \pm z \sqrt{\mathrm{mean}(\mathrm{sd}^2)}

    holds with at least this probability, whatever the errors' correlations, and needs none of them.

    Parameters
    ----------
    mean : array [N, K]
    sd : array [M, K]
    weight : array [N], optional
        Weights of the rows in the means; equal if not given.
    some : slice
        The rows that ``sd`` is of; all if not given.
    level : float
        Above .785.

    Returns
    -------
    value, lower, upper : float

    References
    ----------
    G. J. Székely and N. K. Bakirov, "Extremal probabilities for Gaussian quadratic forms",
    Probability Theory and Related Fields 126, 2003.

    Examples
    --------
    >>> import numpy as np
    >>> mean, sd = np.array([[3.0], [-3.0]]), np.array([[0.5], [0.5]])
    >>> [round(v, 2) for v in root_mean_square_band(mean, sd)]
    [3.0, 2.02, 3.98]
    """
    own = None if weight is None else weight[some]
    value = np.sqrt(np.average((mean**2).sum(axis=1), weights=weight))
    error = np.sqrt(np.average((sd**2).sum(axis=1), weights=own))
    reach = half_width(level) * error
    return float(value), float(max(value - reach, 0.0)), float(value + reach)
