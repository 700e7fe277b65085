"""Cells as a run writes them, with made numbers."""

from __future__ import annotations

from typing import Any


def cell(table: str, side: str, loss: float = 0.5, cpu: float = 1.0, **more: Any) -> dict[str, Any]:
    """A cell that was measured on the first fold."""
    made = {"table": table, "fold": 0, "side": side, "status": "measured", "reason": None}
    return {**made, "loss": loss, "cpu_s": cpu, "load": 0.1, **more}


def stopped(table: str, side: str, fold: int = 0) -> dict[str, Any]:
    """A fit that passed the limit."""
    where = {"table": table, "fold": fold, "side": side, "time_limit": 9.0}
    return {**where, "status": "over the limit", "reason": "more than 9 CPU-seconds"}


def refused(table: str, side: str) -> dict[str, Any]:
    """A fit that a side cannot make."""
    return {"table": table, "fold": 0, "side": side, "status": "not run", "reason": "no model"}
