"""How many bits a count has, and how many of them a multiplier must look at."""

from __future__ import annotations

import torch

__all__ = ["bit_length", "popcount", "significant_bits"]


def bit_length(counts: torch.Tensor, *, signed: bool = False) -> torch.Tensor:
    """Return the bits of whole numbers: ``⌊log₂|n|⌋ + 1``, and 0 of 0.

    Parameters
    ----------
    counts : Tensor of int
        n, below 2⁵³ in size.
    signed : bool, default False
        Whether the population has both signs: then one bit more of what is not 0.

    Returns
    -------
    Tensor of int64
        As many as counts.

    Examples
    --------
    >>> import torch
    >>> from superpose.sequences import bit_length
    >>> bit_length(torch.tensor([6, 8, -5, 0])), bit_length(torch.tensor([-5]), signed=True)
    (tensor([3, 4, 3, 0]), tensor([4]))
    """
    bits = torch.frexp(counts.double().abs())[1].long()  # n = f 2^bits with ½ ≤ f < 1
    return bits + (counts != 0) if signed else bits


def significant_bits(counts: torch.Tensor) -> torch.Tensor:
    """Return the bits of whole numbers without the zeros at their end: 8 has one, 6 has two.

    It is the width of an operand after a shift, which costs next to nothing.

    Parameters
    ----------
    counts : Tensor of int
        n, below 2⁵³ in size.

    Returns
    -------
    Tensor of int64
        As many as counts.

    Examples
    --------
    >>> import torch
    >>> from superpose.sequences import significant_bits
    >>> significant_bits(torch.tensor([6, 8, -5, 0]))
    tensor([2, 1, 3, 0])
    """
    counts = counts.long()
    lowest = counts & -counts  # the last one alone
    return bit_length(counts) - (bit_length(lowest) - 1).clamp(min=0)


def popcount(counts: torch.Tensor) -> torch.Tensor:
    """Return the ones in ``|n|``: how many shifted additions make a product with n.

    Parameters
    ----------
    counts : Tensor of int
        n.

    Returns
    -------
    Tensor of int64
        As many as counts.

    Examples
    --------
    >>> import torch
    >>> from superpose.sequences import popcount
    >>> popcount(torch.tensor([6, 8, -5, 0]))
    tensor([2, 1, 2, 0])
    """
    left = counts.long().abs()
    ones = torch.zeros_like(left)
    while bool((left > 0).any()):
        ones, left = ones + (left & 1), left >> 1
    return ones
