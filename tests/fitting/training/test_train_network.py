"""Training by minibatches: oracles by hand, units, best weights, ends, and what is refused."""

from __future__ import annotations

import copy
import math
import os
import signal
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm
from torch.optim import LBFGS, SGD, Adam
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau

from superpose.errors import InputError, StoppedWarning
from superpose.fitting import AMP, ASAM, SAM, train_network
from superpose.networks import SLNN, KSTHead, KSTNetwork, Scaled


def constant(optimizer):
    return LambdaLR(optimizer, lambda step: 1.0)


def made(rows=300, columns=2, seed=0):
    """Rows of very different scales, and a target far from 0."""
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(rows, columns, generator=generator, dtype=torch.float64)
    noise = torch.randn(rows, generator=generator, dtype=torch.float64)
    y = torch.sin(2 * z[:, 0]) + z[:, 1] ** 2 / 2 + 0.1 * noise
    return z, y


def mlp(columns=2, outputs=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    network = nn.Sequential(nn.Linear(columns, 8), nn.Tanh(), nn.Linear(8, outputs)).double()
    with torch.no_grad():
        for weights in network.parameters():
            weights.copy_(torch.randn(weights.shape, generator=generator) / 2)
    return network


def curves(columns=2, seed=0):
    return KSTNetwork([columns, 3, 1], 8, generator=torch.Generator().manual_seed(seed)).double()


def polynomial(columns=2, seed=0):
    state = torch.get_rng_state()
    torch.manual_seed(seed)
    network = SLNN([columns, 4, 1], degree=3, basis="hermite").double()
    torch.set_rng_state(state)
    return network


def with_head(columns=2, seed=0):
    head = KSTHead(3, 1, 8, generator=torch.Generator().manual_seed(seed)).double()
    return nn.Sequential(mlp(columns, 3, seed), head)


def weights_of(network):
    return torch.cat([it.detach().reshape(-1) for it in network.state_dict().values()])


def test_a_linear_network_follows_gradient_descent_written_by_hand() -> None:
    x, y = made(60)
    table, target = (100 * x + 7).numpy(), (1000 * y + 1e5).numpy()
    network = nn.Linear(2, 1).double()
    w, b = network.weight.detach().numpy()[0].copy(), float(network.bias.detach())
    result = train_network(
        network,
        table,
        target,
        optimizer=partial(SGD, lr=0.3),
        schedule=constant,
        epochs=5,
        batch=100,
        validation=0,
    )
    z = (table - table.mean(0)) / table.std(0)
    t = (target - target.mean()) / target.std()
    losses = []
    for _ in range(5):
        residual = z @ w + b - t
        losses.append(0.5 * (residual**2).mean())
        w, b = w - 0.3 * residual @ z / len(z), b - 0.3 * residual.mean()
    found = result.network(torch.from_numpy(table)).detach().numpy()[:, 0]
    np.testing.assert_allclose(found, target.mean() + target.std() * (z @ w + b), rtol=1e-12)
    np.testing.assert_allclose([it.train for it in result.history], losses, rtol=1e-12)
    assert isinstance(result.network, nn.Linear)
    assert (result.best_epoch, result.ended) == (5, "all epochs")


@pytest.mark.parametrize(
    "network", [mlp(), curves(), polynomial(), pytest.param(with_head(), marks=pytest.mark.slow)]
)
def test_units_of_rows_and_target_change_nothing_but_units(network: nn.Module) -> None:
    x, y = made(200)
    tell = {"epochs": 10, "batch": 50, "optimizer": partial(Adam, lr=0.03)}
    plain = train_network(network, x, y, **tell)
    scale, shift = torch.tensor([1e3, 1e-3]).double(), torch.tensor([50.0, -2.0]).double()
    other = train_network(network, scale * x + shift, 1e4 * y + 1e6, **tell)
    before, after = plain.network(x), other.network(scale * x + shift)
    assert type(other.network) is type(network)
    torch.testing.assert_close((after - 1e6) / 1e4, before, rtol=1e-5, atol=1e-5)
    assert plain.loss == pytest.approx(other.loss, rel=1e-5)
    assert (before[:, 0] - y).square().mean() < y.var()


def test_curves_are_read_in_units_of_column_and_target() -> None:
    x, y = made(3000, seed=3)
    network = KSTNetwork([2, 1], generator=torch.Generator().manual_seed(0))
    result = train_network(network, 1000 * x + 9000, 50 * y + 400, epochs=15, batch=128)
    curve = result.network.layers[0].curve(0, 0)
    low, high = curve(torch.tensor([8250.0, 9750.0]).double())
    assert float(high - low) == pytest.approx(50 * 2 * math.sin(1.5), rel=0.05)
    assert curve.support[0] == pytest.approx(float(1000 * x[:, 0].min() + 9000), rel=0.1)


def bending(knots: torch.Tensor, length_scale: float) -> torch.Tensor:
    """Q of zᵀ Q z = rᵀ K⁻¹ r, r the heights less the line that makes it smallest; Matérn 3/2."""
    d = 3**0.5 * (knots[:, None] - knots).abs() / length_scale
    inverse = torch.linalg.inv((1 + d) * torch.exp(-d))
    lines = torch.stack([torch.ones_like(knots), knots], 1)
    middle = torch.linalg.solve(lines.mT @ inverse @ lines, lines.mT @ inverse)
    return inverse - inverse @ lines @ middle


def test_the_prior_is_scaled_by_rows_and_noise() -> None:
    """One layer is linear in its heights: the posterior mode solves one linear system."""
    x, y = made(80)
    network = KSTNetwork([2, 1], 6, bounds=(-4, 4)).double()
    result = train_network(
        network,
        x,
        y,
        optimizer=partial(
            LBFGS,
            lr=1,
            max_iter=100,
            tolerance_grad=1e-12,
            tolerance_change=0,
            line_search_fn="strong_wolfe",
        ),
        schedule=constant,
        epochs=8,
        batch=80,
        validation=0,
        prior=3.0,
    )
    layer = result.network.layers[0]
    centre, spread = y.mean(), y.std(correction=0)
    design = layer.basis.cardinal(x / 4).flatten(1)  # [N, I M]
    noise = 2 * result.history[-2].train  # what the last epoch knew
    one = bending(layer.basis.knots.double(), length_scale=0.5)
    precision = torch.block_diag(one, one) * 3.0 * noise
    target = (y - centre) / spread
    heights = torch.linalg.lstsq(design.mT @ design + precision, design.mT @ target).solution
    expected = centre + spread * design @ heights
    torch.testing.assert_close(result.network(x)[:, 0].detach(), expected, rtol=0, atol=1e-6)
    free = torch.linalg.lstsq(design, target).solution
    assert float((centre + spread * design @ free - expected).abs().max()) > 0.01


def test_the_network_is_the_best_of_the_held_out_rows() -> None:
    """The rate explodes after the third epoch, so that the best one is not the last."""
    x, y = made(400)
    x_held, y_held = made(100, seed=1)
    result = train_network(
        mlp(),
        x,
        y,
        validation=(x_held, y_held),
        optimizer=partial(Adam, lr=0.01),
        schedule=lambda optimizer: LambdaLR(optimizer, lambda epoch: 1 if epoch < 3 else 300),
        epochs=30,
        batch=50,
        patience=4,
    )
    judged = [epoch.validation for epoch in result.history]
    assert result.best_epoch == 1 + judged.index(min(judged)) <= 4
    assert (len(result.history), result.ended) == (result.best_epoch + 4, "patience")
    error = (result.network(x_held)[:, 0] - y_held).square().mean().detach()
    assert result.loss == pytest.approx(float(error / y.var(correction=0) / 2))
    assert result.loss == min(judged)
    assert repr(result).startswith(f"Training(Sequential, validation loss {result.loss:.4g} after")


def test_held_out_rows_are_not_learned() -> None:
    """Targets of the rows that are held out may be anything."""
    x, y = made(200)
    network = mlp()
    first = train_network(network, x, y, epochs=2, patience=None, random_state=5)
    held = np.sort(np.random.default_rng([5, 2010]).choice(200, 20, replace=False, shuffle=False))
    changed = y.clone()
    changed[torch.from_numpy(held)] *= 100
    second = train_network(network, x, changed, epochs=2, patience=None, random_state=5)
    assert [it.train for it in first.history] == [it.train for it in second.history]
    assert first.loss != second.loss
    other = train_network(network, x, y, epochs=2, patience=None, random_state=6)
    assert first.history != other.history


@pytest.mark.slow
def test_classes_counts_and_any_function_of_outputs() -> None:
    x, y = made(500)
    codes = torch.bucketize(y, torch.tensor([0.0, 1.0]).double())
    tell = {"epochs": 30, "batch": 32, "optimizer": partial(Adam, lr=0.05)}
    classes = train_network(mlp(2, 3), x, codes, loss="multinomial", **tell)
    assert (classes.network(x).argmax(1) == codes).double().mean() > 0.8
    coin = train_network(mlp(), x, (y > 0), loss="bernoulli", **tell)
    assert ((coin.network(x)[:, 0] > 0) == (y > 0)).double().mean() > 0.85
    counts = 1000 + torch.arange(500) % 3
    poisson = train_network(mlp(), x, counts, loss="poisson", epochs=1)
    assert poisson.network(x).mean().item() == pytest.approx(math.log(1001), abs=1.0)
    absolute = train_network(mlp(), x, y, loss=lambda f, t: (f[:, 0] - t).abs().mean(), **tell)
    assert absolute.loss < (y - y.median()).abs().mean() / 2


@pytest.mark.slow
def test_two_targets_are_standardised_one_by_one() -> None:
    x, y = made(300)
    both = torch.stack([1e6 * y, 1e-3 * x[:, 0] + 5], 1)
    result = train_network(
        mlp(2, 2), x, both, epochs=30, batch=32, optimizer=partial(Adam, lr=0.05)
    )
    residual = (result.network(x) - both).square().mean(0)
    assert (residual / both.var(0) < 0.2).all()


@pytest.mark.parametrize(
    ("every", "rates"), [("epoch", [1.0, 0.5, 0.25]), ("step", [0.5, 0.125, 0.03125])]
)
def test_a_schedule_goes_by_steps_or_epochs(every: str, rates: list[float]) -> None:
    x, y = made(40)
    result = train_network(
        mlp(),
        x,
        y,
        optimizer=partial(SGD, lr=1.0),
        schedule=lambda optimizer: LambdaLR(optimizer, lambda k: 0.5**k),
        schedule_every=every,
        epochs=3,
        batch=20,
        validation=0,
    )
    assert [it.rate for it in result.history] == rates


@pytest.mark.parametrize(("every", "rate"), [("epoch", 1e-14), ("step", 1e-16)])
def test_a_schedule_may_ask_for_the_loss(every: str, rate: float) -> None:
    x, y = made(40)
    result = train_network(
        mlp(),
        x,
        y,
        optimizer=partial(SGD, lr=1e-12),
        schedule=lambda optimizer: ReduceLROnPlateau(optimizer, factor=0.1, patience=1),
        schedule_every=every,
        epochs=6,
        batch=20,
    )
    assert result.history[-1].rate == pytest.approx(rate)


def test_where_the_rate_is_zero_nothing_moves() -> None:
    x, y = made(40)
    network = mlp()
    still = train_network(
        network,
        x,
        y,
        schedule=lambda optimizer: LambdaLR(optimizer, lambda k: 0.0),
        epochs=2,
        validation=0,
    )
    z = (x - x.mean(0)) / x.std(0, correction=0)
    expected = y.mean() + y.std(correction=0) * network(z)
    torch.testing.assert_close(still.network(x), expected)


def test_a_gradient_is_clipped_before_the_step() -> None:
    x, y = made(40)
    network = nn.Linear(2, 1).double()
    result = train_network(
        network,
        (x - x.mean(0)) / x.std(0, correction=0),
        (y - y.mean()) / y.std(correction=0),
        optimizer=partial(SGD, lr=1.0),
        schedule=constant,
        epochs=1,
        batch=40,
        validation=0,
        largest_gradient=1e-3,
    )
    moved = weights_of(result.network) - weights_of(network)
    assert float(moved.norm()) == pytest.approx(1e-3, rel=1e-4)


@pytest.mark.parametrize(
    "network", [curves(), nn.Sequential(*mlp()[:2], nn.BatchNorm1d(8).double(), mlp()[2])]
)
def test_a_ball_of_radius_zero_is_the_base_and_a_wider_one_is_not(network: nn.Module) -> None:
    x, y = made(120)
    tell = {"epochs": 2, "batch": 30}
    plain = train_network(network, x, y, optimizer=partial(Adam, lr=0.01), **tell)
    for perturbing in (
        partial(AMP, base=Adam, epsilon=0.0, zeta=1.0, lr=0.01),
        partial(SAM, base=Adam, rho=0.0, lr=0.01),
        partial(ASAM, base=Adam, rho=0.0, lr=0.01),
    ):
        same = train_network(network, x, y, optimizer=perturbing, **tell)
        assert torch.equal(weights_of(same.network), weights_of(plain.network))
    wide = partial(AMP, base=Adam, epsilon=0.1, zeta=1.0, lr=0.01)
    other = train_network(network, x, y, optimizer=wide, **tell)
    assert not torch.equal(weights_of(other.network), weights_of(plain.network))
    assert other.history[0].train == pytest.approx(plain.history[0].train, rel=0.3)


def test_running_statistics_do_not_follow_perturbed_weights() -> None:
    x, y = made(64)
    network = nn.Sequential(mlp()[0], nn.BatchNorm1d(8).double(), nn.Tanh(), mlp()[2])
    one = {"epochs": 1, "batch": 64, "validation": 0, "schedule": constant}
    plain = train_network(network, x, y, optimizer=partial(SGD, lr=0.0), **one)
    moved = partial(AMP, base=SGD, epsilon=5.0, zeta=50.0, lr=0.0)
    other = train_network(network, x, y, optimizer=moved, **one)
    assert torch.equal(weights_of(plain.network), weights_of(other.network))


def test_training_leaves_the_network_and_the_generator_as_they_were() -> None:
    x, y = made(60)
    network = nn.Sequential(mlp()[0], nn.Dropout(0.5), mlp()[2])
    weights, state = copy.deepcopy(network.state_dict()), torch.get_rng_state()
    first = train_network(network, x, y, epochs=2)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(network.state_dict()[name], it) for name, it in weights.items())
    torch.manual_seed(77)
    second = train_network(network, x, y, epochs=2)
    assert torch.equal(weights_of(first.network), weights_of(second.network))
    assert not first.network.training
    torch.set_rng_state(state)


def test_a_network_whose_ends_hold_no_units_is_wrapped() -> None:
    class Custom(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = mlp()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner(x)

    x, y = made(200)
    tell = {"epochs": 2, "batch": 50}
    wrapped = train_network(Custom(), 1e3 * x, y + 1e4, **tell)
    bare = train_network(mlp(), 1e3 * x, y + 1e4, **tell)
    assert type(wrapped.network).__name__ == "Scaled"
    torch.testing.assert_close(wrapped.network(1e3 * x), bare.network(1e3 * x), rtol=1e-9, atol=0)


class Skip(nn.Sequential):
    """Reads the rows beside its first layer and adds to its last."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.sum(1, keepdim=True) + super().forward(x)


class Clamped(nn.Linear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.clamp(-1, 1))


def hooked() -> nn.Module:
    network = mlp()
    network[0].register_forward_pre_hook(lambda _, args: args[0].tanh())
    return network


def shared() -> nn.Module:
    layer = nn.Linear(2, 2)
    return nn.Sequential(layer, nn.Tanh(), layer)


@pytest.mark.parametrize(
    "network",
    [
        Skip(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1)),
        nn.Sequential(Clamped(2, 8), nn.Tanh(), nn.Linear(8, 1)),
        nn.Sequential(weight_norm(nn.Linear(2, 8)), nn.Tanh(), weight_norm(nn.Linear(8, 1))),
        hooked(),
        shared(),
    ],
    ids=["skip", "clamped", "weight norm", "hook", "shared"],
)
def test_units_stay_outside_of_what_computes_something_else(network: nn.Module) -> None:
    x, y = made(200)
    network, rows = network.double(), 100 + 7 * x
    target = 20 + 3 * torch.stack([y, -y], 1)[:, : network(rows).shape[1]]
    tell = {"epochs": 2, "batch": 50, "validation": (rows, target)}
    result = train_network(network, rows, target, **tell)
    assert type(result.network) is Scaled
    with torch.no_grad():
        error = (result.network(rows) - target) / target.std(0, correction=0)
    assert 0.5 * error.square().sum(1).mean().item() == pytest.approx(result.loss, rel=1e-4)


def test_a_time_limit_ends_with_the_best_so_far() -> None:
    x, y = made(60)
    with pytest.warns(StoppedWarning, match="time limit; left undone: epochs 1 to 50"):
        result = train_network(mlp(), x, y, epochs=50, batch=10, time_limit=0.0)
    assert (result.ended, len(result.history), result.history[0].whole) == ("time limit", 1, False)
    assert result.loss == result.history[0].validation


@pytest.fixture
def _interrupts_reach_python():
    """As in a terminal; a process in the background may have been told to ignore them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interrupts_reach_python")
def test_an_interrupt_ends_with_the_best_so_far() -> None:
    x, y = made(60)
    said = []

    def tell(done: int, total: int, what: str) -> None:
        said.append((done, total, what))
        if done == 14:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.warns(StoppedWarning, match="interrupted"):
        result = train_network(mlp(), x, y, epochs=50, batch=10, progress=tell)
    assert result.ended == "interrupted"
    assert len(result.history) in (3, 4)  # 54 rows are six batches
    assert said[0][:2] == (1, 301)
    assert said[-1][0] == said[-1][1]
    assert said[10][2].startswith("epoch 2 of 50, validation loss ")


def test_a_bar_is_drawn_where_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    x, y = made(60)
    train_network(mlp(), x, y, epochs=1)
    assert capsys.readouterr() == ("", "")
    train_network(mlp(), x, y, epochs=1, progress=True)
    assert "epoch 1 of 1" in capsys.readouterr().err


def says(*parts: str):
    return pytest.raises(InputError, match=".*".join(parts))


def test_what_cannot_be_trained_is_refused_in_three_parts() -> None:
    x, y = made(30)
    with says("target must be given beside rows in memory; got rows of type Tensor alone"):
        train_network(mlp(), x)
    with says("rows must be", "got .30, 2. and .29.", "as many rows"):
        train_network(mlp(), x, y[:29])
    with says("at least two rows to train on; got 1, 0 of them held out"):
        train_network(mlp(), x[:1], y[:1])
    with says("at least two rows to train on; got 0"):
        train_network(mlp(), x[:0], y[:0])
    with says("rows must be finite; got 1 missing or infinite values in rows 0 to 29, in column 1"):
        train_network(mlp(), torch.where(x == x[3, 1], torch.nan, x), y)
    with says("got 2 missing or infinite values in rows 0 to 29, in columns 0, 1; drop"):
        train_network(mlp(), torch.where(x == x.diagonal()[:2], torch.nan, x), y)
    table = pd.DataFrame(x.numpy(), columns=["age", "income"])
    table.loc[3, "income"] = np.nan
    with says("got 1 missing or infinite values in rows 0 to 29, in column 'income'; drop"):
        train_network(mlp(), table, y)
    with says("target must be finite"):
        train_network(mlp(), x, torch.where(y == y[3], torch.inf, y))
    with says("as many columns as the network has outputs", "got target .30. and 2 outputs"):
        train_network(mlp(2, 2), x, y)
    with says("codes 0 to 2, one a row, for 3 outputs; got values from 0 to 3"):
        train_network(mlp(2, 3), x, torch.arange(30) % 4, loss="multinomial")
    with says("target must be 0 or 1"):
        train_network(mlp(), x, y, loss="bernoulli")
    with says("target must be counts"):
        train_network(mlp(), x, y, loss="poisson")
    with says("loss must be one of 'gaussian'", "got 'huber'"):
        train_network(mlp(), x, y, loss="huber")
    with says("rows must be numbers; got <U1"):
        train_network(mlp(), np.array([["a", "b"]] * 30), y)
    with says("the network must have parameters to train; got none"):
        train_network(mlp().requires_grad_(False), x, y)
    with says("epochs must be at least 1", "epochs=0"):
        train_network(mlp(), x, y, epochs=0)
    with says("validation must be a share", "got 1"):
        train_network(mlp(), x, y, validation=1)
    for wrong in (None, [x, y], (x, y, y)):
        with says("validation must be a share of the rows, .* or .rows, target.; got"):
            train_network(mlp(), x, y, validation=wrong)
    with says("validation rows must have the columns", "got .30, 1. beside rows .N, 2.; pass"):
        train_network(mlp(), x, y, validation=(x[:, :1], y))
    with says("the loss must return a tensor of one number", "got .27.; take the mean"):
        train_network(mlp(), x, y, loss=lambda f, t: (f[:, 0] - t).square())
    with says("the loss must return a tensor of one number", "got float"):
        train_network(mlp(), x, y, loss=lambda f, t: 1.0)
    for wrong in (1.5, -1, None):
        with says("random_state must be a whole number, 0 or more; got"):
            train_network(mlp(), x, y, random_state=wrong)
    with says("patience must be at least 1; got 0", "pass None"):
        train_network(mlp(), x, y, patience=0)
    with says("prior must be at least 0; got -1.0"):
        train_network(mlp(), x, y, prior=-1.0)
    with says("largest_gradient must be above 0; got 0.0"):
        train_network(mlp(), x, y, largest_gradient=0.0)
    with says("schedule_every", "got 'batch'"):
        train_network(mlp(), x, y, schedule_every="batch")


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_target_that_never_changes_is_learned(value: float) -> None:
    x, y = made(60)
    target = torch.stack([y > 0, torch.full_like(y, value)], 1)
    result = train_network(mlp(2, 2), x, target, loss="bernoulli", batch=20)
    assert math.isfinite(result.loss)
    chance = result.network(x)[:, 1].sigmoid().mean().item()
    assert chance == pytest.approx(value, abs=1e-3)


def test_yes_and_no_may_be_regressed() -> None:
    x, y = made(60)
    tell = {"epochs": 2, "batch": 20}
    told, numbers = (train_network(mlp(), x, it, **tell) for it in (y > 0, (y > 0).double()))
    assert told.history == numbers.history


def test_a_loss_that_is_no_number_on_the_validation_rows_is_no_best_one() -> None:
    """It would never be undercut."""
    x, y = made(60)

    def loss(outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        error = (outputs[:, 0] - target).square().mean()
        return error if torch.is_grad_enabled() else error * math.nan

    with says("the validation loss must be finite after one epoch at least; got nan, nan; lower"):
        train_network(mlp(), x, y, loss=loss, batch=20, epochs=9, patience=2)


def test_an_epoch_with_a_loss_that_is_no_number_on_the_validation_rows_is_passed_over() -> None:
    x, y = made(60)
    judged = iter([math.inf, 0.0, math.nan, 0.0, math.nan])

    def loss(outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        error = (outputs[:, 0] - target).square().mean()
        return error if torch.is_grad_enabled() else error + next(judged)

    result = train_network(
        mlp(), x, y, loss=loss, batch=20, epochs=5, optimizer=partial(SGD, lr=1e-3)
    )
    assert result.best_epoch == 4
    assert [math.isfinite(it.validation) for it in result.history] == [0, 1, 0, 1, 0]
    assert result.loss == result.history[3].validation


def test_a_loss_that_explodes_says_where_and_what_to_do() -> None:
    x, y = made(60)
    with says("the loss must stay finite; got (nan|inf) in epoch \\d+, batch \\d", "learning rate"):
        train_network(
            nn.Sequential(nn.Linear(2, 1)).double(),
            x,
            y,
            optimizer=partial(SGD, lr=1e100),
            schedule=constant,
            batch=20,
        )


def test_a_seed_may_be_a_number_of_numpy() -> None:
    x, y = made(60)
    plain, numpy = (
        train_network(mlp(), x, y, epochs=1, random_state=it) for it in (3, np.int64(3))
    )
    assert torch.equal(weights_of(plain.network), weights_of(numpy.network))


def test_a_weight_that_is_called_prior_is_a_weight() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.prior = nn.Parameter(torch.zeros(1, dtype=torch.float64))
            self.curves = curves()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.curves(x) + self.prior

    x, y = made(60)
    with_one, without = (train_network(Own(), x, y, epochs=2, prior=it) for it in (50.0, 0.0))
    assert with_one.history[0].train == without.history[0].train  # one batch
    assert with_one.history[1].train != without.history[1].train  # that of the curves counts


def test_no_row_is_alone_in_its_batch() -> None:
    x, y = made(33)
    network = nn.Sequential(mlp()[0], nn.BatchNorm1d(8).double(), mlp()[2])
    result = train_network(network, x, y, batch=2, epochs=1, validation=0)
    assert result.network[1].num_batches_tracked == 16
