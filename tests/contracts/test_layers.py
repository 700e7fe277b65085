"""Laws of every layer of curves for deep networks; a new one costs a line."""

import copy

import pytest
import torch
from torch import nn

from superpose.errors import InputError
from superpose.networks import KSTHead, KSTLayer, KSTNetwork, NodewiseLayer

LAYERS = {
    "layer": lambda g: KSTLayer(3, 4, knots=9, generator=g),
    "rough layer": lambda g: KSTLayer(3, 4, knots=9, kernel="matern12", generator=g),
    "smooth layer": lambda g: KSTLayer(3, 4, knots=9, kernel="matern52", generator=g),
    "bounded layer": lambda g: KSTLayer(3, 4, knots=9, bounds=(-2, 1), generator=g),
    "nodewise": lambda g: NodewiseLayer(3, 4, knots=9, generator=g),
    "grouped": lambda g: NodewiseLayer(3, 4, knots=9, groups=2, generator=g),
    "network": lambda g: KSTNetwork([3, 2, 4], knots=9, generator=g),
    "head": lambda g: KSTHead(3, 4, knots=9, generator=g),
}


@pytest.fixture(params=list(LAYERS))
def layer(request):
    """A layer that has seen data and whose curves are bent."""
    made = LAYERS[request.param](torch.Generator().manual_seed(0))
    made(rows(200))
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if "heights" in name:
                parameter += 0.3 * draws(*parameter.shape, seed=1)
    return made.eval()


def draws(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def rows(n, seed=2):
    return draws(n, 3, seed=seed) * torch.tensor([1.0, 5.0, 0.1]) + 1


def test_rows_do_not_know_of_one_another(layer):
    x = rows(20)
    assert torch.allclose(layer(x)[7:9], layer(x[7:9]), atol=1e-6)
    assert torch.equal(layer(x.reshape(4, 5, 3)), layer(x).reshape(4, 5, 4))
    assert layer(x[:0]).shape == (0, 4)


def test_evaluation_changes_nothing(layer):
    before = copy.deepcopy(layer.state_dict())
    layer(rows(50, seed=9) * 10)
    assert all(torch.equal(was, layer.state_dict()[name]) for name, was in before.items())


def test_a_layer_made_without_memory_becomes_what_is_loaded(layer, request):
    make = LAYERS[request.node.callspec.params["layer"]]
    with torch.device("meta"):
        empty = make(None)
    assert all(each.is_meta for each in empty.parameters())
    empty.to_empty(device="cpu").load_state_dict(layer.state_dict())
    assert torch.equal(empty.eval()(rows(9)), layer(rows(9)))


def test_heights_of_other_curves_are_refused(layer):
    state = layer.state_dict()
    for name in [name for name in state if name.endswith("_extra_state")]:
        state[name] = state[name] + torch.tensor([0.0, 0.1])
    with pytest.raises(InputError, match=r"length scale they had.*0\.6"):
        layer.load_state_dict(state)


def test_refining_keeps_function_and_prior(layer):
    if isinstance(layer, KSTHead):
        layer = layer.curves
    x = rows(300, seed=5)
    before, prior = layer(x).detach(), layer.prior().item()
    n_heights = sum(p.numel() for name, p in layer.named_parameters() if "heights" in name)
    layer.refine()
    layer.refine()
    assert (layer(x) - before).abs().max() < 2e-5 * before.abs().max()
    assert layer.prior().item() == pytest.approx(prior, rel=1e-3)
    refined = sum(p.numel() for name, p in layer.named_parameters() if "heights" in name)
    assert refined == n_heights / 9 * 33


def test_prior_weighs_bends_and_leaves_lines_free(layer):
    curved = layer.prior().item()
    assert curved > 1
    with torch.no_grad():
        for name, heights in layer.named_parameters():
            if "heights" in name:
                knots = torch.linspace(-1, 1, 9)
                wide = knots.unsqueeze(-1) if heights.ndim == 3 else knots
                heights.copy_(2 + 3 * wide.expand_as(heights))
    assert 0 <= layer.prior().item() < 1e-6 * curved


def test_gradients_are_those_of_finite_differences(layer):
    layer = layer.double()
    x = rows(5).double().requires_grad_()
    parameters = dict(layer.named_parameters())

    def value(x, *given):
        return torch.func.functional_call(layer, dict(zip(parameters, given, strict=True)), (x,))

    assert torch.autograd.gradcheck(value, (x, *parameters.values()))


def test_gradients_in_training_go_through_the_statistics_of_the_batch(layer):
    layer = layer.double().train()
    x = rows(6).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: copy.deepcopy(layer)(x), (x,))
    if not isinstance(layer, KSTNetwork):  # slow, and the same
        assert torch.autograd.gradgradcheck(lambda x: copy.deepcopy(layer)(x).sum(1), (x,))


def test_the_gradient_of_the_prior(layer):
    layer = layer.double()
    for name, heights in layer.named_parameters():
        if "heights" in name:
            step, before = draws(*heights.shape, seed=4).double(), heights.detach().clone()
            (gradient,) = torch.autograd.grad(layer.prior(), heights)
            heights.data = before + 1e-5 * step
            up = layer.prior().item()
            heights.data = before - 1e-5 * step
            assert (gradient * step).sum().item() == pytest.approx(
                (up - layer.prior().item()) / 2e-5, rel=1e-6
            )
            heights.data = before


def test_saved_and_loaded_is_the_same(layer):
    twin = copy.deepcopy(layer)
    for parameter in twin.parameters():
        nn.init.zeros_(parameter)
    twin.load_state_dict(layer.state_dict())
    assert torch.equal(twin(rows(9)), layer(rows(9)))


def test_far_inputs_and_missing_ones(layer):
    far = torch.tensor([[1e6, -1e6, 1e6], [3e30, 3e30, -3e30], [float("nan"), 0.0, 0.0]])
    far.requires_grad_()
    result = layer(far)
    assert result[:2].isfinite().all()
    assert result[2].isnan().all()
    (gradient,) = torch.autograd.grad(result[:2].sum(), far)
    assert gradient[:2].isfinite().all()


WIDE = {
    "layer": lambda g: KSTLayer(64, 64, generator=g),
    "nodewise": lambda g: NodewiseLayer(64, 64, generator=g),
    "network": lambda g: KSTNetwork([64, 64, 64], generator=g),
    "head": lambda g: KSTHead(64, 64, generator=g),
}


@pytest.mark.parametrize("name", WIDE)
def test_the_start_keeps_the_variance(name):
    wide = WIDE[name](torch.Generator().manual_seed(3))
    result = wide(draws(2000, 64) * 5 + 2)
    assert result.var(0).mean().sqrt().item() == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize("name", ["layer", "grouped", "network"])
def test_learns_at_a_high_rate_and_stays_finite(name):
    x = draws(64, 3)
    y = torch.sin(x).sum(1, keepdim=True).expand(-1, 4)
    layer = LAYERS[name](torch.Generator().manual_seed(0))
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.1)
    for _ in range(50):
        loss = (layer(x) - y).square().mean() + 1e-5 * layer.prior()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.3 * y.var().item()
