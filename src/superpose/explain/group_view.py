"""How a model treats groups of rows: its quality in each, and which curve makes the difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from superpose.errors import InputError
from superpose.explain.outputs import Outputs
from superpose.explain.summary import Calibration
from superpose.explain.text import number, signed, table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GroupMetric", "GroupView"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GroupMetric:
    """One measure in every group.

    Attributes
    ----------
    name : str
    values, errors : array [G]
        In each group, with its standard error; NaN where it cannot be measured.
    meaning : str
        What it measures, in a few words.
    """

    name: str
    values: Array
    errors: Array
    meaning: str


@dataclass(frozen=True, eq=False, repr=False)
class GroupView:
    r"""Measures and mean contributions by group; made by `by_group`.

    The mean prediction of a group on the link scale is the baseline and the mean contribution of
    every part over the rows of the group, so between two groups

    .. math:: \bar f_2 - \bar f_1 = \sum_j (\bar c_{j,2} - \bar c_{j,1})

    exactly: `difference` says which part makes how much of it.

    Attributes
    ----------
    groups : tuple of G str
    counts : array [G]
        Rows of each.
    metrics : tuple of GroupMetric
    calibration : tuple of tuple of Calibration
        For each group, that of `score_held_out`.
    parts : tuple of P str
    contributions, errors : array [G, P, K]
        Mean contribution of each part over the rows of a group, and its standard error over rows.
    baseline : array [K]
    predictions : array [G, K]
        Mean prediction of each group on the link scale.
    outputs : Outputs
        Names of target and classes.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose import KSTRegressor
    >>> from superpose.explain import by_group
    >>> x = np.random.default_rng(0).uniform(-1, 1, (200, 2))
    >>> model = KSTRegressor(pairs=0, terms=0).fit(x, x[:, 0])
    >>> view = by_group(model, x, x[:, 0], np.where(x[:, 0] > 0, "high", "low"))
    >>> view.groups, int(view.counts.sum())
    (('high', 'low'), 200)
    >>> view.difference("low", "high")[["part", "difference"]].round(1)
      part  difference
    0   x0         1.0
    1   x1         0.0
    """

    groups: tuple[str, ...]
    counts: NDArray[np.int64]
    metrics: tuple[GroupMetric, ...]
    calibration: tuple[tuple[Calibration, ...], ...]
    parts: tuple[str, ...]
    contributions: Array
    errors: Array
    baseline: Array
    predictions: Array
    outputs: Outputs

    def difference(self, first: str, second: str, output: int = 0) -> pd.DataFrame:
        """How much more each part gives the second group than the first, largest first.

        The column `difference` sums to that of the mean predictions; `error` is its standard
        error, over rows. Before them stand the mean contributions in the two groups.

        Parameters
        ----------
        first, second : str
            Two of the groups.
        output : int, default 0
            Which output, where there are several classes.
        """
        import pandas as pd

        i, j = self._place(first), self._place(second)
        means = self.contributions[[i, j], :, output]
        error = np.sqrt((self.errors[[i, j], :, output] ** 2).sum(0))
        gap = means[1] - means[0]
        order = np.argsort(-np.abs(gap), kind="stable")
        columns = {
            "part": [self.parts[p] for p in order],
            "difference": gap[order],
            "error": error[order],
            f"in {first}": means[0][order],
            f"in {second}": means[1][order],
        }
        return pd.DataFrame(columns)

    def to_frame(self) -> pd.DataFrame:
        """One row a group: rows, mean prediction of the first output, and every measure."""
        import pandas as pd

        columns = {"rows": self.counts, "prediction": self.predictions[:, 0]}
        for metric in self.metrics:
            columns[metric.name] = metric.values
            columns[f"{metric.name}, error"] = metric.errors
        return pd.DataFrame(columns, index=pd.Index(self.groups, name="group"))

    def _place(self, group: str) -> int:
        if str(group) in self.groups:
            return self.groups.index(str(group))
        raise InputError(
            f"a group must be one of {', '.join(self.groups[:8])}",
            f"found {group!r}",
            "correct the name",
        )

    def __repr__(self) -> str:
        names = [metric.name for metric in self.metrics]
        rows = []
        for g, group in enumerate(self.groups):
            cells = [
                f"{number(m.values[g])} ± {number(m.errors[g], 2)}"
                if np.isfinite(m.values[g])
                else "–"
                for m in self.metrics
            ]
            rows.append([group, f"{self.counts[g]:,}", signed(self.predictions[g, 0]), *cells])
        text = table(["group", "rows", "mean prediction", *names], rows)
        return f"{self.outputs.units[0]} by group\n{text}"
