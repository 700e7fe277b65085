"""From the columns of a table to the attributes of a network."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from superpose.curves.axis import Axis
from superpose.estimators.schema import ColumnPlan, Schema
from superpose.estimators.shapes import Shape
from superpose.networks import Attribute

__all__ = ["attributes_of"]


NEAREST = 1e-9  # axis lengths; knots of a straight axis that are nearer count as one


def attributes_of(
    schema: Schema,
    x: NDArray[np.float64],
    weight: NDArray[np.float64],
    n_knots: int,
    shapes: Mapping[int, Shape] = MappingProxyType({}),
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
    shapes : mapping of int to Shape, default={}
        What is known of some curves. A convex or concave one gets a straight axis, on which its
        knots are where they would be, because a bend of the axis would be one of the curve.

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
    return [
        _attribute(plan, x[:, i], weight, n_knots, shapes.get(i, Shape(())))
        for i, plan in enumerate(schema.columns)
    ]


def _attribute(
    plan: ColumnPlan,
    x: NDArray[np.float64],
    weight: NDArray[np.float64],
    n_knots: int,
    shape: Shape,
) -> Attribute:
    if plan.kind == "category":
        return Attribute(plan.name, "category", None, plan.levels, plan.missing)
    known = ~np.isnan(x)
    if not known.any():  # nothing is known of the column: its curve is a constant
        x, weight, known = np.zeros(1), np.ones(1), np.ones(1, dtype=bool)
    axis = Axis.from_data(x[known], n_knots=n_knots, sample_weight=weight[known])
    if {"convex", "concave"} & {*shape.words}:
        axis = _straight(axis)
    return Attribute(plan.name, "number", axis, None, plan.missing, *shape)


def _straight(axis: Axis) -> Axis:
    """Return the axis that is linear in the units, with its knots at the same values."""
    if len(axis.points_x) < 2:
        return axis
    ends = axis.points_x[[0, -1]]
    linear = Axis(ends, np.array([0.0, 1.0]), axis.knots)
    knots = linear.to_axis(axis.from_axis(axis.knots))
    knots[0], knots[-1] = 0.0, 1.0
    apart = np.concatenate([[True], np.diff(knots) > NEAREST])
    apart[:-1] &= knots[:-1] < 1.0 - NEAREST
    return Axis(ends, linear.points_u, knots[apart])
