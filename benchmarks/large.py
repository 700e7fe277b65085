"""What do large tables cost: CPU-seconds, wall seconds and peak memory?

    OMP_NUM_THREADS=1 python benchmarks/large.py --cases parquet --rows 10000000
    OMP_NUM_THREADS=1 python benchmarks/large.py --cases float64,float32,frame,bernoulli
    OMP_NUM_THREADS=1 python benchmarks/large.py --cases dial,interactions
    OMP_NUM_THREADS=1 python benchmarks/large.py --cases "wide,wide dial"

Twenty normal attributes and a target that is a sum of curves of five of them, with noise of
standard deviation 0.5 (or a coin whose log odds are the sum). In the case "interactions" two
products and a bent sum of three attributes stand beside the curves. The file of the case "parquet"
is written in row groups to a temporary folder, and never in memory as a whole. Each fit runs in a
process of its own, whose CPU-seconds around the fit and largest resident memory are taken; the
memory that the table itself takes stands beside it. "error" is the root mean square distance of
the fitted sum from the true one on 20,000 new rows. A case that ran already in the file of
results is replaced, the others stay.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from record import Stopwatch, limit_threads, surroundings, write_json

from superpose import KSTClassifier, KSTRegressor
from superpose.datasets import ParquetBatches

ATTRIBUTES, NOISE, GROUP = 20, 0.5, 262_144
NAMES = [f"x{i}" for i in range(ATTRIBUTES)]
ADDITIVE = {"pairs": 0, "terms": 0}
CASES: dict[str, dict[str, Any]] = {
    "float64": ADDITIVE,
    "float32": ADDITIVE,
    "frame": ADDITIVE,
    "bernoulli": ADDITIVE,
    "dial": {},
    "interactions": {},
    "parquet": ADDITIVE,
    "wide": ADDITIVE,
    "wide dial": {},
}
WIDE = (5_000, 2_000)


def truth(X: np.ndarray) -> np.ndarray:
    """Return a sum of five curves."""
    bent = np.sin(2 * X[:, 0]) + X[:, 1] ** 2 / 2 + np.tanh(X[:, 3]) + np.abs(X[:, 4]) / 2
    return bent + X[:, 2]


def together(X: np.ndarray) -> np.ndarray:
    """Return what the case "interactions" adds."""
    return (
        X[:, 5] * X[:, 6] / 2 + np.tanh(X[:, 7] * X[:, 8]) + np.sin(X[:, 9] + X[:, 10] + X[:, 11])
    )


def rows(n: int, seed: int = 0, attributes: int = ATTRIBUTES) -> Iterator[tuple[np.ndarray, ...]]:
    """Draw attributes and target, a group of rows at a time."""
    rng = np.random.default_rng(seed)
    for start in range(0, n, GROUP):
        X = rng.normal(size=(min(GROUP, n - start), attributes))
        yield X, truth(X) + NOISE * rng.normal(size=len(X))


def write(path: Path, n: int) -> None:
    """Write the table to a file, one row group at a time."""
    schema = pa.schema([(name, pa.float64()) for name in (*NAMES, "y")])
    with pq.ParquetWriter(path, schema, use_dictionary=False) as writer:
        for X, y in rows(n):
            table = pa.table([*X.T, y], schema=schema)
            writer.write_table(table, row_group_size=GROUP)


def in_memory(case: str, n: int) -> tuple[Any, np.ndarray]:
    """Make the table of a case, in the container that the case is about."""
    n, attributes = WIDE if case.startswith("wide") else (n, ATTRIBUTES)
    X = np.empty((n, attributes), dtype=np.float32 if case == "float32" else np.float64)
    y, start = np.empty(n), 0
    for part, target in rows(n, attributes=attributes):
        own = slice(start, start := start + len(part))
        X[own], y[own] = part, target
    if case == "bernoulli":
        odds = truth(X) - 1
        y = (np.random.default_rng(1).random(n) < 1 / (1 + np.exp(-odds))).astype(int)
    if case == "interactions":
        y += together(X)
    return (pd.DataFrame(X, columns=NAMES) if case == "frame" else X), y


def memory(word: str) -> float:
    """Return a size of this process in GiB: "VmRSS" now, "VmHWM" at its largest."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return float(next(it.split()[1] for it in lines if it.startswith(word))) / 2**20


def one(case: str, n: int, path: str) -> dict[str, Any]:
    """Fit one table, here."""
    warnings.simplefilter("ignore")
    estimator = KSTClassifier if case == "bernoulli" else KSTRegressor
    estimator(**ADDITIVE).fit(*in_memory(case, 100) if "wide" not in case else ([[0], [1]], [0, 1]))
    before = memory("VmRSS")
    if case == "parquet":
        source = ParquetBatches(path, target="y")
    else:
        X, y = in_memory(case, n)
    with Stopwatch() as watch:
        model = estimator(**CASES[case])
        model = model.fit_batches(source) if case == "parquet" else model.fit(X, y)
    peak = memory("VmHWM")
    fresh = next(rows(20_000, seed=7, attributes=model.n_features_in_))[0]
    right = truth(fresh) - (1 if case == "bernoulli" else 0)
    right += together(fresh) if case == "interactions" else 0.0
    with_names = pd.DataFrame(fresh, columns=NAMES) if case in ("frame", "parquet") else fresh
    error = float(np.sqrt(np.mean((model._link(with_names)[:, 0] - right) ** 2)))
    network = model.fit_.network
    return {
        "case": case,
        "rows": model.summary_.rows,
        "attributes": model.n_features_in_,
        "cpu": watch.cpu,
        "wall": watch.wall,
        "gib": peak,
        "gib_before_the_table": before,
        "curves": network.n_curves(),
        "parts": len(network.parts),
        "error": error,
        "noise": model.fit_.noise,
    }


def measured(case: str, n: int) -> dict[str, Any]:
    """Fit one case in a process of its own, print a line, and return what it cost."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "table.parquet")
        if case == "parquet":
            write(path, n)
        point = json.dumps({"case": case, "n": n, "path": str(path)})
        command = [sys.executable, __file__, "--one", point]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
        if case == "parquet":
            found["file_gib"] = path.stat().st_size / 2**30
    print(
        f"{case:10} {found['rows']:>10,} x {found['attributes']:<5,} {found['cpu']:7.1f} CPU s"
        f" {found['wall']:7.1f} s  {found['gib']:.2f} GiB  {found['parts']} parts"
        f"  error {found['error']:.4f}",
        flush=True,
    )
    return found


def main() -> None:
    """Measure the cases that were asked for, and put them into the file of results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/large.json"))
    parser.add_argument("--cases", default="float64,float32,frame,bernoulli,dial,interactions")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--one", help="measure one case here and print it")
    options = parser.parse_args()
    limit_threads(1)
    if options.one:
        print(json.dumps(one(**json.loads(options.one))))
        return
    for case in options.cases.split(","):
        found = {"surroundings": surroundings(), **measured(case, options.rows)}
        out = options.out
        earlier = json.loads(out.read_text(encoding="utf-8"))["fits"] if out.exists() else []
        key = (case, found["rows"])
        kept = [it for it in earlier if (it["case"], it["rows"]) != key]
        write_json({"fits": [*kept, found]}, out)


if __name__ == "__main__":
    main()
