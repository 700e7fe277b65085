"""What does a step of training an LMU cost in each of its forms, beside ``nn.LSTM``?

    OMP_NUM_THREADS=1 python benchmarks/lmu_speed.py

One step is forward, backward and Adam on a batch of scalar sequences with ten classes, the loss
on the last step. Sides take turns; ratios are CPU time against the LSTM of the same turn. Numbers
below 1e-38 are rounded to 0: the gradients of an LSTM vanish into these, which makes it slow.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from psmnist import LastLSTM
from record import Stopwatch, limit_threads, surroundings, write_json
from torch import nn

from superpose.sequences import LMU, LegendreMemory, LMUCell
from superpose.sequences.legendre_memory import MemoryState
from superpose.sequences.legendre_system import discrete_system, impulse_response
from superpose.sequences.memory_forms import all_steps_by_fft

ALONE = {"hidden_to_memory": False, "memory_to_memory": False}
NOTHING_RECURS = ALONE | {"hidden_to_hidden": False}


class Read(nn.Module):
    """A cell and ten classes; a form of computing it turns sequences into the last hidden state."""

    def __init__(
        self, cell: LMUCell, form: Callable[[LMUCell, torch.Tensor], torch.Tensor]
    ) -> None:
        super().__init__()
        self.cell, self.form, self.read = cell, form, nn.Linear(cell.hidden_size, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.read(self.form(self.cell, x.unsqueeze(-1)))
        return logits


def stepped(cell: LMUCell, x: torch.Tensor) -> torch.Tensor:
    state = None
    for pixel in x.unbind(1):
        state = cell(pixel, state)
    return state.hidden


def every_step(cell: LMUCell, x: torch.Tensor) -> torch.Tensor:
    return LMU(cell)(x)[0][:, -1]


def last_step(cell: LMUCell, x: torch.Tensor) -> torch.Tensor:
    return LMU(cell).last(x).hidden


def sides(steps: int) -> dict[str, nn.Module]:
    return {
        "LSTM 212": LastLSTM(212),
        "LMU 256/212 as published, step by step": Read(LMUCell(1, 212, 256, steps), stepped),
        "memory at once, hidden recurs, 256/212": Read(
            LMUCell(1, 212, 256, steps, **ALONE), every_step
        ),
        "nothing recurs, step by step, 256/212": Read(
            LMUCell(1, 212, 256, steps, **NOTHING_RECURS), stepped
        ),
        "nothing recurs, all steps, 256/212": Read(
            LMUCell(1, 212, 256, steps, **NOTHING_RECURS), every_step
        ),
        "nothing recurs, last step, 256/212": Read(
            LMUCell(1, 212, 256, steps, **NOTHING_RECURS), last_step
        ),
        "nothing recurs, last step, 468/346": Read(
            LMUCell(1, 346, 468, steps, **NOTHING_RECURS), last_step
        ),
    }


def train_step(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> Callable[[], None]:
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)

    def once() -> None:
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimiser.step()

    return once


def seconds(once: Callable[[], None]) -> float:
    """CPU-seconds of one call; short calls are repeated until they add up to a fifth of one."""
    spent, calls = 0.0, 0
    while spent < 0.2:
        with Stopwatch() as watch:
            once()
        spent, calls = spent + watch.cpu, calls + 1
    return spent / calls


def measure(steps: int, batch: int, rounds: int) -> dict[str, Any]:
    x, y = torch.rand(batch, steps), torch.randint(10, (batch,))
    models = sides(steps)
    found: dict[str, list[float]] = {name: [] for name in models}
    step = {name: train_step(model, x, y) for name, model in models.items()}
    for turn in range(rounds + 1):
        for name, once in step.items():
            spent = seconds(once)
            if turn:  # the first builds matrices
                found[name].append(spent)
    return {
        name: {
            "parameters": sum(p.numel() for p in models[name].parameters()),
            "cpu_ms": 1000 * statistics.median(spent),
            "of_lstm": statistics.median(
                own / lstm for own, lstm in zip(spent, found["LSTM 212"], strict=True)
            ),
        }
        for name, spent in found.items()
    }


@torch.no_grad()
def memory_forms(steps: int, batch: int, order: int, rounds: int) -> dict[str, float]:
    """CPU-milliseconds of the memory alone, forward: a loop, blocks or FFT, the last step."""
    memory, u = LegendreMemory(order, steps), torch.rand(batch, steps, 1)
    response = impulse_response(discrete_system(order, steps), steps).float()

    def loop() -> None:
        state = memory.start(batch, 1, u)
        for one in u.unbind(1):
            state = memory.step(one, MemoryState(*state))

    forms: dict[str, Callable[[], Any]] = {
        "step by step": loop,
        "all steps, as chosen": lambda: memory(u),
        "all steps, FFT": lambda: all_steps_by_fft(response, u),
        "last step": lambda: memory.last(u),
    }
    found: dict[str, list[float]] = {name: [] for name in forms}
    for turn in range(rounds + 1):
        for name, form in forms.items():
            spent = seconds(form)
            if turn:
                found[name].append(1000 * spent)
    return {name: statistics.median(spent) for name, spent in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, nargs="*", default=[196, 784])
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/lmu_speed.json"))
    options = parser.parse_args()
    limit_threads(1)
    torch.set_flush_denormal(True)  # gradients of an LSTM vanish into numbers that are slow
    torch.manual_seed(0)
    answer: dict[str, Any] = {
        "surroundings": surroundings(),
        "protocol": {"batch": options.batch, "rounds": options.rounds, "memory_order": 256},
        "training": {},
        "memory_cpu_ms": {},
    }
    for steps in options.steps:
        answer["training"][steps] = measure(steps, options.batch, options.rounds)
        answer["memory_cpu_ms"][steps] = memory_forms(steps, options.batch, 256, options.rounds)
        for name, row in answer["training"][steps].items():
            print(steps, name, f"{row['cpu_ms']:.1f} ms, {row['of_lstm']:.4f} of the LSTM")
        print(steps, answer["memory_cpu_ms"][steps], flush=True)
        write_json(answer, options.out)


if __name__ == "__main__":
    main()
