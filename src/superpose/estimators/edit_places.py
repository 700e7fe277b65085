"""Places and heights that a person wrote down for a main curve, read and checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from superpose.errors import InputError
from superpose.networks import MainCurve, Superposition

__all__ = ["Heights", "read_heights"]


@dataclass(frozen=True, eq=False)
class Heights:
    """What is to be set.

    Attributes
    ----------
    by_row : dict of int to Tensor [K]
        Heights of levels, or of missing values, by their place among the heights of the curve.
    places, values : Tensor [P], Tensor [K, P]
        A stretch of a number that is drawn by hand; empty without.
    what : str
        Which places these are, in words.
    """

    by_row: dict[int, torch.Tensor]
    places: torch.Tensor
    values: torch.Tensor
    what: str


def read_heights(written: Mapping[Any, Any], part: MainCurve, network: Superposition) -> Heights:
    """Read what a person wrote down for a main curve.

    Parameters
    ----------
    written : dict of place to height
        As `PartEditor.set` documents it.
    part : MainCurve
    network : Superposition
        That holds it.

    Raises
    ------
    InputError
        Where a place or a height makes no sense for this curve.
    """
    if not written:
        raise InputError(
            "set needs places and heights", "found none", "write set({40: 0.2, 60: 0.5})"
        )
    attribute = network.attributes[part.attributes[0]]
    known = {place: height for place, height in written.items() if not _is_missing(place)}
    by_row = {
        _row(place, part, attribute): _height(place, height, part, network)
        for place, height in written.items()
        if attribute.kind == "category" or _is_missing(place)
    }
    said = ["where missing"] if len(known) < len(written) else []
    places, values = torch.zeros(0).double(), torch.zeros(network.n_outputs, 0).double()
    if known and attribute.kind == "number":
        at = _increasing(known, attribute.name)
        places = torch.tensor([place for place, _ in at]).double()
        values = torch.stack([_height(it, height, part, network) for it, height in at], 1)
        said.insert(0, f"from {at[0][0]:g} to {at[-1][0]:g}")
    elif known:
        said.insert(0, "at " + ", ".join(str(place) for place in known))
    return Heights(by_row, places, values, " and ".join(said))


def _is_missing(place: Any) -> bool:
    return place is None or (isinstance(place, float) and math.isnan(place))


def _row(place: Any, part: MainCurve, attribute: Any) -> int:
    """Which height belongs to a level, or to a missing value."""
    if not _is_missing(place):
        return _code(place, attribute)
    if part.basis.missing:
        return part.basis.n_heights - 1
    raise InputError(
        f"missing values of {attribute.name!r} must have a height of their own to be set",
        "none were missing in fit, so they contribute 0",
        "leave None out",
    )


def _code(place: Any, attribute: Any) -> int:
    if str(place) in attribute.levels:
        return int(attribute.levels.index(str(place)))
    raise InputError(
        f"a level of {attribute.name!r} must be one of {', '.join(attribute.levels[:8])}",
        f"found {place!r}",
        "correct the name; None stands for a missing value",
    )


def _increasing(known: dict[Any, Any], name: str) -> list[tuple[float, Any]]:
    try:
        at = {float(place): height for place, height in known.items()}
    except (TypeError, ValueError):
        at = {}
    if len(at) < 2 or not all(math.isfinite(place) for place in at):
        raise InputError(
            f"{name!r} is a number: it is set between two finite values or more",
            f"found {sorted(known, key=str)}",
            "for the single whole number 2 write {1.5: 0.3, 2.5: 0.3}",
        )
    return sorted(at.items(), key=lambda item: item[0])


def _height(place: Any, height: Any, part: MainCurve, network: Superposition) -> torch.Tensor:
    """One height for each output, [K]; the present one for None."""
    if height is None:
        return _present(place, part, network)
    count = network.n_outputs
    try:
        values = np.asarray(height, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        values = np.zeros(0)
    if len(values) != count or not np.isfinite(values).all():
        raise InputError(
            "a height must be one finite number" + (f" for each of {count} classes" * (count > 1)),
            f"found {height!r} at {place!r}",
            "give contributions on the link scale",
        )
    return torch.from_numpy(values)


def _present(place: Any, part: MainCurve, network: Superposition) -> torch.Tensor:
    p = part.attributes[0]
    attribute = network.attributes[p]
    if _is_missing(place):
        value = math.nan
    else:
        value = _code(place, attribute) if attribute.kind == "category" else float(place)
    row = torch.full((1, len(network.attributes)), math.nan, dtype=torch.float64)
    row[0, p] = value
    with torch.no_grad():
        return part(network.encode(row))[0]
