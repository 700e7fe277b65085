"""How perturbing optimizers stand beside the base: state, schedules, statistics, memory."""

import copy
import gc
import io
import math
import pickle
import re
import weakref

import pytest
import torch
from tests.fitting.made_steps import closure_of, loss_of, made_network, made_rows, weights_of
from torch import nn
from torch.optim import lr_scheduler
from torch.utils._python_dispatch import TorchDispatchMode

from superpose.errors import InputError
from superpose.fitting import AMP, ASAM, SAM, PerturbedOptimizer
from superpose.fitting.training.running_statistics import kept_statistics, put_back
from superpose.networks import KSTNetwork, RunningAxis

X, Y = made_rows()

KINDS = {
    "AMP": (AMP, {"epsilon": 0.3, "zeta": 0.4}),
    "AMP of two steps": (AMP, {"epsilon": 0.3, "zeta": 0.2, "inner_steps": 2}),
    "SAM": (SAM, {"rho": 0.1}),
    "ASAM": (ASAM, {"rho": 0.2}),
}
ZERO = {
    "AMP, ball": (AMP, {"epsilon": 0.0, "zeta": 1.0}),
    "AMP, step": (AMP, {"epsilon": 1.0, "zeta": 0.0, "inner_steps": 3}),
    "SAM": (SAM, {"rho": 0.0}),
    "ASAM": (ASAM, {"rho": 0.0}),
}
BASES = {
    "SGD": (torch.optim.SGD, {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    "Adam": (torch.optim.Adam, {"lr": 0.02}),
    "AdamW": (torch.optim.AdamW, {"lr": 0.02, "amsgrad": True}),
    "RMSprop": (torch.optim.RMSprop, {"lr": 0.01, "momentum": 0.5}),
    "Adagrad": (torch.optim.Adagrad, {"lr": 0.1}),
    "Rprop": (torch.optim.Rprop, {"lr": 0.01}),
}


def a_network_with_statistics(seed=0):
    torch.manual_seed(seed)
    layers = nn.Linear(3, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.2), KSTNetwork([6, 1])
    return nn.Sequential(*layers)


def run(optimizer, network, x=X, y=Y, steps=5, schedule=None):
    for step in range(steps):
        rows = torch.arange(step, step + 16) % len(x)
        optimizer.step(closure_of(optimizer, network, x[rows], y[rows]))
        if schedule is not None:
            schedule.step()


def same(one, other):
    """Whether two networks hold the same, to the last bit."""
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("kind", ZERO)
@pytest.mark.parametrize("base", ["SGD", "Adam"])
def test_a_radius_of_zero_is_the_base_to_the_last_bit(kind, base):
    """Statistics and dropout included, so no pass was made that the base would not make."""
    made, reach = ZERO[kind]
    base, options = BASES[base]
    networks = [a_network_with_statistics() for _ in range(2)]
    for network, optimizer in zip(
        networks,
        [
            base(networks[0].parameters(), **options),
            made(networks[1].parameters(), base, **reach, **options),
        ],
        strict=True,
    ):
        torch.manual_seed(5)
        run(optimizer, network, X.float(), Y.float())
    assert same(*networks)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_was_stopped_goes_on_as_if_it_was_not(kind, base):
    made, reach = KINDS[kind]
    base, options = BASES[base]

    def start():
        network = made_network()
        optimizer = made(network.parameters(), base, **reach, **options)
        return network, optimizer, lr_scheduler.StepLR(optimizer, 2, 0.5)

    whole, optimizer, schedule = start()
    run(optimizer, whole, steps=4, schedule=schedule)
    saved = io.BytesIO()
    states = [whole.state_dict(), optimizer.state_dict(), schedule.state_dict()]
    torch.save(states, saved)
    run(optimizer, whole, steps=4, schedule=schedule)

    resumed, optimizer, schedule = start()
    saved.seek(0)
    for thing, state in zip((resumed, optimizer, schedule), torch.load(saved), strict=True):
        thing.load_state_dict(state)
    run(optimizer, resumed, steps=4, schedule=schedule)
    assert same(whole, resumed)


def test_the_state_is_that_of_the_base_and_has_no_copy_of_the_weights():
    network = made_network()
    optimizer = AMP(network.parameters(), torch.optim.Adam, epsilon=0.3, zeta=0.4, lr=0.01)
    run(optimizer, network, steps=2)
    names = {name for state in optimizer.state_dict()["state"].values() for name in state}
    assert names == {"step", "exp_avg", "exp_avg_sq"}
    assert optimizer.state is optimizer.base.state
    assert optimizer.param_groups is optimizer.base.param_groups
    optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert optimizer.state is optimizer.base.state
    assert optimizer.param_groups is optimizer.base.param_groups


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loaded", [False, True])
def test_a_schedule_that_ends_at_zero_stops_all_movement(kind, loaded):
    made, reach = KINDS[kind]
    network = made_network()
    optimizer = made(network.parameters(), torch.optim.SGD, lr=0.1, momentum=0.9, **reach)
    if loaded:
        run(optimizer, network, steps=1)
        optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    schedule = lr_scheduler.LambdaLR(optimizer, lambda step: 1.0 if step < 2 else 0.0)
    run(optimizer, network, steps=2, schedule=schedule)
    before = copy.deepcopy(network)
    run(optimizer, network, steps=3)
    assert same(before, network)


def test_schedules_that_ask_for_the_defaults_of_the_base_find_them():
    network = made_network()
    optimizer = SAM(network.parameters(), torch.optim.SGD, rho=0.1, lr=0.1, momentum=0.9)
    schedule = lr_scheduler.OneCycleLR(optimizer, 0.2, total_steps=10)  # it cycles the momentum
    run(optimizer, network, steps=9, schedule=schedule)
    assert optimizer.base.param_groups[0]["momentum"] == pytest.approx(0.95)


def test_a_checkpoint_of_the_base_alone_can_be_loaded():
    network = made_network()
    base = torch.optim.Adam(network.parameters(), lr=0.02)
    run(base, network, steps=2)
    optimizer = AMP(network.parameters(), torch.optim.Adam, epsilon=0.3, zeta=0.4)
    optimizer.load_state_dict(base.state_dict())
    assert optimizer.param_groups[0]["lr"] == 0.02
    assert optimizer.param_groups[0]["epsilon"] == 0.3
    run(optimizer, network, steps=1)


def test_a_group_that_is_added_later_is_perturbed_and_stepped():
    network = made_network()
    optimizer = SAM(network[0].parameters(), torch.optim.SGD, rho=0.1, lr=0.1)
    optimizer.add_param_group({"params": network[2].parameters(), "rho": 0.2, "lr": 0.0})
    closure_of(optimizer, network, X, Y)()
    before = network[2].weight.detach().clone()
    optimizer.perturb()
    assert not torch.equal(network[2].weight, before)
    closure_of(optimizer, network, X, Y)()
    optimizer.step()
    assert torch.equal(network[2].weight, before)
    assert [group["rho"] for group in optimizer.base.param_groups] == [0.1, 0.2]
    with pytest.raises(InputError, match="^rho must be at least 0; got rho=-1.0 in parameter gro"):
        optimizer.add_param_group({"params": [torch.ones(1, requires_grad=True)], "rho": -1.0})


@pytest.mark.parametrize("kind", KINDS)
def test_by_hand_is_the_same_as_by_closure(kind):
    made, reach = KINDS[kind]
    networks = [made_network(), made_network()]
    optimizers = [made(n.parameters(), torch.optim.Adam, lr=0.01, **reach) for n in networks]
    run(optimizers[0], networks[0], steps=3)
    for step in range(3):
        rows = torch.arange(step, step + 16) % len(X)
        for _ in range(reach.get("inner_steps", 1)):
            loss_of(networks[1], X[rows], Y[rows]).backward()
            optimizers[1].perturb()  # it clears the gradients
        loss_of(networks[1], X[rows], Y[rows]).backward()
        optimizers[1].step()
        optimizers[1].zero_grad()
    assert same(*networks)


@pytest.mark.parametrize("by_hand", [False, True])
def test_micro_batches_add_up_to_the_batch(by_hand):
    networks = [made_network(), made_network()]
    optimizers = [AMP(n.parameters(), lr=0.1, epsilon=0.3, zeta=0.4) for n in networks]
    optimizers[0].step(closure_of(optimizers[0], networks[0], X, Y))

    def parts():
        for x, y in zip(X.split(6), Y.split(6), strict=True):
            (loss_of(networks[1], x, y) / 4).backward()

    def closure():
        optimizers[1].zero_grad()
        parts()

    if by_hand:
        parts()
        optimizers[1].perturb()
        parts()
        optimizers[1].step()
    else:
        optimizers[1].step(closure)
    assert weights_of(networks[1]) == pytest.approx(weights_of(networks[0]), rel=1e-12)


@pytest.mark.parametrize(("kind", "passes"), [("AMP", 2), ("AMP of two steps", 3), ("SAM", 2)])
def test_a_step_makes_so_many_passes_and_returns_what_the_first_gave(kind, passes):
    made, reach = KINDS[kind]
    network = made_network()
    optimizer = made(network.parameters(), **reach)
    seen, clean = [], loss_of(network, X, Y).item()
    plain = closure_of(optimizer, network, X, Y, seen)
    answer = optimizer.step(plain)
    assert answer.item() == clean == seen[0]
    assert len(seen) == passes
    assert seen[-1] > clean  # uphill

    def closure():
        return plain(), "outputs"

    loss, outputs = optimizer.step(closure)
    assert loss.requires_grad
    assert outputs == "outputs"
    assert len(seen) == 2 * passes


def test_a_step_inside_no_grad_has_gradients():
    network = made_network()
    optimizer = SAM(network.parameters(), rho=0.1, lr=0.1)
    before = weights_of(network)
    with torch.no_grad():
        optimizer.step(closure_of(optimizer, network, X, Y))
    assert not torch.equal(before, weights_of(network))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_clean_weights_come_back_to_the_last_bit(kind, dtype):
    made, reach = KINDS[kind]
    network = made_network(dtype=dtype)
    optimizer = made(network.parameters(), torch.optim.SGD, lr=0.0, **reach)
    before = copy.deepcopy(network)
    run(optimizer, network, X.to(dtype), Y.to(dtype), steps=3)
    assert same(before, network)


@pytest.mark.parametrize("kind", ["one ball", "a ball each"])
@pytest.mark.parametrize("made", [SAM, AMP])
def test_half_precision_does_not_leave_the_ball_by_its_rounding(made, kind):
    reach = {"rho": 1.0} if made is SAM else {"epsilon": 1.0, "zeta": 1.0}
    weights = [torch.zeros(4096, dtype=torch.bfloat16, requires_grad=True) for _ in range(2)]
    optimizer = made(weights, per_tensor=kind == "a ball each", **reach)
    slope = torch.linspace(-1, 1, 4096)
    (weights[0] * slope + 2 * weights[1] * slope).sum().backward()
    optimizer.perturb()
    norms = [weight.detach().double().norm().item() for weight in weights]
    whole = [math.hypot(*norms)] if kind == "one ball" else norms
    assert whole == pytest.approx([1.0] * len(whole), rel=1e-3)


@pytest.mark.parametrize("none", [True, False])
def test_gradients_are_cleared_as_the_base_clears_them(none):
    network = made_network()
    optimizer = SAM(network.parameters(), rho=0.1)
    closure_of(optimizer, network, X, Y)()
    optimizer.zero_grad(set_to_none=none)
    assert [p.grad is None for p in network.parameters()] == [none] * 4
    assert none or not any(p.grad.any() for p in network.parameters())


def test_complex_weights_climb_as_their_two_parts_do():
    start = torch.tensor([1.0 + 2.0j, -0.5j], dtype=torch.complex128)
    one = start.clone().requires_grad_()
    two = torch.view_as_real(start).clone().requires_grad_()
    for weight, view in ((one, torch.view_as_real), (two, lambda w: w)):
        optimizer = AMP([weight], lr=0.1, epsilon=0.3, zeta=10.0)

        def closure(weight=weight, view=view, optimizer=optimizer):
            optimizer.zero_grad()
            loss = (view(weight) ** 4).sum()
            loss.backward()
            return loss

        optimizer.step(closure)
    assert torch.view_as_real(one).detach() == pytest.approx(two.detach(), rel=1e-12)


def test_sparse_gradients_and_weights_without_one():
    torch.manual_seed(0)
    found = []
    for sparse in (False, True):
        torch.manual_seed(0)
        table, unused = nn.Embedding(6, 2, sparse=sparse), torch.ones(2, requires_grad=True)
        optimizer = AMP([table.weight, unused], lr=0.1, epsilon=0.2, zeta=1.0, inner_steps=2)

        def closure(table=table, optimizer=optimizer):
            optimizer.zero_grad()
            loss = (table(torch.tensor([1, 1, 4])) ** 2).sum()
            loss.backward()
            return loss

        optimizer.step(closure)
        found.append(table.weight.detach().clone())
        assert unused.tolist() == [1.0, 1.0]
    assert found[1] == pytest.approx(found[0], rel=1e-6)


def test_a_weight_that_has_no_gradient_later_still_counts_in_the_ball():
    weights = [torch.tensor([1.0], requires_grad=True) for _ in range(2)]
    optimizer = AMP(weights, epsilon=1.0, zeta=0.8)
    (weights[0] + weights[1]).sum().backward()
    optimizer.perturb()
    weights[1].sum().backward()
    optimizer.perturb()
    assert math.hypot(*(w.item() - 1 for w in weights)) == pytest.approx(1.0)
    optimizer.restore()
    assert [w.item() for w in weights] == [1.0, 1.0]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_where_the_ascent_is_not_finite_there_is_none(bad):
    for made, reach in KINDS.values():
        weight = torch.tensor([1.0, 2.0], requires_grad=True)
        optimizer = made([weight], **reach)
        (weight * torch.tensor([bad, 1.0])).sum().backward()
        optimizer.perturb()
        assert weight.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("kind", KINDS)
def test_at_a_stationary_point_nothing_moves(kind):
    made, reach = KINDS[kind]
    weight = torch.zeros(3, requires_grad=True)
    optimizer = made([weight], lr=0.1, **reach)

    def closure():
        optimizer.zero_grad()
        loss = weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert weight.tolist() == [0.0, 0.0, 0.0]


def test_a_pass_that_fails_leaves_the_clean_weights():
    network = made_network()
    optimizer = SAM(network.parameters(), rho=0.1, network=network)
    before, plain, calls = copy.deepcopy(network), closure_of(optimizer, network, X, Y), []

    def closure():
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("no more rows")
        return plain()

    with pytest.raises(RuntimeError, match="no more rows"):
        optimizer.step(closure)
    assert same(before, network)


# Running statistics


def statistics_after(network_of, optimizer_of, steps=4):
    network = network_of()
    optimizer = optimizer_of(network)
    run(optimizer, network, X.float(), Y.float(), steps=steps)
    return network


def test_statistics_follow_the_clean_weights_once_a_step():
    """With a rate of 0 the weights stay, so the statistics must be those of the base."""
    base, once, every = (
        statistics_after(a_network_with_statistics_but_no_dropout, make)
        for make in (
            lambda n: torch.optim.SGD(n.parameters(), lr=0.0),
            lambda n: AMP(n.parameters(), lr=0.0, epsilon=0.5, zeta=9.0, network=n),
            lambda n: AMP(n.parameters(), lr=0.0, epsilon=0.5, zeta=9.0),
        )
    )
    assert same(base, once)
    assert once[1].num_batches_tracked == 4
    assert every[1].num_batches_tracked == 8
    assert not torch.equal(every[1].running_var, base[1].running_var)
    axes = [[m for m in n.modules() if isinstance(m, RunningAxis)] for n in (once, every)]
    assert axes[0][0].batches == 4
    assert axes[1][0].batches == 8
    assert not torch.equal(axes[0][0].highest, axes[1][0].highest)


def a_network_with_statistics_but_no_dropout():
    network = a_network_with_statistics()
    network[3].p = 0.0
    return network


def test_statistics_of_a_module_that_replaces_its_buffer_come_back():
    class Mean(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mean", torch.zeros(1))

        def forward(self, x):
            self.mean = 0.9 * self.mean + 0.1 * x.mean()
            return x

    module = Mean()
    first = module.mean
    kept = kept_statistics(module)
    module(torch.ones(3))
    assert module.mean == pytest.approx(0.1)
    put_back(kept)
    assert module.mean is first
    assert module.mean == 0


def test_a_module_in_evaluation_and_caches_are_left_alone():
    network = a_network_with_statistics()
    names = {(type(s.module).__name__, s.name) for s in kept_statistics(network)}
    assert ("BatchNorm1d", "running_mean") in names
    assert ("RunningAxis", "centre") in names
    assert not [name for name in names if name[0] == "EvenBasis"]  # its tables are constants
    assert kept_statistics(network.eval()) == []


# Memory and copies


class MostAlive(TorchDispatchMode):
    """The most bytes that new tensors of a thousand numbers or more held at once."""

    def __init__(self):
        super().__init__()
        self.alive, self.most, self.known = 0, 0, set()

    def _free(self, key, size):
        self.alive -= size
        self.known.discard(key)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        for tensor in found if isinstance(found, tuple | list) else [found]:
            if isinstance(tensor, torch.Tensor) and tensor.numel() >= 1000:
                storage = tensor.untyped_storage()
                key = storage._cdata
                if key not in self.known and not any(
                    isinstance(a, torch.Tensor) and a.untyped_storage()._cdata == key for a in args
                ):
                    self.known.add(key)
                    self.alive += storage.nbytes()
                    self.most = max(self.most, self.alive)
                    weakref.finalize(storage, self._free, key, storage.nbytes())
        return found


def parameters_of_a_thousand(n=8):
    return [torch.randn(1000, dtype=torch.float64).requires_grad_() for _ in range(n)]


@pytest.mark.parametrize(("kind", "copies"), [("AMP", 1), ("SAM", 1), ("ASAM", 1 + 2 / 8)])
def test_one_more_copy_of_the_weights_and_none_after_the_step(kind, copies):
    """ASAM needs the scales of one tensor beside it."""
    made, reach = KINDS[kind]
    weights = parameters_of_a_thousand()
    optimizer = made(weights, torch.optim.SGD, lr=0.1, **reach)
    for weight in weights:
        weight.grad = torch.randn_like(weight)
    size = sum(w.numel() * w.element_size() for w in weights)
    with MostAlive() as watch:
        optimizer.perturb()
    assert size <= watch.most <= copies * size
    del watch
    for weight in weights:
        weight.grad = torch.randn_like(weight)
    held = [weakref.ref(copy) for copy in optimizer._clean.values()]
    assert all(ref() is not None for ref in held)
    optimizer.step()
    gc.collect()
    assert all(ref() is None for ref in held)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
def test_a_copy_goes_on_alike_and_apart(kind, way):
    made, reach = KINDS[kind]
    network = made_network()
    optimizer = made(network.parameters(), torch.optim.Adam, lr=0.01, network=network, **reach)
    run(optimizer, network, steps=2)
    twin, its = way((network, optimizer))
    assert its.network is twin
    run(optimizer, network, steps=2)
    assert not same(network, twin)
    run(its, twin, steps=2)
    assert same(network, twin)


def test_lbfgs_finds_the_minimum_and_each_of_its_evaluations_is_perturbed():
    weight = torch.tensor([3.0, -2.0], dtype=torch.float64, requires_grad=True)
    optimizer = AMP(
        [weight], torch.optim.LBFGS, epsilon=0.1, zeta=0.05, line_search_fn="strong_wolfe"
    )
    calls = []

    def closure():
        optimizer.zero_grad()
        loss = (weight * torch.tensor([1.0, 5.0])).square().sum() / 2
        loss.backward()
        calls.append(loss.item())
        return loss

    first = optimizer.step(closure)
    assert first.item() == calls[0]
    assert len(calls) % 2 == 0
    for _ in range(3):
        optimizer.step(closure)
    assert weight.abs().max() < 1e-6


def test_hooks_and_zero_grad_are_those_of_an_optimizer():
    network = made_network()
    optimizer = SAM(network.parameters(), rho=0.1)
    called = []
    optimizer.register_step_post_hook(lambda *args: called.append("after"))
    optimizer.step(closure_of(optimizer, network, X, Y))
    assert called == ["after"]
    optimizer.zero_grad()
    assert all(p.grad is None for p in network.parameters())
    assert isinstance(optimizer, torch.optim.Optimizer)
    assert isinstance(optimizer, PerturbedOptimizer)
    assert "rho: 0.1" in repr(optimizer)


@pytest.mark.parametrize("kind", KINDS)
def test_a_closure_starts_at_the_clean_weights_after_a_stray_perturb(kind):
    networks, ends = [made_network() for _ in range(2)], []
    for stray, network in enumerate(networks):
        make, options = KINDS[kind]
        optimizer, seen = make(network.parameters(), lr=0.1, **options), []
        if stray:
            loss_of(network, X, Y).backward()
            optimizer.perturb()
        optimizer.step(closure_of(optimizer, network, X, Y, seen))
        ends.append(seen)
    assert ends[0] == ends[1]
    assert torch.equal(weights_of(networks[0]), weights_of(networks[1]))


@pytest.mark.parametrize("kind", KINDS)
def test_where_the_base_maximizes_the_perturbation_goes_down(kind):
    networks = [made_network() for _ in range(2)]
    for network, sign in zip(networks, (1, -1), strict=True):
        make, options = KINDS[kind]
        optimizer = make(network.parameters(), lr=0.1, maximize=sign < 0, **options)

        def closure(network=network, optimizer=optimizer, sign=sign):
            optimizer.zero_grad()
            (sign * loss_of(network, X, Y)).backward()

        for _ in range(3):
            optimizer.step(closure)
    assert torch.equal(weights_of(networks[0]), weights_of(networks[1]))


ERRORS = [
    (
        lambda p: AMP(p, epsilon=-1.0, zeta=1.0),
        "epsilon must be at least 0; got epsilon=-1.0 in parameter group 0; pass 0 for no "
        "perturbation, or a positive number",
    ),
    (
        lambda p: SAM([{"params": p, "rho": math.nan}], rho=0.1),
        "rho must be at least 0; got rho=nan in parameter group 0; pass 0 for no perturbation, "
        "or a positive number",
    ),
    (
        lambda p: AMP(p, epsilon=1.0, zeta=math.inf),
        "zeta must be at least 0 and finite; got zeta=inf in parameter group 0; pass 0 for no "
        "perturbation, or a positive number",
    ),
    (
        lambda p: AMP(p, epsilon=1.0, zeta=1.0, inner_steps=0),
        "inner_steps must be at least 1; got 0; pass 1, or use the base optimizer where no "
        "perturbation is wanted",
    ),
    (
        lambda p: AMP([{"params": p, "inner_steps": 2}], epsilon=1.0, zeta=1.0),
        "inner_steps must be one for all parameters, because all share the passes; got "
        "inner_steps=2 in parameter group 0; pass it to the optimizer",
    ),
    (
        lambda p: SAM(p, torch.optim.Adadelta, rho=0.1),
        "options of the perturbation and of the base must have different names; Adadelta has its "
        "own rho; pass another base",
    ),
    (
        lambda p: SAM(p, rho=0.1).step(),
        "step needs a closure, or a call of perturb and a second backward before it; got neither, "
        "so the gradients are those of a plain step; call step(closure); or base.step() where a "
        "plain step is meant",
    ),
]


@pytest.mark.parametrize(("wrong", "sentence"), ERRORS, ids=[e[1][:20] for e in ERRORS])
def test_what_is_refused(wrong, sentence):
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        wrong([torch.ones(2, requires_grad=True)])
