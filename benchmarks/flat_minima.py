"""Does training beside the weights (AMP, SAM, ASAM) pay, and where does it lose?

    python benchmarks/flat_minima.py --data FOLDER --out benchmarks/results/flat_minima.json

FOLDER holds sequences/mnist/*.gz and tables/*.csv. Settings are chosen on held-out rows by one
seed; then three seeds are trained and scored on rows that nothing has seen.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import mnist
import numpy as np
import pandas as pd
import torch
from flat_minima_sides import Side, Task, loss_of, train
from record import Stopwatch, limit_threads, surroundings, write_json
from torch import nn

from superpose.bench import calibration_error
from superpose.networks import KSTNetwork

CLASSES = ("heart_cleveland", "spambase", "phoneme", "pendigits")
NUMBERS = ("concrete", "energy_efficiency", "wine_quality_white", "cpu_act")
NOISE = (0.0, 0.2, 0.4)
PAPER = Side("AMP", {"epsilon": 0.5, "zeta": 1.0, "per_tensor": True})


def sides(
    rho: list[float], rho_adaptive: list[float], reach: list[tuple[float, float]]
) -> dict[str, list[Side]]:
    """What each name may be; the best on held-out rows is taken."""
    return {
        "ERM": [Side()],
        "weight decay": [Side(weight_decay=w) for w in (1e-3, 1e-2)],
        "label smoothing": [Side(smoothing=s) for s in (0.1, 0.2)],
        "MixUp": [Side(mixup=a) for a in (0.2, 1.0)],
        "SAM": [Side("SAM", {"rho": r}) for r in rho],
        "ASAM": [Side("ASAM", {"rho": r}) for r in rho_adaptive],
        "AMP, paper": [PAPER],
        "AMP": [Side("AMP", {"epsilon": e, "zeta": z}) for e, z in reach],
    }


OF_IMAGES = sides(
    [0.03, 0.06, 0.1, 0.2],
    [0.2, 0.5, 1.0, 2.0],
    [(0.5, 0.05), (0.5, 0.1), (0.5, 0.2), (0.5, 0.4)],
)
OF_TABLES = sides([0.05, 0.1, 0.2], [0.5, 1.0, 2.0], [(0.1, 1.0), (0.5, 0.1), (0.5, 0.3)])


def score(x: torch.Tensor, y: torch.Tensor, scale: float = 1.0) -> Callable[..., dict[str, float]]:
    """Log loss, error and calibration of classes; RMSE in units of the target's deviation."""

    def of(network: nn.Module) -> dict[str, float]:
        output = torch.cat([network(rows) for rows in x.split(1000)]).double()
        loss = float(loss_of(output, y if not y.is_floating_point() else y.double()))
        if y.is_floating_point():
            return {"loss": (2 * loss) ** 0.5 * scale}
        chance, said = output.softmax(1).max(1)
        right = (said == y).double()
        ece = calibration_error(right.numpy(), chance.numpy())
        return {"loss": loss, "error": 1 - float(right.mean()), "ece": ece}

    return of


def small_conv(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU()),
        *(nn.Conv2d(8, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10)),
    )


def relabelled(y: torch.Tensor, share: float, seed: int) -> torch.Tensor:
    """Each label, with this probability, drawn anew from all ten."""
    generator = torch.Generator().manual_seed(seed)
    anew = torch.rand(len(y), generator=generator) < share
    return torch.where(anew, torch.randint(0, 10, y.shape, generator=generator), y)


def digits(folder: Path, share: float) -> tuple[Task, dict[str, Any]]:
    """5,000 digits to train on, 2,000 held out, with wrong labels; all 10,000 of the test."""
    images, labels, test, answers = mnist.load(folder / "sequences" / "mnist")
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    rows, held = order[:5000], order[5000:7000]
    y = relabelled(labels[rows], share, 1)
    options = {"lr": 0.05, "momentum": 0.9, "nesterov": True}
    task = Task(images[rows], y, small_conv, torch.optim.SGD, options, 1000, 50, 100)
    scores = {
        "held": score(images[held], relabelled(labels[held], share, 2)),
        "new": score(test, answers),
        "new, wrong labels": score(test, relabelled(answers, share, 3)),
    }
    return task, scores


def table(folder: Path, name: str) -> tuple[pd.DataFrame, pd.Series]:
    path = next((folder / "tables").glob(f"{name}.csv*"))
    frame = pd.read_csv(path)
    x = pd.get_dummies(frame.iloc[:, :-1], dummy_na=False).astype(float)
    return x.fillna(x.mean()), frame.iloc[:, -1]


def of_table(folder: Path, name: str, model: str) -> tuple[Task, dict[str, Any]]:
    """At most 2,000 rows to train on, 1,000 held out, 2,000 new; standardised by the first."""
    x, y = table(folder, name)
    order = np.random.default_rng(0).permutation(len(x))[:5000]
    cut = [int(len(order) * 0.4), int(len(order) * 0.6)]
    parts = np.split(x.to_numpy()[order], cut)
    centre, spread = parts[0].mean(0), parts[0].std(0) + 1e-9
    parts = [torch.tensor((part - centre) / spread).float().clamp(-10, 10) for part in parts]
    if name in CLASSES:
        codes = torch.tensor(pd.factorize(y, sort=True)[0])[order]
        targets, out = codes.tensor_split(cut), int(codes.max()) + 1
    else:
        raw = torch.tensor(y.to_numpy()[order]).float()
        fitted = raw[: cut[0]]
        targets, out = ((raw - fitted.mean()) / fitted.std()).tensor_split(cut), 1
    n = parts[0].shape[1]
    make, rate = (mlp, 3e-3) if model == "MLP" else (kst, 1e-2)
    batch = min(100, len(parts[0]) // 2)

    def network(seed: int) -> nn.Module:
        return make(n, out, seed)

    task = Task(parts[0], targets[0], network, torch.optim.Adam, {"lr": rate}, 300, batch, 15)
    scores = {"held": score(parts[1], targets[1]), "new": score(parts[2], targets[2])}
    return task, scores | {"rows": parts[2]}


def mlp(n: int, out: int, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    layers = nn.Linear(n, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, out)
    return nn.Sequential(*layers)


def kst(n: int, out: int, seed: int) -> nn.Module:
    return KSTNetwork([n, 5, out], generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def main_curves(network: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    """For every attribute the centred mean prediction at 20 of its values, over 50 rows.

    Of classes the log-probabilities, centred over classes, so that no constant is free.
    """
    rows, curves = x[:50], []
    for p in range(x.shape[1]):
        at = x[:, p].quantile(torch.linspace(0.025, 0.975, 20))
        asked = rows.repeat(20, 1)
        asked[:, p] = at.repeat_interleave(len(rows))
        said = network(asked).reshape(20, len(rows), -1).mean(1)
        if said.shape[1] > 1:
            said = said - said.mean(1, keepdim=True)
        curves.append(said - said.mean(0))
    return curves


def unsteadiness(networks: list[nn.Module], x: torch.Tensor) -> float:
    """Variance of the curves between seeds over that of their mean along the axes.

    Both are means over values and sums over attributes and outputs; the variance of the mean
    is less what the seeds alone would give it.
    """
    curves = [torch.cat([c.flatten() for c in main_curves(n, x)]) for n in networks]
    every = torch.stack(curves)
    between = every.var(0).mean()
    signal = every.mean(0).square().mean() - between / len(networks)
    return float(between / signal.clamp(min=1e-12))


def measured(task: Task, side: Side, seed: int, scores: dict[str, Any]) -> dict[str, Any]:
    found = train(task, side, seed, scores["held"], scores["new"])
    if "new, wrong labels" in scores:
        with torch.no_grad():
            found["last, wrong labels"] = scores["new, wrong labels"](found["network"])
    return found


def choices(name: str, offered: list[Side], task: Task) -> list[Side]:
    if name == "label smoothing" and not task.classes:
        return []
    return offered


def answers(
    task: Task, offered: dict[str, list[Side]], scores: dict[str, Any], seeds: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Of every side its choice, what was tried, and its runs; each run is made once."""
    for name, all_of_it in offered.items():
        tried = choices(name, all_of_it, task)
        if not tried:
            continue
        first = [measured(task, side, 0, scores) for side in tried]
        best = int(np.nanargmin([run["held"]["loss"] for run in first]))
        runs = [first[best]]
        runs += [measured(task, tried[best], seed, scores) for seed in range(1, seeds)]
        networks = [run.pop("network") for run in runs]
        answer = {"chosen": described(tried[best]), "runs": runs}
        answer["tried"] = [
            described(side) | {"held loss": run["held"]["loss"]}
            for side, run in zip(tried, first, strict=True)
        ]
        if isinstance(networks[0], KSTNetwork):
            answer["unsteadiness"] = unsteadiness(networks, scores["rows"])
        yield name, answer


def described(side: Side) -> dict[str, Any]:
    plain = {n: v for n, v in vars(replace(side, options={})).items() if v and n != "options"}
    return plain | side.options


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--parts", default="digits,tables")
    parser.add_argument("--tables", default=",".join(CLASSES + NUMBERS))
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    limit_threads(1)
    torch.set_flush_denormal(True)
    done = json.loads(options.out.read_text()) if options.out.exists() else {"parts": {}}
    wanted: dict[str, Callable[[], tuple[Task, dict[str, Any]]]] = {}
    if "digits" in options.parts:
        wanted |= {f"MNIST, {n:.0%} wrong": lambda n=n: digits(options.data, n) for n in NOISE}
    if "tables" in options.parts:
        for name in options.tables.split(","):
            for model in ("MLP", "KST"):
                wanted[f"{name}, {model}"] = lambda a=name, b=model: of_table(options.data, a, b)
    for layer in (kst, mlp):  # compiled loops are compiled before a clock is read
        loss_of(layer(2, 2, 0)(torch.randn(20, 2)), torch.ones(20).long()).backward()
    for part, make in wanted.items():
        if part in done["parts"]:
            continue
        task, scores = make()
        offered = OF_IMAGES if part.startswith("MNIST") else OF_TABLES
        with Stopwatch() as watch:
            found = dict(answers(task, offered, scores, options.seeds))
        done["parts"][part] = {"rows": len(task.x), "cpu": watch.cpu, "sides": found}
        done["parts"][part]["surroundings"] = surroundings()
        write_json(done, options.out)
        short = {
            k: round(float(np.mean([r["last"]["loss"] for r in v["runs"]])), 4)
            for k, v in found.items()
        }
        print(part, f"{watch.cpu:.0f} CPU s", short, flush=True)


if __name__ == "__main__":
    main()
