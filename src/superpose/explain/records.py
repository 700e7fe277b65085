"""Frozen records out of plain words and numbers of which nothing is taken on trust."""

from __future__ import annotations

import dataclasses
from numbers import Integral, Real
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin

__all__ = ["checked_record", "is_of"]

Record = TypeVar("Record")


def checked_record(kind: type[Record], words: dict[str, Any]) -> Record:
    """Build a record, if every one of its fields has the type that it says.

    Parameters
    ----------
    kind : type
        A dataclass in a module whose annotations are types, so that nothing is evaluated.
    words : dict
        Its fields by name; tuples, not lists.

    Raises
    ------
    TypeError
        Where a field is unknown, lacking, or of another type.

    Examples
    --------
    >>> from superpose.explain.records import checked_record
    >>> from superpose.explain.summary import Association
    >>> checked_record(Association, {"first": "age", "second": "bmi", "correlation": 0.6})
    Association(first='age', second='bmi', correlation=0.6)
    >>> checked_record(Association, {"first": "age", "second": "bmi", "correlation": "high"})
    Traceback (most recent call last):
    TypeError: correlation of Association must be float, found 'high'
    """
    record = kind(**words)
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        value = getattr(record, field.name)
        if not is_of(value, field.type):
            said = getattr(field.type, "__name__", field.type)
            found = repr(value)[:40]
            raise TypeError(f"{field.name} of {kind.__name__} must be {said}, found {found}")
    return record


def is_of(value: Any, hint: Any) -> bool:
    """Whether a value has a type such as ``float``, ``int | None`` or ``tuple[float, ...]``.

    Whole numbers count as floats where they fit into one, and truths as no numbers.

    Examples
    --------
    >>> from superpose.explain.records import is_of
    >>> is_of((1, 2.5), tuple[float, ...]), is_of((1, 2.5), tuple[int, int]), is_of(True, int)
    (True, False, False)
    """
    if get_origin(hint) is UnionType:
        return any(is_of(value, it) for it in get_args(hint))
    if get_origin(hint) is tuple:
        kinds = get_args(hint)
        if not isinstance(value, tuple):
            return False
        if len(kinds) == 2 and kinds[1] is Ellipsis:
            return all(is_of(it, kinds[0]) for it in value)
        return len(value) == len(kinds) and all(map(is_of, value, kinds))
    if hint in (float, int):
        number = isinstance(value, Real if hint is float else Integral)
        return number and not isinstance(value, bool) and _fits(value)
    return isinstance(value, hint)


def _fits(number: Any) -> bool:
    try:
        float(number)
    except OverflowError:
        return False
    return True
