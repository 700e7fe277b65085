"""The closed form of one curve of a layer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch

from superpose.curves import CurveFormula, Form, sight, simplest_form

if TYPE_CHECKING:
    from superpose.networks.kst_layer import LinkCurve


def link_formula(
    curve: LinkCurve,
    level: float = 0.95,
    *,
    noise: float | None = None,
    forms: Mapping[str, Form] | None = None,
) -> CurveFormula:
    """Return the simplest closed form inside the band of a curve, as `LinkCurve.formula`.

    The curve is compared at as many even places as it has knots on its support, at least 7: closer
    ones say the same again.
    """
    share = (curve.support[1] - curve.support[0]) / (2 * curve.spread)
    share = share if math.isfinite(share) else 1.0  # `sight` says what is wrong
    n_places = min(max(math.ceil(share * len(curve.heights)), 7), len(curve.heights))

    def values(x: np.ndarray) -> np.ndarray:
        return np.asarray(curve(torch.from_numpy(x)).numpy())

    def covariance(x: np.ndarray) -> np.ndarray:
        u = (torch.from_numpy(x) - curve.centre) / curve.spread
        rows = curve.basis.cardinal(u)
        left_open = curve.prior_variance * curve.basis.dense().conditional_variance(u)
        return np.asarray((rows @ curve.covariance @ rows.mT + left_open.diag()).numpy())  # type: ignore[operator]

    known = covariance if curve.covariance is not None else None
    seen = sight(values, curve.support, n_places, level=level, noise=noise, covariance=known)
    return simplest_form(seen, forms)
