"""A fit that is stopped is whole, and says so; one that is not stopped is the same to the bit."""

from __future__ import annotations

import math
import signal
from threading import Thread

import pytest
import torch
from tests.fitting.made_problems import normal, numbers, uniform

from superpose.errors import StoppedWarning
from superpose.fitting import Deadline, Fit, fit_superposition


@pytest.fixture(autouse=True)
def _interrupts_reach_python():
    """As in a terminal; a process in the background may have been told to ignore them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Steps:
    """A clock that goes on by a second each time it is read."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def fit(deadline=None, loss="gaussian", n=120, **options):
    x = uniform(n, 3)
    y = (6 * x[:, 0]).sin() + 4 * (x[:, 1] - 0.5) * (x[:, 2] - 0.5) + 0.1 * normal(n, seed=1)
    if loss == "bernoulli":
        y = (y > 0).double()
    options = {"pairs": 1, "terms": 1, **options}
    return x, fit_superposition(numbers(x), x, y, loss=loss, deadline=deadline, **options)


def moments(loss: str) -> int:
    """How often an unhindered fit asks for the time."""
    clock = Steps()
    fit(Deadline(1e9, clock), loss=loss)
    return int(clock.now) - 1


def test_a_limit_that_is_not_reached_changes_no_bit() -> None:
    clock = Steps()
    x, found = fit(Deadline(1e9, clock))
    assert clock.now > 20
    assert found.stopped is None
    _, free = fit()
    assert torch.equal(found.network(x), free.network(x))
    bands = [it.posterior.variance(it.network.encode(x)) for it in (found, free)]
    assert torch.equal(*bands)
    assert found.path == free.path


def check(x: torch.Tensor, found: Fit) -> None:
    """Finite outputs, a band for each, and a path whose chosen step is the model's."""
    assert found.stopped.reason == "time limit"
    assert found.network(x).isfinite().all()
    assert (found.posterior.variance(found.network.encode(x)) > 0).all()
    (chosen,) = [step for step in found.path if step.chosen]
    kinds = [part.kind for part in found.network.parts]
    assert (chosen.pairs, chosen.terms) == (kinds.count("pair"), kinds.count("term"))
    assert kinds.count("curve") == 3


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["gaussian", "bernoulli", "student_t"])
def test_wherever_it_is_stopped_the_model_is_whole(loss: str) -> None:
    """Over the moments at which the time is asked for, about ten of them."""
    asked, undone = moments(loss), []
    for moment in [0, 1, 2, *range(5, asked, max(1, asked // 8))]:
        with pytest.warns(StoppedWarning, match="it was stopped \\(time limit; left undone: "):
            x, found = fit(Deadline(moment + 0.5, Steps()), loss=loss)
        check(x, found)
        undone.append(found.stopped.undone)
    assert undone[0].startswith("settling the main curves, ")
    assert len(set(undone)) > 3


def test_no_time_at_all_gives_the_state_that_one_step_reaches() -> None:
    with pytest.warns(StoppedWarning):
        x, found = fit(Deadline(0.5, Steps()))
    assert str(found.stopped) == "time limit; left undone: settling the main curves, pairs, terms"
    check(x, found)
    assert found.iterations == 1


def test_what_takes_long_is_left_out_when_the_time_is_over() -> None:
    """All rows are not gone through, and nothing is asked of the curves: it is the sample's fit."""

    def rows():
        raise AssertionError("the rows are gone through")
        yield

    with pytest.warns(StoppedWarning):
        x, found = fit(Deadline(0.5, Steps()), everything=rows())
    with pytest.warns(StoppedWarning):
        _, alone = fit(Deadline(0.5, Steps()))
    check(x, found)
    assert torch.equal(found.network(x), alone.network(x))
    assert (found.checks, found.screened) == ((), ())
    over = ", a pass over all rows (the model is that of a sample)"
    assert str(found.stopped) == str(alone.stopped) + over
    with pytest.raises(AssertionError, match="gone through"):
        fit(everything=rows())


def test_what_was_finished_is_kept() -> None:
    """Stopped while pairs are tried: the main curves are those of an additive fit."""
    deadline = Deadline()
    said = []

    def stop(done: int, total: int, what: str) -> None:
        said.append(what)
        if what == "pairs":
            deadline.stop("interrupted")

    with pytest.warns(StoppedWarning):
        x, found = fit(deadline, progress=stop)
    _, additive = fit(pairs=0, terms=0)
    assert found.converged  # there was nothing left to do for them
    assert str(found.stopped) == (
        "interrupted; left undone: measuring the main curves on held-out rows, pairs, terms"
    )
    assert [part.kind for part in found.network.parts] == ["curve"] * 3
    assert math.isnan(found.path[0].loss)  # nothing was held out of a fit that is finished
    assert found.held_out.isnan().all()
    gap = found.network(x) - additive.network(x)
    assert gap.abs().max() < 0.02 * additive.network(x).std()
    assert said[-1] == "done"


def test_the_first_reason_counts_and_says_what_was_next() -> None:
    deadline = Deadline(1.0, Steps())
    deadline.before("terms")
    deadline.stop("interrupted")
    deadline.before("nothing")
    assert deadline.over()
    assert str(deadline.stopped) == "interrupted; left undone: terms"


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


def test_a_first_interrupt_ends_the_fit_and_a_second_one_raises() -> None:
    deadline, before = Deadline(), signal.getsignal(signal.SIGINT)
    with deadline.listening():
        interrupt()
        assert deadline.over()
        assert deadline.stopped.reason == "interrupted"
        with pytest.raises(KeyboardInterrupt):
            interrupt()
    assert signal.getsignal(signal.SIGINT) is before


def test_interrupts_are_given_back_whatever_happens() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ZeroDivisionError), Deadline().listening():
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) is before


def test_a_program_that_handles_interrupts_itself_goes_on_doing_so() -> None:
    heard, before = [], signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, lambda *_: heard.append(1))
    try:
        deadline = Deadline()
        with deadline.listening():
            interrupt()
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [1]
    assert not deadline.over()


def test_beside_the_main_thread_a_fit_listens_to_nothing() -> None:
    def run() -> None:
        with Deadline().listening():
            seen.append(signal.getsignal(signal.SIGINT))

    seen = []
    thread = Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]
