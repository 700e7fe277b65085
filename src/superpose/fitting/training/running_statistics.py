"""Running statistics of a network, kept aside and put back."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn


class Statistic(NamedTuple):
    """A buffer of a module, and what it held."""

    module: nn.Module
    name: str
    buffer: torch.Tensor
    held: torch.Tensor


def kept_statistics(network: nn.Module) -> list[Statistic]:
    """Return what passes in training may change beside the parameters, with its values now.

    That is every buffer that a state dict saves, of modules that are training: the mean and
    variance of a `torch.nn.BatchNorm1d`, the axes of a `RunningAxis`.
    """
    return [
        Statistic(module, name, buffer, buffer.clone())
        for module in network.modules()
        if module.training
        for name, buffer in module._buffers.items()
        if buffer is not None and name not in module._non_persistent_buffers_set
    ]


def put_back(statistics: list[Statistic]) -> None:
    """Give every buffer its values of then, also where a module put another in its place."""
    if statistics:
        torch._foreach_copy_([one.buffer for one in statistics], [one.held for one in statistics])
    for module, name, buffer, _ in statistics:
        module._buffers[name] = buffer
