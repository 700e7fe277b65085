"""Measures of counts, against the digits that Python writes."""

from __future__ import annotations

import torch

from superpose.sequences import access_picojoule, bit_length, popcount, significant_bits

COUNTS = [*range(-70, 71), 1023, 1024, -4097, 2**40, 2**52 - 1]


def test_bits_are_the_digits_of_the_binary_number() -> None:
    counts = torch.tensor(COUNTS)
    digits = [bin(abs(n))[2:] if n else "" for n in COUNTS]
    assert bit_length(counts).tolist() == [len(word) for word in digits]
    assert bit_length(counts, signed=True).tolist() == [len(w) + bool(w) for w in digits]
    assert significant_bits(counts).tolist() == [len(word.rstrip("0")) for word in digits]
    assert popcount(counts).tolist() == [word.count("1") for word in digits]
    assert popcount(torch.tensor([-128], dtype=torch.int8)).tolist() == [1]


def test_an_access_costs_by_the_size_of_its_memory() -> None:
    assert [access_picojoule(size) for size in (8192, 8193, 32_768, 32_769, 1e6)] == [
        10.0,
        20.0,
        20.0,
        100.0,
        100.0,
    ]
