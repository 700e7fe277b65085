"""Perturbing optimizers with what torch puts around a step: scalers, autocast, many processes."""

import copy
import re
import warnings
from datetime import timedelta

import pytest
import torch
from tests.fitting.made_steps import closure_of, loss_of, made_network, made_rows, weights_of
from torch import nn

from superpose.errors import InputError
from superpose.fitting import AMP, SAM
from superpose.networks import KSTNetwork

X, Y = made_rows(dtype=torch.float32)
KINDS = {
    "AMP": (AMP, {"epsilon": 0.3, "zeta": 0.4}),
    "AMP of two steps": (AMP, {"epsilon": 0.3, "zeta": 0.2, "inner_steps": 2}),
    "SAM": (SAM, {"rho": 0.1}),
}


def scaled_step(scaler, optimizer, network, x, y, unscale=False):
    for _ in range(optimizer.inner_steps):
        scaler.scale(loss_of(network, x, y)).backward()
        optimizer.perturb(scale=scaler.get_scale())
    scaler.scale(loss_of(network, x, y)).backward()
    if unscale:  # as one does to clip
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(network.parameters(), 1e6)
    scaler.step(optimizer)
    scaler.update()
    optimizer.zero_grad()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("unscale", [False, True])
@pytest.mark.parametrize("enabled", [False, True])
@pytest.mark.parametrize("base", [torch.optim.SGD, torch.optim.Adam])
def test_under_a_scaler_the_steps_are_those_without(kind, unscale, enabled, base):
    """Scales are powers of two, so in float32 not even the rounding differs."""
    made, reach = KINDS[kind]
    networks = [made_network(dtype=torch.float32) for _ in range(2)]
    optimizers = [made(n.parameters(), base, lr=0.05, **reach) for n in networks]
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10, growth_interval=2, enabled=enabled)
    for _ in range(5):
        optimizers[0].step(closure_of(optimizers[0], networks[0], X, Y))
        scaled_step(scaler, optimizers[1], networks[1], X, Y, unscale)
    assert scaler.get_scale() == (2.0**12 if enabled else 1.0)
    assert torch.equal(weights_of(networks[0]), weights_of(networks[1]))


@pytest.mark.parametrize("overflow", ["in the ascent", "in the second pass", "in both"])
@pytest.mark.parametrize("unscale", [False, True])
def test_a_step_that_overflows_is_skipped_at_the_clean_weights(overflow, unscale):
    network = made_network(dtype=torch.float32)
    optimizer = AMP(network.parameters(), lr=0.1, epsilon=0.3, zeta=0.4)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    before = weights_of(network)
    for turn in ("in the ascent", "in the second pass"):
        bad = overflow in (turn, "in both")
        loss = loss_of(network, X, Y) * (1e38 if bad else 1.0)
        scaler.scale(loss).backward()
        if turn == "in the ascent":
            optimizer.perturb(scale=scaler.get_scale())
            assert torch.equal(weights_of(network), before) == bad
    if unscale:
        scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    moved = not torch.equal(weights_of(network), before)
    assert moved == (overflow == "in the ascent")  # then it is a plain step
    assert scaler.get_scale() == (2.0**10 if moved else 2.0**9)
    optimizer.zero_grad()
    before = weights_of(network)
    scaled_step(scaler, optimizer, network, X, Y)
    assert not torch.equal(weights_of(network), before)


def test_a_closure_under_a_scaler_is_refused():
    network = made_network(dtype=torch.float32)
    optimizer = SAM(network.parameters(), rho=0.1)
    scaler = torch.amp.GradScaler("cpu")
    scaler.scale(loss_of(network, X, Y)).backward()
    sentence = (
        "a closure cannot run inside scaler.step, which has looked at the gradients before; got a "
        "closure from an enabled torch.amp.GradScaler; call optimizer.perturb(scale=scaler."
        "get_scale()) between two backward passes and then scaler.step(optimizer); bfloat16 needs "
        "no scaler"
    )
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        scaler.step(optimizer, closure_of(optimizer, network, X, Y))


def test_bfloat16_autocast_learns_and_stays_close_to_float32():
    torch.manual_seed(0)
    start = nn.Sequential(nn.Linear(3, 32), nn.Tanh(), KSTNetwork([32, 1]))
    ends = []
    for half in (False, True):
        network = copy.deepcopy(start)
        optimizer = AMP(
            network.parameters(), torch.optim.Adam, lr=0.01, epsilon=0.1, zeta=0.1, network=network
        )
        assert all(p.dtype == torch.float32 for p in network.parameters())

        def closure(network=network, optimizer=optimizer, half=half):
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                loss = loss_of(network, X, Y)
            loss.backward()
            return loss

        losses = [optimizer.step(closure).item() for _ in range(60)]
        assert losses[-1] < losses[0] / 4
        ends.append(losses[-1])
    assert ends[1] == pytest.approx(ends[0], abs=0.05)


def test_clipping_inside_the_closure_acts_on_both_gradients():
    """With a loss of slope 100 and a clip at 1, the ascent is ζ long and the step lr long."""
    weight = torch.zeros(1, requires_grad=True)
    optimizer = AMP([weight], lr=0.5, epsilon=9.0, zeta=0.25)
    seen = []

    def closure():
        optimizer.zero_grad()
        seen.append(weight.item())
        (100 * weight).sum().backward()
        nn.utils.clip_grad_norm_([weight], 1.0)

    optimizer.step(closure)
    assert seen == pytest.approx([0.0, 0.25], rel=1e-4)
    assert weight.item() == pytest.approx(-0.5, rel=1e-4)


# Two processes


def worker(rank, folder, each_its_own):
    """Train on every other row; leave the weights after each step in a file."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", f"file://{folder}/meet", timedelta(seconds=60), world_size=2, rank=rank
    )
    torch.manual_seed(0)
    inside = nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 1))
    network = nn.parallel.DistributedDataParallel(inside)
    optimizer = AMP(
        network.parameters(), lr=0.05, momentum=0.9, epsilon=0.3, zeta=0.4, network=network
    )
    x, y, seen = X[rank::2], Y[rank::2], []
    for _ in range(4):
        if each_its_own:
            with network.no_sync():
                loss_of(network, x, y).backward()
            optimizer.perturb()
            seen.append(weights_of(network))
            loss_of(network, x, y).backward()
            optimizer.step()
            optimizer.zero_grad()
        else:
            optimizer.step(closure_of(optimizer, network, x, y))
        seen.append(weights_of(network))
    torch.save((seen, inside[1].num_batches_tracked), f"{folder}/{rank}.pt")
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch without distributed")
@pytest.mark.parametrize("each_its_own", [False, True])
def test_two_processes_keep_equal_weights(each_its_own, tmp_path):
    torch.multiprocessing.spawn(worker, (str(tmp_path), each_its_own), nprocs=2)
    (one, batches), (two, _) = (torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1))
    assert batches == 4
    if each_its_own:  # beside the weights they part, and meet again
        assert not torch.equal(one[0], two[0])
        one, two = one[1::2], two[1::2]
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    assert not torch.equal(one[0], one[-1])
