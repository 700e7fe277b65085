"""The tables that `results/flat_minima.json` gives, as they stand in README.

python benchmarks/flat_minima_summary.py benchmarks/results/flat_minima.json
"""

from __future__ import annotations

import json
import sys
from math import exp, log
from pathlib import Path
from statistics import mean, median
from typing import Any

Part = dict[str, Any]
TINY = 1e-3  # smaller log losses and calibration errors count as this


def rows_of(part: Part) -> dict[str, tuple[Part, str]]:
    """What is shown: every side at its last step, and two at the best step on held-out rows."""
    shown = {name: (side, "last") for name, side in part["sides"].items()}
    stopped = {"early stopping": "ERM", "AMP, stopped early": "AMP"}
    return shown | {new: (part["sides"][old], "stopped") for new, old in stopped.items()}


def value(row: tuple[Part, str], what: str) -> float:
    side, when = row
    return mean(run[when][what] for run in side["runs"])


def spread(row: tuple[Part, str], what: str, scale: float = 1.0) -> str:
    side, when = row
    found = [scale * run[when][what] for run in side["runs"]]
    return f"{mean(found):.3g} ({min(found):.3g}–{max(found):.3g})"


def options(row: tuple[Part, str]) -> str:
    return ", ".join(f"{name} {what}" for name, what in row[0]["chosen"].items() if name != "kind")


def time_ratio(part: Part, row: tuple[Part, str]) -> float:
    plain = mean(run["ms_a_step"] for run in part["sides"]["ERM"]["runs"])
    return mean(run["ms_a_step"] for run in row[0]["runs"]) / plain


def digits(name: str, part: Part) -> None:
    print(f"\n{name} labels\n")
    print("| | chosen | log loss | error, % | ECE | log loss, wrong labels | time a step |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for label, row in rows_of(part).items():
        wrong = "–"
        if row[1] == "last":
            wrong = f"{mean(run['last, wrong labels']['loss'] for run in row[0]['runs']):.3f}"
        cells = [options(row), spread(row, "loss"), spread(row, "error", 100)]
        cells += [f"{value(row, 'ece'):.3f}", wrong, f"{time_ratio(part, row):.2f}"]
        print("| " + " | ".join([label, *cells]) + " |")


def geometric(ratios: list[float]) -> float:
    return exp(mean(log(ratio) for ratio in ratios))


def against_plain(parts: list[Part], label: str, what: str) -> list[float]:
    """Ratio to the plain training, table by table."""
    found = []
    for part in parts:
        rows = rows_of(part)
        if label in rows and what in rows["ERM"][0]["runs"][0]["last"]:
            mine, plain = (max(value(rows[name], what), TINY) for name in (label, "ERM"))
            found.append(mine / plain)
    return found


def tables(parts: dict[str, Part], model: str) -> None:
    of = {name.split(",")[0]: part for name, part in parts.items() if name.endswith(f", {model}")}
    classes = [p for p in of.values() if "error" in p["sides"]["ERM"]["runs"][0]["last"]]
    numbers = [p for p in of.values() if p not in classes]
    print(f"\n{model}: {len(classes)} tables of classes, {len(numbers)} of numbers\n")
    print("| | log loss | ECE | error, points | RMSE | highest RMSE | time a step | unsteadiness |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for label in rows_of(classes[0]):
        loss, ece = (geometric(against_plain(classes, label, what)) for what in ("loss", "ece"))
        rows = [(rows_of(part)[label], rows_of(part)["ERM"]) for part in classes]
        points = mean(100 * (value(a, "error") - value(b, "error")) for a, b in rows)
        rmse = against_plain(numbers, label, "loss")
        shown = [f"{geometric(rmse):.2f}", f"{max(rmse):.2f}"] if rmse else ["–", "–"]
        pairs = [(part, rows_of(part)[label]) for part in of.values() if label in rows_of(part)]
        slower = median(time_ratio(part, row) for part, row in pairs)
        cells = [f"{loss:.2f}", f"{ece:.2f}", f"{points:+.1f}", *shown, f"{slower:.2f}"]
        cells.append(_unsteadiness(pairs))
        print("| " + " | ".join([label, *cells]) + " |")


def _unsteadiness(pairs: list[tuple[Part, tuple[Part, str]]]) -> str:
    if any(row[1] != "last" or "unsteadiness" not in row[0] for _, row in pairs):
        return "–"
    plain = [part["sides"]["ERM"]["unsteadiness"] for part, _ in pairs]
    ratios = [row[0]["unsteadiness"] / base for (_, row), base in zip(pairs, plain, strict=True)]
    return f"{geometric(ratios):.2f} ({sum(r < 1 for r in ratios)} of {len(ratios)} below 1)"


def main() -> None:
    parts = json.loads(Path(sys.argv[1]).read_text())["parts"]
    for name, part in parts.items():
        if name.startswith("MNIST"):
            digits(name, part)
    for model in ("MLP", "KST"):
        if any(name.endswith(f", {model}") for name in parts):
            tables(parts, model)
    print(f"\n{sum(part['cpu'] for part in parts.values()) / 60:.0f} CPU-minutes in all")


if __name__ == "__main__":
    main()
