"""Is the formula behind rows found, how exactly, and in how many CPU-seconds?

The example of the field, exp(sin πx + y²) over ten seeds; short laws (`laws.py`); and the twenty
equations of `superpose.datasets.feynman_equations`, with all variables. Rows are without noise.
"""

from __future__ import annotations

import argparse
import math
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import torch
from laws import LAWS, draw
from record import Stopwatch, limit_threads, surroundings, write_json

from superpose.datasets import feynman
from superpose.datasets.feynman_equations import FEYNMAN
from superpose.fitting import fit_formula

#: a, b, c, d of the three links, in the gauge in which exp has a = 1.
EXAMPLE = {
    (0, 0, 0): ("sin", (math.pi, 0.0, 1.0, 0.0)),
    (0, 1, 0): ("square", (1.0, 0.0, 1.0, 0.0)),
    (1, 0, 0): ("exp", (1.0, 0.0, 1.0, 0.0)),
}
RECOVERED = 1e-6  # RMSE on new rows as a share of the target's standard deviation


def example(seed: int, rows: int) -> dict[str, Any]:
    """One seed of exp(sin πx + y²) on [-1, 1]²."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(rows, 2, generator=generator, dtype=torch.float64) * 2 - 1
    y = torch.exp(torch.sin(math.pi * x[:, 0]) + x[:, 1] ** 2)
    with Stopwatch() as watch:
        report = fit_formula(x, y, names=["x", "y"], generator=generator)
    found = {place: form.name for place, form in report.network.forms.items()}
    exact = found == {place: name for place, (name, _) in EXAMPLE.items()}
    error = None
    if exact:
        parameters = report.network.parameters
        error = max(
            abs(value - expected)
            for place, (_, truth) in EXAMPLE.items()
            for value, expected in zip(parameters[place], truth, strict=True)
        )
    return {
        "seed": seed,
        "expression": str(report.expression()),
        "structure": exact,
        "largest_parameter_error": error,
        "cpu": watch.cpu,
        "network_rmse": report.network_rmse,
        "rmse": report.rmse,
    }


def law(name: str, rows: int) -> dict[str, Any]:
    """One short law."""
    count = LAWS[name][1]
    rows_of = lambda seed: draw(name, rows, seed)  # noqa: E731
    return found(name, LAWS[name][0], [f"x{k + 1}" for k in range(count)], rows_of)


def equation(name: str, rows: int) -> dict[str, Any]:
    """One Feynman equation with all its variables."""
    truth = feynman(name)
    rows_of = lambda seed: truth.draw(rows, seed=seed)  # noqa: E731
    return found(name, truth.formula, list(truth.ranges), rows_of)


def found(name: str, truth: str, names: list[str], rows_of: Any) -> dict[str, Any]:
    """What the formula of seed 0 says of the rows of seed 1000."""
    (x, y), (new_x, new_y) = rows_of(0), rows_of(1000)
    with Stopwatch() as watch:
        report = fit_formula(x, y, names=names, generator=torch.Generator().manual_seed(0))
    error = np.sqrt(np.mean((report.network(new_x)[:, 0] - new_y) ** 2)) / new_y.std()
    return {
        "name": name,
        "truth": truth,
        "expression": str(report.expression())[:400],
        "relative_rmse": float(error),
        "recovered": bool(error <= RECOVERED),
        "said_worse": report.worse,
        "network_relative_rmse": report.network_rmse / float(y.std()),
        "cpu": watch.cpu,
    }


def summary(results: list[dict[str, Any]]) -> dict[str, Any]:
    """How many were found, and which were not without a word."""
    wrong = [e["name"] for e in results if not e["recovered"] and not e["said_worse"]]
    return {
        "in_all": len(results),
        "recovered": sum(each["recovered"] for each in results),
        "neither_recovered_nor_said_worse": wrong,
        "cpu_median": statistics.median(each["cpu"] for each in results),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/formulas.json"))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--rows", type=int, default=1000)
    arguments = parser.parse_args()
    limit_threads(1)
    answer: dict[str, Any] = {"surroundings": surroundings(), "rows": arguments.rows}
    example(99, 200)  # imports and first calls are paid here
    answer["example"] = []
    for seed in range(arguments.seeds):
        answer["example"].append(example(seed, arguments.rows))
        print(answer["example"][-1], flush=True)
    answer["example_summary"] = {
        "structures": sum(each["structure"] for each in answer["example"]),
        "cpu_in_all": sum(each["cpu"] for each in answer["example"]),
        "cpu_median": statistics.median(each["cpu"] for each in answer["example"]),
    }
    print(answer["example_summary"], flush=True)
    write_json(answer, arguments.out)
    sets = {"laws": (law, list(LAWS)), "feynman": (equation, [each.name for each in FEYNMAN])}
    for key, (measure, names) in sets.items():
        answer[key] = []
        for name in names:
            answer[key].append(measure(name, arguments.rows))
            print(answer[key][-1], flush=True)
            answer[f"{key}_summary"] = summary(answer[key])
            write_json(answer, arguments.out)
        print(answer[f"{key}_summary"], flush=True)


if __name__ == "__main__":
    main()
