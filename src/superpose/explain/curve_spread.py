"""How far curves, pairs and importances move when the model is fitted to other rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from superpose.explain.curve import Curve
from superpose.explain.text import number, table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CurveSpread", "Stability"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CurveSpread:
    """One main curve, and the same curve of every refit.

    Attributes
    ----------
    curve : Curve
        Of the model.
    refits : array [B, G, K]
        The curve of each of the B refits at ``curve.x``; NaN for a level that a resample did not
        have.
    spread : float
        Typical distance (root mean square, over rows and refits) of a refitted curve from the
        model's, both centred over the same rows, at the scale of new data as many as these.
    inside : float
        Share of rows and refits for which this distance is within the model's own band.
    """

    curve: Curve
    refits: Array
    spread: float
    inside: float


@dataclass(frozen=True, eq=False, repr=False)
class Stability:
    """What refits on resampled rows say about a model; made by `stability`.

    Attributes
    ----------
    curves : dict of str to CurveSpread
        By attribute.
    pairs, terms : dict of str to float
        Share of the refits in which a pair was chosen, or a set of attributes read by a term,
        most often first.
    names : tuple of P str
        The attributes, in the order of `importances`.
    importances : array [B, P]
        Importance of every main curve in each refit.
    reference : array [P]
        Importance of every main curve of the model.
    rank_correlations : array [B]
        Rank correlation of each refit's importances with the model's; NaN with fewer than two
        curves.
    resampling : str
        How rows were drawn, in words.
    grown : bool
        Whether each refit chose its own dial.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose import KSTRegressor
    >>> from superpose.explain import stability
    >>> x = np.random.default_rng(0).uniform(-1, 1, (80, 2))
    >>> y = x[:, 0] + np.random.default_rng(1).normal(0, 0.3, 80)
    >>> model = KSTRegressor(pairs=0, terms=0).fit(x, y)
    >>> found = stability(model, x, y, n_resamples=3)
    >>> found.curves["x0"].refits.shape[0], bool(found.curves["x0"].inside > 0.5)
    (3, True)
    """

    curves: dict[str, CurveSpread]
    pairs: dict[str, float]
    terms: dict[str, float]
    names: tuple[str, ...]
    importances: Array
    reference: Array
    rank_correlations: Array
    resampling: str
    grown: bool

    @property
    def n_resamples(self) -> int:
        """Number B of refits."""
        return len(self.importances)

    def to_frame(self) -> pd.DataFrame:
        """One row a main curve, the most important first.

        Its columns are curve, importance, importance_sd over the refits, spread, and inside, the
        share of refits within the band.
        """
        import pandas as pd

        order = np.argsort(-self.reference, kind="stable")
        found = [self.curves[self.names[j]] for j in order]
        return pd.DataFrame(
            {
                "curve": [self.names[j] for j in order],
                "importance": self.reference[order],
                "importance_sd": self.importances.std(axis=0)[order],
                "spread": [it.spread for it in found],
                "inside": [it.inside for it in found],
            }
        )

    def __repr__(self) -> str:
        rows = [
            [row.curve, number(row.importance), number(row.spread), f"{row.inside:.0%}"]
            for row in self.to_frame().itertuples()
        ]
        lines = [f"Stability over {self.n_resamples} refits ({self.resampling})"]
        lines.append(table(["curve", "importance", "spread", "inside its band"], rows))
        for kind, found in (("pair", self.pairs), ("term of", self.terms)):
            lines += [f"  {kind} {name}: in {share:.0%}" for name, share in found.items()][:8]
        if np.isfinite(self.rank_correlations).any():
            mean = float(np.nanmean(self.rank_correlations))
            lines.append(f"  rank correlation of importances {mean:.2f} on average")
        return "\n".join(lines).replace("%", " %")
