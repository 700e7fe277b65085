"""Slow oracles of the losses: SciPy's densities, maximised by a general optimiser.

Laplace's integral as in MacKay (1992), with whatever information is handed over.
"""

from __future__ import annotations

import numpy as np
from scipy import stats
from scipy.optimize import minimize


def log_likelihood(loss, f, y, weight, noise=1.0):
    """Σ w log p(y | f) with the densities of scipy.stats; noise as in the losses."""
    if loss == "poisson":
        each = stats.poisson(np.exp(f)).logpmf(y)
    elif loss == "gamma":
        each = stats.gamma(1 / noise, scale=np.exp(f) * noise).logpdf(y)
    elif loss == "student_t":
        each = stats.t(4, f).logpdf(y)
    else:
        each = stats.norm(f, np.sqrt(noise)).logpdf(y)
    return float(weight @ each)


def penalised_maximum(loss, X, y, weight, precision, start, offset=0.0, noise=1.0):
    """Maximise Σ w log p(y | X θ + offset) - ½ Σ λ θ² / noise by BFGS, no derivative given."""

    def objective(theta):
        prior = 0.5 * np.sum(precision * theta**2) / noise
        return prior - log_likelihood(loss, X @ theta + offset, y, weight, noise)

    return minimize(objective, start, method="BFGS", options={"gtol": 1e-5}).x


def laplace(loss, X, y, weight, precision, theta, information, noise=1.0):
    """Log of ∫ p(y | X θ) p(θ) dθ by Laplace, the bias (λ = 0) under a flat prior.

    ``information`` is Σ w C x xᵀ of the loss before it is divided by the noise.
    """
    prior = precision[precision > 0] / noise
    joint = log_likelihood(loss, X @ theta, y, weight, noise)
    joint += 0.5 * np.sum(np.log(prior / (2 * np.pi))) - 0.5 * np.sum(precision * theta**2) / noise
    hessian = (information + np.diag(precision)) / noise
    return joint + 0.5 * len(theta) * np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(hessian)[1]
