"""A main curve as a person reads it: contribution against attribute, with a band."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from superpose.explain.importance import Importance
from superpose.explain.simultaneous import SimultaneousBand
from superpose.explain.summary import AttributeSummary
from superpose.explain.text import number, probability, signed, spread, table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Curve", "Missing"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Missing:
    """What a curve contributes where the attribute has no value; floats, or arrays [K]."""

    mean: Array
    lower: Array
    upper: Array


@dataclass(frozen=True, eq=False, repr=False)
class Curve:
    """The main curve of one attribute: what each of its values adds to the prediction.

    The curve is centred: over the training rows its mean is 0, so `mean` says how much a value
    raises or lowers the prediction against the average row.

    Attributes
    ----------
    name : str
        The attribute.
    kind : {"number", "category"}
    x : array [G]
        Values of the attribute in original units, denser where the data are; names of the levels
        for a category. The first and last few points lie just beyond the data.
    mean, lower, upper : array [G], or [G, K] with K > 2 classes
        Contribution and its pointwise band.
    level : float
        Probability that the band holds the curve at one given x.
    units : str, or tuple of K str
        Unit of the contribution.
    support : AttributeSummary or None
        Where there was data.
    missing : Missing or None
        The contribution of a missing value, where some were missing.
    importance : Importance or None
        Root mean square of the contributions over the training rows.
    by_hand : array [G] of bool, or None
        Where a person set the height, or holds it, so that it has no band; None for nowhere.
    notes : tuple of str
        What was done to the curve by hand, a sentence for each change.
    jump : tuple of two floats, or None
        The value at which the curve looks most like a jump, and the probability that a curve
        without one shows a step as clear anywhere. Where that is small the curve and its band smear
        a jump, or a bend too sharp for them.
    simultaneous : SimultaneousBand or None
        The band that holds the whole curve, where it was asked for; see `simultaneous_bands`.
    shape : tuple of str
        What the fit was told of it, such as "increasing"; the data did not have to say so.
    shape_of : tuple of str
        With three classes or more: the class whose log-odds against each other class have the
        shape, and after it the one for which they have the opposite shape, if any.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.explain import Curve
    >>> x = np.array([0.0, 1.0, 2.0])
    >>> Curve("age", "number", x, mean=x - 1, lower=x - 1.5, upper=x - 0.5,
    ...       level=0.95, units="price")
    Curve of age in price, 95 % band
      age   contribution   lower   upper
      0               -1    -1.5    -0.5
      1                0    -0.5    +0.5
      2               +1    +0.5    +1.5
    """

    name: str
    kind: str
    x: NDArray[Any]
    mean: Array
    lower: Array
    upper: Array
    level: float
    units: str | tuple[str, ...]
    support: AttributeSummary | None = None
    missing: Missing | None = None
    importance: Importance | None = None
    by_hand: NDArray[np.bool_] | None = None
    notes: tuple[str, ...] = ()
    jump: tuple[float, float] | None = None
    simultaneous: SimultaneousBand | None = None

    @property
    def no_effect(self) -> float | None:
        """Probability of evidence as strong as this if the curve were null; None if not asked."""
        return None if self.importance is None else self.importance.no_effect

    def jumps(self, below: float = 0.05) -> bool:
        """Whether the rows show a jump that the curve cannot take, at this level of the test."""
        return self.jump is not None and self.jump[1] < below

    shape: tuple[str, ...] = ()
    shape_of: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """What the fit was told of the curve, in words; empty where nothing.

        Examples
        --------
        >>> import numpy as np
        >>> from superpose.explain import Curve
        >>> x = np.zeros(1)
        >>> Curve("age", "number", x, x, x, x, 0.95, "", shape=("convex",), shape_of=("ill",)).told
        "convex in the log-odds of 'ill' against every other class"
        """
        told = " and ".join(self.shape)
        if self.shape_of:
            told += f" in the log-odds of {self.shape_of[0]!r} against every other class"
        if len(self.shape_of) > 1:
            told += f", and the opposite in those of {self.shape_of[1]!r}"
        return told

    def of(self, output: int) -> Curve:
        """The curve of one output alone; itself where there is one."""
        if isinstance(self.units, str):
            return self
        missing = self.missing
        if missing is not None:
            ends = (missing.mean, missing.lower, missing.upper)
            missing = Missing(*(np.asarray(it)[output] for it in ends))
        return replace(
            self,
            mean=self.mean[:, output],
            lower=self.lower[:, output],
            upper=self.upper[:, output],
            units=self.units[output],
            missing=missing,
            simultaneous=None if self.simultaneous is None else self.simultaneous.of(output),
        )

    def seen(self) -> NDArray[np.bool_]:
        """Whether each x lies within the range of the training rows; for a level, had rows [G]."""
        if self.support is None:
            return np.ones(len(self.x), dtype=bool)
        if self.kind == "category":
            return np.asarray(self.support.counts) > 0
        low, high = self.support.range or (-np.inf, np.inf)
        return np.asarray((self.x >= low) & (self.x <= high))

    def to_frame(self) -> pd.DataFrame:
        """A data frame with columns x (under the attribute's name), mean, lower, upper.

        With several outputs there is a row for each x and output, and a column `output`.
        """
        import pandas as pd

        if isinstance(self.units, str):
            columns = {"mean": self.mean, "lower": self.lower, "upper": self.upper}
            return pd.DataFrame({self.name: self.x, **columns})
        frames = [
            pd.DataFrame(
                {
                    self.name: self.x,
                    "output": unit,
                    "mean": self.mean[:, k],
                    "lower": self.lower[:, k],
                    "upper": self.upper[:, k],
                }
            )
            for k, unit in enumerate(self.units)
        ]
        return pd.concat(frames, ignore_index=True)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, numbers and strings, ready for `json.dumps`."""
        missing = self.missing
        return {
            "name": self.name,
            "kind": self.kind,
            "x": self.x.tolist(),
            "mean": self.mean.tolist(),
            "lower": self.lower.tolist(),
            "upper": self.upper.tolist(),
            "level": self.level,
            "units": self.units if isinstance(self.units, str) else list(self.units),
            "missing": None
            if missing is None
            else {
                "mean": np.asarray(missing.mean).tolist(),
                "lower": np.asarray(missing.lower).tolist(),
                "upper": np.asarray(missing.upper).tolist(),
            },
            "importance": None if self.importance is None else self.importance.value,
            "by_hand": None if self.by_hand is None else self.by_hand.tolist(),
            "notes": list(self.notes),
            "no_effect": self.no_effect,
            "jump": None if self.jump is None else list(self.jump),
            "simultaneous": None if self.simultaneous is None else self.simultaneous.to_dict(),
            "shape": list(self.shape),
            "shape_of": list(self.shape_of),
        }

    def __repr__(self) -> str:
        one = isinstance(self.units, str)
        head = f"Curve of {self.name} in {self.units if one else f'{len(self.units)} outputs'}"
        lines = [f"{head}, {self.level:.0%} band".replace("%", " %")]
        rows = [self._row(self._label(i), *self._at(i)) for i in self._shown()]
        if self.missing is not None:
            missing = self.missing
            rows.append(self._row("missing", missing.mean, missing.lower, missing.upper))
        columns = ["contribution", "lower", "upper"] if one else list(self.units)
        lines.append(table([self.name, *columns], rows))
        if self.importance is not None:
            lines.append(f"  importance {self.importance}")
        if self.no_effect is not None:
            lines.append(f"  p if it had no effect: {probability(self.no_effect)}")
        if self.jump is not None and self.jumps():
            lines.append(
                f"  may jump near {number(self.jump[0])} (p {probability(self.jump[1])}): the band "
                "does not hold there"
            )
        if self.simultaneous is not None:
            lines.append(f"  {self.simultaneous}")
        lines += [f"  told to be {self.told}"] if self.told else []
        lines += [f"  {note}" for note in self.notes]
        return "\n".join(lines)

    def _shown(self) -> list[int]:
        inside = np.flatnonzero(self.seen())
        return [int(inside[i]) for i in spread(len(inside), 9)]

    def _label(self, i: int) -> str:
        return str(self.x[i]) if self.kind == "category" else number(self.x[i])

    def _at(self, i: int) -> tuple[Array, Array, Array]:
        return self.mean[i], self.lower[i], self.upper[i]

    def _row(self, label: str, mean: Array, lower: Array, upper: Array) -> list[str]:
        if isinstance(self.units, str):
            return [label, *(signed(float(v)) for v in (mean, lower, upper))]
        return [label, *(signed(float(v)) for v in mean)]
