"""How often do prediction intervals at 90 % hold new rows of public tables?

    python benchmarks/intervals.py --data FOLDER --out benchmarks/results/intervals.json

Each of 17 regression tables is cut into five folds; each fold in turn is predicted by a model of
the other four. Beside the measured interval stands the model's own word: posterior and noise, taken
as normal. The protocol is in README.md beside this file.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from record import Stopwatch, limit_threads, surroundings, write_json
from sklearn.model_selection import KFold

from superpose import KSTRegressor

TABLES = (
    *("mcycle", "yacht", "energy_efficiency", "energy_efficiency_cooling", "concrete", "wage"),
    *("wine_quality_white", "delta_ailerons", "bank8FM", "cpu_act", "seoul_bike"),
    *("bike_sharing_hour", "king_county_houses", "house_8L", "friedman40k", "protein_casp"),
    "diamonds",
)
LEVEL, ROWS, LOW, HIGH, LOWEST = 0.9, 3_000, 0.88, 0.92, 0.85


def read(folder: Path, name: str) -> tuple[pd.DataFrame, np.ndarray]:
    """At most 3,000 rows that have a target, drawn with a fixed seed."""
    places = [folder / f"{name}.csv", folder / f"{name}.csv.gz"]
    frame = pd.read_csv(next(place for place in places if place.exists()))
    frame = frame[frame.iloc[:, -1].notna()]
    frame = frame.iloc[np.random.default_rng(0).permutation(len(frame))[:ROWS]]
    return frame.iloc[:, :-1], frame.iloc[:, -1].to_numpy(dtype=float)


def measure(X: pd.DataFrame, y: np.ndarray, options: dict[str, Any], folds: int) -> dict[str, Any]:
    """Share of rows inside and width over the target's standard deviation, over some folds of five.

    `thirds` are the shares among the rows of the lowest, middle and highest predictions.
    """
    found: dict[str, list[Any]] = {"measured": [], "normal": []}
    cpu = []
    splits = list(KFold(5, shuffle=True, random_state=0).split(X))[:folds]
    for train, test in splits:
        model = KSTRegressor(**options)
        with warnings.catch_warnings(), Stopwatch() as watch:
            warnings.simplefilter("ignore")
            model.fit(X.iloc[train], y[train])
        cpu.append(watch.cpu)
        mean, std = model.predict(X.iloc[test], return_std=True)
        reach = NormalDist().inv_cdf((1 + LEVEL) / 2) * std
        third = np.digitize(mean, np.quantile(mean, [1 / 3, 2 / 3]))
        ends = {
            "measured": model.predict_interval(X.iloc[test], LEVEL),
            "normal": (mean - reach, mean + reach),
        }
        for kind, (lower, upper) in ends.items():
            inside = (lower <= y[test]) & (y[test] <= upper)
            found[kind].append(np.column_stack([inside, (upper - lower) / y.std(), third]))
    answer = {kind: _shares(np.concatenate(rows)) for kind, rows in found.items()}
    return {**answer, "cpu_s": round(float(np.median(cpu)), 2), "folds": len(splits)}


def _shares(rows: np.ndarray) -> dict[str, Any]:
    thirds = [float(rows[rows[:, 2] == k, 0].mean()) for k in range(3)]
    return {
        "inside": round(float(rows[:, 0].mean()), 4),
        "standard_error": round(float(rows[:, 0].std() / np.sqrt(len(rows))), 4),
        "width": round(float(rows[:, 1].mean()), 4),
        "thirds": [round(it, 3) for it in thirds],
    }


def summary(tables: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean and extremes over the tables, and whether the goals are reached."""
    answer: dict[str, Any] = {}
    for kind in ("measured", "normal"):
        inside = np.array([it[kind]["inside"] for it in tables])
        thirds = np.array([it[kind]["thirds"] for it in tables])
        answer[kind] = {
            "mean": round(float(inside.mean()), 4),
            "lowest": float(inside.min()),
            "highest": float(inside.max()),
            "lowest_third": float(thirds.min()),
            "reached": bool(LOW <= inside.mean() <= HIGH and inside.min() >= LOWEST),
        }
    width = [it["measured"]["width"] / it["normal"]["width"] for it in tables]
    answer["width_ratio"] = round(float(np.exp(np.mean(np.log(width)))), 3)
    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--tables", default=",".join(TABLES))
    parser.add_argument("--pairs", default="0", help="a number, or auto")
    parser.add_argument("--terms", default="0", help="a number, or auto")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    limit_threads(asked.threads)
    dial = {"pairs": asked.pairs, "terms": asked.terms}
    options = {name: it if it == "auto" else int(it) for name, it in dial.items()}
    result: dict[str, Any] = {**surroundings(), "level": LEVEL, "dial": options, "tables": []}
    for name in asked.tables.split(","):
        X, y = read(asked.data, name)
        found = {"table": name, "rows": len(y), **measure(X, y, options, asked.folds)}
        result["tables"].append(found)
        result["summary"] = summary(result["tables"])
        own, plain = found["measured"], found["normal"]
        print(
            f"{name:26}{len(y):6}{100 * own['inside']:7.1f} %{own['width']:7.3f}"
            f"   normal{100 * plain['inside']:6.1f} %{plain['width']:7.3f}   {found['cpu_s']} s",
            flush=True,
        )
        if asked.out is not None:
            write_json(result, asked.out)
    print(result["summary"])


if __name__ == "__main__":
    main()
