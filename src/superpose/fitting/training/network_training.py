"""Training by minibatches: networks and tables that are too large for steps on all heights."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from numbers import Integral
from os import PathLike
from typing import Any

import torch
from numpy.typing import ArrayLike
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from superpose.errors import InputError, StoppedWarning
from superpose.fitting.deadline import Deadline, Stopped
from superpose.fitting.progress_line import ProgressLine
from superpose.fitting.training.checkpoint import Checkpoint
from superpose.fitting.training.training import Training
from superpose.fitting.training.training_loop import Course
from superpose.fitting.training.training_losses import Function
from superpose.fitting.training.training_rows import RowGroups, source_of
from superpose.fitting.training.training_task import make_task

Progress = Callable[[int, int, str], None]


def train_network(
    network: nn.Module,
    rows: ArrayLike | torch.Tensor | RowGroups,
    target: ArrayLike | torch.Tensor | None = None,
    *,
    loss: str | Function = "gaussian",
    optimizer: Callable[[Any], Optimizer] | None = None,
    schedule: Callable[[Optimizer], LRScheduler] | None = None,
    schedule_every: str = "epoch",
    epochs: int = 30,
    batch: int = 256,
    prior: float = 1.0,
    validation: float | tuple[Any, Any] = 0.1,
    patience: int | None = 10,
    largest_gradient: float | None = None,
    checkpoint: str | PathLike[str] | None = None,
    checkpoint_seconds: float = 60.0,
    random_state: int = 0,
    time_limit: float | None = None,
    progress: Progress | bool | None = None,
) -> Training:
    r"""Train any network by minibatches, from memory or from a file of any length.

    Goes down, over the N training rows,

    .. math:: \frac1N \sum_i \ell(y_i, f(x_i)) + \frac{\sigma^2}{N}\, \mathrm{prior} \cdot
              \tfrac12 \sum_{\text{curves}} r^\top K^{-1} r,

    the posterior mode of the curves (`KSTLayer.prior`); :math:`\sigma^2` is the mean squared
    residual of the last epoch for "gaussian", and 1 for other losses. Columns of any scale and
    targets of any scale are brought to standard units first, and the network that is returned takes
    and gives those of the table. Validation rows decide after which epoch it was best.

    Parameters
    ----------
    network : Module
        From rows [n, ..] to outputs [n, K] or [n], freshly made, or the network of another training
        (or a copy of it), which goes on from where it is; it is not changed. `KSTNetwork`, `SLNN`,
        a `Sequential` that ends in a `KSTHead`, or any other.
    rows : array [N, ..] or ParquetBatches
        Finite numbers; or a table that stays in its file, `superpose.datasets.ParquetBatches`.
        Columns that go as they are into an ``nn.Embedding`` or between ``bounds`` keep their units;
        whole numbers stay whole where the network has an embedding.
    target : array [N] or [N, K], optional
        Left out with a file, which has it.
    loss : {"gaussian", "poisson", "bernoulli", "multinomial"} or callable, default "gaussian"
        Half the squared error over the variance of the target; half the deviance for a log mean;
        log loss for 0 and 1, or for codes of classes. Or a function of outputs and target that
        returns the mean loss of a batch; it gets the target as it is.
    optimizer : callable, optional
        Makes one from the list of parameters, in the order of ``network.parameters()``: a class of
        ``torch.optim``, or for instance ``functools.partial(torch.optim.SGD, lr=0.1)``. Adam with a
        rate of .01 without it, .03 for heights of curves.
    schedule : callable, optional
        Makes a scheduler of ``torch.optim.lr_scheduler`` from the optimizer. Without it the rate
        rises for a twentieth of the steps and falls to 0 as half a cosine.
    schedule_every : {"epoch", "step"}, default "epoch"
        When the schedule that was given takes a step.
    epochs : int, default 30
        Passes over the training rows, at most.
    batch : int, default 256
        Rows of a batch, at most; all are as even as they can be, and none is of one row: of an odd
        number of rows in batches of two the first has three.
    prior : float, default 1.0
        Precision of the curves about straight lines: 1 / variance, in units of the variance of a
        "gaussian" target, else of the outputs. 0 is none.
    validation : float or (rows, target), default 0.1
        Share of rows that are held out, or such rows. Of a file at most 65,536, which are kept in
        memory. 0 is none: the last epoch counts. An epoch whose loss on them is not finite is worse
        than any other.
    patience : int, optional, default 10
        Epochs without a better validation loss after which training ends. None: never.
    largest_gradient : float, optional
        Norm to which the gradient of all parameters is clipped.
    checkpoint : path, optional
        A file that is written, whole or not at all, as training goes on. If it is there already,
        training goes on from it, to the same end, bit for bit on the same machine.
    checkpoint_seconds : float, default 60.0
        Between one writing and the next; 0 writes after every step. The end is always written.
    random_state : int, default 0
        Decides which rows are held out, their order, and what a network draws (dropout); the
        generator of torch is left as it was.
    time_limit : float, optional
        Seconds after which training ends with the best network so far. Ctrl-C does the same. The
        checkpoint goes on from there.
    progress : callable or bool, optional
        Called as ``progress(done, total, what)``, for progress bars; True shows one.

    Returns
    -------
    Training
        With the network, the losses of every epoch, the best of them, and why it ended.

    Raises
    ------
    InputError
        If rows, target, network and loss do not fit each other, a value is not finite, the loss of
        a batch is not, or that of the validation rows never is, or the checkpoint is that of
        another training.
    ModelFileError
        If the checkpoint is damaged.

    Warns
    -----
    StoppedWarning
        If the time limit or an interrupt ended the training.

    Examples
    --------
    >>> import torch
    >>> from superpose.fitting import train_network
    >>> from superpose.networks import KSTNetwork
    >>> generator = torch.Generator().manual_seed(0)
    >>> age, income = torch.rand(4000, generator=generator), torch.rand(4000, generator=generator)
    >>> rows = torch.stack([20 + 60 * age, 1e5 * income], 1)
    >>> price = 5000 + 300 * torch.sin(6 * age) + 200 * income
    >>> network = KSTNetwork([2, 1], generator=generator)
    >>> training = train_network(network, rows, price, epochs=10, batch=64)
    >>> round((1 - 2 * training.loss), 2)  # the share of the variance that is explained
    1.0
    >>> curve = training.network.layers[0].curve(0, 0)  # of age, in years and units of price
    >>> grown, old = curve(torch.tensor([35.0, 67.0]).double())
    >>> 550 < grown - old < 650
    tensor(True)
    """
    seed = _seed(random_state)
    source = source_of(rows, target)
    tell = ProgressLine() if progress is True else progress or None
    deadline = Deadline(time_limit)
    with torch.random.fork_rng(devices=[]), deadline.listening():
        torch.default_generator.manual_seed(seed)
        task = make_task(
            copy.deepcopy(network),
            source,
            loss,
            optimizer,
            schedule,
            validation,
            batch,
            schedule_every=schedule_every,
            epochs=epochs,
            patience=patience,
            prior=prior,
            largest_gradient=largest_gradient,
            seed=seed,
        )
        course = Course(task)
        kept = None if checkpoint is None else Checkpoint(checkpoint, checkpoint_seconds, course)
        if kept:
            kept.resume()
        ended = _run(course, deadline, kept, tell)
        return _finish(course, ended, deadline.stopped)


def _seed(random_state: Any) -> int:
    if not isinstance(random_state, Integral) or random_state < 0:
        raise InputError(
            "random_state must be a whole number, 0 or more",
            f"got {random_state!r}",
            "pass for instance 0",
        )
    return int(random_state)


def _run(course: Course, deadline: Deadline, kept: Checkpoint | None, tell: Progress | None) -> str:
    """Make steps until the training ends, and return why it did."""
    ended = course.end()
    while ended is None:
        deadline.before(f"epochs {len(course.history) + 1} to {course.task.epochs}")
        for _ in course.steps():
            if kept:
                kept.due()
            if tell:
                tell(course.done, course.n_steps + 1, course.words())
            if deadline.over():
                break
        ended = deadline.stopped.reason if deadline.stopped else course.end()
    if kept:
        kept.write()
    if tell:
        tell(1, 1, course.words())
    return ended


def _finish(course: Course, ended: str, stopped: Stopped | None) -> Training:
    """Put the best weights into the network, and units into both its ends; warn of an early end."""
    if stopped:
        if course.step:
            course.close(whole=False)
        warnings.warn(
            f"the training should have come to its end; it was stopped ({stopped}); "
            "give it more time, or use the best network so far",
            StoppedWarning,
            stacklevel=3,
        )
    if not course.history:
        raise InputError("a training must make a step", "got no time for one", "give it more time")
    if course.best is None:
        raise InputError(
            "the validation loss must be finite after one epoch at least",
            f"got {', '.join(str(it.validation) for it in course.history[:3])}",
            "lower the learning rate of the optimizer, or look at the validation rows",
        )
    best, weights = course.best
    course.task.network.load_state_dict(weights)
    network = course.task.scaled.folded().eval()
    return Training(network, tuple(course.history), best, ended)
