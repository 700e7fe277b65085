"""The cell against plain loops of the formulas, its counts, its start, its gradients."""

import itertools

import numpy as np
import pytest
import torch
from tests.oracles.lmu_loops import lmu_loop
from torch import nn

from superpose.errors import InputError
from superpose.sequences import LMUCell

PARTS = ("hidden_to_memory", "memory_to_memory", "input_to_hidden", "hidden_to_hidden", "bias")
CHOICES = [dict(zip(PARTS, chosen, strict=True)) for chosen in itertools.product((0, 1), repeat=5)]


def drawn(seed, *shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def made(input_size=2, hidden_size=3, order=4, theta=6.0, **options):
    """A cell in float64 whose parameters are all at work."""
    cell = LMUCell(input_size, hidden_size, order, theta, **options).double()
    with torch.no_grad():
        for seed, parameter in enumerate(cell.parameters()):
            parameter += 0.3 * drawn(seed, *parameter.shape)
    return cell


def weights(cell):
    found = {name: p.detach().numpy() for name, p in cell.named_parameters()}
    shape = (-1, cell.channels, cell.memory.order)
    return found | {name: found[name].reshape(shape) for name in ("e_m", "W_m") if name in found}


def stepped(cell, x, state=None):
    found = []
    for x_t in x.unbind(1):
        state = cell(x_t, state)
        found.append(state.hidden)
    return torch.stack(found, 1), state


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("options", CHOICES, ids=lambda it: "".join(map(str, it.values())))
def test_steps_are_the_formulas(options, channels):
    cell, x = made(channels=channels, **options), drawn(9, 2, 7, 2)
    hidden, state = stepped(cell, x)
    for row in range(2):
        h, m = lmu_loop(x[row].numpy(), weights(cell), cell.memory.theta)
        assert np.abs(hidden[row].detach().numpy() - h).max() < 1e-12
        assert np.abs(state.memory[row].detach().numpy() - m).max() < 1e-12


def test_any_activation_and_euler():
    cell = made(activation=nn.functional.gelu, method="euler")
    x, gelu = drawn(1, 1, 9, 2), lambda v: nn.functional.gelu(torch.from_numpy(v)).numpy()
    h, _ = lmu_loop(x[0].numpy(), weights(cell), cell.memory.theta, gelu, method="euler")
    assert np.abs(stepped(cell, x)[0][0].detach().numpy() - h).max() < 1e-12


def test_published_counts():
    for train_memory, published in ((False, 102_027), (True, 167_819)):
        cell = LMUCell(1, 212, 256, 784, train_memory=train_memory)
        network = nn.Sequential(cell, nn.Linear(212, 10))
        assert sum(p.numel() for p in network.parameters()) == published


def test_the_start_is_that_of_the_sheet():
    """LeCun uniform has variance 1/fan_in and reach √(3/fan_in), Glorot normal 2/(in + out)."""
    cell = LMUCell(300, 200, 100, 400, generator=torch.Generator().manual_seed(0))
    assert not cell.e_m.any()
    cell = LMUCell(300, 200, 40, 400, channels=50, generator=torch.Generator().manual_seed(0))
    for encoder, fan in ((cell.e_x, 300), (cell.e_h, 200)):
        assert encoder.abs().max().item() == pytest.approx((3 / fan) ** 0.5, rel=0.01)
        assert encoder.var().item() == pytest.approx(1 / fan, rel=0.05)
    for kernel in (cell.W_x, cell.W_h, cell.W_m):
        assert kernel.var().item() == pytest.approx(2 / sum(kernel.shape), rel=0.05)
        assert kernel.abs().max() > 3 * kernel.std()
    same = LMUCell(300, 200, 40, 400, channels=50, generator=torch.Generator().manual_seed(0))
    assert all(
        torch.equal(*pair) for pair in zip(cell.parameters(), same.parameters(), strict=True)
    )


def test_the_published_start_only_reads_the_memory():
    cell = LMUCell(1, 5, 4, 6, bias=True)
    cell.start_from_memory()
    assert cell.e_x.item() == 1
    assert not any(w.any() for w in (cell.e_h, cell.e_m, cell.W_x, cell.W_h, cell.b_u, cell.b_h))
    assert cell.W_m.all()


@pytest.mark.parametrize("train_memory", [False, True])
def test_gradients_are_those_of_finite_differences(train_memory):
    cell = made(channels=2, bias=True, train_memory=train_memory)
    assert cell.memory_is_alone is False
    x, parameters = drawn(3, 2, 4, 2).requires_grad_(), dict(cell.named_parameters())
    assert ("change" in parameters) == train_memory

    def value(x, *given):
        named = dict(zip(parameters, given, strict=True))
        state = None
        for x_t in x.unbind(1):
            state = torch.func.functional_call(cell, named, (x_t, state))
        return tuple(state)

    assert torch.autograd.gradcheck(value, (x, *parameters.values()))


def test_what_is_held_does_not_move():
    cell = LMUCell(1, 3, 4, 6)
    cell.W_h.requires_grad_(False)
    held, moved = cell.W_h.clone(), cell.W_m.clone()
    optimiser = torch.optim.SGD([p for p in cell.parameters() if p.requires_grad], lr=0.1)
    stepped(cell, torch.ones(2, 5, 1))[0].sum().backward()
    optimiser.step()
    assert torch.equal(cell.W_h, held)
    assert not torch.equal(cell.W_m, moved)


def test_a_memory_that_is_learned_starts_as_the_fixed_one():
    learned = LMUCell(2, 3, 4, 6, bias=True, train_memory=True).double()
    fixed = LMUCell(2, 3, 4, 6, bias=True).double()
    fixed.load_state_dict(learned.state_dict(), strict=False)
    x = drawn(5, 2, 6, 2)
    assert torch.allclose(stepped(learned, x)[0], stepped(fixed, x)[0], rtol=0, atol=1e-6)


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # of torch, about a state with a past
def test_a_compiled_cell_is_one_graph_and_the_same():
    cell, x = made(bias=True), drawn(4, 3, 5, 2)
    compiled = torch.compile(cell, fullgraph=True, backend="eager")
    assert torch.allclose(stepped(compiled, x)[0], stepped(cell, x)[0], rtol=0, atol=1e-14)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_cell_compiled_to_machine_code_is_the_same():
    cell, x = made(bias=True), drawn(4, 3, 5, 2)
    compiled = torch.compile(cell, fullgraph=True)
    with torch.no_grad():
        assert torch.allclose(stepped(compiled, x)[0], stepped(cell, x)[0], rtol=0, atol=1e-12)


def test_sizes_are_checked():
    with pytest.raises(InputError, match="hidden_size must be 1 or more; got 0; pass a positive"):
        LMUCell(1, 0, 4, 6)
    with pytest.raises(InputError, match="Euler's memory of order 32"):
        LMUCell(1, 3, 32, 100, method="euler")
