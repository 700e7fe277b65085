"""Integers do what the torch network does, bit for bit, and refuse what they cannot."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from superpose.errors import InputError
from superpose.sequences import HybridLMU, IntegerHybrid, fixed_point


def network(**options: object) -> HybridLMU:
    options = {"dt": 4.0, "register": 12, "window": 3, "channels": 2, "random_state": 1} | options
    return HybridLMU(2, 20, 3, 8, 30.0, **options)


@pytest.mark.parametrize("way", [None, "hidden_to_hidden", "hidden_to_memory"])
@pytest.mark.parametrize("dt", [0.5, 4.0])
def test_a_stream_of_integers_is_the_torch_model_bit_for_bit(way: str | None, dt: float) -> None:
    model = network(dt=dt, **({way: True} if way else {}))
    with torch.no_grad():
        model.read.bias.normal_(generator=torch.Generator().manual_seed(0))
        model.head.bias.fill_(0.1)
        for part in (model.recur, model.encode_hidden):
            if part is not None:
                part.weight.mul_(0.1)
    stream = IntegerHybrid(model, fraction=8, rows=3)
    source = torch.Generator().manual_seed(5)
    state = stream.fixed.start(torch.zeros(3, 2, dtype=torch.float64))
    seen = set()
    for _ in range(150):
        x = torch.randn(3, 2, generator=source, dtype=torch.float64)
        expected, state = stream.fixed.step(x, state)
        assert torch.equal(stream.step(x), expected)
        assert stream.hidden_counts.dtype == np.int64
        np.testing.assert_array_equal(stream.hidden_counts, dt * state.hidden.detach().numpy())
        np.testing.assert_array_equal(stream.memory_neurons.v, 2**12 * state.v_memory.numpy())
        np.testing.assert_array_equal(stream.hidden_neurons.v, 2**12 * state.v_hidden.numpy())
        seen |= set(stream.hidden_counts.flatten().tolist())
    assert len(seen) > 2


def test_what_meets_learned_weights_is_integers() -> None:
    stream = IntegerHybrid(network(hidden_to_hidden=True))
    for table in (stream.read, stream.recur, stream.head, stream.offset, stream.recent):
        assert table is not None
        assert table.dtype == np.int64
    assert np.abs(stream.read).max() > 10


def test_fixed_point_moves_weights_by_half_a_unit_at_most() -> None:
    model = network()
    fixed = fixed_point(model, fraction=6)
    for own, rounded in ((model.read, fixed.read), (model.head, fixed.head)):
        assert (own.weight.double() - rounded.weight).abs().max() <= 0.5 / 2**6
    assert fixed_point(fixed, fraction=6).read.weight.equal(fixed.read.weight)
    assert model.read.weight.dtype == torch.float32


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"dt": 3.0}, "found dt=3; make dt a power of two"),
        ({"register": None}, "found register=0, fraction=8"),
        ({"register": 7}, "found register=7, fraction=8"),
        ({"activation": torch.tanh}, "pass torch.relu"),
        ({"input_to_hidden": True}, "found W_x"),
        ({"quantizer": "memoryless"}, "found quantizer='memoryless'"),
    ],
)
def test_what_integers_cannot_do_exactly_is_refused(options: dict, found: str) -> None:
    with pytest.raises(InputError, match=found):
        fixed_point(network(**options))
