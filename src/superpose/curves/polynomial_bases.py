"""Polynomial bases of one number, all written as one three-term recurrence.

Source: Goyal, Goyal and Lall (2019), arXiv:1906.09529, for powers as a learned activation; Gautschi
(2004), Orthogonal Polynomials, section 2.2, for the Stieltjes procedure of the empirical basis.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt
from typing import Any

import torch

from superpose.errors import InputError

__all__ = [
    "POLYNOMIAL_BASES",
    "basis_elements",
    "element_slopes",
    "empirical_table",
    "recurrence_table",
    "stieltjes",
    "three_term",
]

#: powers t^j; Hermite He_j(t) / √j!; t, then T_j(tanh t); orthonormal over the rows seen.
POLYNOMIAL_BASES = ("powers", "hermite", "chebyshev", "empirical")
Table = Sequence[Any]  # scale, shift and back of each degree: numbers, or one a curve
_TOLD_APART = 1e-6  # of one standard deviation: less than that is rounding


def recurrence_table(basis: str, degree: int) -> Table:
    """Return the recurrence of a basis that does not depend on data, for `three_term`.

    "hermite" is orthonormal on a standard normal place; "empirical" starts as that.

    Raises
    ------
    InputError
        If the basis is unknown, or the degree is below 1.
    """
    if basis not in POLYNOMIAL_BASES:
        raise InputError(
            f"basis must be one of {', '.join(POLYNOMIAL_BASES)}",
            f"got basis={basis!r}",
            'use "chebyshev", which no input makes large',
        )
    if degree < 1:
        raise InputError(
            "degree must be at least 1", f"got degree={degree}", "pass 2 or more for a curve"
        )
    steps = range(degree)
    if basis == "powers":
        rows = [(1.0, 0.0, 0.0) for _ in steps]
    elif basis == "chebyshev":
        rows = [(2.0 if j else 1.0, 0.0, 1.0 if j else 0.0) for j in steps]
    else:
        rows = [(1 / sqrt(j + 1), 0.0, sqrt(j / (j + 1))) for j in steps]
    return tuple(zip(*rows, strict=True))


def three_term(t: Any, one: Any, table: Table) -> Iterator[Any]:
    """Yield p_0, .., p_k with p_0 = 1 and p_(j+1) = (scale_j t + shift_j) p_j - back_j p_(j-1).

    ``t`` may be anything that can be multiplied and added: a tensor, a fraction, a polynomial.
    """
    before, now = 0 * one, one
    yield now
    for scale, shift, back in zip(*table, strict=True):
        before, now = now, _step(t, scale, shift, back, now, before)
        yield now


def _step(t: Any, scale: Any, shift: Any, back: Any, now: Any, before: Any) -> Any:
    """Return (scale t + shift) now - back before; what is a plain 0 or 1 costs nothing."""
    factor = t if _is(scale, 1.0) else scale * t
    factor = factor if _is(shift, 0.0) else factor + shift
    return factor * now if _is(back, 0.0) else factor * now - back * before


def _is(value: Any, number: float) -> bool:
    return isinstance(value, float) and value == number


def basis_elements(t: torch.Tensor, basis: str, table: Table) -> torch.Tensor:
    """Return the elements of degree 0 to k at places t [..], shape [k + 1, ..].

    The first is 1 and the second a straight line. For "chebyshev" they are 1, t, T_2(tanh t), ..,
    T_k(tanh t): the line replaces T_1, beside which it would tell nothing new.
    """
    place = t.tanh() if basis == "chebyshev" else t
    found = list(three_term(place, torch.ones_like(t), table))
    if basis == "chebyshev":
        found[1] = t
    return torch.stack(found)


def element_slopes(t: torch.Tensor, basis: str, table: Table) -> torch.Tensor:
    """Return the derivatives of `basis_elements` in t: the recurrence, differentiated."""
    place = t.tanh() if basis == "chebyshev" else t
    values = list(three_term(place, torch.ones_like(t), table))
    before, now = torch.zeros_like(t), torch.zeros_like(t)
    slopes = [now]
    for value, (scale, shift, back) in zip(values, zip(*table, strict=True), strict=False):
        before, now = now, _step(place, scale, shift, back, now, before) + scale * value
        slopes.append(now)
    found = torch.stack(slopes)
    if basis == "chebyshev":
        found = found * (1 - place**2)
        found[1] = 1.0
    return found


def stieltjes(t: torch.Tensor, degree: int) -> torch.Tensor:
    """Return the recurrence of the polynomials orthonormal over the rows t [R, C], [2, k, C].

    t p_j = β_(j+1) p_(j+1) + α_j p_j + β_j p_(j-1) with α_j = E[t p_j²] and β such that E[p_j²] = 1
    (Gautschi 2004, equations 1.3.12 and 2.2.1); row 0 holds α_0 .. α_(k-1), row 1 β_1 .. β_k, in
    float64. With fewer distinct rows than degrees the last β are zero.
    """
    t = t.detach().double()
    before, now = torch.zeros_like(t), torch.ones_like(t)
    beta = torch.zeros_like(t[0])
    rows = []
    for _ in range(degree):
        alpha = (t * now**2).mean(0)
        following = (t - alpha) * now - beta * before
        beta = following.square().mean(0).sqrt()
        beta = torch.where(beta > _TOLD_APART, beta, 0.0)
        before, now = now, torch.where(beta > 0, following / beta, 0.0)
        rows.append(torch.stack([alpha, beta]))
    return torch.stack(rows, 1)


def empirical_table(recurrence: torch.Tensor) -> torch.Tensor:
    """Turn α and β of `stieltjes` [2, k, C] into the table of `three_term` [3, k, C].

    An element that the rows cannot tell from lower ones (β = 0) is zero; the line always stays.
    """
    alpha, beta = recurrence
    inverse = torch.where(beta > 0, 1 / beta, 0.0)
    inverse = torch.cat([torch.where(beta[:1] > 0, inverse[:1], 1.0), inverse[1:]])
    beta_before = torch.cat([torch.zeros_like(beta[:1]), beta[:-1]])
    return torch.stack([inverse, -alpha * inverse, beta_before * inverse])
