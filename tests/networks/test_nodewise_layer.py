"""A linear map, then a curve a node or a group of nodes."""

import pytest
import torch

from superpose.errors import InputError
from superpose.networks import NodewiseLayer


def bent(**options):
    generator = torch.Generator().manual_seed(0)
    layer = NodewiseLayer(3, 6, knots=9, generator=generator, **options)
    x = torch.randn(80, 3, generator=generator)
    layer(x)
    layer.heights.data += torch.randn(layer.heights.shape, generator=generator)
    return layer.eval(), x


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_equals_a_loop_over_nodes_and_dense_curves(groups):
    layer, x = bent(groups=groups)
    dense, nodes = layer.basis.dense(), layer.linear(x).double()
    for o in range(6):
        u = (nodes[:, o] - layer.axis.centre[o].double()) / layer.axis.spread[o].double()
        own = dense.cardinal(u) @ layer.heights[o // (6 // groups)].double()  # neighbours share
        assert (layer(x)[:, o] - own).abs().max() < 2e-5


def test_each_curve_of_its_own_is_the_default():
    layer, _ = bent()
    assert layer.n_curves == len(layer.heights) == 6


def test_bounded_nodes_keep_the_variance_at_the_start():
    wide = NodewiseLayer(64, 64, bounds=(-5, 5), generator=torch.Generator().manual_seed(0))
    x = torch.randn(3000, 64, generator=torch.Generator().manual_seed(1))
    assert wide(x).var(0).mean().sqrt().item() == pytest.approx(1 / 5, rel=0.05)  # half widths


def test_groups_must_divide_the_nodes():
    with pytest.raises(InputError, match="groups must divide out_features; got groups=4 for"):
        NodewiseLayer(3, 6, groups=4)


def test_a_generator_is_the_only_source_of_chance():
    before = torch.get_rng_state()
    make = [NodewiseLayer(3, 6, generator=torch.Generator().manual_seed(1)) for _ in range(2)]
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(make[0].linear.weight, make[1].linear.weight)


def test_there_must_be_inputs_and_outputs():
    with pytest.raises(InputError, match="must be at least 1; got 0 and 3"):
        NodewiseLayer(0, 3)
