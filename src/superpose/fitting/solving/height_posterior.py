"""Predictions, bands and curves from a posterior over the heights of layers of curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn

from superpose.errors import InputError
from superpose.fitting.solving.height_slopes import HeightSlopes, height_slopes
from superpose.networks import GaussianRows, KSTLayer, KSTNetwork, LinkCurve, gaussian_moments
from superpose.networks.kst_layer import normal_reach

POINTS = (
    256  # of a row that is not known exactly, where the heights of several layers are uncertain
)
_CHUNK = 256  # rows at a time


@dataclass(frozen=True)
class HeightPrediction:
    """What a posterior says of N rows.

    Attributes
    ----------
    mean : Tensor [N, K]
        Outputs of the network; for classes, probabilities averaged over the posterior.
    sd : Tensor [N, K]
        Standard deviation of what the band holds.
    lower, upper : Tensor [N, K]
        The band: limits at the level that was asked for.
    outside : Tensor [N]
        Whether an input of any layer of curves lies outside what it was in training.
    """

    mean: torch.Tensor
    sd: torch.Tensor
    lower: torch.Tensor
    upper: torch.Tensor
    outside: torch.Tensor


class HeightPosterior:
    """A normal distribution over the heights of one or all layers of curves of a network.

    Parameters
    ----------
    model : nn.Module
        At the mode, in float64.
    layers : sequence of KSTLayer
        Those of its layers whose heights are uncertain.
    covariance : Tensor [P, P]
        Of these heights, in the order of ``layer.heights.flatten()``, layer after layer.
    loss : {"normal", "categorical"}
        What the outputs are: means, or logits.
    noise_variance : float
        φ of a target about its mean; 1 for classes.
    prior_variance : float
        s², variance of the Gaussian process of every curve of these layers.
    freedom : float
        Effective number of heights, tr (G + Λ)⁻¹ G.
    seen : sequence of (Tensor [I], Tensor [I])
        Lowest and highest inputs of every layer of curves over the rows of training.
    rows : Tensor [N, ..]
        These rows.

    Examples
    --------
    A slope that no row has shown is wide, and so is everything beyond the rows:

    >>> import torch
    >>> from superpose.fitting import laplace
    >>> from superpose.networks import KSTNetwork
    >>> generator = torch.Generator().manual_seed(0)
    >>> network = KSTNetwork([2, 1], knots=9, bounds=(-1, 1), generator=generator)
    >>> x = torch.rand(100, 2, generator=generator) * torch.tensor([1.0, 0.0])
    >>> y = network(x).detach() + 0.1 * torch.randn(100, 1, generator=generator)
    >>> posterior = laplace(network, x, y, prior_weight=1e-3)
    >>> asked = torch.tensor([[0.5, 0.0], [-0.9, 0.0], [0.5, 0.5]])
    >>> print(posterior.predict(asked).sd.ravel().numpy().round(2))
    [0.02 0.67 8.26]
    """

    def __init__(
        self,
        model: nn.Module,
        layers: Sequence[KSTLayer],
        covariance: torch.Tensor,
        *,
        loss: str,
        noise_variance: float,
        prior_variance: float,
        freedom: float,
        seen: Sequence[tuple[torch.Tensor, torch.Tensor]],
        rows: torch.Tensor,
    ) -> None:
        self.model, self.layers, self.covariance = model, tuple(layers), covariance
        self.loss, self.noise_variance, self.prior_variance = loss, noise_variance, prior_variance
        self.freedom, self.seen, self.rows = freedom, tuple(seen), rows

    def predict(
        self,
        X: torch.Tensor,
        level: float = 0.95,
        *,
        noise: bool = False,
        draws: int = 1000,
        generator: torch.Generator | None = None,
    ) -> HeightPrediction:
        """Return predictions at rows X with pointwise bands.

        For numbers the band is that of the mean, mean ± z sd, of the network linearised in its
        heights; with ``noise`` it holds a new observation instead. For classes, logits are drawn
        and passed through softmax: mean, standard deviation and quantiles of the draws.

        Parameters
        ----------
        X : Tensor [N, ..]
            As the model takes them.
        level : float, default 0.95
            Probability of the band.
        noise : bool, default False
            Whether the noise of a new observation is inside; for classes there is none.
        draws : int, default 1000
            Of the logits of a row, for classes.
        generator : torch.Generator, optional
            Source of these draws; torch's own without it.
        """
        reach = normal_reach(level)
        pieces = []
        for at in self._slopes(X):
            covariance = at.covariance(self.covariance, self.prior_variance)
            outside = torch.stack([out.any(1) for out in self._outside(at)]).any(0)
            if self.loss == "normal":
                variance = covariance.diagonal(dim1=-2, dim2=-1).clamp(min=0.0)
                sd = (variance + noise * self.noise_variance).sqrt()
                ends = at.outputs - reach * sd, at.outputs + reach * sd
                pieces.append((at.outputs, sd, *ends, outside))
            else:
                p = _probabilities(at.outputs, covariance, draws, generator)
                tails = p.new_tensor([(1 - level) / 2, (1 + level) / 2])
                pieces.append((p.mean(0), p.std(0), *p.quantile(tails, dim=0), outside))
        return HeightPrediction(*(torch.cat(it) for it in zip(*pieces, strict=True)))

    def covariance_of(self, X: torch.Tensor) -> torch.Tensor:
        """Return the covariance of the outputs at each row of X, [N, K, K], without noise."""
        return torch.cat(
            [at.covariance(self.covariance, self.prior_variance) for at in self._slopes(X)]
        )

    def outside(self, X: torch.Tensor) -> list[torch.Tensor]:
        """Return, for every layer of curves, which of its inputs [N, I] lie beyond training."""
        chunks = [self._outside(at) for at in self._slopes(X)]
        return [torch.cat(it) for it in zip(*chunks, strict=True)]

    def moments(self, mean: torch.Tensor, covariance: torch.Tensor) -> GaussianRows:
        """Return mean and covariance of the outputs for rows that are not known exactly.

        Var[y] = E_x[v] + Var_x[f], without the noise of an observation. Of one layer whose heights
        are uncertain v is part of `gaussian_moments`. Of several, whose heights are correlated, v
        is the variance of `predict`, averaged over 256 points of a Sobol sequence.
        """
        if not isinstance(self.model, KSTLayer | KSTNetwork):
            raise InputError(
                "Gaussian rows pass through layers of curves only",
                f"got a {type(self.model).__name__}",
                "use a KSTLayer or a KSTNetwork, or take the posterior of that part of the model",
            )
        every = self.model.each_layer() if isinstance(self.model, KSTNetwork) else [self.model]
        if len(self.layers) > 1:
            with torch.no_grad():
                found = gaussian_moments(self.model, mean, covariance)
            unknown = self.covariance_of(_points_under(mean.double(), covariance.double()))
            unknown = unknown.unflatten(0, (len(mean), POINTS)).mean(1)
            return GaussianRows(found.mean, found.covariance + unknown.cpu())
        with torch.no_grad():
            return gaussian_moments(
                self.model,
                mean,
                covariance,
                height_covariances=[self.covariance if it in self.layers else None for it in every],
                prior_variances=[self.prior_variance * (it in self.layers) for it in every],
            )

    def curve(self, i: int, o: int, layer: int = -1) -> LinkCurve:
        """Return the curve from input i to output o of a layer, with its band.

        Where a node has more links than one, its level is shared by them. The band is then that of
        the curve less its mean over the rows of training.
        """
        where = range(len(self.layers))[layer]
        of = self.layers[where]
        curve = of.curve(i, o)
        shape = of.heights.shape
        own = self._block(where).reshape(*shape, *shape)[i, :, o, i, :, o]
        if of.in_features > 1:
            inputs = torch.cat([at.cardinals[where] for at in self._slopes(self.rows)])
            mean = inputs.unflatten(1, shape[:2])[:, i].mean(0)
            centred = torch.eye(shape[1]).to(own) - mean  # row m: e_m less the mean row
            own = centred @ own @ centred.mT
        return replace(curve, covariance=own.cpu(), prior_variance=self.prior_variance)

    def _block(self, where: int) -> torch.Tensor:
        sizes = [layer.heights.numel() for layer in self.layers]
        return self.covariance.split(sizes)[where].split(sizes, 1)[where]

    def _slopes(self, X: torch.Tensor) -> list[HeightSlopes]:
        X = X.double() if X.is_floating_point() else X
        return [height_slopes(self.model, self.layers, some) for some in X.split(_CHUNK)]

    def _outside(self, at: HeightSlopes) -> list[torch.Tensor]:
        every = zip(at.inputs, self.seen, strict=True)
        return [~((x >= low) & (x <= high)) for x, (low, high) in every]


def _points_under(mean: torch.Tensor, covariance: torch.Tensor) -> torch.Tensor:
    """Return places spread evenly under N normal distributions, [N POINTS, I]."""
    covariance = torch.diag_embed(covariance) if covariance.ndim == 2 else covariance
    sobol = torch.quasirandom.SobolEngine(mean.shape[1]).fast_forward(1)  # the first point is 0
    z = torch.special.ndtri(sobol.draw(POINTS, dtype=torch.float64)).to(mean)
    values, vectors = torch.linalg.eigh(covariance)
    root = vectors * values.clamp(min=0.0).sqrt().unsqueeze(-2)
    return (mean.unsqueeze(1) + z @ root.mT).flatten(0, 1)


def _probabilities(
    logits: torch.Tensor, covariance: torch.Tensor, draws: int, generator: torch.Generator | None
) -> torch.Tensor:
    """Return softmax of draws of N(logits, covariance), [draws, N, K]."""
    values, vectors = torch.linalg.eigh(covariance)
    root = vectors * values.clamp(min=0.0).sqrt().unsqueeze(-2)
    normal = torch.randn(draws, *logits.shape, dtype=torch.float64, generator=generator)
    return (logits + torch.einsum("nkj,snj->snk", root, normal.to(logits))).softmax(-1)
