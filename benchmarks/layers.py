"""What do a forward and a backward pass of a layer cost beside an MLP of equal parameters?

All sides run in one process, one after the other in every round, each followed by its own MLP
(Linear, SiLU, Linear, of as many parameters); a ratio is that of one round, the answer their
median.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from record import limit_threads, surroundings, write_json
from torch import nn

from superpose.networks import KSTLayer

OUT = Path(__file__).parent / "results" / "layers.json"
SIZES = [(16, 16), (64, 64), (256, 256), (784, 64)]
BATCHES = [128, 1024, 16_384]
Step = Callable[[], Any]


def equal_mlp(inputs: int, outputs: int, parameters: int) -> nn.Module:
    hidden = max(1, round((parameters - outputs) / (inputs + outputs + 1)))
    return nn.Sequential(nn.Linear(inputs, hidden), nn.SiLU(), nn.Linear(hidden, outputs))


def step_of(model: Callable[[torch.Tensor], Any], x: torch.Tensor, flow: torch.Tensor) -> Step:
    """Forward and backward, inputs included, with gradients made anew."""
    learned = [x, *getattr(model, "parameters", list)()]

    def step() -> None:
        for each in learned:
            each.grad = None
        model(x).backward(flow)

    return step


def milliseconds(step: Step, least: float = 0.03) -> float:
    """CPU time of all threads a step, over as many steps as `least` seconds hold."""
    count, start = 0, time.process_time()
    while (spent := time.process_time() - start) < least:
        step()
        count += 1
    return 1e3 * spent / count


def compare(sides: dict[str, tuple[Step, Step]], rounds: int) -> dict[str, dict[str, float]]:
    """Medians over rounds of a side, its MLP, and their ratio; the first round is not counted."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for _ in range(rounds + 1):
        for name, (side, mlp) in sides.items():
            found[name].append((milliseconds(side), milliseconds(mlp)))
    answer = {}
    for name, pairs in found.items():
        ratios = sorted(own / mlp for own, mlp in pairs[1:])
        answer[name] = {
            "milliseconds": statistics.median(own for own, _ in pairs[1:]),
            "mlp_milliseconds": statistics.median(mlp for _, mlp in pairs[1:]),
            "ratio": statistics.median(ratios),
            "ratio_lowest": ratios[0],
            "ratio_highest": ratios[-1],
        }
    return answer


def saved_mib(model: nn.Module, x: torch.Tensor) -> float:
    """What a forward pass keeps for backward, beside parameters and buffers."""
    own = {each.untyped_storage().data_ptr() for each in [*model.parameters(), *model.buffers()]}
    kept: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        model(x)
    return sum(kept.values()) / 2**20


def own_sides(inputs: int, outputs: int, knots: int, x: torch.Tensor, flow: torch.Tensor) -> Any:
    layer = KSTLayer(inputs, outputs, knots=knots)
    parameters = sum(p.numel() for p in layer.parameters())
    mlp = step_of(equal_mlp(inputs, outputs, parameters), x, flow)
    return layer, parameters, mlp


def peers(args: argparse.Namespace, intervals: int) -> dict[str, Any]:
    """Every side that runs at 64 → 64, batch 1,024, and why the others do not."""
    from kan_peers import TORCH_PEERS, jaxkan_bumps

    size, batch = 64, 1024
    x, flow = torch.randn(batch, size, requires_grad=True), torch.randn(batch, size)
    layer, parameters, mlp = own_sides(size, size, intervals + 1, x, flow)
    facts: dict[str, Any] = {
        "superpose": {"parameters": parameters, "saved_mib": saved_mib(layer, x)}
    }
    sides = {"superpose": (step_of(layer, x, flow), mlp)}
    failed: dict[str, str] = {}
    try:
        fast = torch.compile(KSTLayer(size, size, knots=intervals + 1), fullgraph=True)
        step_of(fast, x, flow)()
        sides["superpose, compiled"] = step_of(fast, x, flow), mlp
        facts["superpose, compiled"] = {"parameters": parameters}
    except Exception as problem:
        failed["superpose, compiled"] = str(problem).strip().splitlines()[0]
    for name, make in TORCH_PEERS.items():
        try:
            model = make(size, size, intervals)
            count = sum(p.numel() for p in model.parameters() if p.requires_grad)
            step_of(model, x, flow)()
            sides[name] = step_of(model, x, flow), step_of(equal_mlp(size, size, count), x, flow)
            facts[name] = {"parameters": count, "saved_mib": saved_mib(model, x)}
        except Exception as problem:
            failed[name] = f"{type(problem).__name__}: {problem}"
    try:
        run, count = jaxkan_bumps(size, size, intervals)
        run(x)
        sides["jaxkan RBF, jitted"] = (
            lambda: run(x),
            step_of(equal_mlp(size, size, count), x, flow),
        )
        facts["jaxkan RBF, jitted"] = {"parameters": count}
    except Exception as problem:
        failed["jaxkan RBF, jitted"] = f"{type(problem).__name__}: {problem}"
    timed = compare(sides, args.rounds)
    return {"sides": {n: facts[n] | timed[n] for n in sides}, "not_run": failed}


def sizes(args: argparse.Namespace) -> list[dict[str, Any]]:
    """Our layer beside its MLP over sizes and batches, and the floor of its products."""
    rate = gemm_rate()
    rows = []
    for inputs, outputs in SIZES:
        for batch in BATCHES:
            x, flow = torch.randn(batch, inputs, requires_grad=True), torch.randn(batch, outputs)
            layer, _, mlp = own_sides(inputs, outputs, 9, x, flow)
            (timed,) = compare({"own": (step_of(layer, x, flow), mlp)}, args.rounds).values()
            # forward 4 packets and a line; backward the same twice, and the product with dy
            products = 16 * batch * inputs * outputs
            row = {"inputs": inputs, "outputs": outputs, "batch": batch} | timed
            rows.append(row | {"floor_milliseconds": 1e3 * products / rate})
            print(row)
    return rows


def gemm_rate() -> float:
    """Products a second of the machine's own matrix product, on one thread, at its best."""
    a = torch.randn(768, 768)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    best = min(milliseconds(lambda: a @ a) for _ in range(10))
    torch.set_num_threads(threads)
    return 768**3 / best * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--intervals", default="8,32")
    parser.add_argument("--no-sizes", action="store_true")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    torch.manual_seed(0)
    limit_threads(args.threads)
    answer: dict[str, Any] = {"surroundings": surroundings(), "rounds": args.rounds}
    for intervals in map(int, args.intervals.split(",")):
        answer[f"intervals_{intervals}"] = found = peers(args, intervals)
        write_json(answer, args.out)
        for name, side in found["sides"].items():
            print(f"{intervals:>3} {name:28} {side['milliseconds']:8.2f} ms {side['ratio']:6.2f} x")
        print(found["not_run"])
    if not args.no_sizes:
        answer["sizes"] = sizes(args)
        write_json(answer, args.out)


if __name__ == "__main__":
    main()
