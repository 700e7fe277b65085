"""Words for what a memory keeps of a channel."""

from __future__ import annotations

__all__ = ["memory_names"]

SHAPES = ("level", "trend", "bend")


def memory_names(channels: tuple[str, ...], order: int, theta: float) -> list[str]:
    """Name every number of a memory, channel by channel.

    The i-th number of a channel is the coefficient of the Legendre polynomial P_i over the window,
    in units of the channel, from -1 at the oldest step to 1 at the newest: the level is the mean;
    the trend is half of what the straight part rises; the bend is positive where both ends stand
    above the middle; wave i has i half turns.

    Parameters
    ----------
    channels : tuple of str
        Names of the channels.
    order : int
        Numbers kept of each.
    theta : float
        Steps of the window.

    Returns
    -------
    list of str
        One name a number.

    Examples
    --------
    >>> from superpose.sequences.memory_names import memory_names
    >>> memory_names(("pulse",), 2, 30)
    ['pulse: level of the last 30 steps', 'pulse: trend of the last 30 steps']
    """
    shapes = [SHAPES[i] if i < len(SHAPES) else f"wave {i}" for i in range(order)]
    return [
        f"{channel}: {shape} of the last {theta:g} steps"
        for channel in channels
        for shape in shapes
    ]
