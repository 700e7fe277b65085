"""Pairs that are not in a model, and what screening promises of them."""

from __future__ import annotations

from dataclasses import dataclass

from superpose.fitting.superposition.growth import Growth

MOST = 10


@dataclass(frozen=True)
class Screened:
    """A pair that was screened and is not in the model.

    Attributes
    ----------
    attributes : tuple of two int
        By position.
    gain : float
        Evidence that it promises for what the model leaves unexplained, in nats; see
        `superposition.screening`, whose products of columns are taken as independent.
    """

    attributes: tuple[int, int]
    gain: float


def screened(growth: Growth, places: list[int], most: int = MOST) -> tuple[Screened, ...]:
    """Return the pairs, not in a fitted model, that promise most, best first.

    Parameters
    ----------
    growth : Growth
        At the mode.
    places : list of int
        Where its attributes stand in the table.
    most : int, default 10
    """
    found = ((it.pair, it.gain) for it in growth.promising(most))
    return tuple(Screened((places[p], places[r]), gain) for (p, r), gain in found if gain > 0)
