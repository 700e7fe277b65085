"""How well rows tell the coefficients of one curve apart."""

from __future__ import annotations

import torch

__all__ = ["condition_number"]


def condition_number(
    elements: torch.Tensor, weights: torch.Tensor | None = None, *, standardise: bool = True
) -> float:
    """Return the condition number of E[g gᵀ], the least-squares problem of one curve.

    Gradient descent needs of the order of so many steps, and so many times the rounding error
    enters the coefficients: 1 is an orthogonal basis, 1e7 is beyond float32.

    Parameters
    ----------
    elements : Tensor [k, R]
        Basis elements at R places, the constant left out.
    weights : Tensor [R], optional
        Probabilities of the places, for instance of a quadrature; equal ones if left out.
    standardise : bool, default True
        Whether each element is centred and scaled to variance one first.

    Returns
    -------
    float
        Largest over smallest eigenvalue; infinite if an element says nothing new.

    Examples
    --------
    >>> import torch
    >>> x = torch.linspace(-1, 1, 1001, dtype=torch.float64)
    >>> round(condition_number(torch.stack([x, x**2, x**3, x**4])))
    47
    """
    g = elements.double()
    w = torch.full_like(g[0], 1 / g.shape[1]) if weights is None else weights.double()
    w = w / w.sum()
    if standardise:
        g = g - (g @ w).unsqueeze(1)
        g = g / (g.square() @ w).sqrt().unsqueeze(1)
    # Singular values of the weighted rows: their squares are the eigenvalues, without squaring
    # the rounding error.
    values = torch.linalg.svdvals(g * w.sqrt())
    return float((values[0] / values[-1]) ** 2)
