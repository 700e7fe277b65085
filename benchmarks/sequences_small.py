"""Do curves on a Legendre memory classify two small public sets as well as a linear model, an LSTM?

For every seed the memory (order and window) is chosen by cross-validation of the curves over the
training sequences; the linear model then reads the same memory, with its own penalty chosen by
cross-validation. The LSTM is the best of three restarts by its training loss.
"""

from __future__ import annotations

import argparse
import json
import statistics
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from record import Stopwatch, limit_threads, surroundings, write_json
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from superpose import KSTClassifier
from superpose.datasets import read_series
from superpose.sequences import LegendreMemory, read_sequences

OUT = Path(__file__).parent / "results" / "sequences_small.json"
#: Memories to choose from (order, theta), folds and repeats of the choice, epochs of the LSTM.
SETS: dict[str, dict[str, Any]] = {
    "JapaneseVowels": {"memories": [(2, 30), (3, 30), (2, 15)], "folds": (3, 1), "epochs": 40},
    "GunPoint": {
        "memories": [(q, 150) for q in (8, 12, 16, 20, 24, 28)],
        "folds": (5, 2),
        "epochs": 400,
    },
}
Sequences = list[np.ndarray]


class LSTM(nn.Module):
    """An LSTM whose last hidden state is read by a linear layer; forget gates start open."""

    def __init__(self, channels: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(channels, hidden, batch_first=True)
        self.linear = nn.Linear(hidden, classes)
        nn.init.ones_(self.lstm.bias_hh_l0.data[hidden : 2 * hidden])

    def forward(self, u: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        return self.linear(self.lstm(u)[0][torch.arange(len(u)), lengths - 1])


def train_lstm(
    u: torch.Tensor, lengths: torch.Tensor, y: torch.Tensor, epochs: int, seed: int
) -> tuple[float, LSTM]:
    """Train for a fixed number of epochs; return the training loss and the network."""
    torch.manual_seed(seed)
    network = LSTM(u.shape[2], 64, int(y.max()) + 1)
    adam = torch.optim.Adam(network.parameters(), 3e-3)
    loss = nn.functional.cross_entropy
    for _ in range(epochs):
        for rows in torch.randperm(len(y)).split(16):
            adam.zero_grad()
            loss(network(u[rows], lengths[rows]), y[rows]).backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            adam.step()
    with torch.no_grad():
        return float(loss(network(u, lengths), y)), network


def lstm_accuracy(train: Any, test: Any, epochs: int, seed: int, restarts: int = 3) -> float:
    (X, y), (X_test, y_test) = train, test
    batch, batch_test = read_sequences(X), read_sequences(X_test)
    values = batch.values[batch.within]
    scaled = [
        ((b.values - values.mean(0)) / values.std(0)).nan_to_num(0).float()
        for b in (batch, batch_test)
    ]
    classes = np.unique(y)
    codes = torch.from_numpy(np.searchsorted(classes, y))
    tried = [
        train_lstm(scaled[0], batch.lengths, codes, epochs, 10 * seed + i) for i in range(restarts)
    ]
    network = min(tried, key=lambda it: it[0])[1]
    with torch.no_grad():
        found = network(scaled[1], batch_test.lengths).argmax(1).numpy()
    return float((classes[found] == y_test).mean())


def choose(X: Sequences, y: np.ndarray, words: dict[str, Any], seed: int) -> dict[str, Any]:
    """The memory whose curves are right most often in cross-validation, the smaller one of equals.

    Eight control points a curve and no search for pairs, to be quick; the final fit is at defaults.
    """
    folds, repeats = words["folds"]
    cv = RepeatedStratifiedKFold(n_splits=folds, n_repeats=repeats, random_state=seed)
    scores = {}
    for order, theta in words["memories"]:
        table = LegendreMemory(order, theta).fit_transform(X)
        quick = KSTClassifier(knots=8, pairs=0, terms=0)
        scores[order, theta] = float(cross_val_score(quick, table, y, cv=cv).mean())
    best = max(scores, key=lambda it: scores[it])
    return {"memory": best, "scores": {f"order {q}, theta {t}": s for (q, t), s in scores.items()}}


def measured(side: Callable[[], Any]) -> dict[str, Any]:
    with Stopwatch() as watch:
        answer = side()
    return {**answer, "cpu_seconds": round(watch.cpu, 2)}


def curves(train: Any, test: Any, memory: tuple[int, float]) -> dict[str, Any]:
    model = make_pipeline(LegendreMemory(*memory), KSTClassifier()).fit(*train)
    parts = {"curves": len(model[-1].curves_), "pairs": len(model[-1].pairs_)}
    return {"accuracy": model.score(*test), **parts}


def linear(train: Any, test: Any, memory: tuple[int, float]) -> dict[str, Any]:
    fit = LogisticRegressionCV(Cs=np.logspace(-3, 3, 7), cv=5, max_iter=5000)
    model = make_pipeline(LegendreMemory(*memory), StandardScaler(), fit).fit(*train)
    return {"accuracy": float((model.predict(test[0]) == test[1]).mean())}


def on_the_memory(
    train: Any, test: Any, words: dict[str, Any], seed: int, fitted: dict[Any, Any]
) -> dict[str, Any]:
    """The memory chosen with this seed's folds, and both sides that read it."""
    chosen = measured(lambda: choose(*train, words, seed))
    memory = chosen["memory"]
    if memory not in fitted:  # both are without randomness: the seed is that of the folds
        fitted[memory] = {
            "curves": measured(lambda: curves(train, test, memory)),
            "linear": measured(lambda: linear(train, test, memory)),
        }
    return {"chosen": chosen, **fitted[memory]}


def one_set(
    name: str, folder: Path, seeds: int, before: list[dict[str, Any]] | None
) -> dict[str, Any]:
    """Run all sides; the LSTM alone where the runs `before` have the others."""
    train, test = (read_series(folder / f"{name}_{part}.ts.gz") for part in ("TRAIN", "TEST"))
    words, runs, fitted = SETS[name], [], {}
    for seed in range(seeds):
        run: dict[str, Any] = {"seed": seed}
        run |= before[seed] if before else on_the_memory(train, test, words, seed, fitted)
        memory = tuple(run["chosen"]["memory"])
        run["lstm"] = measured(
            lambda seed=seed: {"accuracy": lstm_accuracy(train, test, words["epochs"], seed)}
        )
        runs.append(run)
        sides = {side: round(run[side]["accuracy"], 4) for side in ("curves", "linear", "lstm")}
        print(name, seed, memory, sides, flush=True)
    medians = {
        side: statistics.median(run[side]["accuracy"] for run in runs)
        for side in ("curves", "linear", "lstm")
    }
    return {"rows": [len(train[1]), len(test[1])], "median_accuracy": medians, "runs": runs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds sequences/")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--lstm-alone", action="store_true", help="keep the rest of the answer")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    limit_threads(1)
    warnings.simplefilter("ignore")
    answer = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
    for name in arguments.sets.split(","):
        found = {"surroundings": surroundings(), "epochs_of_lstm": SETS[name]["epochs"]}
        before = answer[name]["runs"] if arguments.lstm_alone else None
        folder = arguments.data / "sequences"
        answer[name] = found | one_set(name, folder, arguments.seeds, before)
        write_json(answer, arguments.out)


if __name__ == "__main__":
    main()
