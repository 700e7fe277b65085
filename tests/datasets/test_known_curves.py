"""The known truth is what the target was made of."""

from __future__ import annotations

import numpy as np
import pytest

from superpose.datasets import known_curves, load_breast_cancer_table


def test_the_noise_is_what_the_curves_leave() -> None:
    table = known_curves(20_000, noise=0.5, seed=1)
    total = sum(table.truth(name, table.X[name]) for name in table.X)
    rest = table.y - table.y.mean() - total
    assert rest.std() == pytest.approx(0.5, rel=0.03)


def test_curves_are_centred_over_the_rows() -> None:
    table = known_curves(100)
    for name in table.X:
        assert table.truth(name, table.X[name]).mean() == pytest.approx(0.0, abs=1e-12)


def test_the_seed_decides() -> None:
    assert known_curves(9, seed=3).y.equals(known_curves(9, seed=3).y)
    assert not known_curves(9, seed=3).y.equals(known_curves(9, seed=4).y)


def test_the_step_is_a_step_and_the_null_is_none() -> None:
    table = known_curves(100)
    step = table.truth("step", np.array([-1.0, 0.2, 0.3, 1.0]))
    assert step[0] == step[1]
    assert step[2] == step[3]
    assert step[3] - step[0] == pytest.approx(1.4)
    assert not table.truth("null", np.linspace(-1, 1, 5)).any()


def test_the_table_of_the_demo_has_readable_labels() -> None:
    X, y = load_breast_cancer_table()
    assert set(y) == {"benign", "malignant"}
    assert X["mean radius"][y == "malignant"].mean() > X["mean radius"][y == "benign"].mean()
