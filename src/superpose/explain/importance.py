"""How much each part moves the predictions, with a band that holds at least as often as it says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from superpose.explain.summary import TrainingSummary
from superpose.explain.text import number, probability, table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Importance", "Importances"]


@dataclass(frozen=True)
class Importance:
    """Root mean square of one part's contributions, and its 95 % band.

    Attributes
    ----------
    name : str
        The part.
    value, lower, upper : float
        In the units of the contributions.
    no_effect : float or None
        Main curves: probability of evidence as strong as this if the curve were null, from a test
        whose level holds; below .05 at one null curve in twenty.

    Examples
    --------
    >>> print(Importance("age", 1.25, 1.0, 1.5))
    1.25 (95 % band 1 to 1.5)
    """

    name: str
    value: float
    lower: float
    upper: float
    no_effect: float | None = None

    def __str__(self) -> str:
        return f"{number(self.value)} (95 % band {number(self.lower)} to {number(self.upper)})"


@dataclass(frozen=True, eq=False, repr=False)
class Importances:
    """The importance of every part, largest first; made by `importances`.

    Attributes
    ----------
    names : tuple of P str
    values, lower, upper : array [P]
        In the units of the contributions.
    no_effect : array [P] or None
        Probability of evidence as strong as this if the part were null; NaN where it was not asked
        (pairs and terms, which are chosen by their gain), None where no part was.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.explain import Importances
    >>> Importances.of(["a", "b"], np.array([1.0, 2.0]), np.array([0.5, 1.5]), np.array([1.5, 2.5]))
    Importances (root mean square contribution, 95 % band)
      part   importance   lower   upper
      b               2     1.5     2.5
      a               1     0.5     1.5
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    no_effect: NDArray[np.float64] | None = None

    @classmethod
    def of(
        cls,
        names: list[str],
        values: NDArray[np.float64],
        lower: NDArray[np.float64],
        upper: NDArray[np.float64],
        no_effect: NDArray[np.float64] | None = None,
    ) -> Importances:
        """Sort parts by importance, the largest first; ties keep their order."""
        order = np.argsort(-values, kind="stable")
        asked = None if no_effect is None else no_effect[order]
        names_in_order = tuple(names[i] for i in order)
        return cls(names_in_order, values[order], lower[order], upper[order], asked)

    @classmethod
    def from_summary(cls, summary: TrainingSummary) -> Importances:
        """The importances over the training rows that the summary keeps."""
        parts = summary.parts
        return cls.of(
            [part.name for part in parts],
            np.array([part.importance for part in parts], dtype=np.float64),
            np.array([part.lower for part in parts], dtype=np.float64),
            np.array([part.upper for part in parts], dtype=np.float64),
            _asked([part.no_effect for part in parts]),
        )

    def __iter__(self) -> Iterator[Importance]:
        return (self[name] for name in self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, name: str) -> Importance:
        i = self.names.index(name)
        asked = np.nan if self.no_effect is None else float(self.no_effect[i])
        found = float(self.values[i]), float(self.lower[i]), float(self.upper[i])
        return Importance(name, *found, None if np.isnan(asked) else asked)

    def to_frame(self) -> pd.DataFrame:
        """A data frame with columns part, importance, lower, upper, and no_effect if asked."""
        import pandas as pd

        columns = {"importance": self.values, "lower": self.lower, "upper": self.upper}
        columns |= {} if self.no_effect is None else {"no_effect": self.no_effect}
        return pd.DataFrame({"part": self.names, **columns})

    def to_dict(self) -> dict[str, Any]:
        """Name of each part to its importance, lower and upper end, ready for `json.dumps`."""
        return {i.name: {"value": i.value, "lower": i.lower, "upper": i.upper} for i in self}

    def __repr__(self) -> str:
        rows = [[i.name, number(i.value), number(i.lower), number(i.upper)] for i in self]
        head = ["part", "importance", "lower", "upper"]
        if self.no_effect is not None:
            rows = [[*row, probability(it.no_effect)] for row, it in zip(rows, self, strict=True)]
            head.append("p if null")
        return "Importances (root mean square contribution, 95 % band)\n" + table(head, rows)


def _asked(values: list[float | None]) -> NDArray[np.float64] | None:
    """NaN for None; None where there is nothing else."""
    if all(value is None for value in values):
        return None
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
