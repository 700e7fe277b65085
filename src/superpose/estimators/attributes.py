"""From the columns of a table to the attributes of a network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from superpose.curves.axis import Axis
from superpose.estimators.schema import ColumnPlan, Schema
from superpose.networks import Attribute

__all__ = ["attributes_of"]


def attributes_of(
    schema: Schema, x: NDArray[np.float64], weight: NDArray[np.float64], n_knots: int
) -> list[Attribute]:
    """Describe each column to the network: its axis and knots, or its levels.

    Parameters
    ----------
    schema : Schema
        How the columns are read.
    x : ndarray of shape (n_rows, n_columns)
        The training rows, read by `schema`.
    weight : ndarray of shape (n_rows,)
        How many rows each row stands for.
    n_knots : int
        Control points of a curve at most; fewer where fewer distinct values are.

    Returns
    -------
    list of Attribute
        One a column, in order.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.estimators.attributes import attributes_of
    >>> from superpose.estimators.schema import ColumnPlan, Schema
    >>> schema = Schema((ColumnPlan("dose", "number"),), named=True)
    >>> dose = attributes_of(schema, np.array([[1.0], [2.0], [4.0]]), np.ones(3), 8)[0]
    >>> dose.name, dose.kind, len(dose.axis.knots)
    ('dose', 'number', 3)
    """
    return [_attribute(plan, x[:, i], weight, n_knots) for i, plan in enumerate(schema.columns)]


def _attribute(
    plan: ColumnPlan, x: NDArray[np.float64], weight: NDArray[np.float64], n_knots: int
) -> Attribute:
    if plan.kind == "category":
        return Attribute(plan.name, "category", None, plan.levels, plan.missing)
    known = ~np.isnan(x)
    if not known.any():  # nothing is known of the column: its curve is a constant
        x, weight, known = np.zeros(1), np.ones(1), np.ones(1, dtype=bool)
    axis = Axis.from_data(x[known], n_knots=n_knots, sample_weight=weight[known])
    return Attribute(plan.name, "number", axis, None, plan.missing)
