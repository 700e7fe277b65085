"""The posterior over the heights of layers of curves, in any torch network that was trained.

Laplace with the generalised Gauss-Newton Hessian (MacKay 1992; Daxberger et al. 2021,
https://arxiv.org/abs/2106.14806): heights ~ N(mode, φ (G + Λ)⁻¹), where G = Σ_n J_nᵀ W_n J_n is
what the rows say and Λ = N w Q what the prior does. The prior is that of the curves themselves:
a Gaussian process of variance s² = φ / (N w), free of straight lines.
"""

from __future__ import annotations

import copy

import torch
from torch import nn

from superpose.errors import InputError
from superpose.fitting.solving.height_posterior import HeightPosterior
from superpose.fitting.solving.height_slopes import HeightSlopes, curve_layers, height_slopes
from superpose.networks import KSTLayer

LINES = 1e-4  # a straight line of heights has a prior 1 / sqrt(1e-4) = 100 times as wide as a bend
_PRODUCTS = 2**23  # numbers in memory at a time


def laplace(
    model: nn.Module,
    X: torch.Tensor,
    y: torch.Tensor,
    *,
    prior_weight: float,
    loss: str = "normal",
    which: str = "last",
) -> HeightPosterior:
    """Return the posterior over the heights of a trained network's last layer of curves, or of all.

    The network is taken at its mode: the minimum of the mean loss over the rows plus
    ``prior_weight`` times the prior of the layers, as in `KSTLayer.prior`. Everything but the
    chosen heights is held as it is.

    A direction in which neither rows nor prior hold the heights would have an infinite variance.
    There is one for every two links of a node, whose levels can be moved against each other, and
    one for every slope along an input that never varied. So straight lines get a prior too, 100
    times as wide as that of bends. Levels that cancel also cancel in every prediction; a slope that
    was never seen is then as wide as it should be.

    Parameters
    ----------
    model : nn.Module
        Any network with a `KSTLayer` in it, say a `KSTNetwork`. It is copied, in float64.
    X : Tensor [N, ..]
        Rows it was trained on, as it takes them.
    y : Tensor [N] or [N, K]
        Numbers, or codes of classes 0 to K - 1.
    prior_weight : float
        w, the weight of the prior in training.
    loss : {"normal", "categorical"}
        ½ Σ_k (y_k - f_k)², with one noise variance φ, found as the mean square of the residuals
        over the freedom that is left; or the cross entropy of logits, with φ = 1.
    which : {"last", "all"}
        The last `KSTLayer` of ``model.modules()``, or all: for small networks, because
        memory grows with the square of the number of heights, and time with its cube.

    Returns
    -------
    HeightPosterior

    Raises
    ------
    InputError
        If a word is unknown, the weight is not positive, targets do not fit the outputs, or the
        network has no layer of curves that it calls once a row.

    Examples
    --------
    >>> import torch
    >>> from superpose.fitting import laplace
    >>> from superpose.networks import KSTLayer
    >>> generator = torch.Generator().manual_seed(0)
    >>> x = torch.rand(200, 1, generator=generator) * 2 - 1
    >>> y = torch.sin(3 * x) + 0.1 * torch.randn(200, 1, generator=generator)
    >>> layer = KSTLayer(1, 1, knots=9, bounds=(-1, 1), generator=generator)
    >>> optimiser = torch.optim.LBFGS(layer.parameters(), max_iter=100)
    >>> def closure():
    ...     optimiser.zero_grad()
    ...     loss = 0.5 * (layer(x) - y).square().mean() + 1e-4 * layer.prior()
    ...     loss.backward()
    ...     return loss
    >>> _ = optimiser.step(closure)
    >>> posterior = laplace(layer, x, y, prior_weight=1e-4)
    >>> prediction = posterior.predict(torch.tensor([[0.5], [3.0]]))
    >>> print(prediction.outside.tolist(), prediction.sd.ravel().numpy().round(2))
    [False, True] [0.02 1.79]
    """
    _check_words(loss, which, prior_weight)
    model = copy.deepcopy(model).double().eval().requires_grad_(True)
    X = X.double() if X.is_floating_point() else X
    layers = _chosen(model, X, which)
    prior = len(X) * prior_weight * torch.block_diag(*(_prior(layer) for layer in layers))
    gram, outputs, inputs = torch.zeros_like(prior), [], []
    for some in X.split(_chunk(layers)):
        at = height_slopes(model, layers, some)
        gram += at.gram(_weights(at, loss))
        outputs.append(at.outputs)
        inputs.append(at.inputs)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(gram + prior))
    freedom = float((inverse * gram).sum())
    noise = (
        _noise(torch.cat(outputs), y, freedom)
        if loss == "normal"
        else _classes(torch.cat(outputs), y)
    )
    seen = [torch.cat(it) for it in zip(*inputs, strict=True)]
    return HeightPosterior(
        model,
        tuple(layers),
        noise * inverse,
        loss=loss,
        noise_variance=noise,
        prior_variance=noise / (len(X) * prior_weight),
        freedom=freedom,
        seen=tuple((it.amin(0), it.amax(0)) for it in seen),
        rows=X,
    )


def _chosen(model: nn.Module, X: torch.Tensor, which: str) -> list[KSTLayer]:
    layers = curve_layers(model)
    if not layers or not len(X):
        raise InputError(
            "the network must hold a KSTLayer, and X at least one row",
            f"got {len(layers)} layers of curves and {len(X)} rows",
            "end it with KSTLayer(features, outputs), and train that",
        )
    return layers if which == "all" else layers[-1:]


def _chunk(layers: list[KSTLayer]) -> int:
    """Return how many rows at a time keep products of features and slopes in memory."""
    return max(1, min(_PRODUCTS // (it.heights.numel() * it.out_features) for it in layers))


def _weights(at: HeightSlopes, loss: str) -> torch.Tensor:
    """Return the second derivative of the loss of a row in its outputs, [N, K, K]."""
    if loss == "normal":
        return torch.eye(at.outputs.shape[1]).to(at.outputs).expand(len(at.outputs), -1, -1)
    p = at.outputs.softmax(1)
    return torch.diag_embed(p) - p.unsqueeze(-1) * p.unsqueeze(-2)


def _prior(layer: KSTLayer) -> torch.Tensor:
    """Return the prior precision of all heights of a layer, for curves of unit variance."""
    basis = layer.basis
    line = torch.stack([torch.ones_like(basis.knots), basis.knots], 1)
    lines = line @ torch.linalg.solve(line.mT @ line, line.mT)
    one = basis.precision() + LINES * lines
    eyes = [torch.eye(n).to(one) for n in (layer.in_features, layer.out_features)]
    return torch.kron(torch.kron(eyes[0], one), eyes[1])


def _noise(outputs: torch.Tensor, y: torch.Tensor, freedom: float) -> float:
    y = y.to(outputs)
    y = y.unsqueeze(-1) if y.ndim == 1 else y
    if y.shape != outputs.shape or not bool(y.isfinite().all()):
        raise InputError(
            f"y must be finite and as the outputs, {tuple(outputs.shape)}",
            f"got shape {tuple(y.shape)}",
            "pass one row of targets a row of X",
        )
    return float((y - outputs).square().sum()) / max(outputs.numel() - freedom, 1.0)


def _classes(outputs: torch.Tensor, y: torch.Tensor) -> float:
    n, k = outputs.shape
    if y.shape != (n,) or y.is_floating_point() or not bool(((y >= 0) & (y < k)).all()) or k < 2:
        raise InputError(
            "y must hold codes of classes, and the network one logit for each of two or more",
            f"got shape {tuple(y.shape)} of {y.dtype} for {k} logits of {n} rows",
            "pass integers from 0 to the number of classes less 1",
        )
    return 1.0


def _check_words(loss: str, which: str, prior_weight: float) -> None:
    known = loss in {"normal", "categorical"} and which in {"last", "all"}
    if not known or not 0 < prior_weight < float("inf"):
        raise InputError(
            "loss must be normal or categorical, which last or all, prior_weight positive",
            f"got loss={loss!r}, which={which!r}, prior_weight={prior_weight!r}",
            "pass the loss and the weight of the prior that the network was trained with",
        )
