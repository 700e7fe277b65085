"""Rows that are not known exactly, through layers of curves: mean and covariance of the outputs.

Source: the law of total variance for one curve (`superpose.curves.moments`); for two curves of
correlated inputs the expansion of Mehler (1866), Cov = Σ_k ρᵏ a_k b_k over their Hermite moments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from superpose.curves import cardinal_moments
from superpose.errors import InputError
from superpose.networks.kst_layer import KSTLayer
from superpose.networks.kst_network import KSTNetwork

_PRODUCTS = 2**22  # products of cardinal functions in memory at a time


@dataclass(frozen=True)
class GaussianRows:
    """Mean and covariance of N rows of numbers that are not known exactly.

    Attributes
    ----------
    mean : Tensor [N, O]
    covariance : Tensor [N, O, O]
        Of the numbers of one row.
    """

    mean: torch.Tensor
    covariance: torch.Tensor

    @property
    def variance(self) -> torch.Tensor:
        """The diagonal of the covariance, [N, O]."""
        return self.covariance.diagonal(dim1=-2, dim2=-1)


def gaussian_moments(
    network: KSTLayer | KSTNetwork,
    mean: torch.Tensor,
    covariance: torch.Tensor,
    *,
    height_covariances: Sequence[torch.Tensor | None] | None = None,
    prior_variances: Sequence[float] | None = None,
    orders: int = 8,
) -> GaussianRows:
    """Return mean and covariance of a network's outputs when its inputs are normal.

    Of one layer, y_o = Σ_i f_io(x_i), both are exact: E[y] = E_x[f] and
    Var[y] = E_x[v] + Var_x[f], with v the variance of curves that are learned, to rounding for
    inputs that are independent and to ``orders`` terms of ρᵏ for inputs of correlation ρ. Of a
    network each layer is given the mean and the covariance of all numbers before it, as if these
    were normal; that they are not is the approximation.

    Parameters
    ----------
    network : KSTLayer or KSTNetwork
        As it stands; axes do not learn of what is passed.
    mean : Tensor [N, I]
        In units of the inputs.
    covariance : Tensor [N, I] or [N, I, I]
        Variances of independent inputs, or their covariance.
    height_covariances : sequence of Tensor [I·M·O, I·M·O] or None, optional
        One a layer, of its heights in the order of ``layer.heights.flatten()``. Heights of two
        layers are taken as independent. None, or without it, the heights are known.
    prior_variances : sequence of float, optional
        One a layer, of the Gaussian process between and beyond the knots of every curve, for which
        each curve is on its own. Without it curves are the interpolants of their heights.
    orders : int, default 8
        Terms for pairs of inputs that are correlated; what is left out of a pair is below
        abs(ρ) to the power of orders + 1, times the standard deviations of both curves.

    Returns
    -------
    GaussianRows
        In float64, on the host.

    Raises
    ------
    InputError
        If shapes do not fit, a number is not finite, or a variance is negative.

    Examples
    --------
    >>> import torch
    >>> from superpose.networks import KSTLayer, gaussian_moments
    >>> layer = KSTLayer(2, 1, knots=9, bounds=(-1, 1))
    >>> with torch.no_grad():  # y = 2 x0 - x1
    ...     layer.heights[0, :, 0] = 2 * layer.basis.knots
    ...     layer.heights[1, :, 0] = -layer.basis.knots
    >>> rows = gaussian_moments(layer, torch.tensor([[0.3, 0.1]]), torch.tensor([[0.04, 0.01]]))
    >>> round(rows.mean.item(), 3), round(rows.variance.item(), 3)
    (0.5, 0.17)
    """
    layers = network.each_layer() if isinstance(network, KSTNetwork) else [network]
    uncertain = [None] * len(layers) if height_covariances is None else height_covariances
    left_open = [0.0] * len(layers) if prior_variances is None else prior_variances
    rows = _rows(mean.double().cpu(), covariance.double().cpu(), layers[0].in_features)
    for layer, of_heights, prior_variance in zip(layers, uncertain, left_open, strict=True):
        rows = _layer(layer, rows, of_heights, prior_variance, orders)
    return rows


def _layer(
    layer: KSTLayer,
    rows: GaussianRows,
    of_heights: torch.Tensor | None,
    prior_variance: float,
    orders: int,
) -> GaussianRows:
    size = max(1, _PRODUCTS // layer.heights[..., 0].numel() ** 2)
    pieces = [
        _chunk(layer, GaussianRows(*some), of_heights, prior_variance, orders)
        for some in zip(rows.mean.split(size), rows.covariance.split(size), strict=True)
    ]
    return GaussianRows(
        torch.cat([piece.mean for piece in pieces]),
        torch.cat([piece.covariance for piece in pieces]),
    )


def _chunk(
    layer: KSTLayer,
    rows: GaussianRows,
    of_heights: torch.Tensor | None,
    prior_variance: float,
    orders: int,
) -> GaussianRows:
    first, spread, left_open = _features(layer, rows, orders)
    heights = layer.heights.double().cpu().flatten(0, 1)  # [I M, O]
    covariance = heights.mT @ spread @ heights
    if of_heights is not None:
        second = spread + first.unsqueeze(-1) * first.unsqueeze(-2)
        both = of_heights.to(second).unflatten(0, heights.shape).unflatten(2, heights.shape)
        covariance = covariance + torch.einsum("nab,aobp->nop", second, both)
    open_variance = prior_variance * left_open[:, None, None]
    eye = torch.eye(layer.out_features, dtype=torch.float64, device=first.device)
    return GaussianRows(first @ heights, covariance + open_variance * eye)


def _features(
    layer: KSTLayer, rows: GaussianRows, orders: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return mean [N, I M] and covariance [N, I M, I M] of cardinal functions, and Σ_i E[v0]."""
    shape = rows.mean.shape
    sd = rows.variance.clamp(min=0.0).sqrt()
    spread = layer.axis.spread.double().cpu()
    places = (rows.mean - layer.axis.centre.double().cpu()) / spread
    correlation = _correlation(rows.covariance, sd)
    orders = orders if bool(correlation.any()) else 0
    found = cardinal_moments(
        layer.basis.cpu_copy(), places.flatten(), (sd / spread).flatten(), orders=orders
    )
    first, own, hermite, left_open = (
        it.unflatten(0, shape) for it in (found.first, found.spread, found.hermite, found.left_open)
    )
    joint = own.new_zeros(*shape, shape[1], *own.shape[-2:])  # [N, I, I, M, M]
    for k in range(orders):
        common = correlation.pow(k + 1)[..., None, None]
        joint += common * hermite[:, :, None, k, :, None] * hermite[:, None, :, k, None, :]
    index = torch.arange(shape[1], device=own.device)
    joint[:, index, index] = own
    return first.flatten(1), joint.transpose(2, 3).flatten(3).flatten(1, 2), left_open.sum(1)


def _correlation(covariance: torch.Tensor, sd: torch.Tensor) -> torch.Tensor:
    """Return the correlations of different numbers of a row, [N, I, I], with a diagonal of 0."""
    scale = (sd.unsqueeze(-1) * sd.unsqueeze(-2)).clamp(min=1e-300)
    correlation = (covariance / scale).clamp(-1.0, 1.0)
    return correlation - torch.diag_embed(correlation.diagonal(dim1=-2, dim2=-1))


def _rows(mean: torch.Tensor, covariance: torch.Tensor, n_inputs: int) -> GaussianRows:
    fits = mean.ndim == 2 and mean.shape[1] == n_inputs
    fits = fits and covariance.shape in {mean.shape, (*mean.shape, n_inputs)}
    if not fits or not bool(covariance.isfinite().all()):
        raise InputError(
            f"mean must be [N, {n_inputs}], and covariance finite and [N, {n_inputs}] or "
            f"[N, {n_inputs}, {n_inputs}]",
            f"got shapes {tuple(mean.shape)} and {tuple(covariance.shape)}",
            "pass one row of means, and their variances, a row",
        )
    covariance = torch.diag_embed(covariance) if covariance.ndim == 2 else covariance
    if bool((covariance.diagonal(dim1=-2, dim2=-1) < 0).any()):
        raise InputError(
            "variances must not be negative",
            f"got one of {float(covariance.diagonal(dim1=-2, dim2=-1).min()):g}",
            "pass variances, not standard deviations with a sign",
        )
    return GaussianRows(mean, covariance)
