"""One look at all rows before training: are they finite, what are their units, who is held out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from superpose.errors import InputError
from superpose.fitting.training.training_losses import BatchLoss
from superpose.fitting.training.training_rows import Rows, Source, among
from superpose.networks import Scaled
from superpose.networks.scaled import between_units, stand_on_standard_axes

NAMED = 5
"""Columns that an error names at most."""


@dataclass
class Moments:
    """Mean and standard deviation of columns, summed up over parts of the rows (Chan et al. 1983).

    Examples
    --------
    >>> import torch
    >>> moments = Moments()
    >>> for part in torch.tensor([[1.0], [2.0], [6.0]]).split(2):
    ...     moments.add(part)
    >>> moments.mean, moments.spread()
    (tensor([3.], dtype=torch.float64), tensor([2.1602], dtype=torch.float64))
    """

    count: int = 0
    mean: torch.Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))
    squares: torch.Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))

    def add(self, part: torch.Tensor) -> None:
        """Take note of rows [n, columns]."""
        if not len(part):
            return
        part = part.double()
        mean = part.mean(0)
        total = self.count + len(part)
        apart = mean - self.mean
        self.squares = (
            self.squares
            + (part - mean).square().sum(0)
            + apart.square() * (self.count * len(part) / total)
        )
        self.mean = self.mean + apart * (len(part) / total)
        self.count = total

    def spread(self) -> torch.Tensor:
        """Return the standard deviations; 1 where a column is constant to rounding."""
        spread = (self.squares / max(self.count, 1)).sqrt()
        return torch.where(spread > 1e-12 * self.mean.abs(), spread, 1.0)


@dataclass(frozen=True)
class Survey:
    """What one look at the rows found.

    Attributes
    ----------
    x, y : Moments
        Of the training rows.
    held : (Tensor, Tensor) or None
        The rows that are held out.
    """

    x: Moments
    y: Moments
    held: Rows | None


def survey(source: Source, held: NDArray[np.intp], check: Callable[[torch.Tensor], None]) -> Survey:
    """Look at all rows once; those held out are kept, of the others the moments.

    Parameters
    ----------
    source : Source
    held : ndarray
        Places, in order.
    check : callable
        Refuses a target that does not fit the loss.
    """
    x_moments, y_moments, kept = Moments(), Moments(), []
    for place, x, y in _finite(source):
        check(y)
        out = torch.from_numpy(among(held, place, len(x)))
        kept.append((x[out], y[out]))
        stays = torch.ones(len(x), dtype=torch.bool)
        stays[out] = False
        rest = (x[stays], y[stays]) if len(out) else (x, y)
        if x.ndim == 2:
            x_moments.add(rest[0])
        y_moments.add(rest[1].reshape(len(rest[1]), -1))
    parts = [torch.cat(list(it)) for it in zip(*kept, strict=True)] if len(held) else []
    return Survey(x_moments, y_moments, (parts[0], parts[1]) if parts else None)


def with_units(
    network: torch.nn.Module, loss: BatchLoss, found: Survey, bare: torch.Tensor
) -> Scaled:
    """Return a network between the units of the rows and standard ones, on its own device.

    Rows that are no columns of a table stay as they are, and so do columns [n] that are left bare.
    """
    zero, one = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    units = [zero, one, zero, one]
    if found.x.count and not bare.all():
        units[:2] = found.x.mean.where(~bare, 0.0), found.x.spread().where(~bare, 1.0)
        stand_on_standard_axes(network)
    if loss.standardises:
        units[2:] = found.y.mean, found.y.spread()
    elif loss.link is not None:
        units[2] = loss.link(found.y.mean)
    device = next(network.parameters()).device
    return between_units(network, *(unit.to(device) for unit in units))


def _finite(source: Source) -> Iterator[tuple[int, torch.Tensor, torch.Tensor]]:
    """Yield the rows and their place; refuse what is missing or infinite."""
    place = 0
    for x, y in source.chunks():
        for name, table in (("rows", x), ("target", y)):
            missing = ~table.isfinite()
            if missing.any():
                among = _columns(missing, source.names) if name == "rows" else ""
                raise InputError(
                    f"{name} must be finite",
                    f"got {int(missing.sum())} missing or infinite values in rows {place} to "
                    f"{place + len(x) - 1}{among}",
                    "drop these rows, or fill them in",
                )
        yield place, x, y
        place += len(x)


def _columns(missing: torch.Tensor, names: list[str] | None) -> str:
    """Name the columns in which something is missing, the first few of them."""
    if missing.ndim != 2:
        return ""
    where = missing.any(0).nonzero()[:, 0].tolist()
    words = [repr(names[it]) if names else str(it) for it in where[:NAMED]]
    more = f" and {len(where) - NAMED} more" if len(where) > NAMED else ""
    return f", in column{'s' * (len(where) > 1)} {', '.join(words)}{more}"
