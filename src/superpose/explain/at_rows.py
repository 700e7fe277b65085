"""One attribute's main curve of any model, at values that another model may have coded otherwise.

Two fits of one table may know different levels, in another order, and different axes. So values
travel as a person knows them: numbers in units, levels by name, NaN or None for missing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from superpose.explain.grids import rows_at
from superpose.explain.parts import encode, evaluate, parts_of

__all__ = ["curve_at", "original"]

Array = NDArray[np.float64]


def original(model: Any, position: int, values: NDArray[Any]) -> NDArray[Any]:
    """Values of an attribute as a person knows them, from codes; names and numbers stay.

    Parameters
    ----------
    model : fitted estimator
    position : int
        The attribute.
    values : array [G]
    """
    plan = model.schema_.columns[position]
    if plan.kind == "number" or np.asarray(values).dtype == object:
        return values
    named = np.asarray([*plan.levels, None], dtype=object)  # -1, never seen, is read as missing
    return named[np.where(np.isnan(values) | (values < 0), len(plan.levels), values).astype(int)]


def curve_at(model: Any, position: int, values: NDArray[Any]) -> tuple[Array, Array]:
    """The main curve of an attribute and its standard deviation, [G, K] each.

    NaN where the model has no such level, or never saw a missing value.

    Parameters
    ----------
    model : fitted estimator
    position : int
        The attribute.
    values : array [G]
        Numbers in units, or names of levels.
    """
    fit, plan = model.fit_, model.schema_.columns[position]
    index = next(
        i
        for i, it in enumerate(parts_of(fit))
        if it.kind == "curve" and it.attributes[0] == position
    )
    codes, known = np.asarray(values), np.ones(len(values), dtype=bool)
    if plan.kind == "category":
        missing = np.array([value is None for value in codes])
        codes = plan.codes(tuple(str(value) for value in codes))
        known = codes >= 0
        codes[missing], known[missing] = np.nan, plan.missing
    else:
        known = ~np.isnan(codes.astype(np.float64)) | plan.missing
    rows = rows_at({position: codes.astype(np.float64)}, len(fit.network.attributes))
    mean, sd = evaluate(fit, index, encode(fit, rows))
    mean[~known], sd[~known] = np.nan, np.nan
    return mean, sd
