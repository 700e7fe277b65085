"""The sides of `flat_minima.py`: what each does to the loss, the rows or the step, and one loop."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from superpose.fitting import AMP, ASAM, SAM

Score = Callable[[nn.Module], dict[str, float]]
PERTURBING = {"SAM": SAM, "ASAM": ASAM, "AMP": AMP}


@dataclass(frozen=True)
class Task:
    """Rows in memory, a network to make, and how long to train it."""

    x: torch.Tensor
    y: torch.Tensor  # classes, or standardised numbers [N]
    network: Callable[[int], nn.Module]  # of a seed
    base: type[torch.optim.Optimizer]
    options: dict[str, Any]  # of the base
    steps: int
    batch: int
    check_every: int  # steps between two looks at the held-out rows

    @property
    def classes(self) -> bool:
        return not self.y.is_floating_point()


@dataclass(frozen=True)
class Side:
    """One way to train; ``options`` are those of the perturbing optimizer."""

    kind: str = "ERM"
    options: dict[str, Any] = field(default_factory=dict)
    weight_decay: float = 0.0
    smoothing: float = 0.0
    mixup: float = 0.0

    def optimizer(self, network: nn.Module, task: Task) -> torch.optim.Optimizer:
        options = task.options | {"weight_decay": self.weight_decay}
        if self.kind not in PERTURBING:
            return task.base(network.parameters(), **options)
        kind = PERTURBING[self.kind]
        reach = self.options | {"network": network}
        return kind(network.parameters(), task.base, **reach, **options)


def loss_of(output: torch.Tensor, y: torch.Tensor, smoothing: float = 0.0) -> torch.Tensor:
    """Cross entropy, or half the squared error of the one output."""
    if y.is_floating_point():
        return 0.5 * (output.squeeze(1) - y).square().mean()
    return functional.cross_entropy(output, y, label_smoothing=smoothing)


def mixed(
    network: nn.Module, x: torch.Tensor, y: torch.Tensor, side: Side, draw: torch.Tensor
) -> torch.Tensor:
    """The loss of rows mixed with others: (1 - s) of the one and s of the other (MixUp)."""
    share, order = draw[0], draw[1:].argsort()
    output = network((1 - share) * x + share * x[order])
    mine, other = (loss_of(output, target, side.smoothing) for target in (y, y[order]))
    if y.is_floating_point():
        return loss_of(output, (1 - share) * y + share * y[order])
    return (1 - share) * mine + share * other


def train(task: Task, side: Side, seed: int, held: Score, new: Score) -> dict[str, Any]:
    """Train, and score the last network and the one that was best on the held-out rows."""
    network = task.network(seed)
    optimizer = side.optimizer(network, task)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, task.steps)
    generator = torch.Generator().manual_seed(1000 + seed)
    share = torch.distributions.Beta(side.mixup or 1.0, side.mixup or 1.0)
    order, spent, best, kept = torch.empty(0, dtype=torch.long), 0.0, math.inf, None
    torch.manual_seed(2000 + seed)
    network.train()
    for step in range(task.steps):
        if len(order) < task.batch:
            order = torch.randperm(len(task.x), generator=generator)
        rows, order = order[: task.batch], order[task.batch :]
        x, y = task.x[rows], task.y[rows]
        draw = torch.cat([share.sample((1,)), torch.rand(len(x))]) if side.mixup else None

        def closure(x=x, y=y, draw=draw) -> torch.Tensor:
            optimizer.zero_grad()
            if draw is None:
                loss = loss_of(network(x), y, side.smoothing)
            else:
                loss = mixed(network, x, y, side, draw)
            loss.backward()
            return loss

        start = time.process_time()
        optimizer.step(closure)
        schedule.step()
        spent += time.process_time() - start
        if (step + 1) % task.check_every == 0:
            found = _at_rest(network, held)["loss"]
            if found < best:
                best, kept = found, copy.deepcopy(network.state_dict())
    answer = {"ms_a_step": 1e3 * spent / task.steps, "held": _at_rest(network, held)}
    answer["last"] = _at_rest(network, new)
    answer["network"] = copy.deepcopy(network).eval()
    if kept is not None:  # a run whose loss is never a number keeps nothing
        network.load_state_dict(kept)
    answer["stopped"] = _at_rest(network, new)
    return answer


@torch.no_grad()
def _at_rest(network: nn.Module, score: Score) -> dict[str, float]:
    network.eval()
    found = score(network)
    network.train()
    return found
