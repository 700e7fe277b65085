"""What a training leaves behind."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Epoch:
    """One pass over the training rows.

    Attributes
    ----------
    train : float
        Mean loss of the batches, each before its step.
    validation : float or None
        Mean loss of the validation rows after the last step; None without such rows.
    rate : float
        Learning rate of the last step, of the optimizer's first group.
    whole : bool, default True
        False where the training ended within the epoch.
    """

    train: float
    validation: float | None
    rate: float
    whole: bool = True


@dataclass(frozen=True, eq=False, repr=False)
class Training:
    """A trained network and how it was reached.

    Attributes
    ----------
    network : Module
        With the best weights, in evaluation mode. It takes rows and gives outputs in the units of
        the table: the network that was given, or a `superpose.networks.Scaled` around it where its
        first or last layer cannot hold these units.
    history : tuple of Epoch
    best_epoch : int
        From 1: after which epoch the network stood as it is now. Without validation rows the last.
    ended : {"all epochs", "patience", "time limit", "interrupted"}
        Why there are no more epochs.
    """

    network: nn.Module
    history: tuple[Epoch, ...]
    best_epoch: int
    ended: str

    @property
    def loss(self) -> float:
        """Validation loss of the network; without validation rows the last training loss."""
        best = self.history[self.best_epoch - 1]
        return best.train if best.validation is None else best.validation

    def __repr__(self) -> str:
        kind = "training" if self.history[self.best_epoch - 1].validation is None else "validation"
        return (
            f"Training({type(self.network).__name__}, {kind} loss {self.loss:.4g} after epoch "
            f"{self.best_epoch} of {len(self.history)}, ended: {self.ended})"
        )
