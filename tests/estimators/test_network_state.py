"""A network goes to arrays and words and comes back bit for bit; nonsense is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

from superpose.curves import Axis, GPBasis
from superpose.estimators.network_state import Store, network_from, network_to
from superpose.estimators.schema import ColumnPlan, Schema
from superpose.networks import (
    Attribute,
    InputBasis,
    MainCurve,
    PairSurface,
    Superposition,
    Term,
)

SCHEMA = Schema(
    (
        ColumnPlan("dose", "number", missing=True),
        ColumnPlan("site", "category", ("north", "south"), missing=True),
        ColumnPlan("age", "number"),
    ),
    named=True,
)


def some_network(outputs: int = 2) -> Superposition:
    """Every kind of part, over numbers and a category, with every kind of kernel."""
    rng = np.random.default_rng(0)
    draw = lambda *shape: torch.from_numpy(rng.normal(size=shape))  # noqa: E731
    axes = [Axis.from_data(rng.normal(size=50), n_knots=n) for n in (9, 5)]
    dose = Attribute("dose", "number", axes[0], None, True)
    site = Attribute("site", "category", None, ("north", "south"), True)
    age = Attribute("age", "number", axes[1])
    first = InputBasis(dose, kernel="matern52", length_scale=0.7, missing=True)
    second = InputBasis(site, missing=True)
    third = InputBasis(age, torch.linspace(0, 1, 4).double(), kernel="squared_exponential")
    plain = InputBasis(site)
    outer = GPBasis(torch.linspace(-2, 2, 6).double(), "matern12", length_scale=1.3)
    return Superposition(
        [dose, site, age],
        draw(outputs),
        [
            MainCurve(0, first, draw(outputs, first.n_heights)),
            MainCurve(1, second, draw(outputs, second.n_heights)),
            PairSurface((1, 2), (plain, third), draw(outputs, 2, 4)),
            Term((0, 2), [first, third], [draw(10), draw(4)], outer, draw(outputs, 6)),
        ],
    )


def rows() -> torch.Tensor:
    rng = np.random.default_rng(1)
    x = np.column_stack([rng.normal(size=40), rng.integers(-1, 2, 40), rng.normal(size=40)])
    x[rng.random(x.shape) < 0.2] = np.nan
    return torch.from_numpy(x)


def stored() -> tuple[list[dict[str, Any]], Store]:
    store = Store({})
    words = network_to(some_network(), store)
    return json.loads(json.dumps(words)), store


@pytest.mark.parametrize("outputs", [1, 3])
def test_a_network_comes_back_bit_for_bit(outputs: int) -> None:
    network, store = some_network(outputs), Store({})
    words = json.loads(json.dumps(network_to(network, store)))
    again = network_from(SCHEMA, words, store)
    with torch.no_grad():
        np.testing.assert_array_equal(again.contributions(rows()), network.contributions(rows()))
        np.testing.assert_array_equal(again(rows()), network(rows()))
    assert again.n_parameters() == network.n_parameters()


def shortened(name: str) -> Any:
    def change(words: Any, store: Store) -> None:
        store.arrays[name] = store.arrays[name][..., :-1]

    return change


# The knots of an axis stand by themselves, and its two lists of points check each other.
SHORTENED = [
    name for name in stored()[1].arrays if not name.startswith("attributes") or "points_u" in name
]


@pytest.mark.parametrize(
    "change",
    [
        *(pytest.param(shortened(name), id=name) for name in SHORTENED),
        lambda words, store: words[0].update(kind="spline"),
        lambda words, store: words[0].update(attributes=[3]),
        lambda words, store: words[2].update(attributes=[1, 1]),
        lambda words, store: words[2].update(attributes=[2, 1]),
        lambda words, store: words[0]["bases"][0].update(kernel="rbf"),
        lambda words, store: words[0]["bases"][0].update(length_scale=-1.0),
        lambda words, store: words[0]["bases"][0].update(length_scale=None),
        lambda words, store: words[0]["bases"][0].pop("missing"),
        lambda words, store: words[3].pop("outer"),
        lambda words, store: store.arrays.pop("parts.0.heights"),
        lambda words, store: store.arrays.update({"attributes.0.points_x": np.zeros(2)}),
        lambda words, store: store.arrays.update({"parts.3.outer.knots": np.arange(9999.0)}),
    ],
)
def test_words_and_arrays_that_do_not_fit_are_refused(change: Any) -> None:
    words, store = stored()
    change(words, store)
    with pytest.raises((ValueError, KeyError, TypeError)):
        network_from(SCHEMA, words, store)
