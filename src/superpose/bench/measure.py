"""One fit in a process of its own, so that its CPU-seconds and its memory are its own.

``python -m superpose.bench.measure JOB.json ANSWER.json`` reads what to fit and writes what it
cost and how good it is. `superpose.bench.process` starts it.
"""

from __future__ import annotations

import json
import math
import os
import resource
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from superpose.bench.registry import TABLES, BenchTable
from superpose.bench.rows import Fold, read_fold
from superpose.bench.scores import score_classes, score_numbers
from superpose.bench.sides import SIDES, Side

__all__ = ["measure"]

MEGABYTES = 1 / 1024 if sys.platform == "linux" else 1 / 1024**2
"""Units of ru_maxrss: kilobytes on Linux, bytes on macOS."""


def measure(job: dict[str, Any]) -> dict[str, Any]:
    """Fit one side on one fold of one table; only `fit` is timed.

    Parameters
    ----------
    job : dict
        ``data``, ``table``, ``fold``, ``folds``, ``most_rows``, ``side`` and ``time_limit``.

    Returns
    -------
    dict
        Losses on the rows left out, CPU and wall seconds and memory of the fit, parts to read.
    """
    table, side = TABLES[job["table"]], SIDES[job["side"]]
    fold = read_fold(Path(job["data"]), table, job["fold"], job["folds"], job["most_rows"])
    model = side.make(table.classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warm_up(side, table.classes)
        cost = fit(model, fold, job["time_limit"])
        scores = score(model, fold, table)
    sizes = {"train_rows": len(fold.X), "test_rows": len(fold.X_test), "columns": fold.X.shape[1]}
    return {**scores, **cost, **side.parts(model), **sizes, "target_sd": fold.sd}


def warm_up(side: Side, classes: int) -> None:
    """Import and compile what fits need: one short fit of a small table of the same kind."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=120), "b": rng.normal(size=120)})
    y = pd.Series(np.arange(120) % classes if classes else X["a"] * X["b"] + X["a"])
    X["c"] = np.where(rng.random(120) < 0.5, "low", "high")
    X.loc[::9, "b"] = np.nan
    side.make(classes, **side.brief).fit(X, y)


def fit(model: Any, fold: Fold, time_limit: float | None) -> dict[str, float]:
    """Fit, and say what it took; the operating system ends the process at the limit."""
    limit_cpu(time_limit)
    load, memory = os.getloadavg()[0], peak_memory()
    cpu, wall = cpu_seconds(), time.perf_counter()
    model.fit(fold.X, fold.y)
    cpu, wall = cpu_seconds() - cpu, time.perf_counter() - wall
    limit_cpu(None)
    return {
        "cpu_s": round(cpu, 3),
        "wall_s": round(wall, 3),
        "peak_mb": round(peak_memory(), 1),
        "peak_added_mb": round(peak_memory() - memory, 1),
        "load": round(load, 2),
    }


def score(model: Any, fold: Fold, table: BenchTable) -> dict[str, float]:
    """Losses on the rows left out; numbers that are none are an error, not a result."""
    if table.classes:
        found = score_classes(fold.y_test, model.predict_proba(fold.X_test), model.classes_)
    else:
        found = score_numbers(fold.y_test, model.predict(fold.X_test), fold.sd)
    if not all(math.isfinite(value) for value in found.values()):
        raise ValueError(f"its predictions give {found}")
    return found


def limit_cpu(seconds: float | None) -> None:
    """End this process once it has used so many more CPU-seconds; None lifts the limit."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    used = time.process_time()
    soft = hard if seconds is None else math.ceil(used + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def cpu_seconds() -> float:
    """CPU time of this process so far, all its threads, and of the children it waited for."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def peak_memory() -> float:
    """Megabytes that were resident at most in this process so far.

    On Linux ru_maxrss starts at what the process that started this one had, so that a large
    parent would hide a small fit; the same figure is read where it starts at nothing.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return float(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MEGABYTES


def one_thread() -> None:
    """Keep torch to one thread; what reads the environment has been told by who started this."""
    import torch

    torch.set_num_threads(1)


def main() -> None:
    """Read the job, fit, write the answer."""
    job, answer = (Path(name) for name in sys.argv[1:])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    asked = json.loads(job.read_text(encoding="utf-8"))
    if SIDES[asked["side"]].package == "superpose":
        one_thread()
    answer.write_text(json.dumps(measure(asked)), encoding="utf-8")


if __name__ == "__main__":
    main()
