"""Packages that only some parts need, imported where they are used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from superpose.errors import MissingExtraError

__all__ = ["optional_package"]


def optional_package(name: str, purpose: str, install: str) -> Any:
    """Import a package, or say what needs it and how to get it.

    Parameters
    ----------
    name : str
        As it is imported; of ``"onnx.helper"`` both are imported and onnx comes back.
    purpose : str
        What needs it, the beginning of a sentence: "formulas need".
    install : str
        What to give to pip: "superpose[formulas]".

    Raises
    ------
    MissingExtraError
        If it cannot be imported.

    Examples
    --------
    >>> from superpose.optional import optional_package
    >>> optional_package("no_such_package", "formulas need", "superpose[formulas]")
    Traceback (most recent call last):
    ...
    superpose.errors.MissingExtraError: formulas need the package no_such_package; found ...
    """
    package = name.partition(".")[0]
    try:
        import_module(name)
        return import_module(package)
    except ImportError as error:
        raise MissingExtraError(
            f"{purpose} the package {package}",
            f"found that it cannot be imported ({error})",
            f'pip install "{install}"',
        ) from error
