"""What every benchmark shares: the clock, the machine it ran on, and the file of its answer."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
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

    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "superpose": superpose.__version__,
        "revision": _revision(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load_at_start": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def write_json(answer: dict[str, Any], path: Path) -> None:
    """Write the whole file or leave the old one, so that a run that dies leaves what it had."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(answer, indent=1) + "\n", encoding="utf-8")
    part.replace(path)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _revision() -> str | None:
    """The commit that was measured; ends in "-dirty" where files had been changed since."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
    try:
        folder = Path(__file__).parent
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
