"""How well, and in how many CPU-seconds, are twenty Feynman equations fitted, beside pykan?"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pykan_side import PykanSide
from record import Stopwatch, limit_threads, surroundings, write_json

from superpose.datasets.feynman_equations import FEYNMAN, FeynmanEquation
from superpose.fitting import fit_network
from superpose.networks import KSTNetwork

TRAIN = TEST = 1000
TOLERANCE = 1e-4


def superpose_side(X: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    network = KSTNetwork([X.shape[1], 5, 1], 8, "matern52", length_scale=1.0)
    with Stopwatch() as watch:
        fit = fit_network(network, X[:TRAIN], y[:TRAIN], tolerance=TOLERANCE)
    with torch.no_grad():
        error = fit.network(torch.tensor(X[TRAIN:]))[:, 0].numpy() - y[TRAIN:]
    layer = fit.network.each_layer()[-1]
    return {
        "rmse": float(np.sqrt(np.mean(error**2))),
        "median_error": float(np.median(np.abs(error))),
        "train_rmse": fit.rmse,
        "cpu_s": watch.cpu,
        "width": layer.in_features,
        "knots": layer.basis.n_heights,
    }


def pykan_side(X: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    side = PykanSide(X, y, TRAIN, seed=0)
    cpu = side.fit()
    return {"rmse": side.rmse(), "cpu_s": cpu}


def measured(equation: FeynmanEquation) -> dict[str, Any]:
    X, y = equation.draw(TRAIN + TEST, seed=0)
    return {
        "variables": X.shape[1],
        "sd": float(y[TRAIN:].std()),
        "superpose": superpose_side(X, y),
        "pykan": pykan_side(X, y),
    }


def summary(equations: dict[str, Any]) -> dict[str, Any]:
    """Geometric means of errors over the target's sd, and of the ratios; how often each wins."""

    def mean(values: list[float]) -> float:
        return float(np.exp(np.mean(np.log(values))))

    table = list(equations.values())
    errors = [e["superpose"]["rmse"] / e["pykan"]["rmse"] for e in table]
    times = [e["superpose"]["cpu_s"] / e["pykan"]["cpu_s"] for e in table]
    return {
        "equations": len(table),
        "rmse_over_sd": {
            side: mean([e[side]["rmse"] / e["sd"] for e in table])
            for side in ("superpose", "pykan")
        },
        "cpu_s": {side: mean([e[side]["cpu_s"] for e in table]) for side in ("superpose", "pykan")},
        "rmse_ratio": mean(errors),
        "cpu_ratio": mean(times),
        "goal_rmse": mean(errors) <= 0.1,
        "goal_cpu": mean(times) <= 0.2,
        "worse_rmse_than_pykan": [n for n, r in zip(equations, errors, strict=True) if r > 1],
        "less_than_ten_times_better": [
            n for n, r in zip(equations, errors, strict=True) if r > 0.1
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/feynman.json"))
    parser.add_argument("--equations", default="", help="names with commas; all if not given")
    options = parser.parse_args()
    limit_threads(1)
    chosen = [e for e in FEYNMAN if not options.equations or e.name in options.equations.split(",")]
    answer: dict[str, Any] = {
        "protocol": {"train": TRAIN, "test": TEST, "tolerance": TOLERANCE, "pykan": "0.2.8"},
        "surroundings": surroundings(),
        "equations": {},
    }
    if options.out.exists():
        answer = json.loads(options.out.read_text())
    chosen = [e for e in chosen if e.name not in answer["equations"]]
    X, y = FEYNMAN[0].draw(200, seed=9)
    fit_network(KSTNetwork([X.shape[1], 1, 1], 8, "matern52"), X, y)  # what is compiled is, now
    for equation in chosen:
        found = measured(equation)
        answer["equations"][equation.name] = found
        answer["summary"] = summary(answer["equations"])
        write_json(answer, options.out)
        ours, theirs = found["superpose"], found["pykan"]
        print(
            f"{equation.name:9} {ours['rmse'] / found['sd']:.1e} in {ours['cpu_s']:5.2f} s"
            f"   pykan {theirs['rmse'] / found['sd']:.1e} in {theirs['cpu_s']:5.2f} s",
            flush=True,
        )
    print(json.dumps(answer["summary"], indent=1))


if __name__ == "__main__":
    main()
