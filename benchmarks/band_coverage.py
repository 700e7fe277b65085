"""How often do the 95 % bands of main curves hold the truth, where the truth is known?

    python benchmarks/band_coverage.py --out benchmarks/results/coverage.json

A table is drawn from a known sum of curves (`coverage_draws.py`), fitted by each side
(`coverage_sides.py`), and each pointwise band is compared with the true curve at 200 quantiles of
the rows. A run that is stopped goes on where it was. The protocol is in README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from coverage_draws import DESIGNS, INTERACTION, INTERACTIONS, LEVELS, draw
from coverage_sides import SIDES, takes
from record import Stopwatch, limit_threads, surroundings, write_json

SIZES = (300, 1_000, 3_000, 10_000, 30_000)
POINTS, LOW, HIGH = 200, 0.92, 0.98
KEY = ("design", "n", "side", "seed")


def measure(design: str, n: int, side: str, seed: int) -> dict[str, Any]:
    """One fit: of each curve the share of places held, its error, half its band, and the rest."""
    drawn, found = draw(design, n, seed), {}
    with warnings.catch_warnings(), Stopwatch() as watch:
        warnings.simplefilter("ignore")
        band = SIDES[side](drawn)
    for name in curves_of(design):
        if name == INTERACTION:
            truth = (drawn.interaction() - drawn.interaction().mean())[:POINTS, None]
            values = np.arange(len(truth))
        else:
            column = drawn.X[name]
            values = column.unique() if name in LEVELS else np.quantile(column, _shares())
            values = np.asarray(values)
            truth = drawn.truth(name, values)
        given = band(name, values)
        held = (given.lower <= truth) & (truth <= given.upper)
        found[name] = {
            "held": round(float(held.mean()), 4),
            "error": round(float(np.sqrt(((given.mean - truth) ** 2).mean())), 4),
            "half": round(float((given.upper - given.lower).mean() / 2), 4),
            **given.says,
        }
    key = dict(zip(KEY, (design, n, side, seed), strict=True))
    return {**key, "cpu_s": round(watch.cpu, 3), "curves": found}


def curves_of(design: str) -> tuple[str, ...]:
    """The main curves of a design, and what interacts."""
    return DESIGNS[design] + (INTERACTION,) * (design in INTERACTIONS)


def _shares() -> np.ndarray:
    return (np.arange(POINTS) + 0.5) / POINTS


def cells(fits: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Coverage and its standard error of every design, size, side and curve, over the seeds."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for fit in fits:
        for name, curve in fit["curves"].items():
            key = (fit["design"], fit["n"], fit["side"], name)
            groups.setdefault(key, []).append(curve)
    for (design, n, side, name), curves in sorted(groups.items(), key=_order):
        held = np.array([it["held"] for it in curves])
        mean, count = float(held.mean()), len(held)
        yield {
            **{"design": design, "n": n, "side": side, "curve": name, "seeds": count},
            "coverage": round(mean, 4),
            "standard_error": round(float(held.std(ddof=1) / count**0.5), 4) if count > 1 else None,
            "honest": LOW <= mean <= HIGH,
            "rmse": round(float(np.sqrt(np.mean([it["error"] ** 2 for it in curves]))), 4),
            "half": round(float(np.mean([it["half"] for it in curves])), 4),
            "whole": _mean(it.get("whole") for it in curves),
            "rejected": _mean(_below(it.get("no_effect"), 0.05) for it in curves),
            "flagged": _mean(_below(it.get("jump"), 0.05) for it in curves),
        }


def _order(item: tuple[tuple[Any, ...], Any]) -> tuple[int, str, int, int]:
    design, n, side, name = item[0]
    designs, sides = list(DESIGNS), list(SIDES)
    return designs.index(design), n, sides.index(side), curves_of(design).index(name)


def _below(p: float | None, level: float) -> float | None:
    return None if p is None else float(p < level)


def _mean(values: Any) -> float | None:
    known = [value for value in values if value is not None]
    return round(float(np.mean(known)), 4) if known else None


HEADER = (
    f"{'design':13}{'n':>6} {'side':10}{'curve':12}{'seeds':>5}{'held, %':>9}{'s.e.':>6}"
    f"{'92-98':>7}{'RMSE':>8}{'± band':>8}{'whole, %':>9}{'p < .05':>9}{'jump':>6}"
)


def line(cell: dict[str, Any]) -> str:
    """One cell as a row of the printed table."""
    error = cell["standard_error"]
    said = [cell["whole"], cell["rejected"], cell["flagged"]]
    whole, rejected, flagged = ("–" if it is None else f"{100 * it:.0f}" for it in said)
    return (
        f"{cell['design']:13}{cell['n']:6} {cell['side']:10}{cell['curve']:12}{cell['seeds']:5}"
        f"{100 * cell['coverage']:9.1f}{'–' if error is None else f'{100 * error:.1f}':>6}"
        f"{'yes' if cell['honest'] else 'NO':>7}{cell['rmse']:8.3f}{cell['half']:8.3f}"
        f"{whole:>9}{rejected:>9}{flagged:>6}"
    )


def summary(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Of each side: cells within 92 to 98 %, and the names of those that are not."""
    answer = {}
    for side in SIDES:
        own = [cell for cell in found if cell["side"] == side]
        names = {id(c): f"{c['design']}, {c['n']}, {c['curve']}: {c['coverage']}" for c in own}
        outside = [names[id(cell)] for cell in own if not cell["honest"]]
        if own:
            answer[side] = {
                "cells": len(own),
                "within": len(own) - len(outside),
                "outside": outside,
            }
    return answer


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--designs", default=",".join(DESIGNS), help="names, with commas between")
    parser.add_argument("--sides", default="superpose,ebm,pygam", help=", ".join(SIDES))
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="JSON, written anew after every fit")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    limit_threads(options.threads)
    known = options.out is not None and options.out.exists()
    fits = json.loads(options.out.read_text(encoding="utf-8"))["fits"] if known else []
    done = {tuple(fit[name] for name in KEY) for fit in fits}
    sizes = map(int, options.sizes.split(","))
    wanted = product(sizes, options.designs.split(","), options.sides.split(","))
    for n, design, side in wanted:
        for seed in range(options.seeds):
            if (design, n, side, seed) in done or not takes(side, design):
                continue
            fits.append(measure(design, n, side, seed))
            if options.out:
                write_json(answer(fits), options.out)
    found = list(cells(fits))
    print("\n".join([HEADER, *map(line, found)]))
    print(json.dumps(summary(found), indent=1, ensure_ascii=False))


def answer(fits: list[dict[str, Any]]) -> dict[str, Any]:
    """What is written."""
    found = list(cells(fits))
    return {
        "question": (__doc__ or "").splitlines()[0],
        "protocol": {"points": POINTS, "level": 0.95, "honest": [LOW, HIGH]},
        "surroundings": surroundings(),
        "summary": summary(found),
        "cells": found,
        "fits": fits,
    }


if __name__ == "__main__":
    main()
