"""How much each part moves the predictions, with a band that holds at least as often as it says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from superpose.explain.summary import TrainingSummary
from superpose.explain.text import number, table

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

    Examples
    --------
    >>> print(Importance("age", 1.25, 1.0, 1.5))
    1.25 (95 % band 1 to 1.5)
    """

    name: str
    value: float
    lower: float
    upper: float

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

    @classmethod
    def of(
        cls,
        names: list[str],
        values: NDArray[np.float64],
        lower: NDArray[np.float64],
        upper: NDArray[np.float64],
    ) -> Importances:
        """Sort parts by importance, the largest first; ties keep their order."""
        order = np.argsort(-values, kind="stable")
        return cls(tuple(names[i] for i in order), values[order], lower[order], upper[order])

    @classmethod
    def from_summary(cls, summary: TrainingSummary) -> Importances:
        """The importances over the training rows that the summary keeps."""
        parts = summary.parts
        return cls.of(
            [part.name for part in parts],
            np.array([part.importance for part in parts], dtype=np.float64),
            np.array([part.lower for part in parts], dtype=np.float64),
            np.array([part.upper for part in parts], dtype=np.float64),
        )

    def __iter__(self) -> Iterator[Importance]:
        rows = zip(self.names, self.values, self.lower, self.upper, strict=True)
        return (Importance(name, float(v), float(a), float(b)) for name, v, a, b in rows)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, name: str) -> Importance:
        i = self.names.index(name)
        return Importance(name, float(self.values[i]), float(self.lower[i]), float(self.upper[i]))

    def to_frame(self) -> pd.DataFrame:
        """A data frame with columns part, importance, lower, upper."""
        import pandas as pd

        columns = {"importance": self.values, "lower": self.lower, "upper": self.upper}
        return pd.DataFrame({"part": self.names, **columns})

    def to_dict(self) -> dict[str, Any]:
        """Name of each part to its importance, lower and upper end, ready for `json.dumps`."""
        return {i.name: {"value": i.value, "lower": i.lower, "upper": i.upper} for i in self}

    def __repr__(self) -> str:
        rows = [[i.name, number(i.value), number(i.lower), number(i.upper)] for i in self]
        head = ["part", "importance", "lower", "upper"]
        return "Importances (root mean square contribution, 95 % band)\n" + table(head, rows)
