"""What does one step of a stream cost, beside an LSTM's, and does memory stay as it is?

A regressor reads a Legendre memory of a noisy sine and predicts its next sample. Sides take turns
in every round; microseconds are medians over rounds.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from record import Stopwatch, limit_threads, surroundings, write_json
from sklearn.pipeline import make_pipeline
from torch import nn

from superpose import KSTRegressor
from superpose.sequences import LegendreMemory, Stream

OUT = Path(__file__).parent / "results" / "stream.json"
ORDER, THETA, HIDDEN = 6, 40, 64


def made(steps: int, seed: int) -> np.ndarray:
    """A sine of period 50 whose size drifts, with noise of 0.1: [steps, 1]."""
    t, rng = np.arange(steps), np.random.default_rng(seed)
    return ((1 + 0.3 * np.sin(t / 700)) * np.sin(t / 8) + rng.normal(0, 0.1, steps))[:, None]


def fitted() -> Any:
    u = made(3000, 0)
    memory = LegendreMemory(ORDER, THETA).fit([u])
    rows = memory.transform_steps([u])[THETA:-1]
    return make_pipeline(memory, KSTRegressor(pairs=0, terms=0).fit(rows, u[THETA + 1 :, 0]))


def microseconds(step: Callable[[int], Any], count: int) -> float:
    start = time.process_time()
    for i in range(count):
        step(i)
    return 1e6 * (time.process_time() - start) / count


def steps_of(pipeline: Any, u: np.ndarray) -> dict[str, Callable[[int], Any]]:
    stream, memory = Stream(pipeline), pipeline[0]
    torch.manual_seed(0)
    lstm, linear = nn.LSTM(1, HIDDEN, batch_first=True), nn.Linear(HIDDEN, 1)
    x = torch.from_numpy(u).float()
    carried: dict[str, Any] = {"memory": memory.start(1, 1), "lstm": None}

    def whole(i: int) -> None:
        stream.answer(u[i : i + 1])

    def memory_alone(i: int) -> None:
        carried["memory"] = memory.step(x[i : i + 1], carried["memory"])

    def lstm_step(i: int) -> None:
        hidden, carried["lstm"] = lstm(x[None, i : i + 1], carried["lstm"])
        linear(hidden)

    return {"prediction and band": whole, "memory alone": memory_alone, "LSTM": lstm_step}


def endless(pipeline: Any, steps: int, block: int) -> dict[str, Any]:
    """All steps in blocks; peak memory after a tenth of them, and at the end."""
    stream, peaks = Stream(pipeline), []
    with Stopwatch() as watch:
        for start in range(0, steps, block):
            stream.answer(made(block, 1 + start))
            if start + block in (steps // 10, steps):
                peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return {
        "steps": stream.steps,
        "block": block,
        "cpu_seconds": round(watch.cpu, 1),
        "microseconds_a_step": round(1e6 * watch.cpu / steps, 2),
        "peak_mib_after_a_tenth_and_all": [round(peak, 1) for peak in peaks],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--block", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    limit_threads(1)
    pipeline, u = fitted(), made(1000, 9)
    rounds: dict[str, list[float]] = {}
    with torch.no_grad():
        sides = steps_of(pipeline, u)
        for _ in range(arguments.rounds + 1):
            for name, step in sides.items():
                count = 50 if name == "prediction and band" else 1000
                rounds.setdefault(name, []).append(microseconds(step, count))
    answer = {
        "surroundings": surroundings(),
        "memory": {"order": ORDER, "theta": THETA},
        "lstm_hidden": HIDDEN,
        "microseconds_a_step": {k: round(statistics.median(v[1:]), 1) for k, v in rounds.items()},
        "in_blocks": endless(pipeline, arguments.steps, arguments.block),
    }
    write_json(answer, arguments.out)
    print(answer["microseconds_a_step"], answer["in_blocks"])


if __name__ == "__main__":
    main()
