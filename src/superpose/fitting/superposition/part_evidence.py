"""What the data say for a part: the evidence lost if its coefficients were all zero.

The Savage-Dickey ratio (Dickey, 1971): for nested models, the logarithm of the Bayes factor is

    log N(0 | 0, s² I) - log N(0 | θ, S),

with the posterior mean θ and covariance S of the part's own coefficients and their prior variance
s². It is the gain in the Laplace evidence at the smoothness and noise of the fit. A part whose
coefficients the data leave where the prior had them gains 0; a useless one less than 0.
"""

from __future__ import annotations

import torch


def savage_dickey(theta: torch.Tensor, covariance: torch.Tensor, variance: float) -> float:
    """Return the logarithm of the Bayes factor for coefficients against none, in nats.

    Parameters
    ----------
    theta : Tensor [K, m]
        Posterior mean for each of K outputs; of several outputs only differences count.
    covariance : Tensor [K m, K m]
        Posterior covariance, output by output.
    variance : float
        Prior variance of every coefficient.

    Examples
    --------
    >>> import torch
    >>> one = torch.ones(1, 1).double()
    >>> round(savage_dickey(3 * one, one, 4.0), 2)  # ½ log(1/4) + ½ 3²
    3.81
    """
    contrast = torch.kron(_contrasts(len(theta)), torch.eye(theta.shape[1], dtype=torch.float64))
    spread = contrast @ (covariance / variance) @ contrast.mT
    half, _ = torch.linalg.cholesky_ex(spread)
    mean = contrast @ theta.flatten() / variance**0.5
    white = torch.linalg.solve_triangular(half, mean[:, None], upper=False)
    return float(half.diagonal().log().sum() + 0.5 * (white**2).sum())


def _contrasts(n_outputs: int) -> torch.Tensor:
    """Return orthonormal differences of outputs, [K - 1, K]."""
    if n_outputs == 1:
        return torch.ones(1, 1, dtype=torch.float64)
    _, _, rows = torch.linalg.svd(torch.ones(1, n_outputs, dtype=torch.float64))
    return rows[1:].contiguous()
