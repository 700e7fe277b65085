"""How networks of the benchmark on permuted digits are trained, and how right they are."""

from __future__ import annotations

import copy
import dataclasses

import torch
from torch import nn


@dataclasses.dataclass(frozen=True)
class Recipe:
    """AdamW with one cycle of the rate.

    ``pull`` moves every row, before each step, to where its loss grows fastest (Miyato, Dai and
    Goodfellow 2017, adversarial training with an L2 ball), by that share of √(numbers of a row);
    0 trains on the rows as they are. ``average`` keeps the running mean of the weights over so
    many steps, and returns it; 0 returns the last ones. ``clip`` limits the gradient's norm.
    ``prior`` weighs the prior of curves, where there are any.
    """

    epochs: int
    rate: float
    batch: int = 256
    pull: float = 0.0
    average: int = 0
    decay: float = 0.0
    clip: float = 0.0
    prior: float = 0.0


def train(
    network: nn.Module, x: torch.Tensor, y: torch.Tensor, recipe: Recipe, seed: int
) -> nn.Module:
    """Return the trained network, in evaluation; the one given is trained, too."""
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(
        network.parameters(), recipe.rate, (0.9, 0.99), weight_decay=recipe.decay
    )
    steps = recipe.epochs * (len(x) // recipe.batch)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.rate, total_steps=steps, pct_start=0.15
    )
    averaged, done = copy.deepcopy(network), 0
    network.train()
    for _ in range(recipe.epochs):
        order = torch.randperm(len(x), generator=generator)
        for rows in order[: len(order) // recipe.batch * recipe.batch].split(recipe.batch):
            step(network, x[rows], y[rows], optimiser, recipe)
            cycle.step()
            done += 1
            if recipe.average:
                follow(averaged, network, min(1 - 1 / recipe.average, (1 + done) / (10 + done)))
    return (averaged if recipe.average else network).eval()


def step(
    network: nn.Module,
    x: torch.Tensor,
    y: torch.Tensor,
    optimiser: torch.optim.Optimizer,
    recipe: Recipe,
) -> None:
    if recipe.pull:
        x = pulled(network, x, y, recipe.pull)
    loss = nn.functional.cross_entropy(network(x), y)
    if recipe.prior:
        loss = loss + recipe.prior * sum(
            part.prior() for part in network.children() if hasattr(part, "prior")
        )
    optimiser.zero_grad()
    loss.backward()
    if recipe.clip:
        nn.utils.clip_grad_norm_(network.parameters(), recipe.clip)
    optimiser.step()


def pulled(network: nn.Module, x: torch.Tensor, y: torch.Tensor, share: float) -> torch.Tensor:
    """Rows moved by share · √features along the gradient of their own loss."""
    x = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(nn.functional.cross_entropy(network(x), y), x)
    size = share * x.shape[1] ** 0.5
    return (x + size * nn.functional.normalize(slope, dim=1, eps=1e-20)).detach()


@torch.no_grad()
def follow(averaged: nn.Module, network: nn.Module, keep: float) -> None:
    for mean, new in zip(
        averaged.state_dict().values(), network.state_dict().values(), strict=True
    ):
        if mean.is_floating_point():
            mean.lerp_(new, 1 - keep)
        else:
            mean.copy_(new)


@torch.no_grad()
def accuracy(network: nn.Module, x: torch.Tensor, y: torch.Tensor, rows: int = 500) -> float:
    """Share of right answers, in batches of so many rows."""
    network.eval()
    right = [
        (network(a).argmax(1) == b).sum() for a, b in zip(x.split(rows), y.split(rows), strict=True)
    ]
    return float(sum(right)) / len(x)
