"""What is known of the shape of a curve: reading the parameter `shapes` of an estimator."""

from __future__ import annotations

from typing import Any

from superpose.curves.spline_basis import checked_shape
from superpose.errors import InputError
from superpose.estimators.schema import Schema

__all__ = ["check_apart", "read_shapes"]

Shapes = dict[int, tuple[str, ...]]


def read_shapes(shapes: Any, schema: Schema, n_outputs: int = 1) -> Shapes:
    """Turn shapes by name or position of a column into shapes by position.

    Parameters
    ----------
    shapes : dict or None
        Such as ``{"age": "increasing", "dose": ("increasing", "concave")}``.
    schema : Schema
        The columns.
    n_outputs : int, default=1
        Curves an attribute has; with several a shape would be of none of them.

    Returns
    -------
    dict of int to tuple of str

    Raises
    ------
    InputError
        Where a column is unknown or no number, a word is no shape, or there are several outputs.

    Examples
    --------
    >>> from superpose.estimators.schema import ColumnPlan, Schema
    >>> from superpose.estimators.shapes import read_shapes
    >>> schema = Schema((ColumnPlan("dose", "number"),), named=True)
    >>> read_shapes({"dose": ["concave", "increasing"]}, schema)
    {0: ('increasing', 'concave')}
    """
    found: Shapes = {}
    for column, shape in (shapes or {}).items():
        place = _position(column, schema.names)
        if schema.columns[place].kind != "number":
            raise InputError(
                "a shape is of a number",
                f"found that {schema.names[place]!r} is a category",
                "turn its levels into numbers in their order, or leave it out of shapes",
            )
        if place in found:
            raise InputError(
                "every column may have one entry in shapes",
                f"found {schema.names[place]!r} by name and by position",
                "write both words in one entry, as in ('increasing', 'concave')",
            )
        found[place] = checked_shape(shape)
    if found and n_outputs > 1:
        raise InputError(
            "shapes need one curve an attribute: a number or two classes",
            f"found {n_outputs} classes, whose log-probabilities only differ and cannot all rise",
            "fit one class against the others, or leave shapes out",
        )
    return found


def check_apart(shapes: Shapes, pairs: Any, terms: Any, names: tuple[str, ...]) -> None:
    """Refuse a pair or term that was asked for and reads a column with a shape.

    Parameters
    ----------
    shapes : dict of int to tuple of str
        From `read_shapes`.
    pairs : "auto", int, or list of (int, int)
        From `superpose.estimators.matching.positions`.
    terms : "auto", int, or list of tuple of int
        From `superpose.estimators.matching.term_positions`.
    names : tuple of str
        The columns.

    Raises
    ------
    InputError
        Where a surface or a term could break a shape.
    """
    for word, asked in (("pair", pairs), ("term", terms)):
        for read in asked if isinstance(asked, list) else []:
            for place in read:
                if place in shapes:
                    raise InputError(
                        "a column with a shape is read by its main curve alone",
                        f"found the {word} {' × '.join(names[p] for p in read)!r}, "
                        f"and that {names[place]!r} is {' and '.join(shapes[place])}",
                        f"leave it out of {word}s, or out of shapes",
                    )


def _position(column: Any, names: tuple[str, ...]) -> int:
    if column in names:
        return names.index(column)
    if isinstance(column, int) and not isinstance(column, bool) and 0 <= column < len(names):
        return column
    shown = ", ".join(repr(name) for name in names[:8])
    raise InputError(
        f"shapes must name columns of the table: {shown}",
        f"found {column!r}",
        "correct the name, or give the position from 0",
    )
