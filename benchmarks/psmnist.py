"""How well are permuted sequential digits read by a fixed memory and a network on top of it?

    OMP_NUM_THREADS=1 python benchmarks/psmnist.py --data FOLDER

FOLDER holds sequences/mnist/*.gz. Rows: a linear softmax on the pixels; LSTM and LMU as published,
as far as a few minibatches take them; the LMU of which only the last step's memory is read, which
is a fixed projection and a network on it; and readable heads on the same memory, of one layer of
curves and of two.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import permuted_digits
import torch
from permuted_digits import STEPS, Digits
from readout_training import Recipe, accuracy, train
from record import Stopwatch, limit_threads, surroundings, write_json
from torch import nn

from superpose.networks import KSTHead, KSTNetwork
from superpose.sequences import LMU, LegendreMemory, LMUCell

ORDER, HIDDEN = 468, 346
GOAL = {"accuracy": 0.9849, "parameters": 166_000, "cpu_s": 900}

LINEAR = Recipe(epochs=10, rate=5e-3, batch=128)
LAST = Recipe(epochs=40, rate=3e-3, pull=0.12, average=1000, decay=0.05)
HEAD = Recipe(epochs=6, rate=3e-3, average=1000, prior=1e-4)
CURVES = Recipe(epochs=10, rate=1.5e-2, pull=0.05, average=1000, prior=1e-6)
RECURRENT = Recipe(epochs=1, rate=3e-3, batch=100, clip=1.0)


class Memories:
    """What the memory holds of each digit after its last pixel, scaled alike for all digits.

    The i-th number is multiplied by √(784 / (2i+1)), which makes the projection nearly orthonormal;
    all have their mean over the training digits taken off, and one common scale. This is a fixed
    affine map, and goes into the weights that read it (`as_lmu`).
    """

    def __init__(self, train_x: torch.Tensor) -> None:
        self.memory = LegendreMemory(ORDER, STEPS)
        self.factor = (STEPS / (2 * torch.arange(ORDER, dtype=torch.float64) + 1)).sqrt()
        self.mean = torch.zeros(ORDER, dtype=torch.float64)
        numbers = self.of(train_x, torch.float64)
        self.mean = numbers.mean(0)
        scale = (numbers - self.mean).square().mean().sqrt()
        self.factor, self.mean = self.factor / scale, self.mean / scale

    def of(self, x: torch.Tensor, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """[N, 468] of pixels [N, 784]."""
        parts = (self.memory.last(rows.double().unsqueeze(-1)).memory for rows in x.split(5000))
        return torch.cat([(m.flatten(1) * self.factor - self.mean).to(dtype) for m in parts])


class LastStep(nn.Module):
    """An `LMU` whose last step is read by a linear map: digits [N, 784] to logits [N, 10]."""

    def __init__(self, cell: LMUCell) -> None:
        super().__init__()
        self.lmu, self.read = LMU(cell), nn.Linear(cell.hidden_size, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.read(self.lmu.last(x.unsqueeze(-1)).hidden)
        return logits

    def streamed(self, x: torch.Tensor) -> torch.Tensor:
        """The same, pixel by pixel, carrying nothing but the state."""
        state = None
        for pixel in x.unsqueeze(-1).unbind(1):
            state = self.lmu.cell(pixel, state)
        logits: torch.Tensor = self.read(state.hidden)
        return logits


class LastLSTM(nn.Module):
    """``nn.LSTM`` in its place."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.lstm, self.read = nn.LSTM(1, hidden, batch_first=True), nn.Linear(hidden, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.read(self.lstm(x.unsqueeze(-1))[0][:, -1])
        return logits


@torch.no_grad()
def as_lmu(network: nn.Sequential, memories: Memories) -> LastStep:
    """The LMU that a network on scaled memories is: W_m and b_h take the scaling in."""
    first, _, read = network
    model = LastStep(
        LMUCell(
            1,
            first.out_features,
            ORDER,
            STEPS,
            hidden_to_memory=False,
            memory_to_memory=False,
            input_to_hidden=False,
            hidden_to_hidden=False,
            bias=True,
            activation=nn.functional.gelu,
        )
    )
    cell, weight = model.lmu.cell, first.weight.double()
    cell.start_from_memory()
    cell.W_m.copy_(weight * memories.factor)
    cell.b_h.copy_(first.bias - weight @ memories.mean)
    model.read.load_state_dict(read.state_dict())
    return model


def published_lmu() -> LastStep:
    model = LastStep(LMUCell(1, 212, 256, STEPS))
    model.lmu.cell.start_from_memory()
    return model


class Bench:
    """The rows of the table, each a method that trains from a seed and says what came of it."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.train, self.validation, self.test = permuted_digits.load(options.data)
        if options.rows:
            self.train = self.train.first(options.rows)
        self.minibatches = options.minibatches
        self.recurrent_test = options.recurrent_test
        self.streamed = options.streamed
        with Stopwatch() as watch:
            self.memories = Memories(self.train.x)
            self.held = [Digits(self.memories.of(d.x), d.y) for d in self.digits]
        self.memory_cpu = watch.cpu

    @property
    def digits(self) -> tuple[Digits, Digits, Digits]:
        return self.train, self.validation, self.test

    def learn(
        self,
        network: nn.Module,
        seed: int,
        recipe: Recipe,
        digits: tuple[Digits, ...] | list[Digits],
    ) -> tuple[nn.Module, dict[str, Any]]:
        train_on, *others = digits
        with Stopwatch() as watch:
            trained = train(network, *train_on, recipe, seed)
        scores = [accuracy(trained, *held) for held in others]
        found = {
            "parameters": sum(p.numel() for p in trained.parameters()),
            "cpu_s": watch.cpu,
            "validation": scores[0],
            "test": scores[1],
        }
        return trained, found

    def linear(self, seed: int) -> dict[str, Any]:
        return self.learn(nn.Linear(STEPS, 10), seed, LINEAR, self.digits)[1]

    def last_step(self, seed: int) -> dict[str, Any]:
        network = nn.Sequential(nn.Linear(ORDER, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, 10))
        trained, found = self.learn(network, seed, LAST, self.held)
        model = as_lmu(trained, self.memories)
        found["parameters"] = sum(p.numel() for p in model.parameters())
        found["test"] = accuracy(model, *self.test)
        some = self.test.x[: self.streamed]
        with torch.no_grad():
            found["stream_difference"] = float((model.streamed(some) - model(some)).abs().max())
        return found

    def readable_head(self, seed: int) -> dict[str, Any]:
        names = LegendreMemory(ORDER, STEPS).fit(self.test.x[:1].numpy()).get_feature_names_out()
        head = KSTHead(list(names), [str(digit) for digit in range(10)], knots=8)
        return self.learn(nn.Sequential(head), seed, HEAD, self.held)[1]

    def readable_layers(self, seed: int) -> dict[str, Any]:
        network = KSTNetwork([ORDER, 16, 10], knots=8)
        return self.learn(nn.Sequential(network), seed, CURVES, self.held)[1]

    def lstm(self, seed: int) -> dict[str, Any]:
        return self.recurrent(LastLSTM(212), seed)

    def lmu(self, seed: int) -> dict[str, Any]:
        return self.recurrent(published_lmu(), seed)

    def recurrent(self, network: nn.Module, seed: int) -> dict[str, Any]:
        order = torch.randperm(len(self.train.x), generator=torch.Generator().manual_seed(seed))
        some = order[: self.minibatches * RECURRENT.batch]
        digits = [Digits(self.train.x[some], self.train.y[some])]
        digits += [held.first(self.recurrent_test) for held in self.digits[1:]]
        return self.learn(network, seed, RECURRENT, digits)[1]


ROWS: dict[str, tuple[str, Callable[[Bench, int], dict[str, Any]]]] = {
    "linear": ("linear softmax on the pixels", Bench.linear),
    "last step": ("fixed projection + network: LMU, last step, 468/346", Bench.last_step),
    "readable": ("fixed projection + readable head: memory 468, KSTHead", Bench.readable_head),
    "layers": ("fixed projection + KSTNetwork [468, 16, 10]", Bench.readable_layers),
    "lstm": ("LSTM 212, some minibatches", Bench.lstm),
    "lmu": ("LMU 256/212 as published, some minibatches", Bench.lmu),
}


def known(path: Path) -> dict[str, list[dict[str, Any]]]:
    """What an earlier run with the same --out has found; these seeds are not run again."""
    rows = json.loads(path.read_text())["rows"] if path.exists() else {}
    return {name: rows.get(name, []) for name in ROWS}


def summary(found: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """One line a row of the table."""
    for name, seeds in ((name, seeds) for name, seeds in found.items() if seeds):
        test = [100 * seed["test"] for seed in seeds]
        spread = statistics.stdev(test) if len(test) > 1 else float("nan")
        cpu = statistics.median(seed["cpu_s"] for seed in seeds)
        yield (
            f"{ROWS[name][0]}: {statistics.mean(test):.2f} ± {spread:.2f} %, "
            f"{seeds[0]['parameters']:,} parameters, {cpu:.0f} CPU-s"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=list(ROWS), choices=list(ROWS))
    parser.add_argument("--rows", type=int, help="train on the first so many digits")
    parser.add_argument("--minibatches", type=int, default=30, help="of the recurrent rows")
    parser.add_argument(
        "--recurrent-test", type=int, default=2000, help="digits they are tested on"
    )
    parser.add_argument(
        "--streamed", type=int, default=500, help="test digits taken pixel by pixel"
    )
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/psmnist.json"))
    options = parser.parse_args()
    limit_threads(1)
    torch.set_flush_denormal(True)  # gradients of an LSTM vanish into numbers that are slow
    bench, found = Bench(options), known(options.out)
    answer = {
        "surroundings": surroundings(),
        "protocol": {
            "instance": permuted_digits.PROTOCOL,
            "recipes": {
                "linear": vars(LINEAR),
                "last step": vars(LAST),
                "readable": vars(HEAD),
                "layers": vars(CURVES),
                "lstm, lmu": vars(RECURRENT),
            },
            "minibatches_of_recurrent_rows": options.minibatches,
            "test_digits_of_recurrent_rows": options.recurrent_test,
            "digits_streamed": options.streamed,
        },
        "memory_cpu_s": bench.memory_cpu,
        "goal": GOAL,
        "rows": found,
    }
    for seed in range(options.seeds):
        for name in options.only:
            if any(row["seed"] == seed for row in found[name]):
                continue
            torch.manual_seed(seed)
            found[name].append({"seed": seed} | ROWS[name][1](bench, seed))
            print(name, found[name][-1], flush=True)
            write_json(answer, options.out)
    print(*summary(found), sep="\n")


if __name__ == "__main__":
    main()
