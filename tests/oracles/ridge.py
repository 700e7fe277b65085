"""Slow oracles of fitting: ridge regression, its evidence, Gaussian processes, by dense algebra.

Harville (1974) for the restricted likelihood; Rasmussen and Williams (2006), section 2.7, for a
Gaussian process with a linear mean under a flat prior.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import null_space
from scipy.stats import multivariate_normal


def ridge(X, y, weight, precision):
    """Minimise Σ w (y - X θ)² + Σ λ θ² as one long least-squares problem; also (XᵀWX + Λ)⁻¹."""
    tall = np.vstack([X * np.sqrt(weight)[:, None], np.diag(np.sqrt(precision))])
    right = np.concatenate([y * np.sqrt(weight), np.zeros(len(precision))])
    theta = np.linalg.lstsq(tall, right, rcond=None)[0]
    return theta, np.linalg.inv(tall.T @ tall)


def restricted_log_likelihood(Z, y, prior_variance, noise):
    """Return the log density of what y says beyond its mean, for y = b + Z θ + e, b unknown.

    θ_j ~ N(0, prior_variance_j), e ~ N(0, noise). The contrasts are an orthonormal basis of what is
    orthogonal to 1, so no other constant is left.
    """
    contrasts = null_space(np.ones((1, len(y))))
    covariance = Z @ np.diag(prior_variance) @ Z.T + noise * np.eye(len(y))
    inner = contrasts.T @ covariance @ contrasts
    return multivariate_normal(np.zeros(len(inner)), inner).logpdf(contrasts.T @ y)


def matern32(a, b, length_scale):
    t = np.sqrt(3.0) * np.abs(np.subtract.outer(a, b)) / length_scale
    return (1 + t) * np.exp(-t)


def process_regression(u, y, new, length_scale, variance, noise):
    """Return mean and variance of f at ``new`` for f = a + b u + GP, a and b under a flat prior.

    Equations 2.41 and 2.42 with N x N matrices: nothing is known of knots.
    """
    K = variance * matern32(u, u, length_scale) + noise * np.eye(len(u))
    k = variance * matern32(u, new, length_scale)
    H, h = np.stack([np.ones_like(u), u]), np.stack([np.ones_like(new), new])
    inverse = np.linalg.inv(K)
    information = H @ inverse @ H.T
    slope = np.linalg.solve(information, H @ inverse @ y)
    gap = h - H @ inverse @ k
    mean = k.T @ inverse @ (y - H.T @ slope) + h.T @ slope
    spread = variance - np.einsum("ij,ik,kj->j", k, inverse, k)
    return mean, spread + np.einsum("ij,ij->j", gap, np.linalg.solve(information, gap))


def sparse_process_regression(u, y, new, knots, length_scale, variance, noise):
    """The same where f is read off its heights at knots: f(u) = c(u)ᵀ z for the rows, with a flat
    prior on a straight line of heights; at ``new`` what z leaves open of the GP is added back.
    """
    K = variance * matern32(knots, knots, length_scale)
    H = np.stack([np.ones_like(knots), knots])

    def kriging(places):
        k = variance * matern32(knots, places, length_scale)
        h = np.stack([np.ones_like(places), places])
        system = np.block([[K, H.T], [H, np.zeros((2, 2))]])
        solved = np.linalg.solve(system, np.vstack([k, h]))
        left = variance - np.sum(solved * np.vstack([k, h]), 0)
        return solved[: len(knots)].T, left

    rows, _ = kriging(u)
    fresh, left = kriging(new)
    inverse = np.linalg.inv(K)
    penalty = inverse - inverse @ H.T @ np.linalg.solve(H @ inverse @ H.T, H @ inverse)
    covariance = np.linalg.inv(rows.T @ rows / noise + penalty)
    mean = fresh @ covariance @ rows.T @ y / noise
    return mean, left + np.einsum("ij,jk,ik->i", fresh, covariance, fresh)
