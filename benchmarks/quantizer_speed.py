"""What does quantizing cost a pass over 784 steps, forward and backward?

    python benchmarks/quantizer_speed.py

The same hybrid LMU, all steps of it, with each quantizer in turn; a round runs all of them, a
ratio is that of one round to the plain network, the answer their median.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from record import limit_threads, surroundings, write_json

from superpose.curves.diffusion import plain_diffusion
from superpose.sequences import QUANTIZERS, HybridLMU

OUT = Path(__file__).parent / "results" / "quantizer_speed.json"
SIZES = [(256, 212, 20), (64, 64, 100)]  # order, hidden, sequences


def milliseconds(model: HybridLMU, memories: torch.Tensor, x: torch.Tensor) -> float:
    """CPU time of all threads: the loss of every step's output, and all gradients."""
    model.zero_grad()
    memories.grad = None
    start = time.process_time()
    run = model.run_memories(memories, x, model.start(x))
    run.outputs.square().mean().backward()
    return 1e3 * (time.process_time() - start)


def scan_alone(memories: torch.Tensor) -> dict[str, float]:
    """The compiled scan and the same loop in operations of torch, without gradients."""
    from superpose.curves.diffusion import host_diffusion

    x, dt = memories.detach(), torch.tensor(4.0)
    v = torch.rand(len(x), x.shape[2])
    found = {}
    for name, form in (("compiled", host_diffusion), ("torch", plain_diffusion)):
        times = []
        for _ in range(4):
            start = time.process_time()
            form(x, v, dt, 0.0)
            times.append(time.process_time() - start)
        found[f"{name}_nanoseconds_a_value"] = 1e9 * statistics.median(times[1:]) / x.numel()
    return found


def compare(order: int, hidden: int, batch: int, rounds: int) -> dict[str, Any]:
    torch.manual_seed(0)
    first = HybridLMU(1, hidden, 10, order, 784, dt=4.0, quantizer="none", window=8)
    x = torch.randn(batch, 784, 1)
    with torch.no_grad():
        memories = first.memory(first.encode(x))[0].flatten(2)
    memories.requires_grad_()  # what stands before the readout learns, too
    sides = {name: first.quantized(name) for name in ("none", *QUANTIZERS)}
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds + 1):
        for name, model in sides.items():
            times[name].append(milliseconds(model, memories, x))
    answer: dict[str, Any] = {"order": order, "hidden": hidden, "batch": batch}
    answer |= scan_alone(memories)
    for name, own in times.items():
        ratios = sorted(a / b for a, b in zip(own[1:], times["none"][1:], strict=True))
        answer[name] = {
            "milliseconds": statistics.median(own[1:]),
            "ratio": statistics.median(ratios),
            "ratio_lowest": ratios[0],
            "ratio_highest": ratios[-1],
        }
        print(order, hidden, name, answer[name], flush=True)
    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    limit_threads(options.threads)
    answer: dict[str, Any] = surroundings() | {"rounds": options.rounds, "sizes": []}
    for size in SIZES:
        answer["sizes"].append(compare(*size, options.rounds))
        write_json(answer, options.out)


if __name__ == "__main__":
    main()
