"""A training that was killed ends where it would have; a file that is not its own is refused."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tests.fitting import killed_training
from tests.fitting.killed_training import STEPS, train
from torch import nn
from torch.nn.functional import huber_loss
from torch.optim import SGD, Adagrad, Adam, AdamW, RMSprop
from torch.optim.lr_scheduler import MultiStepLR, ReduceLROnPlateau

from superpose.errors import InputError, ModelFileError, StoppedWarning
from superpose.fitting import AMP, ASAM, SAM, train_network
from superpose.fitting.training.state_file import read_state, write_state
from superpose.fitting.training.training_losses import loss_of
from superpose.networks import SLNN, KSTNetwork

SCRIPT, ROOT = Path(killed_training.__file__), Path(__file__).parents[3]


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return list(first) == list(second) and all(torch.equal(first[it], second[it]) for it in first)


class Stop(Exception):  # noqa: N818
    """What ends a training in a test, as abruptly as an error does."""


def stop_after(steps: int):
    def tell(done: int, total: int, what: str) -> None:
        if done == steps:
            raise Stop

    return tell


def interrupted_and_whole(path: Path, make, steps: int, **tell):
    """One training in two halves, and the same in one."""
    x, y = killed_training.made()
    tell = {"epochs": 4, "batch": 20, **tell}
    whole = train_network(make(), x, y, **tell)
    kept = {"checkpoint": path, "checkpoint_seconds": 0}
    with pytest.raises(Stop):
        train_network(make(), x, y, progress=stop_after(steps), **kept, **tell)
    return train_network(make(), x, y, **kept, **tell), whole


@pytest.mark.parametrize(
    "optimizer",
    [
        Adam,
        partial(SAM, base=Adam, rho=0.05),
        pytest.param(AdamW, marks=pytest.mark.slow),
        pytest.param(partial(SGD, lr=0.01, momentum=0.9, nesterov=True), marks=pytest.mark.slow),
        pytest.param(RMSprop, marks=pytest.mark.slow),
        pytest.param(Adagrad, marks=pytest.mark.slow),
        pytest.param(
            partial(ASAM, base=partial(SGD, momentum=0.9), rho=0.5, lr=0.01),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_two_halves_are_the_whole_bit_for_bit(optimizer, tmp_path: Path) -> None:
    make = partial(KSTNetwork, [3, 4, 1], 6, generator=None)

    def network():
        return make(generator=torch.Generator().manual_seed(0))

    halves, whole = interrupted_and_whole(
        tmp_path / "training", network, STEPS + 4, optimizer=optimizer
    )
    assert same(halves.network.state_dict(), whole.network.state_dict())
    assert halves.history == whole.history
    assert halves.best_epoch == whole.best_epoch


@pytest.mark.parametrize(
    "steps",
    [
        STEPS,
        STEPS + 1,
        *(pytest.param(it, marks=pytest.mark.slow) for it in (1, STEPS - 1, 2 * STEPS)),
    ],
)
def test_the_place_in_an_epoch_does_not_matter(steps: int, tmp_path: Path) -> None:
    """Nor do schedules that ask for the loss, polynomial curves, or the end of patience."""

    def network():
        with torch.random.fork_rng():
            torch.manual_seed(1)
            return SLNN([3, 6, 1], degree=3)

    tell = {
        "schedule": partial(ReduceLROnPlateau, mode="max", patience=0, factor=0.3),
        "optimizer": partial(Adam, lr=0.2),
        "patience": 2,
    }
    halves, whole = interrupted_and_whole(tmp_path / "training", network, steps, **tell)
    assert same(halves.network.state_dict(), whole.network.state_dict())
    assert (halves.history, halves.ended) == (whole.history, whole.ended)
    assert whole.history[2].rate == pytest.approx(0.2 * 0.3)  # the first epoch is the best


def test_a_finished_training_is_read_and_not_made_again(tmp_path: Path) -> None:
    path, steps = tmp_path / "training", []
    first = train(path)
    again = train(path, progress=lambda done, *_: steps.append(done))
    assert same(first.network.state_dict(), again.network.state_dict())
    assert (again.history, steps) == (first.history, [1])


def test_a_time_limit_leaves_a_checkpoint_to_go_on_from(tmp_path: Path) -> None:
    whole, path = train(None), tmp_path / "training"
    for _ in range(3):
        with pytest.warns(StoppedWarning, match="time limit"):
            train(path, time_limit=0.0, checkpoint_seconds=1e9)
    assert read_state(path)["course"]["step"] == 3
    found = train(path)
    assert same(found.network.state_dict(), whole.network.state_dict())
    assert found.history == whole.history


def test_drafts_of_a_killed_process_are_removed_and_no_other_file(tmp_path: Path) -> None:
    mine, other = tmp_path / ".0123abcd-training", tmp_path / ".0123abcd-training2"
    mine.touch()
    other.touch()
    train(tmp_path / "training", epochs=1, schedule=None)
    assert not mine.exists()
    assert other.exists()


def run(checkpoint: Path, where: str, result: Path) -> int:
    command = [sys.executable, str(SCRIPT), str(checkpoint), where, str(result)]
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, timeout=300)
    return done.returncode


@pytest.mark.slow
def test_a_training_that_is_killed_ends_where_it_would_have(tmp_path: Path) -> None:
    """Killed while a checkpoint was written, after a step, and while another one was written."""
    path, result = tmp_path / "training", tmp_path / "result"
    assert run(tmp_path / "other", "nowhere", result) == 0
    whole = torch.load(result)
    result.unlink()
    for where in ("draft 1", "step 5", "draft 4"):
        assert run(path, where, result) == -signal.SIGKILL
        assert not result.exists()
    drafts = [it for it in tmp_path.iterdir() if it.name.endswith("-training")]
    assert len(drafts) == 1  # what the last process could not take away; its own start did before
    done = read_state(path)["course"]
    assert len(done["history"]) * STEPS + done["step"] == 5 + 3
    assert run(path, "nowhere", result) == 0
    assert sorted(it.name for it in tmp_path.iterdir()) == ["other", "result", "training"]
    found = torch.load(result)
    assert found["history"] == whole["history"]
    assert same(found["weights"], whole["weights"])


class Pickled:
    """What a pickle that runs code looks like."""

    def __reduce__(self):
        return os.mkdir, ("ran",)


def test_a_damaged_or_foreign_file_is_refused_and_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "training"
    train(path, epochs=1, schedule=None)
    content = path.read_bytes()
    place = content.index(b"superpose training")
    for damaged in (
        b"",
        content[: len(content) // 2],
        content[:-1],
        content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
        content[:place] + b"S" + content[place + 1 :],
        pickle.dumps(Pickled()),
    ):
        path.write_bytes(damaged)
        with pytest.raises(ModelFileError, match="must be a checkpoint as it was written; found"):
            train(path, epochs=1, schedule=None)
    torch.save({"a": Pickled()}, path)
    with pytest.raises(ModelFileError, match="remove the file to train from the start"):
        train(path)
    assert not (tmp_path / "ran").exists()
    save_file({"a": torch.ones(1)}, path)
    with pytest.raises(ModelFileError, match="another kind of safetensors file"):
        train(path)
    write_state(path, {"format": "other"})
    with pytest.raises(ModelFileError, match="must be the checkpoint of a training"):
        train(path)


def test_the_checkpoint_of_another_training_is_refused_with_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "training"
    train(path, epochs=1, schedule=None)
    for changed, words in (
        ({"epochs": 2}, "got epochs 1 there and 2 here; pass what"),
        ({"batch": 40}, "batch 20 there and 36 here"),
        ({"prior": 0.5}, "prior 1.0 there and 0.5 here"),
        ({"random_state": 1}, "random_state 0 there and 1 here"),
        ({"patience": None}, "patience 10 there and None here"),
        ({"largest_gradient": None}, "largest_gradient 5.0 there and None here"),
        ({"loss": lambda f, y: f.square().mean()}, "loss gaussian there and .*lambda"),
        ({"validation": 0.2}, r"validation 20 rows \(.*\) there and 40 rows"),
        ({"optimizer": partial(Adam, lr=0.01)}, r"AMP \(.*\) of Adam, .* there and Adam \("),
        ({"optimizer": partial(SGD, lr=0.1)}, "optimizer"),
        ({"schedule": partial(MultiStepLR, milestones=[3])}, "schedule LambdaLR .* MultiStepLR"),
    ):
        with pytest.raises(InputError, match=words):
            train(path, **({"epochs": 1, "schedule": None} | changed))
    for changed, words in (
        ({"per_tensor": True}, "per_tensor=False there and .* per_tensor=True here"),
        ({"inner_steps": 2}, "inner_steps=1.* there and .* inner_steps=2"),
        ({"base": partial(SGD, momentum=0.9)}, "of Adam, .* there and .* of SGD"),
    ):
        told = {"base": Adam, "epsilon": 0.05, "zeta": 1.0, "lr": 0.01} | changed
        with pytest.raises(InputError, match=words):
            train(path, epochs=1, schedule=None, optimizer=partial(AMP, **told))
    x, y = killed_training.made()
    tell = {"checkpoint": tmp_path / "plain", "epochs": 1}
    network = killed_training.network()
    train_network(network, x, y, **tell)
    with pytest.raises(InputError, match=r"table 200 rows \(\w+\) there and 200 rows \(\w+\)"):
        train_network(network, x, y + 1, **tell)
    with pytest.raises(InputError, match=r"network Sequential of \d+ numbers"):
        train_network(nn.Sequential(network[0], nn.Linear(8, 1)), x, y, **tell)


class Robust:
    """A loss that tells by its address alone which one it is."""

    def __call__(self, outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return huber_loss(outputs[:, 0], target)


@pytest.mark.parametrize("kind", [partial(partial, huber_loss, delta=2.0), Robust])
def test_a_loss_without_a_name_is_the_same_in_the_next_process(kind) -> None:
    losses = [kind() for _ in range(2)]  # both alive, so at two places
    first, second = (loss_of(loss, 1).name for loss in losses)
    assert first == second
    assert "0x" not in first


def test_a_path_that_cannot_be_written_is_refused_before_the_first_step(tmp_path: Path) -> None:
    for path in (tmp_path / "none" / "training", tmp_path):
        with pytest.raises(InputError, match="checkpoint must be a file in a folder that is there"):
            train(path, progress=stop_after(1))


def test_a_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    state = {
        "numbers": [1, 2.5, float("inf"), -float("inf"), True, None, "word", 0.1 + 0.2],
        "betas": (0.9, 0.999),
        0: {3: torch.arange(6).reshape(2, 3).mT},
        "kinds": [
            torch.ones(2, dtype=it)
            for it in (torch.bfloat16, torch.float16, torch.uint8, torch.bool, torch.float64)
        ],
        "scalar": torch.tensor(3.0),
        "empty": torch.zeros(0, 2),
        "milestones": Counter([3, 3, 5]),
    }
    write_state(tmp_path / "state", state)
    found = read_state(tmp_path / "state")
    assert str(found) == str(state)
    assert type(found["milestones"]) is Counter
    assert [it.dtype for it in found["kinds"]] == [it.dtype for it in state["kinds"]]
    write_state(tmp_path / "state", {"one": np.int64(2), "two": np.float32(0.5)})
    assert read_state(tmp_path / "state") == {"one": 2, "two": 0.5}
    write_state(tmp_path / "state", float("nan"))
    assert str(read_state(tmp_path / "state")) == "nan"


def test_a_state_that_needs_code_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="made of tensors, numbers and words; got a function"):
        write_state(tmp_path / "state", {"call": lambda: None})
    assert not (tmp_path / "state").exists()
