"""What the commands found, as JSON for other programs."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

from superpose.cli.study import Study

__all__ = ["model_to_dict", "print_json", "study_to_dict"]


def print_json(found: Any, indent: int | None = 2) -> None:
    """Print JSON to the standard output; numbers that are none become null."""
    print(json.dumps(_plain(found), indent=indent, ensure_ascii=False, allow_nan=False))


def study_to_dict(done: Study) -> dict[str, Any]:
    """Everything that `superpose fit` prints, and the curves in numbers."""
    return {
        "task": done.task,
        "reason": done.reason,
        "seconds": round(done.seconds, 3),
        **model_to_dict(done.model),
        "notes": done.notes,
        "files": {kind.lower(): path for kind, path in done.files.items()},
    }


def model_to_dict(model: Any) -> dict[str, Any]:
    """What a model remembers and what it learned."""
    summary = model.summary_
    held_out = None if summary.held_out is None else dataclasses.asdict(summary.held_out)
    return {
        "target": summary.target,
        "classes": list(summary.classes),
        "rows": summary.rows,
        "stopped": None if model.stopped_ is None else str(model.stopped_),
        "attributes": list(model.schema_.names),
        "unread": model.unread_,
        "held_out": held_out,
        "dial": [dataclasses.asdict(step) for step in model.complexity_path_],
        "importances": [dataclasses.asdict(part) for part in model.importances_],
        "curves": {name: curve.to_dict() for name, curve in model.curves_.items()},
    }


def _plain(found: Any) -> Any:
    if isinstance(found, dict):
        return {str(key): _plain(value) for key, value in found.items()}
    if isinstance(found, (list, tuple)):
        return [_plain(value) for value in found]
    if isinstance(found, float) and not math.isfinite(found):
        return None
    return found
