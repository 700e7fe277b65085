"""What does a step beside the weights cost, in CPU time and memory, against a plain step?

    python benchmarks/perturbed_step.py --out benchmarks/results/perturbed_step.json

All sides take turns, step by step, on copies of one network and the same rows; times are medians
of CPU time. The rate is 0, so that every side does the same arithmetic at every step. "Two passes"
is a plain step after a pass that is thrown away: what torch takes for two passes and one step.
Memory is the highest resident size of a process of its own.
"""

from __future__ import annotations

import argparse
import copy
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import mnist
import torch
from flat_minima import kst, mlp, small_conv
from record import limit_threads, surroundings, write_json
from torch import nn
from torch.nn.functional import cross_entropy

from superpose.fitting import AMP, ASAM, SAM

SGD = {"lr": 0.0, "momentum": 0.9, "nesterov": True}


class TwoPasses(torch.optim.SGD):
    """The floor of a step that needs two gradients: the first is not used."""

    def step(self, closure: Callable[[], torch.Tensor]) -> torch.Tensor:
        closure()
        return super().step(closure)


SIDES: dict[str, Callable[[nn.Module], torch.optim.Optimizer]] = {
    "plain": lambda n: torch.optim.SGD(n.parameters(), **SGD),
    "two passes": lambda n: TwoPasses(n.parameters(), **SGD),
    "AMP": lambda n: AMP(n.parameters(), epsilon=0.5, zeta=1.0, network=n, **SGD),
    "SAM": lambda n: SAM(n.parameters(), rho=0.05, network=n, **SGD),
    "ASAM": lambda n: ASAM(n.parameters(), rho=0.5, network=n, **SGD),
}
CASES = {
    "convolutions, 2 of 8 and 16, 50 images": (lambda: small_conv(0), (50, 1, 28, 28)),
    "convolutions, 2 of 16 and 32, 128 images": (lambda: convolutions(), (128, 1, 28, 28)),
    "MLP 10-64-64-10, 50 rows": (lambda: mlp(10, 10, 0), (50, 10)),
    "MLP 10-64-64-10, 1,000 rows": (lambda: mlp(10, 10, 0), (1000, 10)),
    "KSTNetwork 10-5-10, 100 rows": (lambda: kst(10, 10, 0), (100, 10)),
    "KSTNetwork 10-5-10, 1,000 rows": (lambda: kst(10, 10, 0), (1000, 10)),
}


def convolutions() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(mnist.trunk(64), nn.ReLU(), nn.Linear(64, 10))


def closure_of(
    optimizer: torch.optim.Optimizer, network: nn.Module, x: torch.Tensor, y: torch.Tensor
) -> Callable[[], torch.Tensor]:
    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = cross_entropy(network(x), y)
        loss.backward()
        return loss

    return closure


def timed(make: Callable[[], nn.Module], shape: tuple[int, ...], budget: float) -> dict[str, Any]:
    """Median CPU milliseconds of a step on every side, and ratios round by round."""
    network, generator = make(), torch.Generator().manual_seed(0)
    x = torch.randn(shape, generator=generator)
    y = torch.randint(10, shape[:1], generator=generator)
    steps = {}
    for name, optimizer_of in SIDES.items():
        own = copy.deepcopy(network)
        optimizer = optimizer_of(own)
        steps[name] = (optimizer, closure_of(optimizer, own, x, y))
    for optimizer, closure in steps.values():
        optimizer.step(closure)
    spent: dict[str, list[float]] = {name: [] for name in steps}
    end = time.process_time() + budget
    while time.process_time() < end:
        for name, (optimizer, closure) in steps.items():
            start = time.process_time()
            optimizer.step(closure)
            spent[name].append(time.process_time() - start)
    found = {}
    for name, times in spent.items():
        ratios = [mine / plain for mine, plain in zip(times, spent["plain"], strict=True)]
        low, middle, high = quantiles(ratios)
        found[name] = {"ms": 1e3 * median(times), "ratio": middle, "quartiles": [low, high]}
    return found | {"rounds": len(spent["plain"])}


def resident(side: str) -> None:
    """Print by how many parameter sizes three steps of one side raise the resident size."""
    torch.manual_seed(0)
    wide = [nn.Linear(1500, 1500) for _ in range(10)]
    network = nn.Sequential(*wide, nn.Linear(1500, 10))
    optimizer = SIDES[side](network)
    x, y = torch.randn(8, 1500), torch.zeros(8, dtype=torch.long)
    closure = closure_of(optimizer, network, x, y)
    size = sum(p.numel() * p.element_size() for p in network.parameters())
    for _ in range(3):
        optimizer.step(closure)
    print("peak", _peak() / size)


def _peak() -> int:
    """The highest resident size of this process in bytes; Linux says it."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def memory() -> dict[str, float]:
    """Copies of the parameters that a side holds at most, beyond what a plain step holds.

    Large blocks go back to the system as soon as they are free, so that holes do not count.
    """
    peaks, environment = {}, os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536"}
    for side in SIDES:
        command = [sys.executable, __file__, "--resident", side]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        peaks[side] = float(done.stdout.split()[-1])
    return {side: peak - peaks["plain"] for side, peak in peaks.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resident", choices=SIDES)
    parser.add_argument("--budget", type=float, default=10.0, help="CPU seconds a case")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    limit_threads(1)
    if options.resident:
        resident(options.resident)
        return
    answer: dict[str, Any] = surroundings() | {"cases": {}}
    for name, (make, shape) in CASES.items():
        answer["cases"][name] = found = timed(make, shape, options.budget)
        ratios = {side: round(found[side]["ratio"], 3) for side in SIDES}
        print(f"{name}: plain {found['plain']['ms']:.2f} ms, times {ratios}", flush=True)
    answer["copies of the parameters more"] = memory()
    print("copies of the parameters more:", answer["copies of the parameters more"])
    if options.out:
        write_json(answer, options.out)


if __name__ == "__main__":
    main()
