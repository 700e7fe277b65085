"""Layers of curves compiled, exported and spread over processes."""

from __future__ import annotations

import copy
import importlib.util
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from superpose.networks import KSTLayer, KSTNetwork, NodewiseLayer

LAYERS = {
    "layer": lambda: KSTLayer(3, 5, knots=9),
    "network": lambda: KSTNetwork([3, 4, 2], knots=9),
    "nodewise": lambda: NodewiseLayer(3, 4, knots=9),
}


def made(name: str) -> nn.Module:
    torch.manual_seed(0)
    layer = LAYERS[name]()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return layer


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("training", [False, True])
def test_compiled_in_one_graph_it_is_what_it_was(name: str, training: bool) -> None:
    layer = made(name).train(training)
    x, flow = torch.randn(2, 40, 3).unbind()
    answers = []
    for model in (copy.deepcopy(layer), copy.deepcopy(layer)):
        run = model if answers else torch.compile(model, fullgraph=True, backend="aot_eager")
        rows = x.clone().requires_grad_()
        y = run(rows)
        (y * flow[:, :1]).sum().backward()
        answers.append([y.detach(), rows.grad, *(p.grad for p in model.parameters())])
        answers[-1] += list(model.buffers())
    for compiled, eager in zip(*answers, strict=True):
        torch.testing.assert_close(compiled, eager, rtol=1e-4, atol=1e-5)
    torch._dynamo.reset()


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYERS)
def test_onnx_gives_the_same_numbers(name: str, tmp_path: Path) -> None:
    for package in ("onnxscript", "onnxruntime"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"torch exports to ONNX through {package}: pip install {package}")
    import onnxruntime

    layer, file = made(name).eval(), tmp_path / "layer.onnx"
    x = torch.cat([2 * torch.randn(30, 3), torch.full((1, 3), 1e3)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about itself
        rows = {0: torch.export.Dim("rows", min=2)}
        torch.onnx.export(layer, (x,), file, dynamo=True, dynamic_shapes=(rows,), verbose=False)
    session = onnxruntime.InferenceSession(file)
    for count in (31, 7):
        (y,) = session.run(None, {session.get_inputs()[0].name: x[-count:].numpy()})
        expected = layer(x[-count:]).detach().numpy()
        assert np.abs(y - expected).max() < 1e-5 * max(1.0, np.abs(expected).max())


def _half_of_the_rows(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2
    )
    layer = made("network").eval()  # standing axes: batches of halves differ from the whole
    model = nn.parallel.DistributedDataParallel(layer)
    model(torch.load(f"{folder}/x.pt")[rank::2]).square().mean().backward()
    if rank == 0:
        torch.save([p.grad for p in layer.parameters()], f"{folder}/gradients.pt")
    torch.distributed.destroy_process_group()


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch without processes")
def test_two_processes_find_the_gradients_of_one(tmp_path: Path) -> None:
    x = torch.randn(40, 3)
    torch.save(x, tmp_path / "x.pt")
    torch.multiprocessing.spawn(_half_of_the_rows, (os.fspath(tmp_path),), nprocs=2)
    layer = made("network").eval()
    layer(x).square().mean().backward()
    for found, p in zip(torch.load(tmp_path / "gradients.pt"), layer.parameters(), strict=True):
        torch.testing.assert_close(found, p.grad)
