"""Packages that only some readings of a network need, imported where they are used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from superpose.errors import MissingExtraError

__all__ = ["sympy_package"]


def sympy_package() -> Any:
    """Import sympy, or say how to get it."""
    try:
        return import_module("sympy")
    except ImportError as error:
        raise MissingExtraError(
            "formulas need the package sympy",
            f"found that it cannot be imported ({error})",
            'pip install "superpose[formulas]"',
        ) from error
