"""From what a user passes to what a training is told, with every check that comes before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim import Adam, Optimizer
from torch.optim.lr_scheduler import LRScheduler

from superpose.errors import InputError
from superpose.fitting.training.first_look import first_look
from superpose.fitting.training.perturbed_optimizer import PerturbedOptimizer
from superpose.fitting.training.schedules import warm_cosine
from superpose.fitting.training.training_loop import Task
from superpose.fitting.training.training_losses import BatchLoss, Function, check_target, loss_of
from superpose.fitting.training.training_rows import (
    FileRows,
    MemoryRows,
    Rows,
    Source,
    even_sizes,
    hold_out,
)
from superpose.fitting.training.training_units import survey, with_units
from superpose.networks import KSTLayer, NodewiseLayer

RATE, CURVE_RATE = 0.01, 0.03
"""Learning rates of Adam, where no optimizer is given: of weights, and of heights of curves."""
MOST_HELD = 65_536
"""Rows that are held out of a file at most; they are kept in memory."""
STREAM = 2010
"""Keeps the rows that are held out apart from other uses of the same seed."""


def make_task(
    network: nn.Module,
    source: Source,
    loss: str | Function,
    optimizer: Callable[[Any], Optimizer] | None,
    schedule: Callable[[Optimizer], LRScheduler] | None,
    validation: float | tuple[Any, Any],
    batch: int,
    *,
    schedule_every: str,
    epochs: int,
    seed: int,
    **told: Any,
) -> Task:
    """Look at the rows once, and return what a training is told; see `train_network`."""
    _check_numbers(epochs, batch, validation, schedule_every)
    _check_limits(**told)
    held = _held(source, validation, seed)
    rows = next(source.chunks())[0]
    outputs, bare = first_look(network, rows)
    what = loss_of(loss, outputs[-1])
    found = survey(source, held, lambda y: check_target(what.name, y, outputs))
    validated = _given(validation, what, outputs, rows)
    scaled = with_units(network, what, found, bare)
    steps = _optimizer(scaled.network, optimizer)
    sizes = even_sizes(source.n_rows - len(held), batch)
    return Task(
        source=source,
        held=held,
        sizes=sizes,
        validation=validated or found.held,
        loss=what,
        scaled=scaled,
        optimizer=steps,
        schedule=schedule(steps) if schedule else warm_cosine(steps, epochs * len(sizes)),
        schedule_every=schedule_every if schedule else "step",
        epochs=epochs,
        seed=seed,
        **told,
    )


def _held(source: Source, validation: float | tuple[Any, Any], seed: int) -> np.ndarray:
    """Draw which rows are held out."""
    share = 0.0 if isinstance(validation, tuple) else validation
    most = MOST_HELD if isinstance(source, FileRows) else source.n_rows
    held = hold_out(source.n_rows, share, most, [seed, STREAM])
    if source.n_rows - len(held) < 2:
        raise InputError(
            "there must be at least two rows to train on",
            f"got {source.n_rows}, {len(held)} of them held out",
            "pass more rows",
        )
    return held


def _optimizer(network: nn.Module, optimizer: Callable[[Any], Optimizer] | None) -> Optimizer:
    """Return the optimizer; one that perturbs is told whose running statistics not to move."""
    parameters = [it for it in network.parameters() if it.requires_grad]
    made = optimizer(parameters) if optimizer else _adam(network)
    if isinstance(made, PerturbedOptimizer):
        made.network = network
    return made


def _adam(network: nn.Module) -> Optimizer:
    layers = [it for it in network.modules() if isinstance(it, KSTLayer | NodewiseLayer)]
    heights = {id(layer.heights) for layer in layers}
    curves = [it for it in network.parameters() if it.requires_grad and id(it) in heights]
    others = [it for it in network.parameters() if it.requires_grad and id(it) not in heights]
    groups = [(curves, CURVE_RATE), (others, RATE)]
    return Adam([{"params": group, "lr": rate} for group, rate in groups if group])


def _given(
    validation: Any, loss: BatchLoss, outputs: torch.Size, rows: torch.Tensor
) -> Rows | None:
    """Return validation rows that were given, checked as those of training are."""
    if not isinstance(validation, tuple):
        return None
    given = MemoryRows(*validation)
    if given.x.shape[1:] != rows.shape[1:]:
        raise InputError(
            "validation rows must have the columns of the training rows",
            f"got {list(given.x.shape)} beside rows [N, {', '.join(map(str, rows.shape[1:]))}]",
            "pass the same columns in the same order",
        )
    survey(given, np.empty(0, np.intp), lambda y: check_target(loss.name, y, outputs))
    return given.x, given.y


def _check_numbers(epochs: int, batch: int, validation: Any, schedule_every: str) -> None:
    if epochs < 1 or batch < 2:
        raise InputError(
            "epochs must be at least 1 and batch at least 2",
            f"got epochs={epochs}, batch={batch}",
            "pass more",
        )
    given = isinstance(validation, tuple) and len(validation) == 2
    share = isinstance(validation, int | float | np.floating) and 0 <= validation < 1
    if not given and not share:
        raise InputError(
            "validation must be a share of the rows, 0 or more and below 1, or (rows, target)",
            f"got {validation!r}",
            "pass for instance 0.1, or 0 for none",
        )
    if schedule_every not in ("step", "epoch"):
        raise InputError(
            "schedule_every must be 'step' or 'epoch'",
            f"got {schedule_every!r}",
            "pass one of them",
        )


def _check_limits(patience: int | None, prior: float, largest_gradient: float | None) -> None:
    if patience is not None and patience < 1:
        raise InputError(
            "patience must be at least 1",
            f"got {patience!r}",
            "pass None to make all epochs",
        )
    if not prior >= 0:
        raise InputError("prior must be at least 0", f"got {prior!r}", "pass 0 for none")
    if largest_gradient is not None and not largest_gradient > 0:
        raise InputError(
            "largest_gradient must be above 0",
            f"got {largest_gradient!r}",
            "pass None to leave gradients as they are",
        )
