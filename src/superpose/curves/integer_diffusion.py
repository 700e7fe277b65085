"""Temporal diffusion in integers: an adder, a shift and a mask."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from superpose.errors import InputError

Integers = NDArray[np.int64]


class IntegerDiffusion:
    """`DiffusedQuantizer` with a register, in integers alone, a step at a time.

    Of a_t = round(2ᵏ dt x_t), with k bits of v,

        v ← v + a_t,    n_t = v >> k,    v ← v & (2ᵏ - 1)

    The arithmetic shift is the floor, of negative numbers too; counts are those of
    ``DiffusedQuantizer(..., register=k)`` exactly.

    Parameters
    ----------
    register : int
        Bits k of v, 1 to 30.
    v : array of int
        The state at the start, 0 to 2ᵏ - 1; `step` keeps it.

    Attributes
    ----------
    v : array of int64
        What is left after the last step.

    Raises
    ------
    InputError
        If the register has no or too many bits, or v does not fit into it.

    Examples
    --------
    0.3 of an event a step, in a register of 8 bits:

    >>> import numpy as np
    >>> from superpose.curves import IntegerDiffusion
    >>> neuron = IntegerDiffusion(8, np.array([128]))
    >>> [int(neuron.step(np.array([77]))[0]) for _ in range(6)]
    [0, 1, 0, 0, 1, 0]
    """

    def __init__(self, register: int, v: NDArray[np.integer]) -> None:
        if not 1 <= register <= 30:
            raise InputError(
                "register must be from 1 to 30 bits", f"got register={register}", "pass such as 8"
            )
        self.register, self.v = register, np.array(v, np.int64)
        if self.v.size and not (self.v.min() >= 0 and self.v.max() < 2**register):
            raise InputError(
                f"v must be from 0 to {2**register - 1}",
                f"got {self.v.min()} to {self.v.max()}",
                "pass what is left of an event, times 2 to the number of bits",
            )

    def step(self, drive: Integers) -> Integers:
        """Return the counts n [...] of a [...], and keep what is left of them.

        Parameters
        ----------
        drive : array of int
            a = round(2ᵏ dt x), as many as v.

        Returns
        -------
        array of int64
            Whole events.
        """
        total = self.v + drive
        self.v = total & (2**self.register - 1)
        counts: Integers = total >> self.register
        return counts
