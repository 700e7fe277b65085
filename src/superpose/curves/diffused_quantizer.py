"""The temporally diffused quantizer (Voelker, Rasmussen, Eliasmith, arXiv 2002.03553)."""

from __future__ import annotations

import torch

from superpose.curves.diffusion import fast_diffusion
from superpose.curves.quantizer import AbstractQuantizer, Activation, uniform
from superpose.curves.resolution import Resolution
from superpose.errors import InputError


class DiffusedQuantizer(AbstractQuantizer):
    """A curve turned into events: what rounding leaves is kept, and emitted at a later step.

    Of the activity x_t = f(J_t), with a state v that starts at random in [0, 1):

        v ← v + dt x_t,    n_t = floor(v),    v ← v - n_t,    y_t = n_t / dt

    so ``|Σ_t (y_t - x_t)| < 1 / dt`` however long the sequence: over time nothing is lost, and a
    slow filter after it sees x. Straight through: dy_t / dJ_t = f'(J_t). Whatever the input, the
    mean of n_t over the draws of v is dt x_t at every step. With dt f between 0 and 1 counts are
    spikes, 0 or 1; with a large dt the network is the plain one.

    Parameters
    ----------
    activation : callable
        f, any curve or module that keeps the shape of its inputs.
    dt : float or Resolution
        Events a unit of activity a step. Smaller is sparser and coarser.
    register : int, optional
        Bits k of v. dt x is rounded to multiples of 2⁻ᵏ first, and then integers do exactly the
        same (`IntegerDiffusion`); needs ``|dt x|`` below 2^(22 - k) in float32, 2^(51 - k) in
        float64. Without it v has what its dtype has.
    spiking_training : bool, default True
        If False, f alone is used in training mode, and counts only in evaluation.
    random_state : int or torch.Generator, default 0
        Source of v at the start of a sequence. With an integer, every pass in training mode draws
        anew, and every pass in evaluation draws the same.

    Attributes
    ----------
    resolution : Resolution
        Holds dt.

    Raises
    ------
    InputError
        If dt is not positive, the register has no or too many bits, or inputs are not [B, T, F].

    References
    ----------
    A. R. Voelker, D. Rasmussen, C. Eliasmith, "A Spike in Performance: Training Hybrid-Spiking
    Neural Networks with Quantized Activation Functions", arXiv 2002.03553, 2020.

    Examples
    --------
    A constant 0.3 at two events a unit is an event in three steps of five:

    >>> import torch
    >>> from superpose.curves import DiffusedQuantizer
    >>> quantizer = DiffusedQuantizer(torch.relu, dt=2.0)
    >>> y = quantizer(torch.full((1, 10, 1), 0.3), v=torch.tensor([[0.5]]))
    >>> quantizer.counts(y).flatten().tolist()
    [1, 0, 1, 0, 1, 1, 0, 1, 0, 1]
    """

    remembers = True

    def __init__(
        self,
        activation: Activation,
        *,
        dt: float | Resolution,
        register: int | None = None,
        spiking_training: bool = True,
        random_state: int | torch.Generator = 0,
    ) -> None:
        super().__init__(
            activation, dt=dt, spiking_training=spiking_training, random_state=random_state
        )
        if register is not None and not 1 <= register <= 30:
            raise InputError(
                "register must be from 1 to 30 bits",
                f"got register={register}",
                "pass bits of the remainder, such as 8, or None for a real number",
            )
        self.register = register

    def quantize(self, x: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        y, v = fast_diffusion(x, v, self.resolution.dt, self._grid())
        return y, v

    def start(self, like: torch.Tensor) -> torch.Tensor:
        """Return v [B, F] from U[0, 1) for sequences like these [B, T, F]."""
        v = uniform(
            (like.shape[0], like.shape[2]), like, self.source(like.device, anew=not self.training)
        )
        return torch.floor(v * self._grid()) / self._grid() if self.register else v

    def _grid(self) -> float:
        return float(2**self.register) if self.register else 0.0
