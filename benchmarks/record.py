"""What every benchmark shares: the clock, the machine it ran on, and the file of its answer."""

from __future__ import annotations

import json
import os
import platform
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "pandas", "interpret-core")


def cpu_seconds() -> float:
    """CPU time of this process so far, all its threads, and of the children it waited for."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


class Stopwatch:
    """CPU and wall seconds of a block: ``with Stopwatch() as watch: ...``."""

    def __enter__(self) -> Stopwatch:
        self._cpu, self._wall = cpu_seconds(), time.perf_counter()
        return self

    def __exit__(self, *error: object) -> None:
        self.cpu = cpu_seconds() - self._cpu
        self.wall = time.perf_counter() - self._wall


def limit_threads(count: int) -> None:
    """At most so many threads in torch; what reads OMP_NUM_THREADS has read it by now."""
    import torch

    torch.set_num_threads(count)


def surroundings() -> dict[str, Any]:
    """When and on what this ran: date, revision, versions, processor, threads."""
    import torch

    import superpose
    from superpose.bench.surroundings import processor, revision_of, version_of

    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "superpose": superpose.__version__,
        "revision": revision_of(__file__),
        "python": platform.python_version(),
        "packages": {name: version_of(name) for name in PACKAGES},
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load_at_start": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def write_json(answer: dict[str, Any], path: Path) -> None:
    """Write the whole file or leave the old one, so that a run that dies leaves what it had."""
    from superpose.atomic import written_whole

    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as draft:
        draft.write_text(json.dumps(answer, indent=1) + "\n", encoding="utf-8")
