"""How often do the 95 % bands of main curves hold the truth, where the truth is known?

    python benchmarks/bands.py --out benchmarks/results/bands.json

A table is drawn from a known sum of curves with noise of standard deviation 1
(`superpose.datasets.known_curves`), fitted, and each band is compared with the true curve at 400
points between the smallest and the largest value seen. The protocol is in README.md beside this
file.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from record import Stopwatch, limit_threads, surroundings, write_json

from superpose import KSTRegressor
from superpose.datasets import KnownCurves, known_curves

SHAPES = ("sine", "linear", "null")
SIZES = (500, 2_000, 10_000)
POINTS = 400
LOW, HIGH = 0.92, 0.98
DIALS: dict[str, dict[str, Any]] = {"main curves only": {"pairs": 0, "terms": 0}, "default": {}}


def covered(table: KnownCurves, curve: Any) -> tuple[float, float, float]:
    """Share of points whose band holds the truth, error and width of the curve.

    Error is the root mean square of curve minus truth, width half the mean height of the band.
    """
    seen = table.X[curve.name]
    x = np.linspace(seen.min(), seen.max(), POINTS)
    lower, mean, upper = (np.interp(x, curve.x, y) for y in (curve.lower, curve.mean, curve.upper))
    truth = table.truth(curve.name, x)
    share = ((lower <= truth) & (truth <= upper)).mean()
    error = np.sqrt(((mean - truth) ** 2).mean())
    return float(share), float(error), float((upper - lower).mean() / 2)


def run(n: int, dial: str, seeds: int, shapes: tuple[str, ...]) -> dict[str, Any]:
    """Coverage of every curve over the seeds, and what the fits cost and chose."""
    found: dict[str, list] = {name: [] for name in shapes}
    seconds, extra, noise = [], [], []
    for seed in range(seeds):
        table = known_curves(n, shapes=shapes, seed=seed)
        model = KSTRegressor(**DIALS[dial])
        with warnings.catch_warnings(), Stopwatch() as watch:
            warnings.simplefilter("ignore")
            model.fit(table.X, table.y)
        for name in shapes:
            found[name].append(covered(table, model.curves_[name]))
        seconds.append(watch.cpu)
        extra.append(len(model.pairs_) + len(model.terms_))
        noise.append(float(model.fit_.noise))
    curves = {name: _over_seeds(np.array(rows)) for name, rows in found.items()}
    cost = {"cpu_s": round(float(np.median(seconds)), 3), "pairs_and_terms": extra}
    return {"n": n, "dial": dial, "seeds": seeds, "curves": curves, **cost, "noise": noise}


def _over_seeds(rows: np.ndarray) -> dict[str, Any]:
    share = rows[:, 0]
    error = share.std(ddof=1) / np.sqrt(len(share)) if len(share) > 1 else float("nan")
    return {
        "coverage": float(share.mean()),
        "standard_error": float(error),
        "by_seed": share.round(4).tolist(),
        "rmse": float(np.sqrt((rows[:, 1] ** 2).mean())),
        "half_width": float(rows[:, 2].mean()),
        "honest": bool(LOW <= share.mean() <= HIGH),
    }


def lines(result: dict[str, Any]) -> list[str]:
    return [
        f"{result['dial']:17} {result['n']:6d} {name:10} {100 * c['coverage']:7.1f} "
        f"{100 * c['standard_error']:5.1f} {'yes' if c['honest'] else 'NO':>9} "
        f"{c['rmse']:7.3f} {c['half_width']:7.3f} {result['cpu_s']:7.2f}"
        for name, c in result["curves"].items()
    ]


HEADER = (
    f"{'dial':17} {'n':>6} {'curve':10} {'held, %':>7} {'s.e.':>5} {'92 to 98':>9} "
    f"{'RMSE':>7} {'± band':>7} {'CPU s':>7}"
)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--dials", default=",".join(DIALS), help="names, with commas between")
    parser.add_argument("--shapes", default=",".join(SHAPES), help="of known_curves")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="JSON, written anew after every size")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    limit_threads(options.threads)
    results: list[dict[str, Any]] = []
    answer = {
        "question": (__doc__ or "").splitlines()[0],
        "protocol": {"points": POINTS, "level": 0.95, "honest": [LOW, HIGH], "noise": 1.0},
        "surroundings": surroundings(),
        "results": results,
    }
    print(HEADER, flush=True)
    for dial in options.dials.split(","):
        for n in map(int, options.sizes.split(",")):
            results.append(run(n, dial, options.seeds, tuple(options.shapes.split(","))))
            if options.out:
                write_json(answer, options.out)
            print("\n".join(lines(results[-1])), flush=True)


if __name__ == "__main__":
    main()
