"""Where does diffusing the error pay: after a slow filter, and where events drive a memory?

    python benchmarks/quantized_feedback.py

First the error of smooth signals, before and after a mean of 50 steps. Then scikit-learn's digits,
64 permuted pixels one a step, read by an LMU whose hidden events go back into its memory; trained
plain, then quantized as it is: at the same dt, and rounded at the bits of diffusion.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from record import Stopwatch, limit_threads, surroundings, write_json
from sklearn.datasets import load_digits
from torch.nn.functional import avg_pool1d, conv1d, cross_entropy

from superpose.curves import DiffusedQuantizer, MemorylessQuantizer, StochasticQuantizer
from superpose.sequences import HybridLMU
from superpose.sequences.activity import evaluated, mean_bits, measure_activity
from superpose.sequences.activity_report import with_bits

OUT = Path(__file__).parent / "results" / "quantized_feedback.json"
KINDS = {
    "diffused": DiffusedQuantizer,
    "memoryless": MemorylessQuantizer,
    "stochastic": StochasticQuantizer,
}
ORDER, HIDDEN, TEST = 32, 64, 497


def smooth_signals(count: int = 100, steps: int = 784) -> torch.Tensor:
    """tanh of white noise under a bell of 20 steps, of variance 1."""
    source = torch.Generator().manual_seed(0)
    bell = torch.exp(-0.5 * (torch.arange(-80, 81) / 20.0) ** 2)
    noise = torch.randn(count, 1, steps + 160, generator=source)
    return torch.tanh(conv1d(noise, (bell / bell.norm()).reshape(1, 1, -1))).transpose(1, 2)


def errors(dt: float) -> dict[str, Any]:
    x = smooth_signals()
    row: dict[str, Any] = {"dt": dt}
    for name, kind in KINDS.items():
        quantizer = kind(torch.nn.Identity(), dt=dt).eval()
        wrong = (quantizer(x) - x).transpose(1, 2)
        slow = avg_pool1d(wrong, 50, stride=1)
        row[name] = {
            "rmse": float(wrong.square().mean().sqrt()),
            "rmse_after_50_steps": float(slow.square().mean().sqrt()),
        }
    return row


def digits() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Sequences of training, labels, sequences of test, labels."""
    images, labels = load_digits(return_X_y=True)
    source = torch.Generator().manual_seed(0)
    rows, pixels = (torch.randperm(n, generator=source) for n in images.shape)
    x = torch.tensor(images, dtype=torch.float32)[rows][:, pixels, None] / 8 - 1
    y = torch.tensor(labels)[rows]
    return x[TEST:], y[TEST:], x[:TEST], y[:TEST]


def trained(seed: int, epochs: int, x: torch.Tensor, y: torch.Tensor) -> HybridLMU:
    model = HybridLMU(
        1,
        HIDDEN,
        10,
        ORDER,
        64.0,
        dt=1.0,
        quantizer="none",
        activation=torch.tanh,
        hidden_to_memory=True,
        random_state=seed,
    )
    with torch.no_grad():
        model.encode_hidden.weight.mul_(0.1)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    source = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        for rows in torch.randperm(len(x), generator=source).split(100):
            optimizer.zero_grad()
            cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
    return model.eval()


def share_right(model: HybridLMU, x: torch.Tensor, y: torch.Tensor) -> float:
    with evaluated(model):
        return float((model(x).argmax(1) == y).double().mean())


def of_seed(seed: int, options: argparse.Namespace) -> dict[str, Any]:
    x, y, new, answers = digits()
    with Stopwatch() as watch:
        plain = trained(seed, options.epochs, x, y)
    found: dict[str, Any] = {"seed": seed, "plain": share_right(plain, new, answers)}
    found |= {"cpu": watch.cpu, "rows": []}
    for dt in options.dt:
        row: dict[str, Any] = {"dt": dt}
        networks = {name: plain.quantized(name) for name in KINDS}
        for model in networks.values():
            model.resolution.set(dt)
        bits = mean_bits(measure_activity(networks["diffused"], new[:100]))
        even = with_bits(plain.quantized("memoryless"), new[:100], bits)
        for name, model in (networks | {"memoryless, equal bits": even}).items():
            row[name] = {
                "accuracy": share_right(model, new, answers),
                "bits": mean_bits(measure_activity(model, new[:100])),
                "dt": float(model.resolution.dt),
            }
        found["rows"].append(row)
        print(seed, found["plain"], row, flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--dt", type=float, nargs="+", default=[4.0, 2.0, 1.0, 0.5])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    limit_threads(options.threads)
    answer: dict[str, Any] = surroundings() | {"smooth_signals": [], "digits": []}
    for dt in (64.0, 16.0, 4.0, 1.0, 0.5):
        answer["smooth_signals"].append(errors(dt))
        print(answer["smooth_signals"][-1], flush=True)
    answer["protocol"] = {"order": ORDER, "hidden": HIDDEN, "epochs": options.epochs}
    for seed in range(options.seeds):
        answer["digits"].append(of_seed(seed, options))
        write_json(answer, options.out)


if __name__ == "__main__":
    main()
