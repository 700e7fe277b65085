"""What a side of the comparison is: a library at its defaults, and how its parts are counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from superpose.bench.registry import BenchTable

__all__ = ["Side"]


def _nothing_to_read(model: Any) -> dict[str, int]:
    """Count nothing: there are no curves."""
    return {}


def _takes_all(table: BenchTable) -> str | None:
    """Refuse no table."""
    return None


@dataclass(frozen=True)
class Side:
    """One library with one setting.

    Parameters
    ----------
    name : str
        Its name in options and results.
    package, module : str
        What is installed and what is imported.
    make : callable
        ``make(classes)`` is an unfitted model; settings may be passed on by name.
    says : str
        How it is used, in a few words.
    parts : callable
        ``parts(model)`` counts what a reader looks at: ``curves`` (surfaces included), ``pairs``
        and ``terms`` where there are such.
    brief : dict
        Settings with which a fit is short; they serve to import and compile what fits need.
    refuses : callable
        ``refuses(table)`` says why a table cannot be fitted; None where it can.
    """

    name: str
    package: str
    module: str
    make: Callable[..., Any]
    says: str
    parts: Callable[[Any], dict[str, int]] = _nothing_to_read
    brief: dict[str, Any] = field(default_factory=dict)
    refuses: Callable[[BenchTable], str | None] = _takes_all

    def why_not(self, table: BenchTable) -> str | None:
        """Say why a table cannot be fitted here; None where it can."""
        if find_spec(self.module) is None:
            return f"{self.package} is not installed"
        return self.refuses(table)
