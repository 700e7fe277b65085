"""Networks of layers of curves, solved to the end on data of moderate size."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import ArrayLike

from superpose.errors import InputError
from superpose.fitting.deadline import Deadline
from superpose.fitting.solving.network_axes import cover_inputs, note_what_was_seen
from superpose.fitting.solving.network_evidence import SMALLEST_NOISE
from superpose.fitting.solving.network_search import Candidate, NetworkStep, Search, n_knots, widest
from superpose.fitting.solving.white_heights import heights_spread
from superpose.fitting.threads import threads_for
from superpose.networks import KSTNetwork


@dataclass(frozen=True, eq=False)
class NetworkFit:
    """A fitted network, and how sure its heights are.

    Attributes
    ----------
    network : KSTNetwork
        In float64, ready to predict in original units. It may be narrower, and have more knots,
        than the one that was given.
    evidence : float
        Laplace log evidence, in nats, for the standardised target.
    noise : float
        Variance σ² of the noise, in squared units of the target.
    log_precision : Tensor [2 layers]
        log λ of the bends and of the slopes of each layer, the standardised target's.
    freedom : Tensor [2 layers]
        Effective degrees of freedom of the same.
    covariance : Tensor [P, P]
        Posterior of all heights, in the order of ``parameters_to_vector(network.parameters())``,
        in their own units: those of the last layer are the target's.
    rmse : float
        Root mean square residual over the rows, in units of the target.
    start : int
        Which random start won, of those with its widths; -1 for the network as it was given.
    trail : tuple of NetworkStep
        All climbs, in order.
    """

    network: KSTNetwork
    evidence: float
    noise: float
    log_precision: torch.Tensor
    freedom: torch.Tensor
    covariance: torch.Tensor
    rmse: float
    start: int
    trail: tuple[NetworkStep, ...]


def fit_network(
    network: KSTNetwork,
    X: ArrayLike | torch.Tensor,
    y: ArrayLike | torch.Tensor,
    *,
    noise: float | str = "evidence",
    refine_to: int = 32,
    restarts: int = 3,
    tolerance: float = 1e-5,
    generator: torch.Generator | None = None,
    time_limit: float | None = None,
) -> NetworkFit:
    r"""Fit all heights of a network at once, with as many knots and as wide as the evidence asks.

    Levenberg-Marquardt steps go down

    .. math:: \tfrac{1}{2\sigma^2} \sum_i |y_i - f(x_i)|^2
              + \tfrac12 \sum_g \lambda_g\, |\theta_g|^2,

    where :math:`\theta` are white coordinates of the heights, so that the second sum is
    :math:`\sum \lambda\, z^\top Q z` over the curves and the squares of their slopes. The
    :math:`\lambda_g` of every layer and :math:`\sigma^2` follow MacKay's fixed point (MacKay 1992,
    Neural Computation 4:448) on the way. Networks with one, two, three, five, ... numbers between
    layers, at most those of ``network``, are started from random curves; the best start is refined
    with a knot between any two while the evidence gains, and wider ones are tried until one is no
    better. The steps are dense, P³ for P heights: meant for up to about a thousand heights.

    Parameters
    ----------
    network : KSTNetwork
        Widths (the most there may be), knots to begin with, kernel and length scale; it is not
        changed. Few knots and a smooth kernel suit functions: ``knots=8, kernel="matern52",
        length_scale=1.0``. Without bounds its axes reach over the rows, with a margin.
    X : array [N, n]
        Rows, finite.
    y : array [N] or [N, K]
        Target.
    noise : float or "evidence", default "evidence"
        Variance of the noise in squared units of the target, if it is known.
    refine_to : int, default 32
        Knots at most. There are never more than three heights for four numbers in y.
    restarts : int, default 3
        Random starts for each width. With 0 the network is fitted from the heights it has.
    tolerance : float, default 1e-05
        Root mean square residual, in standard deviations of y, at which the search ends. A larger
        one is reached sooner.
    generator : torch.Generator, optional
        Of the starts; one with seed 0 if not given. The same seed gives the same network.
    time_limit : float, optional
        Seconds after which the present network is returned.

    Returns
    -------
    NetworkFit

    Raises
    ------
    InputError
        If shapes do not agree, a value is not finite, y is constant, or there are fewer rows than
        knots.

    Examples
    --------
    >>> import torch
    >>> from superpose.fitting import fit_network
    >>> from superpose.networks import KSTNetwork
    >>> x = 2 * torch.rand(300, 2, generator=torch.Generator().manual_seed(1)).double() - 1
    >>> y = torch.exp(torch.sin(torch.pi * x[:, 0]) + x[:, 1] ** 2)
    >>> network = KSTNetwork([2, 5, 1], knots=8, kernel="matern52", length_scale=1.0)
    >>> fit = fit_network(network, x, y)
    >>> fit.network.layers[0].out_features, fit.rmse < 1e-4
    (1, True)
    >>> bool((fit.network(x)[:, 0] - y).abs().max() < 1e-3)
    True
    """
    rows, target = _checked(network, X, y)
    if restarts < 0 or tolerance < 0:
        raise InputError(
            "restarts and tolerance must not be negative",
            f"got restarts={restarts}, tolerance={tolerance}",
            "pass 0 or more",
        )
    centre = target.mean(0)
    spread = float((target - centre).std())
    search = Search(
        rows,
        (target - centre) / spread,
        _variance(noise, spread),
        refine_to,
        tolerance,
        Deadline(time_limit),
        generator or torch.Generator().manual_seed(0),
    )
    with torch.no_grad(), threads_for(rows.numel()):
        if restarts:
            best = search.widen(network, widths_to_try(widest(network)), restarts)
        else:
            best = search.refine(_as_it_stands(search, network, centre, spread))
        return _finish(search, best, centre, spread)


def widths_to_try(most: int) -> list[int]:
    """Return 1, 2, 3, 5, 8, ... below ``most``, and that.

    Examples
    --------
    >>> widths_to_try(7)
    [1, 2, 3, 5, 7]
    """
    found, following = [1], 2
    while following < most:
        found, following = [*found, following], found[-1] + following
    return [*found, most] if most > 1 else found


def _as_it_stands(
    search: Search, network: KSTNetwork, centre: torch.Tensor, spread: float
) -> Candidate:
    network = copy.deepcopy(network).double().eval().requires_grad_(False)
    cover_inputs(network, search.x)
    last = network.each_layer()[-1]
    last.heights.sub_(centre / last.in_features).div_(spread)
    state, residual = search.unfitted(network), search.y - network(search.x)
    if search.noise is None:
        state = replace(state, noise=max(float(residual.square().mean()), SMALLEST_NOISE))
    return search.climb(network, state, -1, 1)


def _finish(search: Search, best: Candidate, centre: torch.Tensor, spread: float) -> NetworkFit:
    """Put the network into units of the target, and read what is known of it."""
    network, found = best.network, best.found
    note_what_was_seen(network, search.x)
    last = network.each_layer()[-1]
    last.heights.mul_(spread).add_(centre / last.in_features)
    network.requires_grad_(True)
    table = heights_spread(network)
    table[len(table) - last.heights.numel() :] *= spread
    return NetworkFit(
        network,
        found.evidence,
        found.state.noise * spread**2,
        found.state.log_precision,
        found.freedom,
        table @ found.covariance @ table.mT,
        search.rmse(found) * spread,
        best.start,
        tuple(search.trail),
    )


def _variance(noise: float | str, spread: float) -> float | None:
    if noise == "evidence":
        return None
    if isinstance(noise, str) or not 0 < noise < float("inf"):
        raise InputError(
            "noise must be 'evidence' or a variance above 0",
            f"got noise={noise!r}",
            "pass the variance in squared units of y, or leave it out",
        )
    return noise / spread**2


def _checked(
    network: KSTNetwork, X: ArrayLike | torch.Tensor, y: ArrayLike | torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return X [N, n] and y [N, K] in float64."""
    layers = network.each_layer()
    n_in, n_out = layers[0].in_features, layers[-1].out_features
    rows, target = _tensor(X), _tensor(y)
    target = target[:, None] if target.ndim == 1 else target
    if rows.ndim != 2 or rows.shape[1] != n_in or target.shape != (len(rows), n_out):
        raise InputError(
            f"X must be [N, {n_in}] and y [N, {n_out}], as the network is wide",
            f"got X {list(rows.shape)} and y {list(target.shape)}",
            "pass as many rows in both, or another network",
        )
    for name, table in (("X", rows), ("y", target)):
        missing = int((~table.isfinite()).sum())
        if missing:
            raise InputError(
                f"{name} must be finite",
                f"got {missing} missing or infinite values",
                "drop these rows; KSTRegressor takes missing values",
            )
    if len(rows) < n_knots(network):
        raise InputError(
            f"there must be at least as many rows as knots, {n_knots(network)}",
            f"got {len(rows)}",
            "pass more rows, or a network with fewer knots",
        )
    if bool((target == target[0]).all()):
        raise InputError("y must vary", "got one value only", "check the target")
    return rows, target


def _tensor(values: ArrayLike | torch.Tensor) -> torch.Tensor:
    if isinstance(values, torch.Tensor):
        return values.detach().to("cpu", torch.float64)
    return torch.from_numpy(np.array(values, dtype=np.float64))
