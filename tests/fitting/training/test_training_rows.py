"""Rows in random order: each one once, never those held out, in bounded memory from a file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from torch import nn

from superpose.datasets import ParquetBatches
from superpose.errors import InputError
from superpose.fitting import train_network
from superpose.fitting.training import training_rows
from superpose.fitting.training.training_rows import (
    FileRows,
    MemoryRows,
    even_sizes,
    hold_out,
    tensor,
)
from superpose.fitting.training.training_units import survey
from superpose.networks import KSTNetwork

ROWS = 1000


def frame(rows: int = ROWS) -> pd.DataFrame:
    """The target is the number of the row, and a column says so in another unit."""
    rng = np.random.default_rng(0)
    number = np.arange(rows)
    return pd.DataFrame({"a": rng.normal(size=rows), "b": number / 4, "y": number.astype(float)})


@pytest.fixture
def table(tmp_path: Path) -> ParquetBatches:
    """Ten row groups, read by 30 rows."""
    frame().to_parquet(tmp_path / "table.parquet", row_group_size=100)
    return ParquetBatches(tmp_path / "table.parquet", target="y", rows=30)


def sources(table: ParquetBatches) -> Iterator[MemoryRows | FileRows]:
    yield MemoryRows(frame()[["a", "b"]], frame()["y"])
    yield FileRows(table)


@pytest.fixture
def _small_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_rows, "POOL", 2 * 250)


@pytest.mark.usefixtures("_small_pool")
def test_an_epoch_visits_each_row_once_and_none_held_out(table: ParquetBatches) -> None:
    held = hold_out(ROWS, 0.1, ROWS, [0])
    sizes = even_sizes(900, 64)
    for source in sources(table):
        orders = []
        for epoch in (0, 1, 0):
            batches = list(source.batches(held, sizes, np.random.default_rng([1, epoch])))
            assert [len(y) for _, y in batches] == sizes
            assert all(torch.equal(x[:, 1] * 4, y) for x, y in batches)
            orders.append(torch.cat([y for _, y in batches]).numpy())
        seen = np.sort(orders[0]).astype(int)
        np.testing.assert_array_equal(seen, np.setdiff1d(np.arange(ROWS), held))
        assert (orders[0] == orders[2]).all()
        assert not (orders[0] == orders[1]).all()


@pytest.mark.usefixtures("_small_pool")
def test_a_file_in_order_comes_out_mixed(table: ParquetBatches) -> None:
    """A batch draws from several groups, although the table is sorted."""
    sizes = even_sizes(ROWS, 50)
    none = np.empty(0, np.intp)
    for x, _ in FileRows(table).batches(none, sizes, np.random.default_rng(0)):
        groups = (4 * x[:, 1]).long().div(100, rounding_mode="floor")
        assert len(groups.unique()) >= 2
        assert len(x) == 50


@pytest.mark.usefixtures("_small_pool")
def test_an_epoch_begins_with_any_group(table: ParquetBatches) -> None:
    """The pool holds three of ten groups, so what comes first is seldom where the file begins."""
    begun = set()
    for epoch in range(8):
        order, none = np.random.default_rng([0, epoch]), np.empty(0, np.intp)
        x, _ = next(FileRows(table).batches(none, even_sizes(ROWS, 50), order))
        begun |= set((x[:, 1] // 25).tolist())
    assert begun == set(range(10))


def test_one_look_at_the_rows_finds_units_and_those_held_out(table: ParquetBatches) -> None:
    held = hold_out(ROWS, 0.2, ROWS, [0])
    kept = np.setdiff1d(np.arange(ROWS), held)
    rows = frame().to_numpy()
    for source in sources(table):
        found = survey(source, held, lambda y: None)
        np.testing.assert_allclose(found.x.mean, rows[kept, :2].mean(0), rtol=1e-12)
        np.testing.assert_allclose(found.x.spread(), rows[kept, :2].std(0), rtol=1e-12)
        np.testing.assert_allclose(found.y.spread(), rows[kept, 2:].std(0), rtol=1e-12)
        np.testing.assert_array_equal(found.held[1], held)
        np.testing.assert_array_equal(found.held[0], rows[held, :2])


def test_moments_of_a_far_column_lose_nothing_and_a_constant_has_unit_one() -> None:
    far = torch.tensor([1e9 + 1, 1e9 + 2, 1e9 + 3], dtype=torch.float64)
    rows = torch.stack([far, torch.full((3,), 0.1).double()], 1)
    found = survey(MemoryRows(rows, far), np.empty(0, np.intp), lambda y: None)
    np.testing.assert_allclose(found.x.spread(), [np.sqrt(2 / 3), 1.0], rtol=1e-6)


@pytest.mark.slow
def test_a_file_trains_as_well_as_memory_and_the_same_twice(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 2))
    y = np.sin(2 * X[:, 0]) + X[:, 1]
    table = pd.DataFrame({"a": X[:, 0], "b": 1e4 * X[:, 1], "y": 100 * y})
    table.to_parquet(tmp_path / "table.parquet", row_group_size=500)
    batches = ParquetBatches(tmp_path / "table.parquet", target="y")
    network = KSTNetwork([2, 1], generator=torch.Generator().manual_seed(0))
    tell = {"epochs": 6, "batch": 128}
    memory = train_network(network, table[["a", "b"]], table["y"], **tell)
    file = train_network(network, batches, **tell)
    again = train_network(network, batches, **tell)
    assert file.history == again.history
    assert max(memory.loss, file.loss) < 1e-3
    assert memory.history != file.history


def test_training_from_a_file_resumes_within_an_epoch(
    tmp_path: Path, table: ParquetBatches
) -> None:
    class Stop(Exception):  # noqa: N818
        pass

    def stop(done: int, total: int, what: str) -> None:
        if done == 17:
            raise Stop

    def network() -> nn.Module:
        return KSTNetwork([2, 2, 1], 6, generator=torch.Generator().manual_seed(0))

    tell = {"epochs": 3, "batch": 100}  # nine batches an epoch
    path = tmp_path / "training"
    whole = train_network(network(), table, **tell)
    with pytest.raises(Stop):
        train_network(
            network(), table, progress=stop, checkpoint=path, checkpoint_seconds=0, **tell
        )
    halves = train_network(network(), table, checkpoint=path, **tell)
    assert halves.history == whole.history
    for name, weights in whole.network.state_dict().items():
        assert torch.equal(halves.network.state_dict()[name], weights)
    frame().assign(a=1.0).to_parquet(table.path, row_group_size=100)
    changed = ParquetBatches(table.path, target="y", rows=30)
    with pytest.raises(InputError, match=r"table 1000 rows \(\w+\) there and 1000 rows"):
        train_network(network(), changed, checkpoint=path, **tell)


def test_a_group_is_read_by_itself(table: ParquetBatches) -> None:
    assert table.sizes == [100] * 10
    parts = list(table.group(3))
    assert [len(y) for _, y in parts] == [30, 30, 30, 10]
    pd.testing.assert_series_equal(
        pd.concat([y for _, y in parts], ignore_index=True),
        frame()["y"][300:400].reset_index(drop=True),
    )
    whole = pd.concat([y for _, y in table], ignore_index=True)
    pd.testing.assert_series_equal(whole, frame()["y"])


def test_what_a_file_must_not_hold_is_named(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    network = nn.Linear(2, 1)
    words = frame(20).assign(a="word")
    words.to_parquet(path)
    with pytest.raises(InputError, match=r"rows must be numbers; got object \(a\); encode"):
        train_network(network, ParquetBatches(path, target="y"))
    frame(20).assign(b=[np.nan] * 2 + [1.0] * 18).to_parquet(path, row_group_size=10)
    with pytest.raises(InputError, match="got 2 missing or infinite values in rows 0 to 9"):
        train_network(network, ParquetBatches(path, target="y"))
    frame(20).to_parquet(path)
    with pytest.raises(InputError, match="a batch must be .X, y.; got 3 parts"):
        train_network(nn.Linear(1, 1), ParquetBatches(path, target="y", weight="b"))


def test_columns_of_yes_and_no_and_whole_numbers_that_may_be_missing(tmp_path: Path) -> None:
    path, table = tmp_path / "table.parquet", frame(20)
    mixed = table.assign(a=table["a"] > 0, b=range(20)).astype({"b": "Int64"})
    expected = np.stack([table["a"] > 0, np.arange(20.0)], 1)
    np.testing.assert_array_equal(tensor(mixed[["a", "b"]], "rows"), expected)
    mixed.loc[3, "b"] = pd.NA
    mixed.to_parquet(path)
    with pytest.raises(InputError, match="got 1 missing or infinite values in rows 0 to 19"):
        train_network(nn.Linear(2, 1), ParquetBatches(path, target="y"))


#: What one epoch over a file adds to the memory of a process that has trained before, in MiB.
GROWTH = """
import sys, torch
from pathlib import Path
from superpose.datasets import ParquetBatches
from superpose.fitting import train_network
from torch import nn

def most():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(it.split()[1] for it in lines if it.startswith("VmHWM"))) / 1024

def train(path):
    table = ParquetBatches(path, target="y", rows=8192)
    return train_network(nn.Linear(10, 1), table, epochs=1, batch=2048)

torch.set_num_threads(1)
train(sys.argv[1])
before = most()
result = train(sys.argv[2])
print(most() - before, result.loss)
"""


def write(path: Path, rows: int, group: int = 50_000) -> None:
    rng = np.random.default_rng(1)
    names = [f"x{i}" for i in range(10)]
    schema = pa.schema([(name, pa.float64()) for name in (*names, "y")])
    with pq.ParquetWriter(path, schema, use_dictionary=False) as writer:
        for _ in range(rows // group):
            X = rng.normal(size=(group, 10))
            table = pa.table([*X.T, X.sum(1)], schema=schema)
            writer.write_table(table, row_group_size=group)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the memory from /proc")
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Of 106 MiB of numbers more, less than half is ever in memory.

    That half has room for what may grow, up to an end: the rows held out (65,536 at most) and the
    draw of their places. The first file fills the pool (209,715 rows) once.
    """
    write(tmp_path / "small.parquet", 300_000)
    write(tmp_path / "large.parquet", 1_500_000)
    done = subprocess.run(
        [sys.executable, "-c", GROWTH, tmp_path / "small.parquet", tmp_path / "large.parquet"],
        env={"PYTHONPATH": str(Path(__file__).parents[3] / "src"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    growth, loss = map(float, done.stdout.split())
    assert growth < 53  # MiB; all rows kept would be 106
    assert loss < 0.01
