"""Errors and warnings; every message says what must hold, what was found, and what to do."""

from __future__ import annotations

__all__ = [
    "ConvergenceWarning",
    "InputError",
    "MissingExtraError",
    "ModelFileError",
    "StoppedWarning",
    "SuperposeError",
]


class SuperposeError(Exception):
    """Base of every error this library raises on purpose.

    Parameters
    ----------
    must : str
        What must hold, naming the parameter or the column.
    found : str
        What was found instead, with the value.
    do : str
        What the reader of the message can do about it.

    Attributes
    ----------
    must, found, do : str
        The three parts, as given.

    Examples
    --------
    >>> from superpose.errors import SuperposeError
    >>> print(SuperposeError("knots must be at least 2", "got knots=1", "pass 2 or more"))
    knots must be at least 2; got knots=1; pass 2 or more
    """

    def __init__(self, must: str, found: str, do: str) -> None:
        super().__init__(must, found, do)
        self.must = must
        self.found = found
        self.do = do

    def __str__(self) -> str:
        return f"{self.must}; {self.found}; {self.do}"


class InputError(SuperposeError, ValueError):
    """A table, a column or a parameter that the library cannot work with.

    It is a ``ValueError`` too, so code written for scikit-learn catches it.

    Examples
    --------
    >>> from superpose.errors import InputError
    >>> try:
    ...     raise InputError("y must hold two classes or more", "got one class, 'yes'", "add rows")
    ... except ValueError as error:
    ...     print(error)
    y must hold two classes or more; got one class, 'yes'; add rows
    """


class ModelFileError(SuperposeError, ValueError):
    """A model file that is damaged, foreign, or written by a version this one cannot read.

    Examples
    --------
    >>> from superpose.errors import ModelFileError
    >>> print(ModelFileError("a model file starts with a header", "got 0 bytes", "save it again"))
    a model file starts with a header; got 0 bytes; save it again
    """


class MissingExtraError(SuperposeError, ImportError):
    """An optional package that is not installed; the message names the extra that brings it.

    Examples
    --------
    >>> from superpose.errors import MissingExtraError
    >>> print(MissingExtraError("export needs onnx", "it is not installed", "install superpose[x]"))
    export needs onnx; it is not installed; install superpose[x]
    """


class ConvergenceWarning(UserWarning):
    """A fit that stopped before its gradient was small; the message gives its size and a remedy."""


class StoppedWarning(ConvergenceWarning):
    """A fit that its time limit or an interrupt ended; the message says what was left undone."""
