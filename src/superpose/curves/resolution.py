"""One number that every quantizer of a network shares: events a unit of activity a step."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from superpose.errors import InputError


class Resolution(nn.Module):
    """The resolution dt of a network of quantizers: y = n / dt for whole numbers n.

    It is the only knob between a plain network (dt large: many levels, many bits) and a spiking
    one (dt f ≤ 1: every n is 0 or 1), after Voelker, Rasmussen and Eliasmith, arXiv 2002.03553.
    Quantizers hold the same object, so that one change reaches all of them; it is saved with
    the network.

    Parameters
    ----------
    dt : float
        Above 0.

    Attributes
    ----------
    dt : Tensor, a buffer of no dimension
        Read by the quantizers at every pass.

    Raises
    ------
    InputError
        If dt is not a positive number.

    Examples
    --------
    Ten times finer at the start than after two minibatches:

    >>> import torch
    >>> from superpose.curves import Resolution
    >>> resolution = Resolution(40.0)
    >>> knob = resolution.knob()
    >>> schedule = torch.optim.lr_scheduler.ExponentialLR(knob, gamma=0.1**0.5)
    >>> for minibatch in range(2):
    ...     knob.step()
    ...     schedule.step()
    >>> round(resolution.dt.item(), 3)
    4.0
    """

    dt: torch.Tensor

    def __init__(self, dt: float) -> None:
        super().__init__()
        self.register_buffer("dt", torch.tensor(_positive(dt)))

    @torch.no_grad()
    def set(self, dt: float) -> None:
        """Make dt this, for every quantizer that holds this object."""
        self.dt.fill_(_positive(dt))

    def knob(self) -> torch.optim.Optimizer:
        """Return an optimizer whose learning rate is dt itself.

        Any scheduler of torch turns it: what the scheduler writes is dt. The optimizer moves
        nothing. After `load_state_dict` of a scheduler, call its `step` to write again.
        """
        return _Knob(self)

    def geometric(self, last: float, steps: int) -> torch.optim.lr_scheduler.LambdaLR:
        """Return a schedule that takes dt to `last` in as many equal ratios, and leaves it there.

        dt_k = dt_0 (last / dt_0)^(min(k, steps) / steps); its `optimizer` is the `knob`.

        Parameters
        ----------
        last : float
            dt at the end, above 0.
        steps : int
            Minibatches until then, 1 or more.
        """
        if steps < 1:
            raise InputError("steps must be at least 1", f"got steps={steps}", "pass 1 or more")
        ratio = _positive(last) / float(self.dt)
        return torch.optim.lr_scheduler.LambdaLR(
            self.knob(), lambda k: ratio ** (min(k, steps) / steps)
        )

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Resolution:
        held = self.dt
        super()._apply(fn, recurse)
        held.data, self.dt = self.dt.data, held  # the tensor that a knob turns stays the same
        return self

    def extra_repr(self) -> str:
        """Return dt, as `print` shows it."""
        return f"dt={float(self.dt):g}"


class _Knob(torch.optim.Optimizer):
    """Schedulers write into a learning rate that is a tensor: here it is the buffer."""

    def __init__(self, resolution: Resolution) -> None:
        super().__init__([resolution.dt], {"lr": resolution.dt})

    def step(self, closure: object = None) -> None:  # type: ignore[override]
        """Move nothing."""


def _positive(dt: float) -> float:
    if not (dt > 0 and math.isfinite(dt)):
        raise InputError(
            "dt must be a positive number", f"got dt={dt!r}", "pass events a unit a step, such as 4"
        )
    return float(dt)
