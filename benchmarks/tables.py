"""How well, and in how many CPU-seconds, are eleven public tables fitted at the defaults?

    python benchmarks/tables.py --data FOLDER --out benchmarks/results/tables.json

The protocol is in README.md beside this file.
"""

from __future__ import annotations

import argparse
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from record import Stopwatch, limit_threads, surroundings, write_json
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import KFold

from superpose import KSTClassifier, KSTRegressor
from superpose.datasets import known_curves

Score = dict[str, float]

MOST_ROWS = 9_000
RATIO = 15.0


@dataclass(frozen=True)
class Goal:
    """One table: whether it has classes, the loss to reach, and what is left out of it."""

    classes: bool
    most: float
    least_auc: float | None = None
    without: tuple[str, ...] = ()


GOALS = {  # in the order of their cost, so that a run that is cut short has most of them
    "banknote": Goal(True, 0.006, least_auc=0.9999),
    "heart_cleveland": Goal(True, 0.390),
    "concrete": Goal(False, 0.290),
    "phoneme": Goal(True, 0.290),
    "wine_quality_white": Goal(False, 0.780),
    "friedman40k": Goal(False, 0.2035),
    "bike_sharing_hour": Goal(False, 0.248),
    "cpu_act": Goal(False, 0.122),
    "adult": Goal(True, 0.302, without=("fnlwgt",)),
    "credit_default": Goal(True, 0.4326),
    "spambase": Goal(True, 0.137),
}
"""What the library must reach: log loss, or RMSE over the standard deviation of the target."""


def load(folder: Path, name: str) -> tuple[pd.DataFrame, pd.Series, float]:
    """At most 9,000 rows of a table, its target, and the sd of the target over all rows."""
    places = [folder / f"{name}{ending}" for ending in (".csv", ".csv.gz")]
    path = next((place for place in places if place.exists()), None)
    if path is None:
        raise SystemExit(f"--data must hold {name}.csv or {name}.csv.gz; found neither in {folder}")
    frame = pd.read_csv(path).drop(columns=list(GOALS[name].without))
    spread = math.nan if GOALS[name].classes else float(frame.iloc[:, -1].std(ddof=0))
    order = np.random.default_rng(0).permutation(len(frame))[:MOST_ROWS]
    frame = frame.iloc[order].reset_index(drop=True)
    return frame.iloc[:, :-1], frame.iloc[:, -1], spread


def make_superpose(classes: bool) -> Any:
    return KSTClassifier() if classes else KSTRegressor()


def make_ebm(classes: bool, **settings: Any) -> Any:
    """The peer at its defaults, but in one process, so that its CPU time can be read."""
    from interpret.glassbox import ExplainableBoostingClassifier, ExplainableBoostingRegressor

    maker = ExplainableBoostingClassifier if classes else ExplainableBoostingRegressor
    return maker(n_jobs=1, **settings)


PEERS: dict[str, Callable[..., Any]] = {"ebm": make_ebm}
BRIEF = {"ebm": {"outer_bags": 1, "max_rounds": 2}}
"""Settings with which a peer imports what it needs, without minutes of fitting."""


def score(model: Any, X: pd.DataFrame, y: pd.Series, spread: float) -> Score:
    """Log loss and area under the curve, or RMSE over the sd of the target."""
    if math.isnan(spread):
        p = model.predict_proba(X)
        loss = log_loss(y, p, labels=list(model.classes_))
        return {"loss": float(loss), "auc": float(roc_auc_score(y == model.classes_[1], p[:, 1]))}
    residual = y.to_numpy() - np.asarray(model.predict(X), dtype=np.float64)
    return {"loss": float(np.sqrt((residual**2).mean()) / spread)}


def dial_of(model: Any) -> dict[str, float]:
    """What there is to read: counted in the model, not read off the step it was grown to."""
    counts = {"pairs": len(model.pairs_), "terms": len(model.terms_)}
    return counts | {"curves": int(model.fit_.network.n_curves())}


def measure(make: Callable[[bool], Any], data: tuple, rows: tuple, classes: bool) -> Score:
    """Fit one side on one fold; only `fit` is timed."""
    X, y, spread = data
    train, test = rows
    model = make(classes)
    with warnings.catch_warnings(), Stopwatch() as watch:
        warnings.simplefilter("ignore")
        model.fit(X.iloc[train], y.iloc[train])
    found = score(model, X.iloc[test], y.iloc[test], spread)
    found |= {"cpu_s": round(watch.cpu, 3), "wall_s": round(watch.wall, 3)}
    return found | (dial_of(model) if make is make_superpose else {})


def run_table(folder: Path, name: str, folds: int, peers: list[str], peer_folds: int) -> dict:
    """All folds of one table, the sides in turn so that both meet the same noise."""
    data, classes = load(folder, name), GOALS[name].classes
    splits = list(KFold(folds, shuffle=True, random_state=0).split(data[0]))
    sides: dict[str, list[Score]] = {side: [] for side in ("superpose", *peers)}
    for i, rows in enumerate(splits):
        sides["superpose"].append(measure(make_superpose, data, rows, classes))
        for peer in peers if i < peer_folds else []:
            sides[peer].append(measure(PEERS[peer], data, rows, classes))
    return {
        "rows": len(data[0]),
        "columns": data[0].shape[1],
        "metric": "log loss" if classes else "RMSE / sd",
        "folds": sides,
        **judge(name, sides),
    }


def judge(name: str, sides: dict[str, list[Score]]) -> dict[str, Any]:
    """Mean loss against the goal, and CPU-seconds over the folds that both sides fitted."""
    goal, ours = GOALS[name], sides["superpose"]
    found = {"loss": _mean(ours, "loss"), "goal": goal.most}
    reached = found["loss"] <= goal.most
    if goal.classes:
        found["auc"] = _mean(ours, "auc")
        reached &= goal.least_auc is None or found["auc"] >= goal.least_auc
    found |= {"reached": reached, "cpu_s": float(np.median([fold["cpu_s"] for fold in ours]))}
    for peer in (side for side, folds in sides.items() if side != "superpose" and folds):
        theirs = sides[peer]
        found[peer] = {
            "folds": len(theirs),
            "loss": _mean(theirs, "loss"),
            "superpose_loss_same_folds": _mean(ours[: len(theirs)], "loss"),
            "cpu_s": float(np.median([fold["cpu_s"] for fold in theirs])),
            "cpu_ratio": _mean(theirs, "cpu_s") / _mean(ours[: len(theirs)], "cpu_s"),
        }
    return found


def _mean(folds: list[Score], key: str) -> float:
    return float(np.mean([fold[key] for fold in folds]))


def summarise(tables: dict[str, dict], peers: list[str]) -> dict[str, Any]:
    """How many goals were reached, and the geometric mean of the CPU ratio of each peer."""
    summary: dict[str, Any] = {
        "tables": len(tables),
        "reached": sum(table["reached"] for table in tables.values()),
    }
    for peer in peers:
        ratios = [table[peer]["cpu_ratio"] for table in tables.values() if peer in table]
        if ratios:
            summary[f"{peer}_tables"] = len(ratios)
            summary[f"{peer}_cpu_ratio"] = float(np.exp(np.mean(np.log(ratios))))
    return summary


def warm_up(peers: list[str]) -> None:
    """Compile and import before the clock starts: one small fit of each kind on each side."""
    table = known_curves(400, noise=0.1, shapes=("sine", "linear", "null"))
    product = table.X["sine"] * table.X["linear"]
    X = table.X.assign(level=np.where(table.X["null"] > 0, "high", "low"))
    X.loc[::9, "null"] = np.nan
    target = table.y + 3 * product
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for classes, y in ((False, target), (True, target > 0)):
            make_superpose(classes).fit(X, y)
            for peer in peers:
                PEERS[peer](classes, **BRIEF[peer]).fit(X, y)


def line(name: str, table: dict[str, Any], peers: list[str]) -> str:
    shown = " ".join(f"{f['pairs']}+{f['terms']}" for f in table["folds"]["superpose"])
    cells = [f"{name:19}", f"{table['loss']:8.4f}", f"{table['goal']:8.4f}"]
    cells += [f"{'yes' if table['reached'] else 'NO':>7}", f"{table['cpu_s']:8.2f}"]
    for peer in peers:
        if peer in table:
            side = table[peer]
            cells += [f"{side['loss']:8.4f}", f"{side['cpu_s']:8.1f}", f"{side['cpu_ratio']:7.1f}"]
        else:
            cells += [f"{'-':>8}", f"{'-':>8}", f"{'-':>7}"]
    auc = f"  AUC {table['auc']:.5f}" if "auc" in table else ""
    return " ".join(cells) + f"   {shown}{auc}"


def header(peers: list[str]) -> str:
    cells = [f"{'table':19}", f"{'loss':>8}", f"{'goal':>8}", f"{'reached':>7}", f"{'CPU s':>8}"]
    for peer in peers:
        cells += [f"{peer:>8}", f"{'CPU s':>8}", f"{'ratio':>7}"]
    return " ".join(cells) + "   pairs+terms of each fold"


def report(summary: dict[str, Any], peers: list[str]) -> None:
    print(f"\n{summary['reached']} of {summary['tables']} goals reached")
    for peer in peers:
        if f"{peer}_cpu_ratio" in summary:
            ratio, count = summary[f"{peer}_cpu_ratio"], summary[f"{peer}_tables"]
            print(f"{peer} takes {ratio:.1f} times the CPU-seconds of superpose ", end="")
            print(f"(geometric mean over {count} tables; goal {RATIO:.0f})")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with NAME.csv(.gz)")
    parser.add_argument("--tables", default=",".join(GOALS), help="names, with commas between")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--peer", choices=[*PEERS, "none"], default="ebm")
    parser.add_argument("--peer-folds", type=int, help="fit the peer on the first so many folds")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="JSON, written anew after every table")
    options = parser.parse_args()
    options.tables = options.tables.split(",")
    unknown = sorted(set(options.tables) - set(GOALS))
    if unknown:
        parser.error(f"no such table: {', '.join(unknown)}; there are {', '.join(GOALS)}")
    return options


def main() -> None:
    options = arguments()
    limit_threads(options.threads)
    peers = [] if options.peer == "none" else [options.peer]
    peer_folds = options.folds if options.peer_folds is None else options.peer_folds
    answer: dict[str, Any] = {
        "question": (__doc__ or "").splitlines()[0],
        "protocol": {
            "rows": f"default_rng(0).permutation(n)[:{MOST_ROWS}]",
            "folds": f"KFold({options.folds}, shuffle=True, random_state=0)",
            "peer_folds": peer_folds if peers else 0,
            "cpu_ratio_goal": RATIO,
        },
        "surroundings": surroundings(),
        "tables": {},
        "summary": {},
    }
    warm_up(peers)
    print(header(peers), flush=True)
    for name in options.tables:
        table = run_table(options.data, name, options.folds, peers, peer_folds)
        answer["tables"][name] = table
        answer["summary"] = summarise(answer["tables"], peers)
        if options.out:
            write_json(answer, options.out)
        print(line(name, table, peers), flush=True)
    report(answer["summary"], peers)


if __name__ == "__main__":
    main()
