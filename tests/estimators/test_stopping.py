"""Estimators that are stopped: what they give back, and where it is said."""

from __future__ import annotations

import signal

import numpy as np
import pytest
from sklearn.base import clone

from superpose import KSTClassifier, KSTRegressor
from superpose.errors import StoppedWarning
from superpose.estimators import load
from superpose.fitting.progress_line import ProgressLine


@pytest.fixture(autouse=True)
def _interrupts_reach_python():
    """As in a terminal; a process in the background may have been told to ignore them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def table(n: int = 80):
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (n, 2))
    return x, x[:, 0] + x[:, 0] * x[:, 1] + rng.normal(0, 0.1, n)


def interrupt_at(stage: str):
    def tell(done: int, total: int, what: str) -> None:
        if what == stage:
            signal.raise_signal(signal.SIGINT)

    return tell


@pytest.fixture(scope="module")
def stopped():
    x, y = table()
    with pytest.warns(StoppedWarning, match="left undone: settling the main curves"):
        return KSTRegressor(time_limit=1e-9).fit(x, y)


def test_a_limit_stops_a_fit_and_the_model_says_so(stopped) -> None:
    x, y = table()
    assert stopped.stopped_.reason == "time limit"
    assert stopped.score(x, y) > 0.5
    assert repr(stopped) == (
        "KSTRegressor(time_limit=1e-09)  # stopped: time limit; "
        "left undone: settling the main curves, pairs, terms"
    )
    assert repr(clone(stopped)) == "KSTRegressor(time_limit=1e-09)"


def test_an_interrupt_gives_the_best_model_so_far() -> None:
    x, y = table()
    before = signal.getsignal(signal.SIGINT)
    model = KSTRegressor(progress=interrupt_at("terms"), pairs=1)
    with pytest.warns(StoppedWarning, match="interrupted; left undone: terms"):
        model.fit(x, y)
    assert len(model.pairs_) == 1
    assert not model.terms_
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_interrupt_raises_and_fits_nothing() -> None:
    x, y = table()

    def twice(*_) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    model = KSTRegressor(progress=twice)
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y)
    assert not hasattr(model, "fit_")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_mark_goes_with_the_file_and_onto_the_page(stopped, tmp_path) -> None:
    stopped.save(tmp_path / "model.kst")
    again = load(tmp_path / "model.kst")
    assert again.stopped_ == stopped.stopped_
    page = again.report(tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("stopped before its end (time limit; left undone: settling the main") == 2


def test_a_fit_that_ends_is_not_marked() -> None:
    x, y = table()
    model = KSTClassifier(pairs=0, terms=0, time_limit=3600).fit(x, y > 0)
    assert model.stopped_ is None
    assert repr(model) == "KSTClassifier(pairs=0, terms=0, time_limit=3600)"


@pytest.mark.parametrize("limit", [0, -1.0, "soon"])
def test_a_limit_is_a_number_above_zero(limit) -> None:
    with pytest.raises(ValueError, match="'time_limit' parameter of KSTRegressor must be"):
        KSTRegressor(time_limit=limit).fit(*table())


def test_a_bar_of_text_goes_to_the_error_stream(capsys) -> None:
    KSTRegressor(pairs=0, terms=0, progress=True).fit(*table(40))
    out, error = capsys.readouterr()
    said = error.split("\r")[1:]
    assert out == ""
    assert [it.split("] ")[1].split("  ")[0] for it in said] == [
        "main curves",
        "pairs",
        "terms",
        "all rows",
        "done",
    ]
    assert error.endswith("\n")
    assert ProgressLine().text(4, 4, "done").startswith("[" + "█" * 20 + "]")
