"""Units of networks that are trained again, that have bounds inside, and that read codes."""

from __future__ import annotations

import copy
from functools import partial

import pytest
import torch
from tests.fitting.training.test_train_network import (
    constant,
    curves,
    made,
    mlp,
    polynomial,
    with_head,
)
from torch import nn
from torch.optim import SGD, Adam

from superpose.errors import InputError
from superpose.fitting import train_network
from superpose.networks import KSTLayer, KSTNetwork, Scaled


class Around(nn.Module):
    """A module of one's own, in which nothing can be seen from outside."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x)


STILL = {"optimizer": partial(SGD, lr=0.0), "schedule": constant, "epochs": 1, "prior": 0.0}
NETWORKS = {
    "mlp": mlp,
    "linear": lambda: nn.Linear(2, 1).double(),
    "curves": curves,
    "polynomial": polynomial,
    "head": with_head,
    "own": lambda: Around(mlp()),
    "own end": lambda: nn.Sequential(mlp(2, 3), Around(nn.Linear(3, 1).double())),
    "bounds": lambda: KSTNetwork([2, 1], 8, bounds=(0, 300)).double(),
}


def own_spread(network: nn.Module, target: torch.Tensor) -> torch.Tensor:
    """What the loss divides by: the unit that stays outside, or that of the target."""
    outside = isinstance(network, Scaled) and bool((network.spread_y != 1).all())
    return network.spread_y if outside else target.std(correction=0)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_trained_network_is_trained_on_from_where_it_is(name: str) -> None:
    """Its first loss is that of the function it was, on other rows too."""
    x, y = made(200)
    rows, target = 100 + 30 * x, 1e4 * y + 1e6
    first = train_network(NETWORKS[name](), rows, target, epochs=4, batch=50, validation=0)
    given = copy.deepcopy(first.network)
    for its_rows, its_target in ((rows, target), (50 + 60 * x, 2e4 * y)):
        still = train_network(given, its_rows, its_target, batch=200, validation=0, **STILL)
        with torch.no_grad():
            error = copy.deepcopy(given).train()(its_rows)[:, 0] - its_target
        expected = 0.5 * (error / own_spread(given, its_target)).square().mean().item()
        assert still.history[0].train == pytest.approx(expected, rel=1e-6)
        assert type(still.network) is type(first.network)
        if name in ("mlp", "linear", "own", "own end", "bounds"):  # others learn where they stand
            torch.testing.assert_close(still.network(rows), given(rows), rtol=1e-8, atol=1e-3)
    again = train_network(given, rows, target, epochs=4, batch=50, validation=0)
    assert again.history[0].train < first.history[0].train
    assert again.history[-1].train < 1.02 * first.history[-1].train
    torch.testing.assert_close(given(rows), first.network(rows))


def test_what_a_loss_is_told_of_a_wrapped_network_is_in_its_units() -> None:
    x, y = made(100)
    first = train_network(Around(mlp()), x, 1e3 * y + 1e4, epochs=2, validation=0)
    seen = []

    def loss(outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        seen.append(outputs.detach().sort(0).values)
        return (outputs[:, 0] - target).square().mean()

    train_network(first.network, x, 1e3 * y + 1e4, loss=loss, batch=100, validation=0, **STILL)
    torch.testing.assert_close(seen[0], first.network(x).detach().sort(0).values)


def test_bounds_inside_a_module_of_ones_own_stay_in_units_of_the_table() -> None:
    x, y = made(400)
    rows = 100 + 30 * x
    bounded = KSTNetwork([2, 1], 8, bounds=(0, 200), generator=torch.Generator().manual_seed(0))
    tell = {"epochs": 5, "batch": 40}
    bare = train_network(bounded.double(), rows, y, **tell)
    around = train_network(Around(bounded), rows, y, **tell)
    assert torch.equal(bare.network.layers[0].axis.centre, torch.full((2,), 100.0).double())
    assert type(around.network) is Scaled
    assert bool((around.network.spread_x == 1).all())
    assert around.loss == pytest.approx(bare.loss, rel=1e-9)
    torch.testing.assert_close(around.network(rows), bare.network(rows))


def test_only_columns_between_bounds_are_left_alone() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.curves = KSTLayer(1, 1, bounds=(0, 200)).double()
            self.line = nn.Linear(1, 1).double()
            self.inner = KSTLayer(1, 1, bounds=(-9, 9)).double()  # reads no column

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.curves(x[:, :1]) + self.inner(self.line(x[:, 1:]))

    x, y = made(200)
    result = train_network(Two(), 100 + 30 * x, y, epochs=1)
    assert type(result.network) is Scaled
    assert result.network.centre_x[0] == 0
    assert result.network.spread_x[0] == 1
    assert result.network.centre_x[1].item() == pytest.approx(100, abs=10)


class Coded(nn.Module):
    """Codes of the first column, and a number in the second."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.line = nn.Embedding(7, 1).double(), nn.Linear(1, 1).double()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.table(x[:, 0].long()) + self.line(x[:, 1:])


class WholeCoded(Coded):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.double())


def coded(rows: int = 300) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    codes = torch.randint(7, (rows,), generator=generator)
    levels = torch.randn(7, generator=generator, dtype=torch.float64)
    number = torch.randn(rows, generator=generator, dtype=torch.float64)
    return codes, number, levels[codes] + number / 3


def test_codes_beside_numbers_stay_codes() -> None:
    codes, number, y = coded()
    rows = torch.stack([codes.double(), 5000 + 300 * number], 1)
    tell = {"epochs": 40, "batch": 20, "optimizer": partial(Adam, lr=0.1)}
    result = train_network(Coded(), rows, y, **tell)
    assert result.loss < 0.02  # half the share of the variance that is left
    with torch.no_grad():
        found = result.network(rows)[:, 0]
    assert float((found - y).square().mean() / y.var()) < 0.05


@pytest.mark.parametrize("kind", [torch.int64, torch.int32])
@pytest.mark.parametrize("own_end", [False, True])
def test_a_table_of_codes_goes_into_an_embedding(own_end: bool, kind: torch.dtype) -> None:
    codes, _, y = coded()
    line = nn.Linear(4, 1).double()
    end = Around(line) if own_end else line
    network = nn.Sequential(nn.Embedding(7, 2).double(), nn.Flatten(), end)
    rows = torch.stack([codes, codes // 2], 1).to(kind)
    tell = {"epochs": 30, "batch": 20, "optimizer": partial(Adam, lr=0.05)}
    result = train_network(network, rows, 1e3 * y + 1e4, **tell)
    assert type(result.network) is (Scaled if own_end else nn.Sequential)
    assert result.network(rows).shape == (300, 1)
    assert result.loss < 0.1


def test_whole_numbers_beside_codes_have_no_units() -> None:
    """Read as numbers later they are the same rows."""
    codes, number, y = coded()
    rows = torch.stack([codes, (3 * number).round().long()], 1)
    network = train_network(Coded(), rows.double(), y, epochs=1).network
    assert network.spread_x[1] > 2
    network = train_network(WholeCoded(), rows, y, epochs=1).network
    torch.testing.assert_close(network(rows.double()), network(rows))


def test_whole_numbers_are_numbers_where_there_is_no_embedding() -> None:
    x, y = made(200)
    whole = (1000 * x).round().long()
    found, other = (train_network(mlp(), it, y, epochs=2) for it in (whole, whole.double()))
    assert found.history == other.history


def test_missing_values_are_named_before_an_embedding_stumbles_over_them() -> None:
    codes, number, y = coded()
    rows = torch.stack([codes.double(), number], 1)
    rows[5, 0] = torch.nan
    with pytest.raises(InputError, match="1 missing or infinite values .* in column 0;"):
        train_network(Coded(), rows, y)
