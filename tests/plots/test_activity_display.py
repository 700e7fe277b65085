"""The bars of the energy display are the numbers of the report."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from superpose.errors import InputError
from superpose.plots import ActivityDisplay

ENERGY = pd.DataFrame(
    [
        ["diffused", "a", 1.0, 2.0],
        ["plain", "a", 4.0, 8.0],
        ["diffused", "b", 16.0, 0.0],
        ["plain", "b", np.nan, 0.0],
    ],
    columns=["network", "table", "arithmetic", "memory"],
)
REPORT = SimpleNamespace(energy=lambda: ENERGY)


def test_bars_are_the_numbers_and_stand_on_each_other() -> None:
    display = ActivityDisplay(REPORT, "a").plot()
    arithmetic, memory = display.bars_
    assert [bar.get_width() for bar in arithmetic] == [1.0, 4.0]
    assert [bar.get_width() for bar in memory] == [2.0, 8.0]
    assert [bar.get_x() for bar in memory] == [1.0, 4.0]
    assert [text.get_text() for text in display.ax_.texts] == [" 3", " 12"]


def test_what_does_not_run_says_so() -> None:
    display = ActivityDisplay(REPORT, "b").plot()
    assert [text.get_text() for text in display.ax_.texts] == [" 16", " does not run here"]


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(InputError, match="table must be one of a, b; got table='c'"):
        ActivityDisplay(REPORT, "c")
