"""Whole sequences: every form gives what the cell gives step by step, its gradients included."""

import pytest
import torch
from tests.sequences.test_lmu_cell import drawn, made, stepped
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from superpose.errors import InputError
from superpose.networks import KSTHead
from superpose.sequences import LMU, LegendreMemory, LMUCell, LMUState

NOTHING_RECURS = {"hidden_to_memory": False, "memory_to_memory": False, "hidden_to_hidden": False}
KINDS = {
    "as published": {},
    "memory alone": NOTHING_RECURS | {"hidden_to_hidden": True},
    "nothing recurs": NOTHING_RECURS,
    "memory learned": NOTHING_RECURS | {"train_memory": True},
}


@pytest.fixture(params=list(KINDS))
def lmu(request):
    return LMU(made(channels=2, bias=True, **KINDS[request.param]))


def equal(one, other, tolerance=1e-10):
    return all(
        (a - b).abs().max() < tolerance and a.shape == b.shape
        for a, b in zip(one, other, strict=True)
    )


def start(rows, seed=20):
    return LMUState(drawn(seed, rows, 3), drawn(seed + 1, rows, 2, 4))


@pytest.mark.parametrize("begun", [False, True])
def test_all_steps_and_the_last_are_those_of_the_cell(lmu, begun):
    x, state = drawn(9, 3, 40, 2), start(3) if begun else None
    hidden, end = stepped(lmu.cell, x, state)
    found, found_end = lmu(x, state)
    assert equal((found, *found_end), (hidden, *end))
    assert equal(lmu.last(x, state), end)
    assert not equal(lmu.last(x[:, :-1], state), end)


@pytest.mark.parametrize("kind", ["memory alone", "nothing recurs"])
def test_forms_agree_in_float32(kind):
    generator = torch.Generator().manual_seed(0)
    lmu = LMU(LMUCell(2, 16, 32, 100, channels=2, generator=generator, **KINDS[kind]))
    x = 0.3 * drawn(9, 3, 200, 2).float()
    hidden, end = stepped(lmu.cell, x)
    found, found_end = lmu(x)
    assert equal((found, *found_end, *lmu.last(x)), (hidden, *end, *end), 1e-6)


def test_a_sequence_in_two_parts_is_one_pass(lmu):
    x, state = drawn(9, 3, 40, 2), start(3)
    hidden, end = lmu(x, state)
    first, middle = lmu(x[:, :17], state)
    second, found = lmu(x[:, 17:], middle)
    assert equal((torch.cat([first, second], 1), *found), (hidden, *end))
    assert equal(lmu.last(x[:, 17:], lmu.last(x[:, :17], state)), end)


def test_sequences_of_different_lengths_are_each_their_own(lmu):
    x, state, lengths = drawn(9, 4, 12, 2), start(4), torch.tensor([12, 1, 0, 7])
    spoiled = x.clone()
    for row, length in enumerate(lengths):
        spoiled[row, length:] = 1e6
    hidden, end = lmu(spoiled, state, lengths=lengths)
    last = lmu.last(spoiled, state, lengths=lengths)
    for row, length in enumerate(lengths):
        own = LMUState(*(part[row : row + 1] for part in state))
        found = LMUState(*(part[row : row + 1] for part in end))
        assert not hidden[row, length:].any()
        if length:
            alone, own = lmu(x[row : row + 1, :length], own)
            assert equal(alone, hidden[row : row + 1, :length])
        assert equal(found, own)
        assert equal([part[row : row + 1] for part in last], own)


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
def test_packed_sequences_come_back_packed(lmu, ordered, batch_first):
    lmu.batch_first = batch_first
    lengths = torch.tensor([5, 5, 3, 1] if ordered else [3, 5, 1, 5])
    x, state = drawn(9, 4, 5, 2), start(4)
    hidden, end = lmu(x if batch_first else x.transpose(0, 1), state, lengths=lengths)
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=ordered)
    found, found_end = lmu(packed, state)
    assert torch.equal(found.batch_sizes, packed.batch_sizes)
    padded, _ = pad_packed_sequence(found, batch_first)
    assert equal((padded, *found_end), (hidden, *end))


def test_steps_first(lmu):
    x, state = drawn(9, 3, 5, 2), start(3)
    turned = LMU(lmu.cell, batch_first=False)
    hidden, end = lmu(x, state)
    found, found_end = turned(x.transpose(0, 1), state)
    assert equal((found.transpose(0, 1), *found_end), (hidden, *end))
    assert equal(turned.last(x.transpose(0, 1), state), end)


def test_the_order_of_the_batch_does_not_matter(lmu):
    x = drawn(9, 4, 12, 2)
    assert equal((lmu(x.flip(0))[0].flip(0),), (lmu(x)[0],))


def test_gradients_of_every_form_are_those_of_the_cell(lmu):
    x, state = drawn(9, 2, 9, 2).requires_grad_(), start(2)
    learned = [p for p in (x, *lmu.cell.parameters())]
    _, end = stepped(lmu.cell, x, state)
    weights = [drawn(30 + i, *part.shape) for i, part in enumerate(end)]

    def gradients(end):
        loss = sum((w * part).sum() for w, part in zip(weights, end, strict=True))
        return torch.autograd.grad(loss, learned)

    expected = gradients(end)
    assert equal(gradients(lmu(x, state)[1]), expected)
    assert equal(gradients(lmu.last(x, state)), expected)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The .grad attribute")  # of torch, about a state with a past
def test_compiled_it_is_one_graph_and_the_same(lmu):
    x = drawn(9, 2, 4, 2)
    torch._dynamo.reset()
    compiled = torch.compile(lmu, fullgraph=True, backend="eager")
    hidden, end = lmu(x)
    found, found_end = compiled(x)
    assert equal((found, *found_end), (hidden, *end))


def test_a_readable_head_on_the_memory_is_the_same_as_a_stream():
    memory = LegendreMemory(order=4, theta=12).fit([drawn(0, 20, 2).numpy()])
    names = list(memory.get_feature_names_out())
    head = KSTHead(names, ["calm", "wild"], knots=9).double()
    u = drawn(1, 30, 20, 2)
    state = memory.last(u)
    head(state.memory.flatten(1))
    head.eval()
    stream = memory.start(30, 2, u)
    for step in u.unbind(1):
        stream = memory.step(step, stream)
    scores = head(state.memory.flatten(1))
    assert (head(stream.memory.flatten(1)) - scores).abs().max() < 1e-10
    explanation = head.explain(state.memory.flatten(1))
    assert explanation.features[5] == "channel 2: trend of the last 12 steps"
    assert (explanation.scores - scores).abs().max() < 1e-6


def test_curves_can_be_the_activation():
    from superpose.curves import SLAF

    lmu = LMU(LMUCell(1, 6, 4, 12, activation=SLAF(6, degree=3), **NOTHING_RECURS)).eval()
    x = drawn(3, 5, 20, 1).float()
    assert equal((lmu(x)[0],), (stepped(lmu.cell, x)[0],), 1e-5)
    assert any("activation" in name for name, _ in lmu.named_parameters())


def test_shapes_are_checked(lmu):
    for x, shape in ((torch.zeros(3, 2), r"\[3, 2\]"), (torch.zeros(3, 0, 2), r"\[3, 0, 2\]")):
        message = r"x must be \[sequences, steps, 2\], with one sequence and step or more; got the "
        with pytest.raises(InputError, match=f"{message}shape {shape}; add the missing axes"):
            lmu(x)
    with pytest.raises(InputError, match=r"x must be \[steps, sequences, 2\].*\[4, 3, 1\]"):
        LMU(lmu.cell, batch_first=False).last(torch.zeros(4, 3, 1))


def test_it_trains_as_any_module_does():
    """The mean of a window is learned to a hundredth by the form without recurrence."""
    generator = torch.Generator().manual_seed(0)
    cell = LMUCell(1, 8, 4, 20, generator=generator, **NOTHING_RECURS)
    network, x = LMU(cell), torch.randn(64, 40, 1, generator=generator).cumsum(1) / 5
    read = nn.Linear(8, 1)
    with torch.no_grad():
        read.weight.copy_(torch.randn(1, 8, generator=generator) / 3)
    y = x[:, -20:].mean(1)
    optimiser = torch.optim.Adam([*network.parameters(), *read.parameters()], lr=0.02)
    for _ in range(200):
        loss = (read(network.last(x).hidden) - y).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.01 * y.var().item()


def test_what_stands_after_the_end_is_not_read_by_gradients_either(lmu):
    lengths = torch.tensor([7, 20, 0])
    x = drawn(8, 3, 20, 2)
    for found in (lambda x: lmu(x, lengths=lengths)[0], lambda x: lmu.last(x, lengths=lengths)[0]):
        slopes = []
        for filler in (0.0, torch.nan):
            x[0, 7:], x[2] = filler, filler
            lmu.zero_grad()
            found(x).sum().backward()
            slopes.append([p.grad.clone() for p in lmu.parameters()])
        assert equal(*slopes)
