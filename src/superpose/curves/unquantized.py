"""A curve left as it is, where a quantizer would stand."""

from __future__ import annotations

import torch

from superpose.curves.quantizer import AbstractQuantizer


class Unquantized(AbstractQuantizer):
    """y_t = f(J_t): the limit of every quantizer as dt grows, for the plain network beside them.

    Parameters
    ----------
    activation : callable
        f, any curve or module that keeps the shape of its inputs.
    dt : float or Resolution
        Not used; here so that quantizers can take each other's place, as the two below.
    spiking_training : bool, default True
        Not used.
    random_state : int or torch.Generator, default 0
        Not used.

    Attributes
    ----------
    resolution : Resolution
        Holds dt.

    Raises
    ------
    InputError
        If inputs are not [B, T, F].

    Examples
    --------
    >>> import torch
    >>> from superpose.curves import Unquantized
    >>> Unquantized(torch.relu, dt=1.0)(torch.tensor([[[-0.5], [0.25]]])).flatten().tolist()
    [0.0, 0.25]
    """

    def quantize(self, x: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x, v
