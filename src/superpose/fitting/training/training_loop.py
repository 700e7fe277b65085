"""Minibatches, epochs, the best weights: all that moves in a training, and nothing that it is told.

The order of the rows in an epoch follows from the seed and the number of the epoch, so a place in a
training is an epoch and a step in it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from inspect import ismethod
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from superpose.errors import InputError
from superpose.fitting.training.training import Epoch
from superpose.fitting.training.training_losses import BatchLoss
from superpose.fitting.training.training_rows import Rows, Source
from superpose.networks import Scaled, routine_step

EVALUATED = 8192
"""Rows that go through the network together where no gradient is needed."""
STREAM = 2017
"""Keeps the order of the rows apart from other uses of the same seed."""


@dataclass(frozen=True)
class Task:
    """What a training is told.

    Attributes
    ----------
    source : Source
    held : ndarray
        Places of the rows of the source that are not trained on.
    sizes : list of int
        Of the batches of an epoch.
    validation : (Tensor, Tensor) or None
        Rows and target that decide which weights are best.
    loss : BatchLoss
    scaled : Scaled
        The network, and the units of rows and target.
    optimizer, schedule
        Over the network's parameters.
    schedule_every : {"step", "epoch"}
    epochs, patience : int
    prior : float
    largest_gradient : float or None
    seed : int
    """

    source: Source
    held: np.ndarray
    sizes: list[int]
    validation: Rows | None
    loss: BatchLoss
    scaled: Scaled
    optimizer: Optimizer
    schedule: LRScheduler
    schedule_every: str
    epochs: int
    patience: int | None
    prior: float
    largest_gradient: float | None
    seed: int

    @property
    def network(self) -> nn.Module:
        """What is trained, between standard units."""
        return self.scaled.network


@dataclass
class Course:
    """Where a training stands; its `state` is all that has to be kept to go on from there.

    Attributes
    ----------
    task : Task
    step : int
        Batches done in the present epoch.
    total : float
        Sum of the losses of its rows.
    rate : float
        Learning rate of the last batch.
    noise : float
        Variance of the residuals in the last epoch, where the loss has a noise; else 1.
    history : list of Epoch
    best : (int, dict) or None
        Number of the best epoch so far, from 1, and its weights.
    """

    task: Task
    step: int = 0
    total: float = 0.0
    rate: float = 0.0
    noise: float = 1.0
    history: list[Epoch] = field(default_factory=list)
    best: tuple[int, dict[str, torch.Tensor]] | None = None

    @property
    def n_steps(self) -> int:
        """Steps of all epochs."""
        return self.task.epochs * len(self.task.sizes)

    @property
    def done(self) -> int:
        """Steps made."""
        return len(self.history) * len(self.task.sizes) + self.step

    def words(self) -> str:
        """Return where the training stands, for people."""
        task, history = self.task, self.history
        judged = history[self.best[0] - 1].validation if self.best else None
        best = "" if judged is None else f", validation loss {judged:.4g}"
        return f"epoch {min(len(history) + 1, task.epochs)} of {task.epochs}{best}"

    def end(self) -> str | None:
        """Return why there is no further epoch; None if there is one."""
        task, best = self.task, self.best[0] if self.best else 0
        if task.patience and task.validation and len(self.history) - best >= task.patience:
            return "patience"
        return "all epochs" if len(self.history) >= task.epochs else None

    def steps(self) -> Iterator[None]:
        """Make the steps that are left of the present epoch, and close it; stop after each."""
        task = self.task
        order = np.random.default_rng([task.seed, STREAM, len(self.history)])
        batches = task.source.batches(task.held, task.sizes, order)
        task.network.train()
        for x, y in islice(batches, self.step, None):
            self._advance(x, y)
            yield
        self.close()

    def close(self, whole: bool = True) -> None:
        """Judge the network at the end of an epoch, or within it where training has to end."""
        task = self.task
        rows = sum(task.sizes[: self.step])
        train = self.total / rows if rows else float("nan")
        judged = evaluate(task) if task.validation else None
        self.history.append(Epoch(train, judged, self.rate, whole))
        if self._is_best(judged):
            weights = copy.deepcopy(task.network.state_dict())
            self.best = len(self.history), weights
        if not whole:
            return
        if task.loss.has_noise:
            self.noise = 2 * train / task.scaled.spread_y.numel()
        if task.schedule_every == "epoch":
            follow(task.schedule, train if judged is None else judged)
        self.step, self.total = 0, 0.0

    def _advance(self, x: torch.Tensor, y: torch.Tensor) -> None:
        """Make one step on one batch."""
        task, seen = self.task, []
        rows, target = batch_in_units(task, x, y)

        def closure() -> torch.Tensor:
            task.optimizer.zero_grad()
            loss = batch_loss(task, rows, target)
            seen.append(float(loss.detach()))
            self._check(seen[-1], f"batch {self.step + 1}")
            objective = loss + self._prior()
            objective.backward()
            if task.largest_gradient is not None:
                nn.utils.clip_grad_norm_(task.network.parameters(), task.largest_gradient)
            return objective

        self.rate = float(task.optimizer.param_groups[0]["lr"])
        routine_step(task.network, task.optimizer, closure)
        if task.schedule_every == "step":
            follow(task.schedule, seen[0])
        self.total += seen[0] * len(x)
        self.step += 1

    def _prior(self) -> torch.Tensor | float:
        """Return minus the log prior of the curves for each row, in units of the loss."""
        task = self.task
        if not task.prior:
            return 0.0
        weight = task.prior * self.noise / sum(task.sizes)
        return weight * sum(module.prior() for module in with_prior(task.network))

    def _check(self, loss: float, where: str) -> None:
        if not np.isfinite(loss):
            raise InputError(
                "the loss must stay finite",
                f"got {loss} in epoch {len(self.history) + 1}, {where}",
                "lower the learning rate of the optimizer, or pass largest_gradient=1.0",
            )

    def _is_best(self, judged: float | None) -> bool:
        """Return whether the last epoch is the best; one without a finite loss never is."""
        if judged is None:
            return True
        before = self.history[self.best[0] - 1].validation if self.best else None
        return bool(np.isfinite(judged)) and (before is None or judged < before)

    def state(self) -> dict[str, Any]:
        """Return all that moves, for `superpose.fitting.training.state_file`."""
        task = self.task
        return {
            "network": task.network.state_dict(),
            "optimizer": task.optimizer.state_dict(),
            "schedule": task.schedule.state_dict(),
            "random": torch.get_rng_state(),
            "step": self.step,
            "total": self.total,
            "rate": self.rate,
            "noise": self.noise,
            "history": [asdict(epoch) for epoch in self.history],
            "best": self.best,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        task = self.task
        task.network.load_state_dict(state["network"])
        task.optimizer.load_state_dict(state["optimizer"])
        task.schedule.load_state_dict(state["schedule"])
        torch.set_rng_state(state["random"])
        self.step, self.total = state["step"], state["total"]
        self.rate, self.noise = state["rate"], state["noise"]
        self.history = [Epoch(**epoch) for epoch in state["history"]]
        self.best = state["best"]


def batch_in_units(task: Task, x: torch.Tensor, y: torch.Tensor) -> Rows:
    """Return rows and target of a batch as the network and the loss take them, on their device."""
    scaled = task.scaled
    device = scaled.centre_x.device
    rows, target = scaled.standard(x.to(device)), y.to(device)
    if task.loss.standardises:
        columns = target.reshape(len(target), -1).double()
        target = ((columns - scaled.centre_y) / scaled.spread_y).to(rows.dtype)
    return rows, target


def batch_loss(task: Task, rows: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the mean loss of a batch in standard units."""
    outputs = task.network(rows)
    if not task.loss.standardises:
        outputs = (task.scaled.centre_y + task.scaled.spread_y * outputs).to(outputs.dtype)
    loss = task.loss.function(outputs, target)
    if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
        raise InputError(
            "the loss must return a tensor of one number, the mean over a batch",
            f"got {list(getattr(loss, 'shape', ())) or type(loss).__name__}",
            "take the mean over the rows",
        )
    return loss


@torch.no_grad()
def evaluate(task: Task) -> float:
    """Return the mean loss of the validation rows, with the network as it predicts."""
    assert task.validation is not None
    x, y = task.validation
    task.network.eval()
    parts = zip(x.split(EVALUATED), y.split(EVALUATED), strict=True)
    total = sum(
        float(batch_loss(task, *batch_in_units(task, *part))) * len(part[0]) for part in parts
    )
    task.network.train()
    return total / len(x)


def follow(schedule: LRScheduler, loss: float) -> None:
    """Take a step of a schedule, which may ask for the loss."""
    step: Callable[..., None] = schedule.step
    step(loss) if isinstance(schedule, ReduceLROnPlateau) else step()


def with_prior(network: nn.Module) -> list[Any]:
    """Return the outermost modules that have a prior: a method, not a weight of that name."""
    if ismethod(getattr(network, "prior", None)):
        return [network]
    return [it for child in network.children() for it in with_prior(child)]
