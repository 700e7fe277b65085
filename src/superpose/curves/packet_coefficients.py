"""Kernel packets: sums of 2p + 1 neighbouring Matérn kernels that vanish outside their knots.

Source: Chen, Ding and Tuo (2022), JMLR 23:127, https://arxiv.org/abs/2203.03116, section 3.
Distances are scaled to t = rate * d, so that kernels decay as exp(-t); they are taken before they
are scaled, which is exact for knots that nearly touch.
"""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np

_SERIES_TERMS = 44  # enough for abs(t) <= 6 in float64
_NARROW = 4.0  # windows up to this width use power series, wider ones exponentials
_CORRECTION = {1: (0.0, 0.0), 2: (1.0, 0.0), 3: (1.0, 1.0 / 3.0)}  # k = (1 + b t + c t²) exp(-t)


def window(j: int, p: int, size: int) -> slice:
    """Return the knots of packet j: up to p on either side of knot j, fewer at the ends."""
    return slice(max(0, j - p), min(size, j + p + 1))


def coefficients(u: np.ndarray, rate: float, p: int) -> np.ndarray:
    """Return the packets' coefficients A, [M, M] with half-bandwidth p: phi_j = sum_i A_ij k_i.

    Packet j is the null vector of sum_i a_i t_i^q exp(+-t_i) = 0 for q = 0..p-1. The first p and
    the last p packets have fewer knots; there only one sign is asked for in full, so that they
    vanish on the inner side and decay on the outer side. Columns have norm 1 (see `packet_values`
    for their size as functions).

    Parameters
    ----------
    u : ndarray [M]
        Increasing knots, M >= 2p + 1.
    rate : float
        Decay of the kernel.
    p : int
        nu + 1/2: 1, 2 or 3.

    Examples
    --------
    On uniform knots the interior packet is (1 - 2 cosh(h) S + S²)^p in the shift S:

    >>> import numpy as np
    >>> column = coefficients(np.arange(5.0), 1.0, 1)[1:4, 2]
    >>> (column / column[0]).round(4)
    array([ 1.    , -3.0862,  1.    ])
    """
    size, alike = len(u), defaultdict(list)
    for j in range(size):
        alike[_equations(j, p, size)].append(j)
    columns = np.zeros((size, size))
    for (plus, minus), packets in alike.items():
        knots = np.array([range(size)[window(j, p, size)] for j in packets])
        columns[knots, np.array(packets)[:, None]] = _null_vectors(u[knots], rate, plus, minus)
    return columns


def _equations(j: int, p: int, size: int) -> tuple[int, int]:
    """Return how many powers q are annihilated with exp(+t) and with exp(-t)."""
    return (p if j <= size - 1 - p else size - 1 - j), (p if j >= p else j)


def _null_vectors(u: np.ndarray, rate: float, plus: int, minus: int) -> np.ndarray:
    """Return a null vector for each window of knots, the rows of u [J, n + 1]."""
    narrow = rate * (u[:, -1] - u[:, 0]) <= _NARROW
    found = np.empty_like(u)
    if narrow.any():
        found[narrow] = _differences(u[narrow], rate, plus, minus)
    if not narrow.all():
        found[~narrow] = _smallest_singular(u[~narrow], rate, plus, minus)
    return found


def _smallest_singular(u: np.ndarray, rate: float, plus: int, minus: int) -> np.ndarray:
    """Return the null vectors on wide windows, where the exponentials differ well."""
    width = rate * (u[:, -1:] - u[:, :1])
    up, down = rate * (u - u[:, -1:]), rate * (u[:, :1] - u)  # both <= 0
    rows = np.stack(
        [(up / width) ** q * np.exp(up) for q in range(plus)]
        + [(down / width) ** q * np.exp(down) for q in range(minus)],
        axis=1,
    )
    return np.asarray(np.linalg.svd(rows / np.linalg.norm(rows, axis=2, keepdims=True))[2][:, -1])


def _differences(u: np.ndarray, rate: float, plus: int, minus: int) -> np.ndarray:
    """Return the null vectors as sums of divided differences, sharp however close the knots are.

    Write a f = sum_m c_m f[t_0, .., t_m]. The matrix to solve for c holds divided differences of
    the annihilated functions, which stay independent on short windows, and the highest difference
    leads. With n the last knot, a_i = b_i / prod_j (t_i - t_j), where b_i is a smooth factor.
    """
    n, t = plus + minus, rate * (u - u[:, :1])
    gaps = rate * (u[:, :, None] - u[:, None, :])
    rows = _taylor(plus, minus) @ _divided_powers(t)  # [J, n, n + 1]
    scale = t[:, -1:] ** np.arange(n + 1.0)
    rows = rows * scale[:, None] / scale[:, :n, None]
    c = np.linalg.solve(rows[:, :, :n], -rows[:, :, n:])[..., 0]
    c = np.append(c, np.ones_like(c[:, :1]), axis=1) * scale / scale[:, n:]
    factor = np.zeros_like(t)
    for m in range(n + 1):  # b_i = sum_m c_m prod_{j > m} (t_i - t_j), by Horner
        factor = (factor * gaps[:, :, m] if m else factor) + c[:, m, None]
    a = factor / np.prod(gaps + np.eye(n + 1), axis=2)
    return np.asarray(a / np.linalg.norm(a, axis=1, keepdims=True))


def _taylor(plus: int, minus: int) -> np.ndarray:
    """Return the derivatives at 0 of a basis of span{t^q exp(t), t^q exp(-t)}, [n, terms].

    Row i is the solution y of (D - 1)^plus (D + 1)^minus y = 0 that starts as t^i / i!. On short
    windows it is nearly that power, where the exponentials are all nearly 1.
    """
    n = plus + minus
    polynomial = np.poly(np.r_[np.ones(plus), -np.ones(minus)])  # highest power first, leading 1
    taylor = np.zeros((n, _SERIES_TERMS))
    taylor[:, :n] = np.eye(n)
    for k in range(n, _SERIES_TERMS):
        taylor[:, k] = -taylor[:, k - n : k] @ polynomial[:0:-1]
    return taylor


def _divided_powers(t: np.ndarray) -> np.ndarray:
    """Return the divided differences of t^k / k! over t_0, .., t_m, [J, terms, n + 1], t >= 0.

    For t^k it is the complete symmetric polynomial of degree k - m: a sum of positive terms.
    """
    table = np.zeros((len(t), _SERIES_TERMS, t.shape[1]))
    table[:, 0, 0] = 1.0
    for k in range(1, _SERIES_TERMS):
        table[:, k] = t * table[:, k - 1]
        table[:, k, 1:] += table[:, k - 1, :-1]
    factorials = np.array([math.factorial(k) for k in range(_SERIES_TERMS)], dtype=float)
    return table / factorials[:, None]


def packet_values(
    x: np.ndarray, u: np.ndarray, rate: float, a: np.ndarray, j: np.ndarray, p: int
) -> np.ndarray:
    """Return packet j_i at place x_i, exact to rounding however close the knots are.

    Summing kernels cancels when knots are close. A packet vanishes on one side, where its kernels
    sum to an analytic zero; taking that zero away leaves only the kernels between x and that
    side, each as k(d) - k(-d) continued, which is of order d^(2p-1) and has no cancellation.

    Parameters
    ----------
    x : ndarray [N]
        Places on the axis.
    u : ndarray [M]
        Knots.
    rate : float
        Decay of the kernel.
    a : ndarray [M, M]
        From `coefficients`.
    j : ndarray [N] of int
        Which packet.
    p : int
        nu + 1/2.
    """
    last = len(u) - 1
    place = j[:, None] + np.arange(-p, p + 1)
    within, place = (place >= 0) & (place <= last), np.clip(place, 0, last)
    low, high = u[place[:, 0]], u[place[:, -1]]
    ends_left, ends_right = j >= p, j <= last - p  # where the packet vanishes
    d = rate * (x[:, None] - u[place])
    from_left = ((x < u[j]) | ~ends_right) & ends_left
    narrow = rate * (high - low) <= _NARROW
    terms = np.empty_like(d)
    terms[~narrow] = _matern(np.abs(d[~narrow]), p)
    d = np.where(from_left[:, None], d, -d)[narrow]
    terms[narrow] = np.where(d > 0, _odd_part(np.clip(d, 0.0, None), p), 0.0)
    outside = (ends_left & (x <= low)) | (ends_right & (x >= high))
    return np.where(outside, 0.0, (terms * np.where(within, a[place, j[:, None]], 0.0)).sum(1))


def _matern(d: np.ndarray, p: int) -> np.ndarray:
    b, c = _CORRECTION[p]
    return (1 + b * d + c * d * d) * np.exp(-d)


def _odd_part(d: np.ndarray, p: int) -> np.ndarray:
    """Return k(d) less its continuation from negative d, for d >= 0.

    With k = (1 + b t + c t²) exp(-t) it is 2 (b d cosh d - (1 + c d²) sinh d), here as a power
    series whose terms all have one sign.
    """
    b, c = _CORRECTION[p]
    total = np.zeros_like(d)
    for n in range(_SERIES_TERMS - 1, 0, -2):  # odd powers, Horner from the highest
        factor = b * n - 1 - c * n * (n - 1)  # of d^n / n!
        total = total * d * d + 2 * factor / math.factorial(n) * (n >= 2 * p - 1)
    return total * d
