"""What is known of the shape of a curve: reading the parameter `shapes` of an estimator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from superpose.curves.spline_basis import checked_shape, opposite
from superpose.errors import InputError
from superpose.estimators.columns import level_name
from superpose.estimators.schema import Schema

__all__ = ["Shape", "check_apart", "read_shapes"]


class Shape(NamedTuple):
    """What is known of one main curve.

    Of several classes it is known of one, ``of[0]``: its log-odds against each other class have the
    shape. Those of ``of[1]``, if any, have the opposite one.

    Attributes
    ----------
    words : tuple of str
        In the order of `superpose.curves.SHAPES`.
    of : tuple of int
        Places of classes; empty for a number and for two classes.

    Examples
    --------
    >>> from superpose.estimators.shapes import Shape
    >>> Shape(("increasing",), (2,))
    Shape(words=('increasing',), of=(2,))
    """

    words: tuple[str, ...]
    of: tuple[int, ...] = ()


Shapes = dict[int, Shape]


def read_shapes(shapes: Any, schema: Schema, classes: tuple[str, ...] = ()) -> Shapes:
    """Turn shapes by name or position of a column into shapes by position.

    Parameters
    ----------
    shapes : dict or None
        Such as ``{"age": "increasing", "dose": ("increasing", "concave")}``; of classes, too,
        ``{"age": {"ill": "increasing"}}``.
    schema : Schema
        The columns.
    classes : tuple of str
        What the target can be; empty for a number.

    Returns
    -------
    dict of int to Shape
        Of two classes that of the log-odds of the second.

    Raises
    ------
    InputError
        Where a column is unknown or no number, a word is no shape, or a class is missing, unknown,
        or at odds with another.

    Examples
    --------
    >>> from superpose.estimators.schema import ColumnPlan, Schema
    >>> from superpose.estimators.shapes import read_shapes
    >>> schema = Schema((ColumnPlan("dose", "number"),), named=True)
    >>> read_shapes({"dose": ["concave", "increasing"]}, schema)
    {0: Shape(words=('increasing', 'concave'), of=())}
    >>> read_shapes({"dose": {"well": "increasing"}}, schema, ("ill", "sick", "well"))
    {0: Shape(words=('increasing',), of=(2,))}
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
        found[place] = _shape(shape, schema.names[place], classes)
    return found


def _shape(shape: Any, column: str, classes: tuple[str, ...]) -> Shape:
    if isinstance(shape, Mapping):
        return _of_classes(shape, column, classes)
    if len(classes) > 2:
        raise InputError(
            "with three classes or more a shape is of one of them",
            f"found {shape!r} for {column!r}, and the classes {_some(classes)}: their "
            "log-probabilities only differ and cannot all rise",
            f"name the class, as in {{{column!r}: {{{classes[-1]!r}: {shape!r}}}}}",
        )
    return Shape(checked_shape(shape))


def _of_classes(shape: Mapping[Any, Any], column: str, classes: tuple[str, ...]) -> Shape:
    named = {level_name(label): checked_shape(words) for label, words in shape.items()}
    if len(named) < len(shape):
        raise InputError(
            "a shape by class must name a class once",
            f"found {dict(shape)!r} for {column!r}, of which some are the same class",
            "name each class once, as the target does",
        )
    unknown = [label for label in named if label not in classes]
    if unknown or not named:
        raise InputError(
            f"a shape by class must name classes of the target: {_some(classes) or 'it has none'}",
            f"found {', '.join(map(repr, unknown)) or 'no class'} for {column!r}",
            "correct the names" if classes else "give the shape itself, as in 'increasing'",
        )
    words, *rest = named.values()
    if len(rest) > 1 or any(other != opposite(words) for other in rest):
        raise InputError(
            "one class of a column can have a shape, and a second one the opposite shape",
            f"found {dict(shape)!r} for {column!r}: log-odds that rise for one fall for the other",
            "name the class that matters most",
        )
    of = tuple(classes.index(label) for label in named)
    if len(classes) == 2:
        return Shape(words if of[0] == 1 else opposite(words))
    return Shape(words, of)


def check_apart(shapes: Shapes, pairs: Any, terms: Any, names: tuple[str, ...]) -> None:
    """Refuse a pair or term that was asked for and reads a column with a shape.

    Parameters
    ----------
    shapes : dict of int to Shape
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
                        f"and that {names[place]!r} is {' and '.join(shapes[place].words)}",
                        f"leave it out of {word}s, or out of shapes",
                    )


def _position(column: Any, names: tuple[str, ...]) -> int:
    if column in names:
        return names.index(column)
    if isinstance(column, int) and not isinstance(column, bool) and 0 <= column < len(names):
        return column
    raise InputError(
        f"shapes must name columns of the table: {_some(names)}",
        f"found {column!r}",
        "correct the name, or give the position from 0",
    )


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(repr(name) for name in names[:8])
