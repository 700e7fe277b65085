"""The linear system whose state is a window of its input, in Legendre polynomials.

Source: Voelker, Kajic and Eliasmith (2019), Legendre Memory Units, NeurIPS, equations 1 to 3; the
Euler limit is that of any linear system, computed from the eigenvalues.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from scipy.linalg import expm

from superpose.errors import InputError

__all__ = [
    "LegendreSystem",
    "block_matrix",
    "continuous_system",
    "discrete_system",
    "euler_limit",
    "impulse_response",
    "powers_applied",
    "window_polynomials",
]

METHODS = ("zoh", "euler")


class LegendreSystem(NamedTuple):
    """m_t = m_(t-1) + change · m_(t-1) + drive · u_t, one step of the memory.

    The change Ad - 1 is kept and not Ad itself: its entries are small where steps are, so that
    rounding it to float32 costs less.

    Parameters
    ----------
    change : Tensor [q, q]
        What the passing of one step adds to the memory.
    drive : Tensor [q]
        Bd, what one unit of input adds to it.

    Examples
    --------
    >>> from superpose.sequences import discrete_system
    >>> system = discrete_system(order=1, theta=4)
    >>> system.change.item(), system.transition.item(), system.drive.item()
    (-0.221..., 0.778..., 0.221...)
    """

    change: torch.Tensor
    drive: torch.Tensor

    @property
    def transition(self) -> torch.Tensor:
        """Ad [q, q]: what one step makes of the memory."""
        return self.change + torch.eye(len(self.drive)).to(self.change)

    def to(self, like: torch.Tensor) -> LegendreSystem:
        """Return the system in the dtype of a tensor, and on its device.

        Parameters
        ----------
        like : Tensor
            Any of that dtype and device.
        """
        return LegendreSystem(self.change.to(like), self.drive.to(like))


def continuous_system(order: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return A and B of θ dm/dt = A m + B u.

    A_ij = (2i+1)·(-1 if i < j else (-1)^(i-j+1)) and B_i = (2i+1)(-1)^i, for i, j = 0..q-1; then
    u(t-s) ≈ Σ_i P_i(2s/θ-1) m_i(t) for 0 ≤ s ≤ θ.

    Parameters
    ----------
    order : int
        q, how many numbers the memory keeps.

    Returns
    -------
    A : Tensor [q, q]
        In float64, as B.
    B : Tensor [q]
        The input's way in.

    Raises
    ------
    InputError
        If the order is below 1.

    Examples
    --------
    >>> from superpose.sequences import continuous_system
    >>> A, B = continuous_system(2)
    >>> A.tolist(), B.tolist()
    ([[-1.0, -1.0], [3.0, -3.0]], [1.0, -3.0])
    """
    _check_order(order)
    i = torch.arange(order, dtype=torch.float64)
    scale, sign = 2 * i + 1, (-1) ** i
    above = i[:, None] < i
    A = scale[:, None] * torch.where(above, -1.0, -sign[:, None] * sign)
    return A, scale * sign


def discrete_system(order: int, theta: float, method: str = "zoh") -> LegendreSystem:
    """Return the memory's step for an input that is sampled once a step.

    Zero-order hold takes the input as constant between samples, and is exact for such an input:
    [[Ad, Bd], [0, 1]] = exp([[A, B], [0, 0]] / θ). It is stable for every order and window. The
    sample k steps back then stands at the delay k + 1/2. Euler is Ad = I + A/θ, Bd = B/θ.

    Parameters
    ----------
    order : int
        q, how many numbers the memory keeps.
    theta : float
        Length of the window, in steps.
    method : {"zoh", "euler"}, default="zoh"
        How the continuous system becomes steps.

    Returns
    -------
    LegendreSystem
        In float64, on the CPU.

    Raises
    ------
    InputError
        If the order is below 1, the window is not positive, the method is unknown, or Euler's
        memory would grow without end.

    Examples
    --------
    >>> from superpose.sequences import discrete_system
    >>> system = discrete_system(order=8, theta=100)
    >>> bool(torch.linalg.eigvals(system.transition).abs().max() < 1)
    True
    >>> discrete_system(order=32, theta=100, method="euler")
    Traceback (most recent call last):
    ...
    superpose.errors.InputError: Euler's memory of order 32 is stable from theta=196.9 on; \
got theta=100; pass method="zoh", which is stable for every theta, or a longer window
    """
    A, B = continuous_system(order)
    if not (np.isfinite(theta) and theta > 0):
        raise InputError(
            "theta must be a positive number of steps", f"got theta={theta!r}", "pass 1 or more"
        )
    if method not in METHODS:
        raise InputError(
            f"method must be one of {', '.join(METHODS)}", f"got method={method!r}", 'use "zoh"'
        )
    if method == "euler":
        _check_euler(order, theta)
        return LegendreSystem(A / theta, B / theta)
    both = torch.zeros(order + 1, order + 1, dtype=torch.float64)
    both[:-1, :-1], both[:-1, -1] = A, B
    both = torch.from_numpy(expm(both.numpy() / theta))
    change = both[:-1, :-1] - torch.eye(order, dtype=torch.float64)
    return LegendreSystem(change, both[:-1, -1].contiguous())


def euler_limit(order: int) -> float:
    """Return the shortest window, in steps, for which Euler's memory is stable.

    ``θ_min = max_k |λ_k|² / (-2 Re λ_k)`` over the eigenvalues λ of A: ``|1 + λ/θ| ≤ 1`` there.

    Parameters
    ----------
    order : int
        q.

    Returns
    -------
    float
        Steps.

    Examples
    --------
    >>> from superpose.sequences import euler_limit
    >>> [round(euler_limit(order), 1) for order in (4, 8, 16)]
    [5.2, 17.7, 59.7]
    """
    modes = torch.linalg.eigvals(continuous_system(order)[0])
    return float((modes.abs() ** 2 / (-2 * modes.real)).max())


def powers_applied(transition: torch.Tensor, start: torch.Tensor, steps: int) -> torch.Tensor:
    """Return Ad^t v for t = 0, 1, ..., steps-1, by doubling.

    Parameters
    ----------
    transition : Tensor [q, q]
        Ad.
    start : Tensor [.., q]
        v.
    steps : int
        How many, 1 or more.

    Returns
    -------
    Tensor [.., steps, q]
        Of log2(steps) products.

    Examples
    --------
    >>> import torch
    >>> from superpose.sequences import powers_applied
    >>> powers_applied(torch.tensor([[0.5]]), torch.tensor([8.0]), 4).flatten()
    tensor([8., 4., 2., 1.])
    """
    known, power = start.unsqueeze(-2), transition
    while known.shape[-2] < steps:
        known = torch.cat([known, known @ power.mT], -2)
        power = power @ power
    return known[..., :steps, :]


def impulse_response(system: LegendreSystem, steps: int) -> torch.Tensor:
    """Return H_t = Ad^t Bd for t = 0, 1, ..., steps-1: what one input of 1 leaves, t steps later.

    Parameters
    ----------
    system : LegendreSystem
        Of `discrete_system`.
    steps : int
        T.

    Returns
    -------
    Tensor [T, q]
        The memory of a sequence u is Σ_t H_t u_(T-1-t).

    Examples
    --------
    >>> from superpose.sequences import discrete_system, impulse_response
    >>> impulse_response(discrete_system(order=1, theta=4), 3).flatten()
    tensor([0.2212, 0.1723, 0.1342], dtype=torch.float64)
    """
    return powers_applied(system.transition, system.drive, steps)


def block_matrix(system: LegendreSystem, steps: int) -> torch.Tensor:
    """Return what a memory and L inputs leave at each of the next L steps.

    m_l = Ad^l m_0 + Σ_(k≤l) H_(l-k) u_k for l = 1..L: rows for m_0, then for u_1 to u_L.

    Parameters
    ----------
    system : LegendreSystem
        Of `discrete_system`.
    steps : int
        L.

    Returns
    -------
    Tensor [q + L, L, q]
        The first l + q rows and l columns are the matrix of a shorter block.

    Examples
    --------
    >>> from superpose.sequences import block_matrix, discrete_system
    >>> block_matrix(discrete_system(order=1, theta=4), 2).squeeze(-1)
    tensor([[0.7788, 0.6065],
            [0.2212, 0.1723],
            [0.0000, 0.2212]], dtype=torch.float64)
    """
    carried = powers_applied(system.transition, system.transition.mT, steps)
    response = impulse_response(system, steps)
    step = torch.arange(steps, device=response.device)
    lag = step - step[:, None]  # [k, l]
    driven = torch.where((lag >= 0).unsqueeze(-1), response[lag.clamp(min=0)], 0.0)
    return torch.cat([carried, driven])


def window_polynomials(order: int, places: torch.Tensor) -> torch.Tensor:
    """Return P_i(2s/θ - 1), by which a memory is read at delays s.

    Parameters
    ----------
    order : int
        q.
    places : Tensor [G]
        s/θ: 0 is now, 1 is a whole window ago.

    Returns
    -------
    Tensor [G, q]
        Its product with a memory [q] is the input at these delays.

    Examples
    --------
    >>> import torch
    >>> from superpose.sequences import window_polynomials
    >>> window_polynomials(3, torch.tensor([0.0, 0.5, 1.0]))
    tensor([[ 1.0000, -1.0000,  1.0000],
            [ 1.0000,  0.0000, -0.5000],
            [ 1.0000,  1.0000,  1.0000]])
    """
    _check_order(order)
    x = 2 * places - 1
    columns = [torch.ones_like(x), x]
    for i in range(1, order - 1):
        columns.append(((2 * i + 1) * x * columns[i] - i * columns[i - 1]) / (i + 1))
    return torch.stack(columns[:order], -1)


def _check_order(order: int) -> None:
    if isinstance(order, bool) or not isinstance(order, int | np.integer) or order < 1:
        raise InputError(
            "order must be a whole number of 1 or more", f"got order={order!r}", "pass 4 to 16"
        )


def _check_euler(order: int, theta: float) -> None:
    limit = euler_limit(order)
    if theta < limit:
        raise InputError(
            f"Euler's memory of order {order} is stable from theta={limit:.1f} on",
            f"got theta={theta:g}",
            'pass method="zoh", which is stable for every theta, or a longer window',
        )
