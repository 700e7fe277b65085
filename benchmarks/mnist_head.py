"""What does a readable head cost a network that knows handwritten digits?

    python benchmarks/mnist_head.py --data FOLDER --out benchmarks/results/mnist_head.json

FOLDER holds sequences/mnist/*.gz. The same small convolutional network is trained with a linear
head and with a `KSTHead` on its learned features, from the same trunk and batches; then the
features are frozen and a `KSTClassifier` is fitted on them after the fact.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import Any

import mnist
import numpy as np
import torch
from record import Stopwatch, limit_threads, surroundings, write_json
from torch import nn

from superpose import KSTClassifier
from superpose.networks import KSTHead

DIGITS = [str(digit) for digit in range(10)]
BATCH, RATE, CURVE_RATE, PRIOR = 128, 2e-3, 1e-2, 1e-4


def network(side: str, n_features: int, seed: int) -> nn.Sequential:
    """Trunk and head; the trunk starts alike on both sides."""
    torch.manual_seed(seed)
    trunk = mnist.trunk(n_features)
    head = nn.Linear(n_features, 10) if side == "linear" else KSTHead(n_features, DIGITS)
    return nn.Sequential(trunk, head)


def train(
    model: nn.Sequential, images: torch.Tensor, labels: torch.Tensor, epochs: int, seed: int
) -> None:
    """Adam with one cycle of the learning rate; the curves in a group of their own."""
    head = model[1]
    rates = [RATE, CURVE_RATE if isinstance(head, KSTHead) else RATE]
    groups = [
        {"params": part.parameters(), "lr": lr} for part, lr in zip(model, rates, strict=True)
    ]
    steps = epochs * (len(images) // BATCH)
    optimizer = torch.optim.Adam(groups)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=steps)
    generator = torch.Generator().manual_seed(seed)
    model.train()
    for _ in range(epochs):
        order = torch.randperm(len(images), generator=generator)
        for rows in order[: len(order) // BATCH * BATCH].split(BATCH):
            loss = nn.functional.cross_entropy(model(images[rows]), labels[rows])
            if isinstance(head, KSTHead):
                loss = loss + PRIOR * head.prior()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cycle.step()
    model.eval()


@torch.no_grad()
def apply(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The model in batches of evaluation."""
    return torch.cat([model(rows) for rows in x.split(1000)])


def scores(logits: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
    return {
        "accuracy": float((logits.argmax(1) == labels).float().mean()),
        "log_loss": float(nn.functional.cross_entropy(logits.double(), labels)),
    }


def after_the_fact(trunk: nn.Module, data: tuple[torch.Tensor, ...], rows: int) -> dict[str, float]:
    """A `KSTClassifier` on the frozen features of the linear side."""
    images, labels, test, answers = data
    known, new = apply(trunk, images[:rows]).numpy(), apply(trunk, test).numpy()
    model = KSTClassifier(pairs=0, terms=0)
    with warnings.catch_warnings(), Stopwatch() as watch:
        warnings.simplefilter("ignore")
        model.fit(known, labels[:rows].numpy())
    chance = model.predict_proba(new)
    own = np.log(np.maximum(chance[np.arange(len(new)), answers.numpy()], 1e-15))
    right = float((chance.argmax(1) == answers.numpy()).mean())
    return {"accuracy": right, "log_loss": -float(own.mean()), "cpu": watch.cpu, "rows": rows}


def draw(model: nn.Sequential, test: torch.Tensor, path: Path) -> None:
    """The head of a network, and the test image it is least sure of among the first thousand."""
    from superpose.plots import HeadDisplay

    trunk, head = model
    features = apply(trunk, test)
    head.centre(features)
    doubt = int(torch.softmax(head(features[:1000]), 1).amax(1).argmin())
    display = HeadDisplay(head, features, test[:, 0].numpy(), row=doubt).plot()
    display.figure_.savefig(path, dpi=90)


def measure(data: tuple[torch.Tensor, ...], options: argparse.Namespace) -> list[dict[str, Any]]:
    images, labels, test, answers = data
    found = []
    for seed in range(options.seeds):
        row: dict[str, Any] = {"seed": seed}
        for side in ("linear", "kst"):
            model = network(side, options.features, seed)
            with Stopwatch() as watch:
                train(model, images, labels, options.epochs, seed)
            row[side] = scores(apply(model, test), answers) | {"cpu": watch.cpu}
            print(seed, side, row[side], flush=True)
            if side == "linear" and seed == 0:
                row["after"] = after_the_fact(model[0], data, options.rows_after)
                print(seed, "after the fact", row["after"], flush=True)
            elif side == "kst" and seed == 0 and options.picture:
                draw(model, test, options.picture)
        found.append(row)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--features", type=int, default=12)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rows-after", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--picture", type=Path, help="draw the first readable network here")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    limit_threads(options.threads)
    found = measure(mnist.load(options.data / "sequences" / "mnist"), options)
    gap = [row["kst"]["accuracy"] - row["linear"]["accuracy"] for row in found]
    print(f"accuracy of the readable head less that of the linear one: {np.mean(gap):+.4f}")
    if options.out:
        protocol = {"features": options.features, "epochs": options.epochs, "prior": PRIOR}
        write_json(surroundings() | {"protocol": protocol, "seeds": found, "gap": gap}, options.out)


if __name__ == "__main__":
    main()
