"""A fit in a process of its own: what it costs is its own, and however it ends is recorded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from superpose.bench import process
from superpose.bench.process import measure_apart

SOURCE = Path(process.__file__).parents[2]

JOB = {"table": "mcycle", "fold": 1, "folds": 5, "most_rows": None, "time_limit": 60.0}


def python(code: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    x = np.linspace(0, 3, 90)
    pd.DataFrame({"x": x, "accel": np.sin(x)}).to_csv(tmp_path / "mcycle.csv", index=False)
    return tmp_path


@pytest.mark.slow
def test_a_fit_says_what_it_is_what_it_found_and_what_it_took(folder: Path) -> None:
    cell = measure_apart({**JOB, "side": "splines", "data": str(folder)}, "scikit-learn")
    assert (cell["status"], cell["reason"]) == ("measured", None)
    assert (cell["table"], cell["fold"], cell["side"]) == ("mcycle", 1, "splines")
    assert (cell["train_rows"], cell["test_rows"], cell["curves"]) == (72, 18, 1)
    assert cell["loss"] < 0.2
    assert 0 < cell["cpu_s"] < 1
    assert 30 < cell["peak_mb"] < 1_000
    assert 0 <= cell["peak_added_mb"] < 50
    assert cell["version"] == cell["versions"]["scikit-learn"]
    assert "data" not in cell  # a path of one machine is no result


@pytest.mark.slow
def test_a_fit_that_fails_is_recorded_with_its_last_line(folder: Path) -> None:
    (folder / "mcycle.csv").write_text("x,speed\n1,2\n")
    cell = measure_apart({**JOB, "side": "splines", "data": str(folder)}, "scikit-learn")
    assert cell["status"] == "failed"
    assert "its target, accel; found speed" in cell["reason"]


@pytest.mark.slow
def test_a_process_that_passes_the_limit_is_ended_by_the_system() -> None:
    code = "from superpose.bench.measure import limit_cpu\nlimit_cpu(0.1)\nwhile True: pass"
    assert python(code).returncode == -signal.SIGXCPU
    code = "from superpose.bench.measure import limit_cpu, cpu_seconds\nlimit_cpu(0.1)\n"
    code += "limit_cpu(None)\nwhile cpu_seconds() < 3: pass\nprint('done')"
    assert python(code).stdout == "done\n"


def test_how_a_process_ended_is_said() -> None:
    def status(code: int, stderr: str = "", found: bool = False) -> tuple[str, str | None]:
        done = SimpleNamespace(returncode=code, stderr=stderr)
        said = process._status(done, 600.0, {"loss": 1} if found else {})
        return said["status"], said["reason"]

    assert status(0, found=True) == ("measured", None)
    assert status(-signal.SIGXCPU) == ("over the limit", "more than 600 CPU-seconds")
    assert status(-signal.SIGKILL) == ("failed", "ended by SIGKILL")
    assert status(1, "Traceback\n  x\n    ^\nValueError: no\nTry 2\n")[1] == "ValueError: no Try 2"
    assert status(0) == ("failed", "code 0")


@pytest.mark.slow
def test_memory_is_that_of_the_process_and_not_of_who_started_it() -> None:
    ballast = np.ones(600 * 2**17)  # 600 MB, resident
    done = python("from superpose.bench.measure import peak_memory; print(peak_memory())")
    assert 20 < float(done.stdout) < 500 < ballast.nbytes / 2**20


@pytest.mark.slow
def test_a_process_for_a_peer_has_no_torch_in_its_memory() -> None:
    code = "import superpose.bench.measure, sys; print('torch' in sys.modules)"
    assert python(code).stdout == "False\n"


def test_each_process_has_one_thread_and_this_library() -> None:
    environment = process._environment()
    assert {environment[f"{name}_NUM_THREADS"] for name in ("OMP", "OPENBLAS", "MKL")} == {"1"}
    assert environment["PYTHONPATH"].split(os.pathsep)[0] == str(SOURCE)
