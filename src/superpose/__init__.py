"""Neural networks you can read: every learned part is a curve with a band.

Only the public list lives here. Names are imported when they are first used, so that
``import superpose`` costs nothing and touches nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from superpose.estimators import KSTClassifier, KSTRegressor

__version__ = "0.1.0"

__all__ = ["KSTClassifier", "KSTRegressor", "__version__"]

_HOME = {
    "KSTClassifier": "superpose.estimators",
    "KSTRegressor": "superpose.estimators",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'superpose' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(_HOME))
