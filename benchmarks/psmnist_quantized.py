"""How well are permuted digits read with few bits an activity, diffused or rounded?

    python benchmarks/psmnist_quantized.py --data FOLDER

FOLDER holds sequences/mnist/*.gz. A Legendre memory (a fixed projection) of 784 permuted pixels
is read by a hidden layer and a linear head, which averages the last step alone or the last eight.
It is trained plain on the last step, then with events: diffused, diffused with dt annealed, and
rounded without memory at the dt that gives equal bits.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

import mnist
import numpy as np
import torch
from record import Stopwatch, limit_threads, surroundings, write_json
from torch import nn
from torch.nn.functional import cross_entropy, dropout

from superpose.sequences import HybridLMU, activity_report
from superpose.sequences.activity import evaluated, mean_bits, measure_activity
from superpose.sequences.activity_report import with_bits

OUT = Path(__file__).parent / "results" / "psmnist_quantized.json"
STEPS, ORDER, HIDDEN, LONGEST = 784, 468, 346, 8
BATCH, EPOCHS, TUNING, RATE, TUNING_RATE = 100, 8, 3, 2e-3, 1e-3
DROPOUT, DECAY = 0.2, 0.01
COARSE, ANNEALED = 64.0, 0.8  # dt at the start of annealing, and the share of batches it takes
ENCODER = 3.2  # one over the standard deviation of a pixel of the training set
Digits = tuple[torch.Tensor, torch.Tensor]


def permuted(folder: Path) -> dict[str, Digits]:
    """Sequences [N, 784, 1] and labels: the permutation and split of the NRU code."""
    images, labels, test, answers = mnist.load(folder)
    rng = np.random.RandomState(50)
    rows, pixels = rng.permutation(60_000), rng.permutation(STEPS)
    images, labels = images.flatten(1)[rows][:, pixels, None], labels[rows]
    return {
        "train": (images[:50_000], labels[:50_000]),
        "validation": (images[50_000:], labels[50_000:]),
        "test": (test.flatten(1)[:, pixels, None], answers),
    }


def network(seed: int) -> HybridLMU:
    """Plain, reading the last step alone."""
    model = HybridLMU(1, HIDDEN, 10, ORDER, STEPS, dt=COARSE, quantizer="none", random_state=seed)
    with torch.no_grad():
        model.encode.weight.fill_(ENCODER)
    model.encode.requires_grad_(False)  # a fixed projection: memories are computed once
    return model


@torch.no_grad()
def tails(x: torch.Tensor) -> torch.Tensor:
    """Memories of the last steps [N, LONGEST, ORDER]; float16 for room."""
    model = network(0)
    return torch.cat([model.tail(rows, LONGEST).half() for rows in x.split(1000)])


def outputs(model: HybridLMU, memories: torch.Tensor) -> torch.Tensor:
    """After the last step of known memories, with v drawn where the head begins to average."""
    memories = memories[:, -model.window :].float()
    nothing = memories.new_zeros(memories.shape[0], memories.shape[1], 1)
    return model.run_memories(memories, nothing, model.start(nothing)).outputs[:, -1]


def train(
    model: HybridLMU,
    digits: Digits,
    *,
    epochs: int,
    rate: float,
    seed: int,
    anneal_to: float | None = None,
) -> None:
    """AdamW, one cycle of the rate; dropout of memories before they are quantized."""
    memories, labels = digits
    source, batches = torch.Generator().manual_seed(seed), epochs * (len(labels) // BATCH)
    torch.manual_seed(seed)  # dropout draws from torch's own
    learned = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learned, rate, weight_decay=DECAY)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=batches)
    if anneal_to:
        model.resolution.set(COARSE)
        schedule = model.resolution.geometric(anneal_to, int(ANNEALED * batches))
    model.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(labels), generator=source).split(BATCH):
            kept = dropout(memories[rows, -model.window :].float(), DROPOUT)
            loss = cross_entropy(outputs(model, kept), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cycle.step()
            if anneal_to:
                schedule.optimizer.step()
                schedule.step()
    model.eval()


def share_right(model: HybridLMU, digits: Digits) -> float:
    """Of the last steps, with v drawn at their beginning."""
    memories, labels = digits
    with evaluated(model):
        guesses = [outputs(model, rows).argmax(1) for rows in memories.split(500)]
    return float((torch.cat(guesses) == labels).double().mean())


def share_right_streamed(models: dict[str, HybridLMU], digits: Digits) -> dict[str, float]:
    """Of whole sequences: every step quantized from the first, v and counts carried along."""
    right = dict.fromkeys(models, 0)
    for x, labels in zip(*(each.split(100) for each in digits), strict=True):
        first = next(iter(models.values()))
        with torch.no_grad():
            memories = first.memory(first.encode(x))[0].flatten(2)
            for name, model in models.items():
                run = model.run_memories(memories, x, model.start(x))
                right[name] += int((run.outputs[:, -1].argmax(1) == labels).sum())
    return {name: count / len(digits[1]) for name, count in right.items()}


def row_of(model: HybridLMU, name: str, tail: Digits, x: torch.Tensor) -> dict[str, Any]:
    """Accuracy of one network, and its bits over all steps of a few test digits."""
    row: dict[str, Any] = {"network": name, "accuracy": share_right(model, tail)}
    if model.quantizer == "none":
        return row
    found = measure_activity(model, x)
    products = sum(p.neurons * p.fan_out for p in found)
    weighed = sum(p.neurons * p.fan_out * p.significant_bits for p in found) / products
    return row | {
        "dt": float(model.resolution.dt),
        "bits": mean_bits(found),
        "significant_bits_a_product": weighed,
        "populations": {p.name: vars(p) for p in found},
    }


def with_events(model: HybridLMU, quantizer: str, dt: float) -> HybridLMU:
    twin = model.quantized(quantizer)
    twin.resolution.set(dt)
    return twin


def at_one_dt(plain: HybridLMU, last: HybridLMU, dt: float) -> dict[str, HybridLMU]:
    """The networks at one resolution before any of them is trained: two stay as they are."""
    post_hoc = with_events(plain, "diffused", dt)
    return {
        "diffused, post hoc": post_hoc,
        "memoryless, post hoc": plain.quantized("memoryless"),
        "diffused, trained": with_events(last, "diffused", dt),
        "diffused, annealed": with_events(last, "diffused", dt),
        "memoryless, trained": last.quantized("memoryless"),
    }


def events_of_window(
    last: HybridLMU, window: int, seed: int, tail: dict[str, Digits], options: Any
) -> tuple[list[dict[str, Any]], dict[tuple[float, str], HybridLMU]]:
    """Rows of one window: plain, and every network of events at every resolution."""
    rows: list[dict[str, Any]] = []
    made: dict[tuple[float, str], HybridLMU] = {}

    def tune(model: HybridLMU, name: str, dt: float | None) -> None:
        cpu = None
        if not name.endswith("post hoc"):
            with Stopwatch() as watch:
                train(
                    model,
                    tail["train"],
                    epochs=options.tuning,
                    rate=TUNING_RATE,
                    seed=seed,
                    anneal_to=dt if name.endswith("annealed") else None,
                )
            cpu = watch.cpu
        rows.append(
            {"seed": seed, "window": window, "nominal_dt": dt}
            | row_of(model, name, tail["asked"], options.some)
            | {"cpu": cpu}
        )
        print({k: v for k, v in rows[-1].items() if k != "populations"}, flush=True)

    start = last.quantized("none")
    start.window = window
    plain = start.quantized("none")
    tune(plain, "plain", None)
    for dt in options.dt:
        networks = at_one_dt(plain, start, dt)
        for name, model in networks.items():
            if name.startswith("memoryless"):  # at the bits of its diffused twin
                twin = networks[name.replace("memoryless", "diffused")]
                few = options.some[:4]
                with_bits(model, few, mean_bits(measure_activity(twin, few)))
            tune(model, name, dt)
            made[dt, name] = model
    return rows, made


def linear_softmax(digits: dict[str, Digits], asked: str) -> float:
    """On the raw pixels, which a permutation does not change."""
    torch.manual_seed(0)
    model, (x, labels) = nn.Linear(STEPS, 10), digits["train"]
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    for _ in range(10):
        for rows in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad()
            cross_entropy(model(x[rows, :, 0]), labels[rows]).backward()
            optimizer.step()
    x, labels = digits[asked]
    return float((model(x[:, :, 0]).argmax(1) == labels).double().mean())


def of_seed(
    seed: int, digits: dict[str, Digits], tail: dict[str, Digits], options: Any
) -> dict[str, Any]:
    last = network(seed)
    with Stopwatch() as watch:
        train(last, tail["train"], epochs=options.epochs, rate=RATE, seed=seed)
    first = row_of(last, "plain, before tuning", tail["asked"], options.some) | {"cpu": watch.cpu}
    answer: dict[str, Any] = {"rows": [{"seed": seed, "window": 1, "nominal_dt": None} | first]}
    streamed = {}
    for window in options.windows:
        rows, made = events_of_window(last, window, seed, tail, options)
        answer["rows"] += rows
        streamed[f"window {window}"] = made[options.dt[0], "diffused, trained"]
    if options.stream:
        answer["streamed"] = share_right_streamed(streamed, digits[options.asked])
        print(answer["streamed"], flush=True)
    if options.stream:
        some, labels = options.some[:16], digits[options.asked][1][:16]
        report = activity_report(streamed[f"window {options.windows[0]}"], some, labels)
        print(report, flush=True)
        answer["operations"] = report.operations().to_dict("records")
        answer["energy_nj_a_step"] = report.energy().replace({np.nan: None}).to_dict("records")
    return answer


def summary(seeds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over seeds, with the standard deviation of the accuracy."""
    groups: dict[tuple[Any, ...], dict[int, dict[str, Any]]] = {}
    for row in (row for each in seeds for row in each["rows"]):  # a later run replaces its like
        key = row["window"], row["nominal_dt"], row["network"]
        groups.setdefault(key, {})[row["seed"]] = row
    answer = []
    for (window, dt, name), of_seeds in groups.items():
        rows = list(of_seeds.values())
        right = [row["accuracy"] for row in rows]
        line: dict[str, Any] = {"window": window, "nominal_dt": dt, "network": name}
        line["seeds"] = sorted(of_seeds)
        line["accuracy"] = statistics.mean(right)
        line["accuracy_sd"] = statistics.stdev(right) if len(right) > 1 else None
        for key in ("dt", "bits", "significant_bits_a_product", "cpu"):
            if rows[0].get(key) is not None:
                line[key] = statistics.mean(row[key] for row in rows)
        answer.append(line)
    return answer


def read_answer(path: Path, protocol: dict[str, Any], linear: float) -> dict[str, Any]:
    """Return the file of earlier runs to add to, or a new one."""
    if path.exists():
        found: dict[str, Any] = json.loads(path.read_text())
        if found["protocol"] == protocol:
            return found
    return {"protocol": protocol, "linear_softmax": linear, "cpu": 0.0, "seeds": []}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--dt", type=float, nargs="+", default=[4.0, 2.0, 0.5])
    parser.add_argument("--windows", type=int, nargs="+", default=[1, LONGEST])
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--tuning", type=int, default=TUNING)
    parser.add_argument("--asked", choices=["test", "validation"], default="test")
    parser.add_argument("--digits", type=int, default=50, help="of which bits are counted")
    parser.add_argument("--stream", action="store_true", help="the first dt along all steps, too")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=OUT, help="runs add to it")
    options = parser.parse_args()
    limit_threads(options.threads)
    digits = permuted(options.data / "sequences" / "mnist")
    options.some = digits[options.asked][0][: options.digits]
    tail = {
        key: (tails(digits[name][0]), digits[name][1])
        for key, name in (("train", "train"), ("asked", options.asked))
    }
    protocol = {
        "order": ORDER,
        "hidden": HIDDEN,
        "parameters": sum(p.numel() for p in network(0).parameters()),
        "epochs": options.epochs,
        "tuning_epochs": options.tuning,
        "asked": options.asked,
        "digits_for_bits": options.digits,
    }
    answer = read_answer(options.out, protocol, linear_softmax(digits, options.asked))
    for seed in options.seeds:
        with Stopwatch() as watch:
            found = of_seed(seed, digits, tail, options)
        answer["seeds"].append({"run": surroundings(), "cpu": watch.cpu} | found)
        answer["cpu"] += watch.cpu
        answer["summary"] = summary(answer["seeds"])
        write_json(answer, options.out)
    for line in answer["summary"]:
        print(line)


if __name__ == "__main__":
    main()
