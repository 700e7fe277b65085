"""The formula that is written is the function that is drawn from."""

from __future__ import annotations

import numpy as np
import pytest

from superpose.datasets.feynman_equations import FEYNMAN, FeynmanEquation, feynman
from superpose.errors import InputError


@pytest.mark.parametrize("equation", FEYNMAN, ids=lambda e: e.name)
def test_rows_lie_in_the_ranges_and_obey_the_formula(equation: FeynmanEquation) -> None:
    X, y = equation.draw(50, seed=1)
    words = {"exp": np.exp, "sqrt": np.sqrt, "sin": np.sin, "cos": np.cos, "log": np.log}
    names = {**words, "arcsin": np.arcsin, "pi": np.pi}
    names |= dict(zip(equation.ranges, X.T, strict=True))
    expected = eval(equation.formula, {}, names)
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    low, high = np.array(list(equation.ranges.values())).T
    assert np.isfinite(y).all()
    assert ((low <= X) & (high >= X)).all()
    assert (X.max(0) - X.min(0) > 0.8 * (high - low)).all()


def test_twenty_names_that_differ_and_an_error_for_others() -> None:
    assert len({equation.name for equation in FEYNMAN}) == 20
    assert feynman("I.6.2") is FEYNMAN[0]
    with pytest.raises(InputError, match=r"got 'I\.1\.1'; pass one of these"):
        feynman("I.1.1")
