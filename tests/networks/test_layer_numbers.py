"""Layers of curves in half precision, in double precision, copied, kept and trained hard."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn

from superpose.networks import KSTLayer, KSTNetwork, NodewiseLayer

LAYERS = {
    "layer": lambda: KSTLayer(3, 5, knots=9),
    "network": lambda: KSTNetwork([3, 4, 2], knots=9),
    "nodewise": lambda: NodewiseLayer(3, 4, knots=9, groups=2),
}


def trained(name: str) -> nn.Module:
    """A layer after three steps, so that its axes have moved and its curves bend."""
    torch.manual_seed(0)
    layer = LAYERS[name]()
    adam = torch.optim.Adam(layer.parameters(), lr=0.1)
    for _ in range(3):
        adam.zero_grad()
        (layer(2 * torch.randn(50, 3) + 1) - 0.3).square().mean().backward()
        adam.step()
    return layer.eval()


@pytest.mark.parametrize("name", LAYERS)
def test_bfloat16_inputs_give_the_float32_result_rounded(name: str) -> None:
    layer = trained(name)
    x = torch.randn(20, 3).bfloat16()
    y = layer(x)
    assert y.dtype == torch.bfloat16
    if name == "layer":
        assert torch.equal(y, layer(x.float()).bfloat16())
    torch.testing.assert_close(y.float(), layer(x.float()), rtol=2e-2, atol=2e-2)


def test_autocast_computes_curves_in_float32() -> None:
    layer, x = trained("layer"), torch.randn(20, 3)
    plain = layer(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(layer(x), plain)
        assert torch.equal(layer(x.bfloat16()), layer(x.bfloat16().float()).bfloat16())


def test_a_model_in_bfloat16_keeps_tables_and_statistics() -> None:
    layer = trained("layer").bfloat16()
    assert layer.heights.dtype == torch.bfloat16
    assert layer.basis.rows.dtype == layer.axis.centre.dtype == torch.float32
    own = KSTLayer(3, 5, knots=9)
    own.load_state_dict(layer.state_dict())
    x = torch.randn(9, 3).bfloat16()
    assert torch.equal(layer(x), own.eval()(x.float()).bfloat16())
    layer(x).float().sum().backward()
    assert layer.heights.grad.dtype == torch.bfloat16


def test_statistics_come_through_bfloat16_unrounded() -> None:
    layer = trained("layer")
    before = layer.axis.centre.clone(), layer.axis.variance.clone()
    layer.bfloat16()
    assert torch.equal(layer.axis.centre, before[0])
    assert torch.equal(layer.axis.variance, before[1])


@pytest.mark.parametrize("name", LAYERS)
def test_double_agrees_with_float_to_its_rounding(name: str) -> None:
    layer, x = trained(name), torch.randn(20, 3)
    single = layer(x)
    double = layer.double()(x.double())
    assert double.dtype == torch.float64
    torch.testing.assert_close(single.double(), double, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", LAYERS)
def test_copies_pickles_and_states_give_the_same_result(name: str) -> None:
    layer, x = trained(name), torch.randn(20, 3)
    loaded = LAYERS[name]()
    loaded.load_state_dict(layer.state_dict())
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), loaded.eval()):
        assert torch.equal(other(x), layer(x))


def test_two_passes_before_one_backward_keep_their_axes() -> None:
    layer = KSTLayer(2, 3, knots=9, generator=torch.Generator().manual_seed(0))
    first, second = torch.randn(30, 2).requires_grad_(), 5 + torch.randn(30, 2)
    kept = copy.deepcopy(layer)
    (expected,) = torch.autograd.grad(kept(first).square().sum(), first)
    y = layer(first)
    layer(second)  # the axes move on
    (found,) = torch.autograd.grad(y.square().sum(), first)
    assert torch.equal(found, expected)


@pytest.mark.parametrize("name", LAYERS)
def test_a_high_learning_rate_and_wild_inputs_stay_finite(name: str) -> None:
    torch.manual_seed(0)
    layer = LAYERS[name]()
    adam = torch.optim.Adam(layer.parameters(), lr=0.1)
    for _ in range(30):
        x = torch.randn(40, 3)
        x[0] = 1e6
        adam.zero_grad()
        loss = (layer(x) - x[:, :1].clamp(-3, 3)).square().mean()
        loss.backward()
        assert all(torch.isfinite(p.grad).all() for p in layer.parameters())
        adam.step()
    assert torch.isfinite(loss)


@pytest.mark.parametrize("name", LAYERS)
def test_no_rows_in_no_rows_out(name: str) -> None:
    layer = LAYERS[name]()
    x = torch.zeros(0, 3, requires_grad=True)
    y = layer(x)
    y.sum().backward()
    assert len(y) == len(x.grad) == 0
