"""Why the model predicts what it predicts for some rows: every part's contribution, with a band."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from superpose.errors import InputError
from superpose.explain.outputs import Outputs
from superpose.explain.text import number, signed, table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Explanation"]

Array = NDArray[np.float64]

_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    r"""Contributions of every part to the predictions of N rows.

    .. math:: f(x) = b + \mathrm{offset} + \sum_j \mathrm{values}_j(x)

    holds to rounding, with no residual part; `gap` is the largest difference found, and an
    explanation whose gap is not small refuses to exist.

    Attributes
    ----------
    names : tuple of P str
        The parts, in the model's order.
    values, lower, upper : array [N, P, K]
        Contribution of each part to each output, and its pointwise band.
    baseline : array [K]
        What the average training row gets.
    prediction, prediction_lower, prediction_upper : array [N, K]
        The prediction on the link scale and its band. The band is that of the prediction's mean: it
        does not hold the noise of single outcomes.
    data : array [N, P] of str
        What each part read, written out.
    level : float
    outputs : Outputs
        Names and units of the K outputs.
    offset : array [N, K] or None
        What was known of the sum of each row; part of the prediction.

    Raises
    ------
    InputError
        If baseline, offset and contributions do not add up to the prediction.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.explain import Explanation, Outputs
    >>> values = np.array([[[1.0], [-0.25]]])
    >>> prediction = np.array([[1.25]])
    >>> Explanation(names=("age", "hue"), values=values, lower=values - 0.5, upper=values + 0.5,
    ...             baseline=np.array([0.5]), prediction=prediction,
    ...             prediction_lower=prediction - 0.6, prediction_upper=prediction + 0.6,
    ...             data=np.array([["age = 3", "hue = red"]]), level=0.95,
    ...             outputs=Outputs("price"))
    Explanation of 1 row in price; contributions add up to the prediction, gap 0
    row 0
      part        contribution   lower   upper
      average             +0.5
      age = 3               +1    +0.5    +1.5
      hue = red          -0.25   -0.75   +0.25
      prediction         +1.25   +0.65   +1.85
    """

    names: tuple[str, ...]
    values: Array
    lower: Array
    upper: Array
    baseline: Array
    prediction: Array
    prediction_lower: Array
    prediction_upper: Array
    data: NDArray[Any]
    level: float
    outputs: Outputs
    offset: Array | None = None

    def __post_init__(self) -> None:
        scale = 1.0 + float(np.abs(self.prediction).max(initial=0.0))
        if not self.gap <= _TOLERANCE * scale:
            raise InputError(
                "baseline and contributions must add up to the prediction",
                f"found a gap of {self.gap:.3g}",
                "take all of them from the same fitted model",
            )

    @property
    def start(self) -> Array:
        """What each row gets before any part is added: the average and the offset, [N, K]."""
        known = np.zeros_like(self.prediction) if self.offset is None else self.offset
        return self.baseline + known

    @property
    def gap(self) -> float:
        """Largest gap between the sum of all parts and the prediction, over rows and outputs."""
        total = self.start + self.values.sum(axis=1)
        return float(np.abs(total - self.prediction).max(initial=0.0))

    @property
    def units(self) -> str | tuple[str, ...]:
        """Unit of the contributions; one for each output where there are several."""
        units = self.outputs.units
        return units[0] if len(units) == 1 else units

    def __len__(self) -> int:
        return len(self.prediction)

    def to_frame(self) -> pd.DataFrame:
        """One row for each row, part and output: what was read, contribution, lower, upper."""
        import pandas as pd

        rows, parts, outputs = self.values.shape
        return pd.DataFrame(
            {
                "row": np.repeat(np.arange(rows), parts * outputs),
                "part": np.tile(np.repeat(np.array(self.names, dtype=object), outputs), rows),
                "data": np.repeat(self.data.ravel(), outputs),
                "output": np.tile(np.array(self.outputs.labels, dtype=object), rows * parts),
                "contribution": self.values.ravel(),
                "lower": self.lower.ravel(),
                "upper": self.upper.ravel(),
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, numbers and strings, ready for `json.dumps`."""
        arrays = (
            "values",
            "lower",
            "upper",
            "baseline",
            "prediction",
            "prediction_lower",
            "prediction_upper",
            "data",
        )
        return {
            "names": list(self.names),
            **{name: getattr(self, name).tolist() for name in arrays},
            "level": self.level,
            "units": list(self.outputs.units),
            "gap": self.gap,
            "offset": None if self.offset is None else self.offset.tolist(),
        }

    def __repr__(self) -> str:
        rows = f"{len(self)} row" + ("" if len(self) == 1 else "s")
        units = self.units if isinstance(self.units, str) else f"{len(self.units)} outputs"
        head = f"Explanation of {rows} in {units}; contributions add up to the prediction"
        lines = [f"{head}, gap {self.gap:.0e}" if self.gap else f"{head}, gap 0"]
        for i in range(min(len(self), 3)):
            for k, label in enumerate(self.outputs.labels):
                lines.append(f"row {i}" + (f", {label}" if len(self.outputs.labels) > 1 else ""))
                lines.append(self._table(i, k))
        if len(self) > 3:
            lines.append(f"and {len(self) - 3} more; to_frame() has them all")
        return "\n".join(lines)

    def _table(self, i: int, k: int, most: int = 12) -> str:
        """The largest contributions to one output of one row, and what the others add.

        Contributions to a logarithm multiply the prediction: the last column says by what.
        """
        order = np.argsort(-np.abs(self.values[i, :, k]), kind="stable")
        shown, rest = order[:most], order[most:]
        rows = [["average", signed(self.baseline[k]), "", ""]]
        known = [] if self.offset is None else [float(self.offset[i, k])]
        rows += [["offset", signed(value), "", ""] for value in known]
        for j in shown:
            band = (self.values[i, j, k], self.lower[i, j, k], self.upper[i, j, k])
            rows.append([str(self.data[i, j]), *(signed(float(v)) for v in band)])
        if len(rest):
            others = signed(float(self.values[i, rest, k].sum()))
            rows.append([f"{len(rest)} other parts", others, "", ""])
        total = (a[i, k] for a in (self.prediction, self.prediction_lower, self.prediction_upper))
        rows.append(["prediction", *(signed(float(v)) for v in total)])
        head = ["part", "contribution", "lower", "upper"]
        if not self.outputs.log:
            return table(head, rows)
        added = [self.baseline[k], *known, *self.values[i, shown, k]]
        added += [self.values[i, rest, k].sum()] if len(rest) else []
        factors = np.exp(np.clip([*added, self.prediction[i, k]], -700.0, 700.0))
        rows = [[*row, f"×{number(float(v))}"] for row, v in zip(rows, factors, strict=True)]
        return table([*head, "factor"], rows)
