"""What a person did to a fitted model by hand: one entry of its audit trail."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Every kind of change, as a participle for sentences.
ACTIONS = {"set": "set", "smooth": "smoothed", "remove": "removed", "fix": "fixed"}


@dataclass(frozen=True, eq=False, repr=False)
class Edit:
    """One change by hand, with what it did.

    Attributes
    ----------
    action : {"set", "smooth", "remove", "fix"}
    part : str
        Name of the part that was changed.
    index : int
        Its place in ``network.parts``.
    what : str
        Where and how, in words.
    reason, who, when : str
        As given; empty where not.
    x : array [G]
        For a main curve: values of the attribute in units, or codes of levels; else empty.
    before, after : array [G + 1, K]
        Contribution at ``x``, and last that of a missing value; [0, K] for pairs and terms.
    size_before, size_after : float
        Root mean square of the part's contributions over the rows of `source`.
    mean_change : array [K]
        How much the mean prediction of these rows moved, on the link scale.
    loss_before, loss_after : float or None
        Mean loss of these rows (log loss; for numbers the squared error), where a target was given.
    rows : int
        How many rows these numbers are from.
    source : str
        Which rows: those given, or what the model keeps of its training rows.

    Examples
    --------
    >>> import numpy as np
    >>> none = np.zeros((0, 1))
    >>> Edit("remove", "age × bmi", 3, "", "too few rows", "R. Reader", "2026-05-04",
    ...      none[:, 0], none, none, 0.25, 0.0, np.zeros(1), None, None, 500, "rows given")
    age × bmi removed by R. Reader on 2026-05-04: too few rows
      size of its contributions 0.25 before, 0 after; mean prediction moved by 0 (500 rows given)
    """

    action: str
    part: str
    index: int
    what: str
    reason: str
    who: str
    when: str
    x: Array
    before: Array
    after: Array
    size_before: float
    size_after: float
    mean_change: Array
    loss_before: float | None
    loss_after: float | None
    rows: int
    source: str

    @property
    def sentence(self) -> str:
        """What was done, by whom, when and why."""
        words = [self.part, ACTIONS[self.action], self.what]
        words += [f"by {self.who}" if self.who else "", f"on {self.when}" if self.when else ""]
        said = " ".join(word for word in words if word)
        return f"{said}: {self.reason}" if self.reason else said

    @property
    def effect(self) -> str:
        """What it did to the part, to the predictions and to the loss."""
        moved = ", ".join(f"{v:.3g}" for v in self.mean_change)
        said = (
            f"size of its contributions {self.size_before:.3g} before, {self.size_after:.3g} after;"
            f" mean prediction moved by {moved}"
        )
        if self.loss_before is not None and self.loss_after is not None:
            said += f"; mean loss {self.loss_before:.4g} before, {self.loss_after:.4g} after"
        return f"{said} ({self.rows:,} {self.source})"

    def __repr__(self) -> str:
        return f"{self.sentence}\n  {self.effect}"
