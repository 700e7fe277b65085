"""What does a fit cost as rows, attributes and terms grow, and with which exponent?

    OMP_NUM_THREADS=1 python benchmarks/growth.py --out benchmarks/results/growth.json

Tables of normal attributes and a target that needs five of them, with noise of standard deviation
0.5. Each fit runs in a process of its own, whose CPU-seconds (around `fit`, after one small fit
that pays for imports) and largest resident memory are taken. The exponent of a direction is the
slope of log CPU-seconds over log size, by least squares, over the upper half of the sizes, too.
Attributes are solved for together up to 2,000 control points, and asked one by one beyond ("wide").
A direction that is in the file of results already is replaced, the others stay.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from record import Stopwatch, limit_threads, surroundings, write_json

from superpose import KSTRegressor

DIRECTIONS: dict[str, list[dict[str, int]]] = {
    "rows": [
        {"rows": n, "attributes": 20, "terms": 0}
        for n in (1_000, 10_000, 50_000, 100_000, 200_000, 400_000, 1_000_000)
    ],
    "attributes": [{"rows": 2_000, "attributes": n, "terms": 0} for n in (10, 20, 40, 80)],
    "wide attributes": [
        {"rows": 2_000, "attributes": n, "terms": 0} for n in (160, 320, 640, 1_280)
    ],
    "terms": [{"rows": 2_000, "attributes": 8, "terms": n} for n in (1, 2, 4, 8)],
}


def table(rows: int, attributes: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw a table: five attributes tell, the others do not."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, attributes))
    f = np.sin(2 * X[:, 0]) + X[:, 1] ** 2 / 2 + X[:, 2] + np.tanh(X[:, 3] * X[:, 4])
    return X, f + 0.5 * rng.normal(size=rows)


def one(rows: int, attributes: int, terms: int) -> dict[str, Any]:
    """Fit one table, here."""
    warnings.simplefilter("ignore")  # of terms that did not settle: their cost is asked for
    KSTRegressor(pairs=0, terms=0).fit(*table(100, 5))
    X, y = table(rows, attributes)
    with Stopwatch() as watch:
        model = KSTRegressor(pairs=0, terms=terms).fit(X, y)
    unit = 1024 if sys.platform == "darwin" else 1
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit / 2**20
    curves = model.fit_.network.n_curves()
    return {"cpu": watch.cpu, "wall": watch.wall, "gib": memory, "curves": curves}


def measure(direction: str) -> str:
    """Return what grows: rows, attributes or terms."""
    return direction.split()[-1]


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """Return the slope of log seconds over log size."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def measured(direction: str, points: list[dict[str, int]]) -> dict[str, Any]:
    """Fit every table of one direction, each in its own process, and print a line for each."""
    found, size = [], measure(direction)
    for point in points:
        command = [sys.executable, __file__, "--one", json.dumps(point)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found.append(point | json.loads(done.stdout.splitlines()[-1]))
        last = found[-1]
        print(
            f"{direction:15} {last[size]:>9,}  {last['cpu']:7.1f} CPU s  {last['gib']:.2f} GiB"
            f"  {last['curves']} curves",
            flush=True,
        )
    sizes, seconds = [it[size] for it in found], [it["cpu"] for it in found]
    half = len(sizes) // 2
    slopes = {"exponent": exponent(sizes, seconds)}
    if len(sizes) - half > 1:
        slopes["exponent_of_the_upper_half"] = exponent(sizes[half:], seconds[half:])
    print(direction, {name: round(value, 2) for name, value in slopes.items()}, flush=True)
    return {"points": found, **slopes}


def plot(answer: dict[str, Any], path: Path) -> None:
    """Draw CPU-seconds over size, one panel a direction, both axes logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.2), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(answer["directions"]), sharey=True))
    for axes, (name, found) in zip(panels, answer["directions"].items(), strict=True):
        points = found["points"]
        axes.loglog([it[measure(name)] for it in points], [it["cpu"] for it in points], "o-")
        axes.set_xlabel(name)
        axes.set_title(f"exponent {found['exponent']:.2f}", fontsize=10)
    panels[0].set_ylabel("CPU-seconds of a fit")
    figure.savefig(path)


def main() -> None:
    """Measure the directions that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/growth.json"))
    parser.add_argument("--directions", default=",".join(DIRECTIONS))
    parser.add_argument("--largest", type=int, default=10**9, help="leave larger tables out")
    parser.add_argument("--one", help="measure one table here and print it")
    options = parser.parse_args()
    limit_threads(1)
    if options.one:
        print(json.dumps(one(**json.loads(options.one))))
        return
    answer: dict[str, Any] = {"directions": {}}
    if options.out.exists():
        answer = json.loads(options.out.read_text(encoding="utf-8"))
    for name in options.directions.split(","):
        points = [it for it in DIRECTIONS[name] if it[measure(name)] <= options.largest]
        found = {"surroundings": surroundings(), **measured(name, points)}
        answer["directions"][name] = found
        write_json(answer, options.out)
    plot(answer, options.out.with_suffix(".svg"))


if __name__ == "__main__":
    main()
