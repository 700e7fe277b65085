"""A term as a person reads it: inner curves that add up, and the outer curve of their sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from superpose.explain.importance import Importance
from superpose.explain.summary import AttributeSummary
from superpose.explain.surface import Surface
from superpose.explain.text import number, signed, spread, table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["InnerCurve", "Term"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class InnerCurve:
    """How one attribute enters the inner sum of a term.

    Attributes
    ----------
    name : str
        The attribute.
    kind : {"number", "category"}
    x : array [G]
        Its values in original units, or names of levels.
    value : array [G]
        What it adds to the inner sum (which has no unit).
    missing : float or None
        What a missing value adds.
    support : AttributeSummary or None
    moved : array [G + 1], or [G + 1, K], or None
        What of the term is additive in this attribute: at ``x`` and, last, at a missing value. It
        stands in the main curve and is taken off what the outer curve says.
    """

    name: str
    kind: str
    x: NDArray[Any]
    value: Array
    missing: float | None = None
    support: AttributeSummary | None = None
    moved: Array | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Term:
    r"""One term :math:`\Phi(\sum_p \psi_p(x_p)) - \sum_p m_p(x_p)`: inner curves, then the outer.

    What was additive, :math:`m_p`, stands in the main curves; see `InnerCurve`.

    Attributes
    ----------
    name : str
    attributes : tuple of str
        The attributes that the term reads.
    inner : dict of str to InnerCurve
        Each attribute's inner curve :math:`\psi_p`.
    h : array [H]
        Values of the inner sum, over its range on the training rows.
    mean, lower, upper : array [H], or [H, K] with K > 2 classes
        The outer curve :math:`\Phi`: what the term adds for each value of the inner sum, before
        what moved to the main curves is taken off; with the band of what the term adds.
    level : float
    units : str, or tuple of K str
    edges, counts : array [B + 1], [B]
        Histogram of the inner sum over the training rows; empty where unknown.
    surface : Surface or None
        What the term adds, as a heat map, where it reads two attributes.
    importance : Importance or None

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.explain import InnerCurve, Term
    >>> x, h = np.array([0.0, 1.0]), np.array([-1.0, 0.0, 1.0])
    >>> inner = {"a": InnerCurve("a", "number", x, x), "b": InnerCurve("b", "number", x, -x)}
    >>> Term("term 1 (a, b)", ("a", "b"), inner, h, mean=h**2, lower=h**2 - 1, upper=h**2 + 1,
    ...      level=0.95, units="price")
    Term term 1 (a, b) in price
      first add up the inner curves
        a: from 0 at 0 to +1 at 1
        b: from -1 at 1 to 0 at 0
      then read the outer curve
        inner sum   contribution   lower   upper
        -1                    +1       0      +2
        0                      0      -1      +1
        1                     +1       0      +2
    """

    name: str
    attributes: tuple[str, ...]
    inner: dict[str, InnerCurve]
    h: Array
    mean: Array
    lower: Array
    upper: Array
    level: float
    units: str | tuple[str, ...]
    edges: Array | None = None
    counts: NDArray[np.int64] | None = None
    surface: Surface | None = None
    importance: Importance | None = None

    def to_frame(self) -> pd.DataFrame:
        """Inner and outer curves below one another: columns curve, x, mean (and lower, upper)."""
        import pandas as pd

        inner = [
            pd.DataFrame({"curve": curve.name, "x": curve.x, "mean": curve.value})
            for curve in self.inner.values()
        ]
        count = 1 if isinstance(self.units, str) else len(self.units)
        mean, lower, upper = (a.reshape(len(self.h), count) for a in self._band())
        names = ["outer"] if count == 1 else [f"outer, {unit}" for unit in self.units]
        outer = [
            pd.DataFrame(
                {
                    "curve": name,
                    "x": self.h,
                    "mean": mean[:, k],
                    "lower": lower[:, k],
                    "upper": upper[:, k],
                }
            )
            for k, name in enumerate(names)
        ]
        return pd.concat([*inner, *outer], ignore_index=True)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, numbers and strings, ready for `json.dumps`."""
        return {
            "name": self.name,
            "attributes": list(self.attributes),
            "inner": {
                name: {
                    "kind": curve.kind,
                    "x": curve.x.tolist(),
                    "value": curve.value.tolist(),
                    "missing": curve.missing,
                    "moved": None if curve.moved is None else curve.moved.tolist(),
                }
                for name, curve in self.inner.items()
            },
            "h": self.h.tolist(),
            "mean": self.mean.tolist(),
            "lower": self.lower.tolist(),
            "upper": self.upper.tolist(),
            "level": self.level,
            "units": self.units if isinstance(self.units, str) else list(self.units),
            "importance": None if self.importance is None else self.importance.value,
        }

    def __repr__(self) -> str:
        one = isinstance(self.units, str)
        head = f"Term {self.name} in {self.units if one else f'{len(self.units)} outputs'}"
        lines = [head, "  first add up the inner curves"]
        lines += [f"    {name}: {_ends(curve)}" for name, curve in self.inner.items()]
        gone = any(curve.moved is not None for curve in self.inner.values())
        less = ", less what stands in the main curves" if gone else ""
        lines.append(f"  then read the outer curve{less}")
        rows = []
        for i in spread(len(self.h), 7):
            values = [a[i] for a in self._band()] if one else list(self.mean[i])
            rows.append([number(self.h[i]), *(signed(float(v)) for v in values)])
        columns = ["contribution", "lower", "upper"] if one else list(self.units)
        lines.append(table(["inner sum", *columns], rows, indent="    "))
        if self.importance is not None:
            lines.append(f"  importance {self.importance}")
        return "\n".join(lines)

    def _band(self) -> tuple[Array, Array, Array]:
        return self.mean, self.lower, self.upper


def _ends(curve: InnerCurve) -> str:
    """Where an inner curve is lowest and highest."""
    low, high = int(np.argmin(curve.value)), int(np.argmax(curve.value))
    at = [str(v) if curve.kind == "category" else number(float(v)) for v in curve.x[[low, high]]]
    return f"from {signed(curve.value[low])} at {at[0]} to {signed(curve.value[high])} at {at[1]}"
