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
from superpose.estimators.target import check_range, codes_of, read_offset, read_weight
from superpose.fitting.superposition.refit import refit_holding

__all__ = ["refitted"]

Floats = NDArray[np.float64]


def refitted(model: Any, x: Floats, y: Any, sample_weight: Any, offset: Any) -> Any:
    """Return a new model that learned from these rows what was not edited.

    Parameters
    ----------
    model : KSTClassifier or KSTRegressor
        Fitted.
    x : ndarray of shape (n_rows, n_columns)
        Rows as the network reads them.
    y : array-like of shape (n_rows,)
    sample_weight : array-like of shape (n_rows,) or None
    offset : array-like of shape (n_rows,) or (n_rows, n_outputs), or None
    """
    classes = getattr(model, "classes_", None)
    target = codes_of(y, len(x), type(model).__name__, classes)
    weight = read_weight(sample_weight, len(x))
    fit = model.fit_
    if classes is None:
        check_range(target, weight, fit.loss)
    known, width = read_offset(offset, len(x), fit.network.n_outputs), x.shape[1]
    merged, *rest = merge_rows(x if known is None else np.column_stack([x, known]), target, weight)
    learned, numbers = np.ascontiguousarray(merged[:, :width]), torch.from_numpy
    held = {edit.index for edit in fit.edits}
    given = None if known is None else numbers(np.ascontiguousarray(merged[:, width:]))
    found = refit_holding(fit, held, numbers(learned), numbers(rest[0]), numbers(rest[1]), given)
    if not found.converged:
        warnings.warn(
            f"the refit should have converged; a step could still gain {found.gradient:.2g} nats "
            f"after {found.iterations} steps; fix fewer parts, or fit anew",
            ConvergenceWarning,
            stacklevel=3,
        )
    new, name = copy.copy(model), model.target_name_
    names = () if classes is None else tuple(level_name(label) for label in classes)
    new.fit_ = found
    new.summary_ = reading.summarise(found, x, target, weight, name, names, None)
    if hasattr(new, "scatter_"):
        new.scatter_ = None  # no row was held out
    return new
