"""Packages that only some uses of sequences need, imported where they are used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from superpose.errors import MissingExtraError

__all__ = ["needed"]


def needed(package: str, purpose: str, extra: str) -> Any:
    """Import a package, or say how to get it."""
    try:
        return import_module(package)
    except ImportError as error:
        raise MissingExtraError(
            f"{purpose} needs the package {package}",
            f"found that it cannot be imported ({error})",
            f'pip install "superpose[{extra}]"',
        ) from error
