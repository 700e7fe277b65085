"""What a curve, a surface or a term says, in one or two plain sentences with numbers and units."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from superpose.explain import Curve, Surface, Term
from superpose.explain.flat import is_flat
from superpose.explain.text import probability
from superpose.report.chart_curve import columns_of
from superpose.report.numbers import number, signed

__all__ = ["about_curve", "about_surface", "about_term", "join_words", "percent"]

Array = NDArray[np.float64]

_UP, _DOWN = "that multiplies {} by", "that divides {} by"
_BETWEEN = "going from the one to the other changes {} by a factor of"
_ODDS, _LOG = "log-odds of ", "log of "


def about_curve(curve: Curve, labels: tuple[str, ...]) -> str:
    """Say where a main curve rises, falls, is lowest and highest.

    Parameters
    ----------
    curve : Curve
    labels : tuple of K str
        Short names of the outputs.
    """
    mean, _, _ = columns_of(curve)
    k = int(np.argmax(np.ptp(mean[curve.seen()], axis=0))) if curve.seen().any() else 0
    said = [_levels(curve, k) if curve.kind == "category" else _line(curve, k)]
    if mean.shape[1] > 1:
        said.insert(0, f"It moves {labels[k]} the most.")
    if curve.shape:
        said.append(f"The fit was told that it is {curve.told}.")
    if is_flat(curve) and not curve.notes:
        said.append("The band holds zero everywhere.")
    if curve.no_effect is not None:
        said.append(
            "If it had no effect, evidence as strong as this would turn up with a probability of "
            f"{probability(curve.no_effect)}."
        )
    if curve.missing is not None:
        m = curve.missing
        values = [float(np.atleast_1d(a)[k]) for a in (m.mean, m.lower, m.upper)]
        said.append(f"A missing value adds {_with_band(*values)}.")
    said += [f"By hand: {note.rstrip('.')}." for note in curve.notes]
    if curve.by_hand is not None:
        where = "Where there is no band" + ", in orange," * (curve.kind == "number")
        said.append(f"{where} a person said so, not the data.")
    return " ".join(s for s in said if s)


def _line(curve: Curve, k: int) -> str:
    x, mean = _middle(curve, k)
    if len(x) < 2:
        return f"All rows have the same {curve.name}."
    start, stop = float(mean[0]), float(mean[-1])
    unit, moved = _unit(curve, k), float(np.abs(np.diff(mean)).sum())
    if moved == 0:
        return f"It adds {signed(start)} to the {unit}, whatever {curve.name} is."
    if abs(stop - start) >= 0.9 * moved:
        way = "up" if stop > start else "down"
        return (
            f"Raising {curve.name} from {number(float(x[0]))} to {number(float(x[-1]))} moves "
            f"what it adds to the {unit} from {signed(start)} to {signed(stop)}, {way} by "
            f"{number(abs(stop - start))}"
            f"{_factor(curve, stop - start, _UP if stop > start else _DOWN)}."
        )
    low, high = int(np.argmin(mean)), int(np.argmax(mean))
    return (
        f"It adds the least to the {unit}, {signed(float(mean[low]))}, at "
        f"{number(float(x[low]))} and the most, {signed(float(mean[high]))}, at "
        f"{number(float(x[high]))}{_factor(curve, float(mean[high] - mean[low]), _BETWEEN)}."
    )


def _middle(curve: Curve, k: int) -> tuple[Array, Array]:
    """The curve where the middle 90 % of the rows are."""
    mean, _, _ = columns_of(curve)
    inside = curve.seen()
    if curve.support is not None and curve.support.quantiles:
        low, high = curve.support.quantiles[2], curve.support.quantiles[-3]
        middle = inside & (curve.x >= low) & (curve.x <= high)
        inside = middle if middle.sum() > 1 else inside
    return curve.x[inside].astype(np.float64), mean[inside, k]


def _levels(curve: Curve, k: int) -> str:
    mean, lower, upper = (a[:, k] for a in columns_of(curve))
    seen = np.flatnonzero(curve.seen())
    if not len(seen):
        return ""
    low, high = seen[np.argmin(mean[seen])], seen[np.argmax(mean[seen])]
    if low == high:
        return f"Only {curve.x[low]} was seen."
    bands = [_with_band(float(mean[i]), float(lower[i]), float(upper[i])) for i in (high, low)]
    return (
        f"The level {curve.x[high]} adds the most to the {_unit(curve, k)}, {bands[0]}, and "
        f"{curve.x[low]} the least, "
        f"{bands[1]}{_factor(curve, float(mean[high] - mean[low]), _BETWEEN)}."
    )


def _with_band(mean: float, lower: float, upper: float) -> str:
    if lower == upper:
        return signed(mean)
    return f"{signed(mean)} (between {signed(lower)} and {signed(upper)})"


def _unit(curve: Curve, k: int) -> str:
    return curve.units if isinstance(curve.units, str) else curve.units[k]


def _factor(curve: Curve, change: float, words: str) -> str:
    """What a change of a logarithm does to the odds, or to the target; nothing on other scales."""
    if not isinstance(curve.units, str) or not curve.units.startswith((_ODDS, _LOG)):
        return ""
    odds = curve.units.startswith(_ODDS)
    what = "the odds" if odds else curve.units.removeprefix(_LOG)
    if abs(change) > 12:
        return f"; {what} {'change' if odds else 'changes'} more than a hundred-thousandfold"
    return f"; {words.format(what)} {number(math.exp(abs(change)), 2)}"


def about_surface(surface: Surface) -> str:
    """Say where a pair adds the most and the least, within the data."""
    mean = surface.mean.reshape(*surface.mean.shape[:2], -1)
    k = int(np.argmax(np.abs(mean).max(axis=(0, 1))))
    z = np.where(surface.seen(), mean[..., k], np.nan)
    if np.isnan(z).all():
        return ""
    spots = [np.unravel_index(int(pick(z)), z.shape) for pick in (np.nanargmax, np.nanargmin)]
    first, second = surface.attributes
    said = [
        f"{signed(float(z[i, j]))} where {first} is {_value(surface.x[i])} and {second} is "
        f"{_value(surface.y[j])}"
        for i, j in spots
    ]
    unit = surface.units if isinstance(surface.units, str) else surface.units[k]
    return (
        f"Beyond the two main curves, the pair adds up to {said[0]}, and down to {said[1]}, to the "
        f"{unit}."
    )


def about_term(term: Term) -> str:
    """Say what a term reads and where its outer curve is highest and lowest."""
    mean = term.mean.reshape(len(term.h), -1)
    k = int(np.argmax(np.ptp(mean, axis=0)))
    low, high = int(np.argmin(mean[:, k])), int(np.argmax(mean[:, k]))
    unit = term.units if isinstance(term.units, str) else term.units[k]
    return (
        f"It reads {join_words(list(term.attributes))}. Look up what each adds to the inner sum, "
        "add these up, and look up the sum in the last chart: the term adds the most to the "
        f"{unit}, {signed(float(mean[high, k]))}, at a sum of {number(float(term.h[high]))} and "
        f"the least, {signed(float(mean[low, k]))}, at {number(float(term.h[low]))}."
    )


def join_words(words: list[str]) -> str:
    """A list as it is spoken.

    Examples
    --------
    >>> join_words(["a"]), join_words(["a", "b"]), join_words(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def percent(share: float) -> str:
    """A share as a percentage.

    Examples
    --------
    >>> percent(0.1234), percent(0.00012), percent(1)
    ('12.3 %', '0.012 %', '100 %')
    """
    return f"{number(100 * share)} %"


def _value(value: object) -> str:
    return value if isinstance(value, str) else number(float(value))  # type: ignore[arg-type]
