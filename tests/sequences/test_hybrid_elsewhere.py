"""A hybrid network outside of torch: ONNX streams, and NIR where it means the same."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from superpose.curves import DiffusedQuantizer
from superpose.errors import InputError
from superpose.sequences import HybridLMU, HybridState, from_nir, onnx_step, to_nir
from superpose.sequences.nir_graph import _reach

STATE = ("memory", "v_memory", "v_hidden", "hidden", "recent")


def arrays(state: HybridState) -> dict[str, np.ndarray]:
    tensors = state.memory.memory, *state[1:]
    return {name: t.numpy() for name, t in zip(STATE, tensors, strict=True)}


@pytest.mark.slow
@pytest.mark.parametrize("ways", [(), ("hidden_to_hidden", "hidden_to_memory", "input_to_hidden")])
def test_an_onnx_stream_is_the_torch_stream(ways: tuple[str, ...]) -> None:
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package, reason=f"needs {package}")
    import onnxruntime

    options = {"dt": 4.0, "window": 3, "channels": 2, "random_state": 1}
    model = HybridLMU(2, 12, 3, 6, 30.0, **dict.fromkeys(ways, True), **options).eval()
    for part in (model.recur, model.encode_hidden):
        if part is not None:
            part.weight.data.mul_(0.1)
    graph = onnx_step(model, rows=2)
    assert {node.domain for node in graph.graph.node} <= {"", "ai.onnx"}
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    source = torch.Generator().manual_seed(0)
    state = model.start(torch.zeros(2, 2))
    fed = arrays(state)
    with torch.no_grad():
        for _ in range(100):
            x = torch.randn(2, 2, generator=source)
            expected, state = model.step(x, state)
            got, *after = session.run(None, {"x": x.numpy(), **fed})
            fed = dict(zip(STATE, after, strict=True))
            np.testing.assert_allclose(got, expected.numpy(), atol=2e-5)
            np.testing.assert_allclose(4 * fed["hidden"], np.round(4 * fed["hidden"]), atol=1e-5)


def test_a_stochastic_stream_has_no_graph() -> None:
    pytest.importorskip("onnxscript", reason="needs onnxscript")
    with pytest.raises(InputError, match="a graph must not draw at random"):
        onnx_step(HybridLMU(1, 4, 2, 3, 20.0, dt=4.0, quantizer="stochastic"))


def layers(dt: float = 0.5) -> nn.Sequential:
    """Two layers of spikes and a linear end, all drives between 0 and 1 / dt."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(4, 5),
        DiffusedQuantizer(torch.relu, dt=dt),
        nn.Linear(5, 3),
        DiffusedQuantizer(torch.relu, dt=dt),
        nn.Linear(3, 2),
    )
    with torch.no_grad():
        for linear in (net[0], net[2]):
            linear.weight.abs_().mul_(0.5 / linear.weight.sum(1, keepdim=True))
            linear.bias.fill_(0.05)
    return net.double().eval()


def integrate_and_fire(graph: object, x: np.ndarray, starts: list[np.ndarray]) -> np.ndarray:
    """A reader of NIR that knows nothing of this library: Affine, and IF that subtracts."""
    after, nodes = dict(graph.edges), graph.nodes
    states, outputs = [v.copy() for v in starts], []
    for signal in x:
        place, k = after["input"], 0
        while place != "output":
            node = nodes[place]
            if type(node).__name__ == "Affine":
                signal = node.weight @ signal + node.bias
            else:
                states[k] += node.r * signal
                spikes = states[k] >= node.v_threshold
                states[k] -= node.v_threshold * spikes
                signal, k = spikes.astype(float), k + 1
            place = after[place]
        outputs.append(signal)
    return np.array(outputs)


def test_nir_spikes_where_the_layers_do_and_comes_back(tmp_path: Path) -> None:
    nir = pytest.importorskip("nir", reason="needs nir")
    net = layers()
    x = torch.rand(1, 60, 4, generator=torch.Generator().manual_seed(1)).double()
    first = net[1].start(x[:, :, :1].expand(1, 60, 5))
    second = net[3].start(x[:, :, :3])
    spikes = net[1](net[0](x), first)
    expected = net[4](net[3](net[2](spikes), second))[0].detach().numpy()
    assert net[1].counts(spikes).unique().tolist() == [0, 1]
    nir.write(tmp_path / "layers.nir", to_nir(net, 0.0, 1.0))
    graph = nir.read(tmp_path / "layers.nir")
    got = integrate_and_fire(graph, x[0].numpy(), [first[0].numpy(), second[0].numpy()])
    np.testing.assert_allclose(got, expected, atol=1e-12)
    back = from_nir(graph)
    again = back[4](back[3](back[2](back[1](back[0](x), first)), second))
    np.testing.assert_allclose(again[0].detach().numpy(), expected, atol=1e-12)


def test_drives_reach_as_far_as_the_corners_of_their_inputs() -> None:
    torch.manual_seed(3)
    layer, low, high = nn.Linear(4, 6).double(), -torch.rand(4).double(), torch.rand(4).double()
    corners = torch.tensor(list(itertools.product((0.0, 1.0), repeat=4))).double()
    drives = layer(low + corners * (high - low)).detach()
    lowest, highest = _reach(layer, low, high)
    torch.testing.assert_close(lowest, drives.amin(0))
    torch.testing.assert_close(highest, drives.amax(0))


def test_nir_is_refused_where_it_would_not_be_exact() -> None:
    nir = pytest.importorskip("nir", reason="needs nir")
    with pytest.raises(InputError, match=r"between 0 and 1 / dt = 0.25; found that drives at pl"):
        to_nir(layers(dt=4.0), 0.0, 1.0)
    with pytest.raises(InputError, match="may go from -"):
        to_nir(layers(), -1.0, 1.0)
    with pytest.raises(InputError, match="may go from nan"):
        to_nir(layers(), 0.0, float("nan"))
    kept = nn.Sequential(nn.Linear(2, 2), DiffusedQuantizer(nn.ReLU(), dt=0.25, register=2))
    with pytest.raises(InputError, match="without a register of whole numbers; found register=2"):
        to_nir(kept, 0.0, 1.0)
    tanh = nn.Sequential(nn.Linear(2, 2), DiffusedQuantizer(torch.tanh, dt=0.5))
    with pytest.raises(InputError, match="integrators, not other curves"):
        to_nir(tanh, 0.0, 1.0)
    with pytest.raises(InputError, match="found HybridLMU at place 0"):
        to_nir(nn.Sequential(HybridLMU(1, 4, 2, 3, 20.0, dt=1.0)), 0.0, 1.0)
    one = np.ones(2)
    resets = nir.NIRGraph.from_list(nir.IF(r=one, v_threshold=one))
    with pytest.raises(InputError, match="IF nodes that reset by subtraction; found IF"):
        from_nir(resets)


def test_a_nir_graph_is_read_for_what_it_is_or_refused() -> None:
    nir = pytest.importorskip("nir", reason="needs nir")
    affine = nir.Affine(np.eye(2), np.zeros(2))

    def chain(r: np.ndarray, threshold: np.ndarray) -> Any:
        spikes = nir.IF(r=r, v_threshold=threshold, metadata={"reset": "subtract"})
        return nir.NIRGraph.from_list(affine, spikes)

    read = from_nir(chain(np.full(2, 0.5), np.full(2, 2.0)))
    assert float(read[1].resolution.dt) == 0.25
    with pytest.raises(InputError, match=r"one gain, which is dt; found r / v_threshold from 0.5"):
        from_nir(chain(np.array([0.5, 1.0]), np.ones(2)))
    looped = chain(np.ones(2), np.ones(2))
    looped.edges = [(a, "affine" if b == "output" else b) for a, b in looped.edges]
    with pytest.raises(InputError, match="a chain from its input to its output"):
        from_nir(looped)
