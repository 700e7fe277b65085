"""What all quantizers of activity share: a curve, a resolution, two modes, and a source of v."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import nn

from superpose.curves.resolution import Resolution
from superpose.errors import InputError

Activation = Callable[[torch.Tensor], torch.Tensor]


class AbstractQuantizer(nn.Module, ABC):
    """y_t = n_t / dt for whole numbers n_t near dt f(J_t), one row of counts a step.

    The gradient passes straight through on f: dy_t / dJ_t = f'(J_t), and nothing flows to dt.

    Parameters
    ----------
    activation : callable
        f, any curve or module that keeps the shape of its inputs.
    dt : float or Resolution
        Events a unit of activity a step; quantizers that are given one `Resolution` share it.
    spiking_training : bool, default True
        If False, f alone is used in training mode, and counts only in evaluation.
    random_state : int or torch.Generator, default 0
        Source of what is drawn.

    Attributes
    ----------
    resolution : Resolution
        Holds dt.
    """

    def __init__(
        self,
        activation: Activation,
        *,
        dt: float | Resolution,
        spiking_training: bool = True,
        random_state: int | torch.Generator = 0,
    ) -> None:
        super().__init__()
        self.activation = activation
        self.resolution = dt if isinstance(dt, Resolution) else Resolution(dt)
        self.spiking_training = spiking_training
        self.random_state = random_state
        self._running: torch.Generator | None = None

    remembers = False
    """Whether it has a state, a number a feature."""

    @abstractmethod
    def quantize(self, x: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return y [B, T, F] of activity x [B, T, F], and the state after it.

        Parameters
        ----------
        x : Tensor [B, T, F]
            f(J), dimensionless.
        v : Tensor [B, F]
            The state before, as `start` gives it.

        Returns
        -------
        y : Tensor [B, T, F]
            Whole numbers over dt, with the gradient of x.
        v : Tensor [B, F]
            The state after.
        """

    def start(self, like: torch.Tensor) -> torch.Tensor:
        """Return the state before the first step of sequences like these [B, T, F].

        It is [B, 0], nothing, unless the quantizer has a memory.
        """
        return like.new_empty(like.shape[0], 0)

    def forward(self, drive: torch.Tensor, v: torch.Tensor | None = None) -> torch.Tensor:
        """Return y [B, T, F] of the drive J [B, T, F]; v [B, F] is drawn where none is given."""
        return self.run(drive, v)[0]

    def run(
        self, drive: torch.Tensor, v: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return y [B, T, F] and the state, to go on from where a sequence stopped.

        Parameters
        ----------
        drive : Tensor [B, T, F]
            J, what the activation is applied to.
        v : Tensor [B, F], optional
            The state that an earlier part of the same sequences left; drawn if not given.

        Returns
        -------
        y : Tensor [B, T, F]
        v : Tensor [B, F]
        """
        x = self.activation(drive)
        check_sequences(x)
        v = self.start(x) if v is None else v
        if v.shape != (x.shape[0], x.shape[2] if self.remembers else 0):
            raise InputError(
                f"v must be a state of {x.shape[0]} sequences of {x.shape[2]} features",
                f"got v of shape {list(v.shape)}",
                "pass what `run` returned for the earlier steps of the same sequences",
            )
        if self.training and not self.spiking_training:
            return x, v
        return self.quantize(x, v)

    def counts(self, y: torch.Tensor) -> torch.Tensor:
        """Return n = dt y of what a pass returned, as whole numbers, int64."""
        return torch.round(y.detach() * self.resolution.dt.to(y.dtype)).long()

    def source(self, device: torch.device, *, anew: bool) -> torch.Generator:
        """Return what the next draw comes from: with an integer, its beginning if ``anew``."""
        if isinstance(self.random_state, torch.Generator):
            return self.random_state
        if anew or self._running is None or self._running.device != device:
            start = torch.Generator(device).manual_seed(self.random_state)
            if anew:
                return start
            self._running = start
        return self._running


def uniform(shape: tuple[int, ...], like: torch.Tensor, source: torch.Generator) -> torch.Tensor:
    """Return draws from U[0, 1), of the dtype of `like`, where it is."""
    return torch.rand(shape, generator=source, dtype=like.dtype, device=like.device)


def check_sequences(x: torch.Tensor) -> None:
    """Refuse activity that is not [batch, time, features] of real numbers."""
    if x.dim() != 3 or not x.is_floating_point():
        raise InputError(
            "activity must be [batch, time, features] of real numbers",
            f"got shape {list(x.shape)} of {x.dtype}",
            "add an axis with unsqueeze, and check that the activation keeps the shape",
        )
