"""Start a fresh process for one fit, and turn however it ends into a cell of the results."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from superpose import __version__
from superpose.bench.surroundings import processor, revision_of, version_of

__all__ = ["measure_apart"]

ONE_THREAD = {
    f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA")
}

Cell = dict[str, Any]


def measure_apart(job: dict[str, Any], package: str) -> Cell:
    """Fit in a fresh process on one thread.

    Parameters
    ----------
    job : dict
        What `superpose.bench.measure.measure` takes.
    package : str
        Whose version is recorded.

    Returns
    -------
    dict
        One cell: which fit it is, its ``status`` ("measured", "over the limit" or "failed") with
        a ``reason``, what was measured, and the versions and the machine it was measured with.
    """
    key = {name: value for name, value in job.items() if name != "data"}
    with tempfile.TemporaryDirectory() as folder:
        asked, answer = Path(folder, "job.json"), Path(folder, "answer.json")
        asked.write_text(json.dumps(job), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-P", "-m", "superpose.bench.measure", str(asked), str(answer)],
            env=_environment(),
            capture_output=True,
            text=True,
        )
        found = json.loads(answer.read_text(encoding="utf-8")) if answer.exists() else {}
    return {**key, **_status(done, job["time_limit"], found), **found, **_surroundings(package)}


def _environment() -> dict[str, str]:
    """One thread a library, and the superpose that runs here before any other."""
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, **ONE_THREAD, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _status(done: Any, time_limit: float | None, found: Cell) -> dict[str, str | None]:
    if done.returncode == 0 and found:
        return {"status": "measured", "reason": None}
    if done.returncode == -signal.SIGXCPU:
        return {"status": "over the limit", "reason": f"more than {time_limit:g} CPU-seconds"}
    if done.returncode < 0:
        return {"status": "failed", "reason": f"ended by {signal.Signals(-done.returncode).name}"}
    return {"status": "failed", "reason": _message(done.stderr) or f"code {done.returncode}"}


def _message(stderr: str) -> str:
    """What stands below the last line of a traceback, on one line."""
    lines = stderr.strip().splitlines()
    last = max((i for i, line in enumerate(lines) if line.startswith("  ")), default=-1)
    return " ".join(lines[last + 1 :])[:300]


def _surroundings(package: str) -> Cell:
    names = ("numpy", "scipy", "pandas", "scikit-learn")
    return {
        "package": package,
        "version": __version__ if package == "superpose" else version_of(package),
        "superpose": __version__,
        "revision": revision_of(__file__),
        "versions": {"python": platform.python_version(), **{n: version_of(n) for n in names}},
        "processor": processor(),
        "cores": os.cpu_count(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
