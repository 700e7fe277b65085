"""Which curves the data do not ask for by themselves, and why that may be."""

from __future__ import annotations

from collections.abc import Mapping

from superpose.explain.curve import Curve
from superpose.explain.summary import TrainingSummary
from superpose.explain.text import number

__all__ = ["about_flat", "is_flat"]

_IMITATED, _STRONG = 0.8, 0.7


def is_flat(curve: Curve) -> bool:
    """Whether the band of a curve holds zero wherever there was data.

    Parameters
    ----------
    curve : Curve
        Of all its outputs.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.explain import Curve
    >>> from superpose.explain.flat import is_flat
    >>> x = np.array([0.0, 1.0, 2.0])
    >>> [is_flat(Curve("age", "number", x, x - 1, x - 1 - half, x - 1 + half, 0.95, "price"))
    ...  for half in (0.2, 1.5)]
    [False, True]
    """
    seen = curve.seen()
    if not seen.any():
        return True
    return bool(((curve.lower[seen] <= 0) & (curve.upper[seen] >= 0)).all())


def about_flat(curves: Mapping[str, Curve], summary: TrainingSummary) -> str:
    """Say once how many bands hold zero everywhere, and whether these curves share what they say.

    Curves share where a sum of the other parts could say four fifths of it or more (R² of the
    contributions, `PartSummary.concurvity`), as with attributes that move together.

    Parameters
    ----------
    curves : mapping of str to Curve
        Main curves by name.
    summary : TrainingSummary
        Of the same model.

    Returns
    -------
    str
        Nothing where every curve leaves zero somewhere.
    """
    flat = [name for name, curve in curves.items() if is_flat(curve) and not curve.notes]
    if not flat:
        return ""
    bands, hold = ("band", "holds") if len(flat) == 1 else ("bands", "hold")
    said = (
        f"The {bands} of {len(flat)} of {len(curves)} {_curves(len(curves))} {hold} zero "
        "everywhere: the data do not show that such a curve matters beyond the other parts."
    )
    imitated = {part.name for part in summary.parts if part.concurvity >= _IMITATED}
    shared = [name for name in flat if name in imitated]
    if not shared:
        return said
    return (
        f"{said} For {len(shared)} of them the others could say nearly the same{_because(summary)}:"
        " such curves share what they say, and each alone could be spared, but not all of them. "
        "Read them together."
    )


def _because(summary: TrainingSummary) -> str:
    """The attributes that move together most closely, as an example."""
    strong = [it for it in summary.correlated if abs(it.correlation) >= _STRONG]
    if not strong:
        return ""
    most = strong[0]
    return (
        f", because attributes move together ({most.first} and {most.second} with a rank "
        f"correlation of {number(most.correlation, 2)})"
    )


def _curves(count: int) -> str:
    return "curve" if count == 1 else "curves"
