"""What does a network of curves learn from a large table by minibatches, in memory or in a file?

    OMP_NUM_THREADS=1 python benchmarks/training.py --rows 200000

Ten normal attributes, each in a unit of its own (0.001 to 1,000, far from 0), and a target that is
five curves, a product and a bent sum of three attributes, with noise of standard deviation 0.5, in
another unit. `train_network` trains a `KSTNetwork` and an MLP (SiLU, two hidden layers) of as many
numbers, at its defaults but for epochs and batch (the MLP also with a rate of .03), from arrays and
from a Parquet file, which is written in row groups, never in memory as a whole. Beside them stand
LightGBM and `KSTRegressor` at their defaults, in memory. Every fit runs in a process of its own,
the sides in turn within a seed; CPU-seconds and memory are those of the fit: how far the largest
resident size rises above that before the rows were there. "error" is the root mean square distance
of the prediction from the noiseless target on 20,000 new rows, over the standard deviation of the
noiseless target. `KSTRegressor` takes long, so it is fitted with the first seed alone.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from large import memory, truth
from record import Stopwatch, limit_threads, surroundings, write_json
from torch import nn

from superpose import KSTRegressor
from superpose.datasets import ParquetBatches
from superpose.fitting import train_network
from superpose.networks import KSTNetwork

ATTRIBUTES, NOISE, GROUP, NEW = 10, 0.5, 50_000, 20_000
NAMES = [f"x{i}" for i in range(ATTRIBUTES)]
UNITS = 10.0 ** np.linspace(-3, 3, ATTRIBUTES)
WIDTH, HIDDEN = 16, 47
SIDES = ("curves", "curves, file", "MLP", "MLP, file", "MLP, rate .03", "LightGBM", "KSTRegressor")
ONCE = ("KSTRegressor",)


def signal(Z: np.ndarray) -> np.ndarray:
    """Return the noiseless target of standardised rows."""
    return truth(Z) + Z[:, 5] * Z[:, 6] / 2 + np.sin(Z[:, 7] + Z[:, 8] + Z[:, 9])


def rows(n: int, seed: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Draw rows, target and noiseless target in their units, a group at a time."""
    rng = np.random.default_rng(seed)
    for start in range(0, n, GROUP):
        Z = rng.normal(size=(min(GROUP, n - start), ATTRIBUTES))
        clean = 1000 * signal(Z) + 50_000
        yield UNITS * (Z + 5), clean + 1000 * NOISE * rng.normal(size=len(Z)), clean


def write(path: Path, n: int) -> None:
    """Write the table to a file, one row group at a time."""
    schema = pa.schema([(name, pa.float64()) for name in (*NAMES, "y")])
    with pq.ParquetWriter(path, schema, use_dictionary=False) as writer:
        for X, y, _ in rows(n):
            writer.write_table(pa.table([*X.T, y], schema=schema), row_group_size=GROUP)


def in_memory(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Make the table, with no more memory than it takes."""
    X, y, start = np.empty((n, ATTRIBUTES)), np.empty(n), 0
    for part, target, _ in rows(n):
        own = slice(start, start := start + len(part))
        X[own], y[own] = part, target
    return X, y


def network(side: str, seed: int) -> nn.Module:
    """Curves, or an MLP of as many numbers."""
    if side.startswith("curves"):
        return KSTNetwork([ATTRIBUTES, WIDTH, 1], generator=torch.Generator().manual_seed(seed))
    torch.manual_seed(seed)
    hidden = (nn.Linear(ATTRIBUTES, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, HIDDEN), nn.SiLU())
    return nn.Sequential(*hidden, nn.Linear(HIDDEN, 1))


def fitted(side: str, table: Any, seed: int, tell: dict[str, int]) -> Any:
    """Fit one side, and return what predicts and how many numbers it has."""
    if side == "LightGBM":
        from lightgbm import LGBMRegressor

        return LGBMRegressor(n_jobs=1, random_state=seed, verbose=-1).fit(*table).predict, None
    if side == "KSTRegressor":
        return KSTRegressor(random_state=seed).fit(*table).predict, None
    given = (table,) if isinstance(table, ParquetBatches) else table
    steps = partial(torch.optim.Adam, lr=0.03) if "rate" in side else None
    training = train_network(
        network(side, seed), *given, random_state=seed, optimizer=steps, **tell
    )
    found = training.network

    def predict(X: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return found(torch.from_numpy(X).float())[:, 0].double().numpy()

    return predict, sum(it.numel() for it in found.parameters())


def one(side: str, n: int, seed: int, path: str, tell: dict[str, int]) -> dict[str, Any]:
    """Fit one side, here; what it compiles and imports is paid before, on a few rows."""
    warnings.simplefilter("ignore")
    few = next(rows(300))[:2]
    fitted(side, few, seed, {**tell, "epochs": 1})
    before = memory("VmRSS")
    table = ParquetBatches(path, target="y") if "file" in side else in_memory(n)
    with Stopwatch() as watch:
        predict, numbers = fitted(side, table, seed, tell)
    peak = memory("VmHWM")
    X, _, clean = next(rows(NEW, seed=7))
    error = float(np.sqrt(np.mean((predict(X) - clean) ** 2)) / clean.std())
    return {
        "side": side,
        "seed": seed,
        "rows": n,
        "cpu": watch.cpu,
        "wall": watch.wall,
        "mib": (peak - before) * 1024,
        "numbers": numbers,
        "error": error,
    }


def measured(point: dict[str, Any]) -> dict[str, Any]:
    """Fit one side in a process of its own, print a line, and return what it cost."""
    command = [sys.executable, __file__, "--one", json.dumps(point)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(
        f"{found['side']:14} seed {found['seed']}  {found['cpu']:6.1f} CPU s {found['wall']:6.1f} s"
        f"  {found['mib']:5.0f} MiB  error {found['error']:.4f}",
        flush=True,
    )
    return found


def summary(fits: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians over the seeds, with the lowest and the highest error."""
    found = {}
    for side in dict.fromkeys(fit["side"] for fit in fits):
        own = [fit for fit in fits if fit["side"] == side]
        errors = [fit["error"] for fit in own]
        found[side] = {
            **{key: statistics.median(fit[key] for fit in own) for key in ("cpu", "wall", "mib")},
            "error": statistics.median(errors),
            "errors": [min(errors), max(errors)],
            "numbers": own[0]["numbers"],
        }
    return found


def turns(sides: list[str], seeds: int) -> list[tuple[str, int]]:
    """Sides in turn, seed by seed, and at the end those that are fitted once."""
    often = [(side, seed) for seed in range(seeds) for side in sides if side not in ONCE]
    return often + [(side, 0) for side in sides if side in ONCE]


def main() -> None:
    """Measure all sides, and write the answer after every fit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/training.json"))
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sides", default=";".join(SIDES))
    parser.add_argument("--one", help="measure one fit here and print it")
    options = parser.parse_args()
    limit_threads(1)
    if options.one:
        print(json.dumps(one(**json.loads(options.one))))
        return
    tell = {"epochs": options.epochs, "batch": options.batch}
    around, fits = surroundings(), []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "table.parquet")
        write(path, options.rows)
        for side, seed in turns(options.sides.split(";"), options.seeds):
            point = {"side": side, "n": options.rows, "seed": seed, "path": str(path)}
            fits.append(measured({**point, "tell": tell}))
            answer = {"surroundings": around, "rows": options.rows, **tell}
            write_json({**answer, "sides": summary(fits), "fits": fits}, options.out)


if __name__ == "__main__":
    main()
