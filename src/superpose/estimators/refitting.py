"""Learning a fitted model again on a table, with what was edited held."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from superpose.errors import ConvergenceWarning
from superpose.estimators import reading
from superpose.estimators.columns import level_name
from superpose.estimators.rows import merge_rows
from superpose.estimators.target import codes_of, read_weight
from superpose.fitting.refit import refit_holding

__all__ = ["refitted"]

Floats = NDArray[np.float64]


def refitted(model: Any, x: Floats, y: Any, sample_weight: Any) -> Any:
    """Return a new model that learned from these rows what was not edited.

    Parameters
    ----------
    model : KSTClassifier or KSTRegressor
        Fitted.
    x : ndarray of shape (n_rows, n_columns)
        Rows as the network reads them.
    y : array-like of shape (n_rows,)
    sample_weight : array-like of shape (n_rows,) or None
    """
    classes = getattr(model, "classes_", None)
    target = codes_of(y, len(x), type(model).__name__, classes)
    weight = read_weight(sample_weight, len(x))
    fit = model.fit_
    merged, of_merged, counts = merge_rows(x, target, weight)
    new = copy.copy(model)
    held = {edit.index for edit in fit.edits}
    found = refit_holding(
        fit, held, *(torch.from_numpy(values) for values in (merged, of_merged, counts))
    )
    if not found.converged:
        warnings.warn(
            f"the refit should have converged to 1e-3 nats; {found.gradient:.2g} nats were left "
            f"after {found.iterations} steps; fix fewer parts, or fit anew",
            ConvergenceWarning,
            stacklevel=3,
        )
    names = () if classes is None else tuple(level_name(label) for label in classes)
    new.fit_ = found
    new.summary_ = reading.summarise(
        found,
        x,
        target,
        weight,
        model.target_name_,
        names,
        None,
    )
    return new
