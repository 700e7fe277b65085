"""How close are moments of curves at uncertain places to a million draws, and what do they cost?

    OMP_NUM_THREADS=1 python benchmarks/moments.py --out benchmarks/results/moments.json

Single curves beside the published formulae of GP-KAN and SVGP-KAN, layers of every kernel, and
networks, whose layers are taken one by one as if what lies between were normal. The protocol is in
README.md beside this file.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from record import limit_threads, surroundings, write_json

from superpose.curves import GPBasis, cardinal_moments
from superpose.fitting import laplace
from superpose.networks import KSTNetwork, gaussian_moments

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.oracles.gaussian_inputs import (
    SquaredExponentialCurve,
    gp_kan,
    svgp_kan,
)

KERNELS = ("matern12", "matern32", "matern52")
NETWORKS = ([3, 2], [3, 5, 1], [8, 5, 1], [3, 5, 4, 1])
PART = 100_000
BATCH = 32  # rows whose moments are taken at once; the first is the one that is drawn


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=seeded(seed))


def drawn_moments(draw: Callable[[int], np.ndarray], draws: int) -> tuple[float, float]:
    """Mean and variance of numbers that are drawn in parts."""
    y = np.concatenate([draw(k) for k in range(max(1, draws // PART))])
    return float(y.mean()), float(y.var())


def curves(draws: int, count: int) -> dict[str, Any]:
    """Errors of mean and variance, relative to the spread that was drawn, of random curves.

    Squared exponential, ten knots on [-1.5, 1.5], l = .3; heights are a draw of the prior and, for
    SVGP-KAN, have its default variance e⁻³. Each formula is measured on the curve it is about.
    """
    knots, error = np.linspace(-1.5, 1.5, 10), {}
    for side in ("superpose", "gp_kan", "svgp_kan"):
        found = []
        for seed in range(count):
            random = np.random.default_rng(seed)
            noise = np.exp(-3) if side == "svgp_kan" else 0.0
            curve = SquaredExponentialCurve(knots, np.zeros(10), 0.3, 1.0, noise)
            heights = np.linalg.cholesky(curve.covariance) @ random.normal(size=10)
            curve = SquaredExponentialCurve(knots, heights, 0.3, 1.0, noise)
            mu, t = random.uniform(-1, 1), random.uniform(0.1, 0.6)
            value, variance, found_here = side_of(side, curve, mu, t)

            def draw(
                k: int,
                seed: int = seed,
                mu: float = mu,
                t: float = t,
                value: Any = value,
                variance: Any = variance,
            ) -> np.ndarray:
                random = np.random.default_rng([seed, k])
                x = mu + t * random.normal(size=PART)
                return value(x) + np.sqrt(np.maximum(variance(x), 0)) * random.normal(size=PART)

            mean, spread = drawn_moments(draw, draws)
            found.append([abs(found_here[0] - mean) / spread**0.5, found_here[1] / spread])
        off, ratio = np.array(found).T
        error[side] = {
            "mean_error_in_sd": spread_of(off),
            "variance_over_drawn": spread_of(ratio),
        }
    return error


def side_of(side: str, curve: SquaredExponentialCurve, mu: float, t: float) -> tuple[Any, ...]:
    """The curve a formula is about, its variance where the place is known, and its two moments."""
    if side == "superpose":
        basis = GPBasis(
            torch.from_numpy(curve.knots), "squared_exponential", length_scale=curve.scale
        )
        heights = torch.from_numpy(curve.heights)
        moments = cardinal_moments(basis, torch.tensor([mu]), torch.tensor([t]))
        return (
            lambda x: (basis.cardinal(torch.from_numpy(x)) @ heights).numpy(),
            lambda x: basis.conditional_variance(torch.from_numpy(x)).numpy(),
            [float(it) for it in moments.curve(heights, prior_variance=1.0)],
        )
    if side == "gp_kan":
        return curve, curve.variance, gp_kan(curve, mu, t)
    mean, projected, orthogonal, _ = svgp_kan(curve, mu, t)
    return curve, curve.variance, (mean, projected + orthogonal)


def spread_of(values: np.ndarray) -> dict[str, float]:
    return {
        "median": round(float(np.median(values)), 5),
        "least": round(float(values.min()), 5),
        "most": round(float(values.max()), 5),
    }


def random_network(widths: list[int], kernel: str, seed: int) -> KSTNetwork:
    """Slopes as at the start, and bends drawn from the prior of the curves, at half its sd."""
    network = KSTNetwork(widths, 16, kernel, bounds=(-2, 2), generator=seeded(seed))
    network = network.double().eval().requires_grad_(False)
    for place, layer in enumerate(network.each_layer()):
        dense = layer.basis.dense()
        prior = dense.kernel.value(dense.knots[:, None] - dense.knots)
        bends = torch.linalg.cholesky(prior) @ normal(*layer.heights.shape, seed=100 * seed + place)
        layer.heights.add_(0.5 * bends / layer.in_features**0.5)
    return network


def layers(widths: list[int], kernel: str, draws: int, count: int) -> dict[str, Any]:
    """Errors of the first output's mean and variance against draws, and CPU-seconds of a row."""
    found, seconds = [], {"moments": [], "draws": []}
    for seed in range(count):
        network = random_network(widths, kernel, seed)
        mean, root = normal(1, widths[0], seed=seed), normal(widths[0], widths[0], seed=50 + seed)
        covariance = 0.25 * root @ root.mT / widths[0] + 0.01 * torch.eye(widths[0])
        rows = mean + normal(BATCH, widths[0], seed=80 + seed) * torch.arange(BATCH)[:, None].sign()
        clock = time.process_time()
        ours = gaussian_moments(network, rows, covariance.expand(BATCH, -1, -1), orders=16)
        seconds["moments"].append((time.process_time() - clock) / BATCH)
        factor = torch.linalg.cholesky(covariance).mT

        def draw(
            k: int,
            seed: int = seed,
            mean: torch.Tensor = mean,
            factor: torch.Tensor = factor,
            network: KSTNetwork = network,
        ) -> np.ndarray:
            z = normal(PART, len(factor), seed=1000 * (seed + 1) + k)
            return network(mean + z @ factor)[:, 0].numpy()

        clock = time.process_time()
        drawn_mean, drawn = drawn_moments(draw, draws)
        seconds["draws"].append(time.process_time() - clock)
        alone = one_by_one(network, mean, covariance)
        found.append(
            [
                abs(float(ours.mean[0, 0]) - drawn_mean) / drawn**0.5,
                float(ours.variance[0, 0]) / drawn,
                float(alone) / drawn,
            ]
        )
    off, ratio, uncorrelated = np.array(found).T
    times = {name: float(np.median(values)) for name, values in seconds.items()}
    return {
        "mean_error_in_sd": spread_of(off),
        "variance_over_drawn": spread_of(ratio),
        "without_covariance_between_nodes": spread_of(uncorrelated),
        "cpu_s": {name: round(value, 6) for name, value in times.items()},
        "times_faster": round(times["draws"] / times["moments"], 1),
    }


def one_by_one(network: KSTNetwork, mean: torch.Tensor, covariance: torch.Tensor) -> torch.Tensor:
    """The variance of the first output if only variances pass from layer to layer."""
    variance = covariance.diagonal()[None]
    for layer in network.each_layer():
        rows = gaussian_moments(layer, mean, variance)
        mean, variance = rows.mean, rows.variance
    return variance[0, 0]


def posterior(draws: int, count: int) -> dict[str, Any]:
    """A fitted network [2, 3, 1], all heights uncertain, rows uncertain, against draws of both.

    Draws of the linearised network, whose bands are shown, and of the network itself.
    """
    ratios = []
    for seed in range(count):
        x = 2 * torch.rand(200, 2, dtype=torch.float64, generator=seeded(seed)) - 1
        y = torch.sin(3 * x[:, :1] * x[:, 1:]) + 0.1 * normal(200, 1, seed=seed)
        network = fitted(x, y, seed)
        of = laplace(network, x, y, prior_weight=1e-3, which="all")
        of.prior_variance = 0.0  # curves are drawn by their heights
        mean, variance = 0.5 * normal(1, 2, seed=7 + seed), torch.full((1, 2), 0.04).double()
        ours = float(of.moments(mean, variance).variance)
        rows = mean + 0.2 * normal(draws, 2, seed=20_000 + seed)
        with torch.no_grad():
            straight = network(rows).ravel()
        unknown = of.covariance_of(rows).ravel().clamp(min=0).sqrt()
        straight = straight + unknown * normal(draws, seed=30_000 + seed)
        root = torch.linalg.cholesky(of.covariance)
        at_mode = torch.nn.utils.parameters_to_vector(network.parameters()).detach()
        bent = []
        with torch.no_grad():
            for k, some in enumerate(rows.split(max(1, draws // 1000))):
                moved = at_mode + root @ normal(len(at_mode), seed=10_000 * (seed + 1) + k)
                torch.nn.utils.vector_to_parameters(moved, network.parameters())
                bent.append(network(some))
        ratios.append([ours / float(straight.var()), ours / float(torch.cat(bent).var())])
    linear, itself = np.array(ratios).T
    return {
        "variance_over_drawn": spread_of(linear),
        "variance_over_drawn_of_the_network_itself": spread_of(itself),
    }


def fitted(x: torch.Tensor, y: torch.Tensor, seed: int) -> KSTNetwork:
    network = KSTNetwork([2, 3, 1], 9, bounds=(-1, 1), generator=seeded(seed)).double()
    network(x)
    network.eval()
    optimiser = torch.optim.LBFGS(network.parameters(), max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = 0.5 * (network(x) - y).square().mean() + 1e-3 * network.prior()
        loss.backward()
        return loss

    optimiser.step(closure)
    return network


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=1_000_000)
    parser.add_argument(
        "--count", type=int, default=4, help="networks a case; four times as many curves"
    )
    parser.add_argument("--out", type=Path, default=Path("moments.json"))
    options = parser.parse_args()
    limit_threads(1)
    answer: dict[str, Any] = {
        "question": (__doc__ or "").splitlines()[0],
        "surroundings": surroundings(),
        "protocol": {"draws": options.draws, "count": options.count},
        "curves": curves(options.draws, 4 * options.count),
        "layers": {},
    }
    for kernel in KERNELS:
        answer["layers"][f"[3, 2] {kernel}"] = layers([3, 2], kernel, options.draws, options.count)
    for widths in NETWORKS[1:]:
        answer["layers"][f"{widths} matern32"] = layers(
            widths, "matern32", options.draws, options.count
        )
    answer["posterior"] = posterior(options.draws // 10, options.count)
    write_json(answer, options.out)
    for name, row in (*answer["curves"].items(), *answer["layers"].items()):
        print(name, row)
    print("posterior", answer["posterior"])


if __name__ == "__main__":
    main()
