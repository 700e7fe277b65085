"""The file of results: whole or not at all, one protocol, every cell once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.bench.made_cells import cell

from superpose.bench import Results
from superpose.errors import InputError

PROTOCOL = {"folds": 5, "most_rows": 9_000}


def test_a_cell_replaces_that_of_the_same_fit_and_no_other(tmp_path: Path) -> None:
    results = Results(tmp_path / "new" / "bench.json", PROTOCOL)
    for made in (cell("a", "x", 0.1), cell("a", "y", 0.2), cell("a", "x", 0.3)):
        results.add(made)
    assert [(c["side"], c["loss"]) for c in results.cells()] == [("y", 0.2), ("x", 0.3)]


def test_two_runs_fill_one_file_and_the_summary_stays(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    one, other = Results(path, PROTOCOL), Results(path, PROTOCOL)
    one.add(cell("a", "x"))
    other.add(cell("a", "y"))
    one.add_summary({"ranks": 1})
    other.add(cell("b", "y"))
    document = json.loads(path.read_text())
    assert [(c["table"], c["side"]) for c in document["cells"]] == [
        ("a", "x"),
        ("a", "y"),
        ("b", "y"),
    ]
    assert (document["summary"], document["protocol"]) == ({"ranks": 1}, PROTOCOL)
    assert [p.name for p in tmp_path.iterdir()] == ["bench.json"]


def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    results = Results(tmp_path / "bench.json", PROTOCOL)
    results.add(cell("a", "x"))
    with pytest.raises(TypeError):
        results.add({**cell("a", "y"), "loss": object()})
    assert [c["side"] for c in Results(results.path, PROTOCOL).cells()] == ["x"]


def test_other_rows_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    Results(path, PROTOCOL).add(cell("a", "x"))
    with pytest.raises(InputError, match=r"has most_rows=9000; found most_rows=None"):
        Results(path, {"folds": 5, "most_rows": None})


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": []}'])
def test_a_file_of_something_else_is_refused_and_kept(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bench.json"
    path.write_text(text)
    with pytest.raises(InputError, match="must be a file of superpose bench tables"):
        Results(path, PROTOCOL)
    assert path.read_text() == text
