"""A fit of a small table uses one thread, and gives the others back whatever happens."""

import numpy as np
import pytest
import torch

from superpose import KSTRegressor
from superpose.fitting.threads import SMALL, threads_for


@pytest.fixture(autouse=True)
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_a_small_table_takes_one_thread_and_a_large_one_those_there_are():
    for size, count in ((SMALL, 1), (SMALL + 1, 2)):
        with threads_for(size):
            assert torch.get_num_threads() == count
        assert torch.get_num_threads() == 2


@pytest.mark.slow
def test_a_fit_uses_one_and_gives_the_others_back():
    seen = []
    x = np.linspace(0, 1, 40)[:, None]
    model = KSTRegressor(pairs=0, terms=0, progress=lambda *_: seen.append(torch.get_num_threads()))
    model.fit(x, x[:, 0])
    assert set(seen) == {1}
    assert torch.get_num_threads() == 2


def test_they_come_back_after_an_error():
    with pytest.raises(ZeroDivisionError), threads_for(1):
        raise ZeroDivisionError
    assert torch.get_num_threads() == 2
