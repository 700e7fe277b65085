"""The evidence for the smoothness of every group of coefficients, and how to climb it.

For coefficients θ with prior N(0, I/λ_g) in group g, the Laplace evidence of the penalised
least-squares problem with information A (MacKay, 1992; Wood, 2011) has, in ρ_g = log λ_g,

    ∂L/∂ρ_g = ½ (m_g - λ_g tr S_gg - λ_g |θ_g|² / σ²),      S = (A + Λ)⁻¹,

so that at its maximum λ_g |θ_g|² / σ² equals the effective degrees of freedom m_g - λ_g tr S_gg.
A wide normal hyperprior on ρ keeps a group from being switched off, or set free, for good.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

HYPER_MEAN = 5.0
HYPER_SD = 5.0
RANGE = (-14.0, 18.0)
LARGEST_STEP = 3.0
CAUTIOUS_STEP = 1.0
FLATTEST = 0.05


@dataclass(frozen=True)
class Slope:
    """Gradient and Hessian of the evidence in ρ; freedom and λ_g |θ_g|² / σ² of each group."""

    gradient: torch.Tensor
    hessian: torch.Tensor
    freedom: torch.Tensor
    energy: torch.Tensor


def membership(groups: torch.Tensor, n_groups: int) -> torch.Tensor:
    """Return the 0/1 matrix [P, G] of which coefficient is in which group; -1 is in none."""
    table = torch.zeros(len(groups), n_groups, dtype=torch.float64)
    inside = groups >= 0
    table[torch.arange(len(groups))[inside], groups[inside]] = 1.0
    return table


def slope_of(
    theta: torch.Tensor,
    covariance: torch.Tensor,
    precision: torch.Tensor,
    member: torch.Tensor,
    rho: torch.Tensor,
    noise: float,
    n_noise: float,
    along: torch.Tensor | None = None,
) -> Slope:
    """Differentiate the evidence in ρ.

    Parameters
    ----------
    theta, precision : Tensor [P]
        Coefficients and their prior precisions λ (0 for those without a prior).
    covariance : Tensor [P, P]
        S = (A + Λ)⁻¹, not yet multiplied by the noise variance.
    member : Tensor [P, G]
        From `membership`.
    rho : Tensor [G]
        log λ of each group.
    noise : float
        Noise variance σ²; 1 for losses without one.
    n_noise : float
        Rows behind σ² where it is profiled out; 0 for losses without one.
    along : Tensor [P, P], optional
        S where conditions hold θ on a face, from `superposition.bounds`: how it can move.
    """
    trace = member.mT @ (precision * covariance.diagonal())
    energy = member.mT @ (precision * theta * theta) / noise
    gradient = 0.5 * (member.sum(0) - trace - energy) - (rho - HYPER_MEAN) / HYPER_SD**2
    scaled = member * precision[:, None]
    spread = scaled.mT @ (covariance * covariance) @ scaled
    pulled = scaled * theta[:, None]
    moved = pulled.mT @ (covariance if along is None else along) @ pulled / noise
    hessian = -0.5 * (torch.diag(trace + energy) - spread - 2 * moved)
    hessian -= torch.eye(len(rho), dtype=rho.dtype) / HYPER_SD**2
    if n_noise:
        hessian += 0.5 * torch.outer(energy, energy) / n_noise
    return Slope(gradient, hessian, member.sum(0) - trace, energy)


def ascent(slope: Slope, largest: float = LARGEST_STEP) -> torch.Tensor:
    """Return a step in ρ uphill: Newton's made concave, at most ``largest`` long."""
    curvature, vectors = torch.linalg.eigh(-slope.hessian)
    curvature = curvature.abs().clamp(min=FLATTEST)
    step = vectors @ ((vectors.mT @ slope.gradient) / curvature)
    return step.clamp(-largest, largest)


def cautious_ascent(slope: Slope, largest: float = CAUTIOUS_STEP) -> torch.Tensor:
    """Return a step in ρ uphill, one group at a time, for coefficients not yet at their mode.

    The gradient over the curvature that MacKay's fixed point implies; Newton's curvature holds at
    the mode only, and the groups of a term lean on each other as long as it is not there.
    """
    curvature = 0.5 * torch.maximum(slope.energy, slope.freedom) + HYPER_SD**-2
    return (slope.gradient / curvature).clamp(-largest, largest)


def log_evidence(
    fit_loss: float,
    theta: torch.Tensor,
    precision: torch.Tensor,
    log_determinant: float,
    noise: float,
    normaliser: float,
) -> float:
    """Return the Laplace log evidence at the mode; REML form where the noise is estimated.

    Parameters
    ----------
    fit_loss, noise, normaliser : float
        exp(normaliser - fit_loss / noise) is the density of the rows; noise 1 and normaliser 0
        for losses without a noise.
    theta, precision : Tensor [P]
    log_determinant : float
        Of A + Λ.
    """
    prior = precision[precision > 0]
    value = 0.5 * float(prior.log().sum()) - 0.5 * log_determinant
    energy = 0.5 * float((precision * theta * theta).sum())
    return value + normaliser - (fit_loss + energy) / noise
