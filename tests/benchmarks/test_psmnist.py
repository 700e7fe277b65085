"""The benchmark on permuted digits: its protocol, its training, and the LMU that it hands over."""

from __future__ import annotations

import gzip
import importlib
import json
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn

FOLDER = Path(__file__).parents[2] / "benchmarks"
DIGITS, TEST = 90, 40


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Import a benchmark as running it does, with its own folder on the path."""
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, np.ndarray]:
    """Few digits in the files of the real ones; the first half of a digit's pixels is its label."""
    folder = tmp_path / "sequences" / "mnist"
    folder.mkdir(parents=True)
    labels = np.arange(DIGITS + TEST, dtype=np.uint8) % 10
    pixels = np.random.default_rng(0).integers(0, 50, (DIGITS + TEST, 784)).astype(np.uint8)
    pixels[:, :392] += 20 * labels[:, None]

    def write(name: str, header: bytes, content: np.ndarray) -> None:
        (folder / name).write_bytes(gzip.compress(header + content.tobytes()))

    parts = {"train": slice(0, DIGITS), "t10k": slice(DIGITS, None)}
    for name, rows in parts.items():
        count = len(labels[rows])
        write(f"{name}-images-idx3-ubyte.gz", struct.pack(">4I", 2051, count, 28, 28), pixels[rows])
        write(f"{name}-labels-idx1-ubyte.gz", struct.pack(">2I", 2049, count), labels[rows])
    return tmp_path, pixels


def test_digits_are_split_and_permuted_as_the_protocol_says(
    benchmark: Callable[[str], ModuleType],
    made: tuple[Path, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = benchmark("permuted_digits")
    monkeypatch.setattr(module, "TRAIN", 70)
    folder, pixels = made
    train, validation, test = module.load(folder)
    draw = np.random.RandomState(50)
    order, places = draw.permutation(DIGITS), draw.permutation(784)
    whole = torch.cat([train.x, validation.x])
    assert (len(train.x), len(validation.x), len(test.x)) == (70, 20, TEST)
    for row in (0, 33, 89):
        for step in (0, 400, 783):
            assert whole[row, step] == np.float32(pixels[order[row], places[step]]) / 255
    assert torch.cat([train.y, validation.y]).tolist() == (order % 10).tolist()
    assert test.x[3, 5] == np.float32(pixels[DIGITS + 3, places[5]]) / 255
    assert train.sequences[2, 9, 0] == train.x[2, 9]


def test_the_handed_over_lmu_is_the_trained_network_and_so_is_its_stream(
    benchmark: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logits of the same size as those of the bench; the streaming recurrence agrees to 1e-4."""
    psmnist = benchmark("psmnist")
    monkeypatch.setattr(psmnist, "ORDER", 64)
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(40, 784, generator=generator).square()
    memories = psmnist.Memories(x)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(64, 346), nn.GELU(), nn.Linear(346, 10))
    with torch.no_grad():
        network[0].bias += 0.5
        network[2].weight *= 30
        expected = network(memories.of(x))
        model = psmnist.as_lmu(network, memories)
        assert expected.abs().max() > 5
        assert (model(x) - expected).abs().max() < 1e-4
        assert (model.streamed(x[:4]) - model(x[:4])).abs().max() < 1e-4
        exact = model.double()
        assert (exact.streamed(x[:2].double()) - exact(x[:2].double())).abs().max() < 1e-9


def test_scaled_memories_have_mean_zero_and_one_size(
    benchmark: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark("psmnist"), "ORDER", 32)
    x = torch.rand(30, 784, generator=torch.Generator().manual_seed(0))
    numbers = benchmark("psmnist").Memories(x).of(x, torch.float64)
    assert numbers.mean(0).abs().max() < 1e-9
    assert numbers.square().mean().item() == pytest.approx(1)


def test_a_row_is_pulled_along_its_own_gradient(benchmark: Callable[[str], ModuleType]) -> None:
    training = benchmark("readout_training")
    torch.manual_seed(0)
    network, x, y = nn.Linear(16, 3).double(), torch.randn(8, 16).double(), torch.arange(8) % 3
    moved = training.pulled(network, x, y, 0.1) - x
    assert moved.norm(dim=1).tolist() == pytest.approx([0.4] * 8)
    chance = network(x).softmax(1) - nn.functional.one_hot(y, 3)
    slope = nn.functional.normalize(chance @ network.weight, dim=1)
    assert torch.allclose(moved, 0.4 * slope)
    assert not network.weight.grad


def test_weights_are_averaged_over_the_steps_asked_for(
    benchmark: Callable[[str], ModuleType],
) -> None:
    training = benchmark("readout_training")
    averaged, network = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    nn.init.zeros_(averaged.weight)
    nn.init.ones_(network.weight)
    for expected in (0.25, 0.4375):
        training.follow(averaged, network, 0.75)
        assert averaged.weight.item() == pytest.approx(expected)


@pytest.mark.slow
def test_every_row_is_trained_measured_and_written(
    benchmark: Callable[[str], ModuleType],
    made: tuple[Path, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    psmnist, out, threads = benchmark("psmnist"), tmp_path / "psmnist.json", torch.get_num_threads()
    monkeypatch.setattr(benchmark("permuted_digits"), "TRAIN", 70)
    few = {"epochs": 15, "batch": 10}
    for name in ("LINEAR", "LAST", "HEAD", "CURVES", "RECURRENT"):
        recipe = getattr(psmnist, name)
        epochs = {"epochs": 1} if name == "RECURRENT" else {}
        monkeypatch.setattr(psmnist, name, psmnist.Recipe(**{**vars(recipe), **few, **epochs}))
    options = ["--data", made[0], "--seeds", 1, "--minibatches", 1, "--recurrent-test", 10]
    options += ["--streamed", 5, "--out", out]
    monkeypatch.setattr(sys, "argv", ["psmnist", *map(str, options)])
    try:
        psmnist.main()
    finally:
        torch.set_num_threads(threads)
        torch.set_flush_denormal(False)
    rows = json.loads(out.read_text())["rows"]
    assert rows["last step"][0]["test"] > 0.5
    assert rows["last step"][0]["parameters"] == 165_746
    assert rows["last step"][0]["stream_difference"] < 1e-4
    assert rows["lmu"][0]["parameters"] == 102_027
    assert rows["lstm"][0]["parameters"] == 184_450
    assert "fixed projection + network" in capsys.readouterr().out
