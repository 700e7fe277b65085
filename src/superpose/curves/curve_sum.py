"""Sums of many curves over even knots: y_o = Σ_i f_io(u_i), from weights of shifted packets.

`rows` holds, for every curve, the weights of J packets, then slope and level of its straight line
(`superpose.curves.translates`).
"""

from __future__ import annotations

import torch

from superpose.curves.translates import FARTHEST


def curve_sum(
    u: torch.Tensor, rows: torch.Tensor, powers: torch.Tensor, tail: torch.Tensor, rate: float
) -> torch.Tensor:
    """Return y_o = Σ_i f_io(u_i).

    Parameters
    ----------
    u : Tensor [N, I]
        Places on the axes, on which the knots reach from -1 to 1.
    rows : Tensor [I, J + 2, O]
        Weights of the packets, slope and level of every curve.
    powers : Tensor [degree + 1, 2p]
        The active packets in an interval, as `Translates.powers`.
    tail : Tensor [p, 2p]
        The same beyond the ends, as `Translates.tail`.
    rate : float
        How fast a curve returns to its line there.

    Returns
    -------
    Tensor [N, O]
    """
    n_knots = rows.shape[1] - powers.shape[1]
    features = spread_rows(u, n_knots, powers, tail, rate)  # [N, I, J + 2]
    return features.flatten(1) @ rows.flatten(0, 1)


def curve_each(
    u: torch.Tensor, rows: torch.Tensor, powers: torch.Tensor, tail: torch.Tensor, rate: float
) -> torch.Tensor:
    """Return y_i = f_i(u_i), [N, I], at u [N, I] for rows [I, J + 2], one curve a column."""
    start, values = active(u, rows.shape[1] - powers.shape[1], powers, tail, rate)
    columns = start.unsqueeze(-1) + torch.arange(powers.shape[1], device=u.device)
    weights = rows.expand(u.shape[0], -1, -1).gather(-1, columns)
    return (weights * values).sum(-1) + rows[:, -2] * u + rows[:, -1]


def spread_rows(
    u: torch.Tensor,
    n_knots: int,
    powers: torch.Tensor,
    tail: torch.Tensor,
    rate: float,
    *,
    slopes: bool = False,
) -> torch.Tensor:
    """Return all J packets at u [..], then u and 1: [.., J + 2]; or the slopes of all of them."""
    start, values = active(u, n_knots, powers, tail, rate, slopes=slopes)
    columns = start.unsqueeze(-1) + torch.arange(powers.shape[1], device=u.device)
    size = n_knots + powers.shape[1] - 2
    full = values.new_zeros(*u.shape, size).scatter(-1, columns, values)
    one = torch.ones_like(u)
    line = [one, torch.zeros_like(u)] if slopes else [u, one]
    return torch.cat([full, torch.stack(line, -1)], -1)


def active(
    u: torch.Tensor,
    n_knots: int,
    powers: torch.Tensor,
    tail: torch.Tensor,
    rate: float,
    *,
    slopes: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the first active packet at u [..], and the values of all 2p, [.., 2p]; NaN gives NaN.

    With ``slopes`` their slopes per unit of the axis instead.
    """
    place = (u.clamp(-1.0, 1.0) + 1.0) * ((n_knots - 1) / 2)
    start = place.detach().nan_to_num(0.0).floor().clamp(max=n_knots - 2)
    s = (2.0 * (place - start) - 1.0).unsqueeze(-1)
    beyond = (u.abs() - 1.0).clamp(0.0, FARTHEST / rate).unsqueeze(-1)
    if slopes:
        order = torch.arange(1, len(powers), dtype=powers.dtype, device=powers.device)
        inside = _horner(powers[1:] * order.unsqueeze(-1), s) * (n_knots - 1)
        deeper = torch.arange(1, len(tail), dtype=tail.dtype, device=tail.device).unsqueeze(-1)
        tail = torch.cat([tail[1:] * deeper, torch.zeros_like(tail[:1])]) - rate * tail
    else:
        inside = _horner(powers, s)
    outside = _horner(tail, beyond) * torch.exp(-rate * beyond)
    mirrored = -outside.flip(-1) if slopes else outside.flip(-1)
    outside = torch.where(u.unsqueeze(-1) > 0, outside, mirrored)
    return start.long(), torch.where(beyond > 0, outside, inside)


def _horner(coefficients: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
    """Return Σ_n coefficients[n] sⁿ, for coefficients [degree + 1, 2p] and s [.., 1]."""
    value = coefficients[-1].expand(*s.shape[:-1], -1)
    for row in coefficients[:-1].flip(0):
        value = value * s + row
    return value
