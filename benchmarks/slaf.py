"""Which basis and which routine of SLAF learns best, beside ReLU, SiLU, rationals and GP curves?

    OMP_NUM_THREADS=1 python benchmarks/slaf.py --tasks conditioning,spirals,sparse,depth
    OMP_NUM_THREADS=1 python benchmarks/slaf.py --tasks mnist --data FOLDER

Every side has the same linear maps, batches, steps and learning rates; only the activation differs.
Sides take turns within a seed; CPU-seconds are those of the training loop. A task that is in the
file of results already is replaced, the others stay; the file is written after every seed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from record import limit_threads, surroundings, write_json
from slaf_sides import Side, sides
from torch import nn
from torch.nn import functional

from superpose.curves import SLAF, condition_number
from superpose.curves.polynomial_bases import basis_elements, recurrence_table
from superpose.networks import routine_step

Rows = tuple[torch.Tensor, torch.Tensor]
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
SPARSE_STEPS = {2: 400, 3: 1500, 4: 400}  # of degree 3 most sides have learned nothing by 400


def dense(sizes: list[int], side: Side) -> nn.Sequential:
    """Linear, activation, .., linear."""
    layers: list[nn.Module] = []
    for inputs, units in pairwise(sizes[:-1]):
        layers += [nn.Linear(inputs, units), side(units)]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]), nn.Flatten(0))


def convolutional(side: Side) -> nn.Sequential:
    """Two convolutions of 8 and 16 channels (5 x 5), average pooling, 64 units, 10 classes."""
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 5), nn.AvgPool2d(2), side(8)),
        *(nn.Conv2d(8, 16, 5), nn.AvgPool2d(2), side(16)),
        *(nn.Flatten(), nn.Linear(256, 64), side(64), nn.Linear(64, 10)),
    )


def train(network: nn.Module, rows: Rows, loss: Loss, steps: int, batch: int, rate: float) -> float:
    """Adam, the rate cut to a tenth at half and at five sixths; return its CPU-seconds."""
    optimiser = torch.optim.Adam(network.parameters(), lr=rate)
    cuts = [steps // 2, steps * 5 // 6]
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, cuts, 0.1)
    x, y = rows
    start = time.process_time()
    for _ in range(steps):
        drawn = torch.randint(0, len(x), (batch,))
        optimiser.zero_grad()
        loss(network(x[drawn]), y[drawn]).backward()
        routine_step(network, optimiser)
        schedule.step()
    spent = time.process_time() - start
    network.eval()
    return spent


@torch.no_grad()
def outputs(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return torch.cat([network(part) for part in x.split(1000)])


def told_apart(network: nn.Module, x: torch.Tensor) -> float | None:
    """Median over all curves of the condition number of their elements at the rows x."""
    found: list[float] = []
    for layer in network:
        if isinstance(layer, SLAF):
            elements = layer.double().elements(x.double())
            found += [condition_number(elements[1:, :, c]) for c in range(elements.shape[2])]
            layer.float()
        with torch.no_grad():
            x = layer(x)
    return statistics.median(found) if found else None


# -- tasks: seed, side -> what was measured -----------------------------------------------------


def spirals(rows: int, seed: int, turns: float = 3.0) -> Rows:
    """Two spirals of three turns in the unit disc, evenly dense, with noise of sd .01."""
    draw = torch.Generator().manual_seed(seed)
    arm = (torch.rand(rows, generator=draw) < 0.5).float()
    radius = torch.rand(rows, generator=draw).sqrt()
    angle = math.pi * (2 * turns * radius + arm)
    x = radius.unsqueeze(1) * torch.stack([angle.cos(), angle.sin()], 1)
    return x + 0.01 * torch.randn(rows, 2, generator=draw), arm


def on_spirals(seed: int, side: Side, hidden: int = 2, steps: int = 1500) -> dict[str, Any]:
    rows, (x, y) = spirals(4000, seed), spirals(2000, 10_000 + seed)
    torch.manual_seed(seed)
    network = dense([2, *[20] * hidden, 1], side)
    loss = functional.binary_cross_entropy_with_logits
    cpu = train(network, rows, loss, steps, batch=128, rate=1e-2)
    right = ((outputs(network, x) > 0) == y.bool()).float().mean().item()
    return {"accuracy": right, "cpu": cpu, "condition": told_apart(network, x)}


def sparse_polynomial(seed: int, degree: int) -> tuple[Rows, Rows, list[int]]:
    """Draw 20 normal inputs, 20 monomials of this degree in 10 of them, 10,000 + 4,000 rows."""
    rng = np.random.default_rng(seed)
    used = sorted(rng.choice(20, 10, replace=False).tolist())
    monomials = [rng.choice(used, degree, replace=False) for _ in range(20)]
    X = rng.normal(size=(14_000, 20))
    y = sum(rng.normal() * X[:, m].prod(1) for m in monomials)
    x, y = torch.tensor(X).float(), torch.tensor(y / y[:10_000].std()).float()
    return (x[:10_000], y[:10_000]), (x[10_000:], y[10_000:]), used


def on_sparse(seed: int, side: Side, degree: int) -> dict[str, Any]:
    rows, (x, y), used = sparse_polynomial(seed, degree)
    torch.manual_seed(seed)
    network = dense([20, 64, 32, 1], side)
    cpu = train(network, rows, functional.mse_loss, SPARSE_STEPS[degree], batch=128, rate=1e-2)
    error = (outputs(network, x) - y).square().mean().item() / y.var().item()
    x = x[:1000].requires_grad_()
    (slopes,) = torch.autograd.grad(network(x).sum(), x)
    found = slopes.abs().mean(0).topk(10).indices.tolist()
    return {"error": error, "support": len(set(found) & set(used)) / 10, "cpu": cpu}


def mnist(folder: Path) -> tuple[Rows, Rows]:
    """All of MNIST, standardised by one mean and one deviation."""

    def idx(name: str) -> np.ndarray:
        raw = gzip.decompress((folder / name).read_bytes())
        sizes = np.frombuffer(raw, ">i4", raw[3], 4)
        return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(sizes)

    shards = [idx(f"train-images-{i}-of-5-idx3-ubyte.gz") for i in range(5)]
    images = [np.concatenate(shards), idx("t10k-images-idx3-ubyte.gz")]
    labels = [idx("train-labels-idx1-ubyte.gz"), idx("t10k-labels-idx1-ubyte.gz")]
    x = [torch.tensor((it - 33.32) / 78.57, dtype=torch.float32).unsqueeze(1) for it in images]
    y = [torch.tensor(it, dtype=torch.int64) for it in labels]
    return (x[0], y[0]), (x[1], y[1])


def on_mnist(seed: int, side: Side, data: tuple[Rows, Rows], steps: int) -> dict[str, Any]:
    torch.manual_seed(seed)
    network = convolutional(side)
    cpu = train(network, data[0], functional.cross_entropy, steps, batch=64, rate=5e-3)
    x, y = data[1]
    right = (outputs(network, x).argmax(1) == y).float().mean().item()
    return {"accuracy": right, "cpu": cpu}


# -- conditioning: no training ------------------------------------------------------------------


def conditioning() -> dict[str, Any]:
    """One curve's problem, for three densities by quadrature and for one skewed sample."""
    skewed = np.random.default_rng(0).lognormal(size=20_000)
    normal = np.polynomial.hermite_e.hermegauss(120)
    uniform = np.polynomial.legendre.leggauss(200)
    inputs = {"N(0,1)": (0, *normal), "N(1,1)": (1, *normal), "U(-1,1)": (0, *uniform)}
    inputs["log-normal, 20,000 rows"] = (0, skewed, np.ones(20_000))
    found: dict[str, Any] = {}
    for name, (shift, places, weights) in inputs.items():
        x, w = torch.tensor(places) + shift, torch.tensor(weights / weights.sum())
        t = (x - x @ w) / ((x - x @ w) ** 2 @ w).sqrt()
        for k in (4, 6, 10):
            elements = {
                basis: basis_elements(place, basis, recurrence_table(basis, k))[1:]
                for basis, place in {"powers": x, "hermite": t, "chebyshev": t}.items()
            }
            found[f"{name}, degree {k}"] = {
                "raw powers": condition_number(elements["powers"], w, standardise=False),
                **{basis: condition_number(g, w) for basis, g in elements.items()},
            }
    return found


# -- the file -----------------------------------------------------------------------------------


def measured(
    task: str, one: Callable[[int, Side], dict[str, Any]], chosen: dict[str, Side], seeds: int
) -> Any:
    """Yield the answer of a task after every seed; sides take turns."""
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in chosen}
    around = surroundings()
    for seed in range(seeds):
        for name, side in chosen.items():
            runs[name].append(one(seed, side))
        yield {"surroundings": around, "seeds": seed + 1, "sides": summary(runs), "runs": runs}
    for name, found in summary(runs).items():
        words = [f"{key} {value['median']:.4g}" for key, value in found.items()]
        print(f"{task:10} {name:24} {', '.join(words)}", flush=True)


def summary(runs: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Median, lowest and highest over the seeds."""
    found: dict[str, Any] = {}
    for name, list_of_runs in runs.items():
        found[name] = {}
        for key in list_of_runs[0]:
            values = [run[key] for run in list_of_runs if run[key] is not None]
            if values:
                found[name][key] = {
                    "median": statistics.median(values),
                    "lowest": min(values),
                    "highest": max(values),
                }
    return found


def only(chosen: dict[str, Side], *words: str) -> dict[str, Side]:
    """The sides named, in order."""
    return {name: chosen[name] for name in words}


PLAIN = ("relu", "relu, standardised", "silu", "silu, standardised", "rational", "gp")
FEW = ("chebyshev, clipped", "hermite, clipped", "empirical, clipped", "powers, clipped")


def tasks(options: argparse.Namespace) -> dict[str, Callable[[], Any]]:
    """Every task by its name: what runs it, seed by seed."""
    seeds = options.seeds
    without_scaled = {name: side for name, side in sides(2).items() if "scaled" not in name}
    found: dict[str, Callable[[], Any]] = {
        "conditioning": lambda: iter([conditioning()]),
        "spirals": lambda: measured("spirals", on_spirals, sides(7), seeds),
    }
    for d in (2, 3, 4):
        found[f"sparse {d}"] = lambda d=d: measured(
            f"sparse {d}", lambda seed, side: on_sparse(seed, side, d), without_scaled, seeds
        )
    for hidden in (4, 8):
        found[f"depth {hidden}"] = lambda hidden=hidden: measured(
            f"depth {hidden}",
            lambda seed, side: on_spirals(seed, side, hidden, steps=1000),
            only(sides(4), *PLAIN[:4], *FEW, "powers, normalised", "chebyshev, normalised"),
            seeds,
        )
    if options.data:
        data = mnist(options.data)
        found["mnist"] = lambda: measured(
            "mnist",
            lambda seed, side: on_mnist(seed, side, data, options.mnist_steps),
            only(sides(4), *PLAIN, *FEW, "powers, scaled", "powers, normalised"),
            options.mnist_seeds,
        )
    return found


def main() -> None:
    """Measure the tasks that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/slaf.json"))
    parser.add_argument("--tasks", default="conditioning,spirals,sparse,depth")
    parser.add_argument("--data", type=Path, help="folder with MNIST in IDX files")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--mnist-seeds", type=int, default=3)
    parser.add_argument("--mnist-steps", type=int, default=300)
    options = parser.parse_args()
    limit_threads(1)
    answer = json.loads(options.out.read_text()) if options.out.exists() else {}
    for name, task in tasks(options).items():
        if {name, name.split()[0]} & set(options.tasks.split(",")):
            for found in task():
                answer[name] = found
                write_json(answer, options.out)


if __name__ == "__main__":
    main()
