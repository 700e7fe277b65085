"""Packages that only an export needs, imported where they are used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from superpose.errors import MissingExtraError

__all__ = ["onnx_package"]


def onnx_package() -> Any:
    """Import onnx, or say how to get it."""
    try:
        import_module("onnx.helper")
        return import_module("onnx")
    except ImportError as error:
        raise MissingExtraError(
            "export to ONNX needs the package onnx",
            f"found that it cannot be imported ({error})",
            'pip install "superpose[onnx]"',
        ) from error
