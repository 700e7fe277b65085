"""Which fits a run makes, in which order, and which it leaves alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from superpose.bench import Plan, Results, run_tables
from superpose.errors import InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("yacht", "penguins"):
        (tmp_path / f"{name}.csv").write_text("x,y\n")
    return tmp_path


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, str]]:
    """Fits that were made, in their order; none takes time, and ebm never ends."""
    made: list[tuple[str, int, str]] = []

    def pretend(job: dict[str, Any], package: str) -> dict[str, Any]:
        made.append((job["table"], job["fold"], job["side"]))
        limited = job["side"] == "ebm"
        return {**job, "status": "over the limit" if limited else "measured", "reason": None}

    monkeypatch.setattr("superpose.bench.run.measure_apart", pretend)
    monkeypatch.setattr("superpose.bench.sides.side.find_spec", lambda name: name)
    return made


def go(folder: Path, sides: tuple[str, ...], **settings: Any) -> list[dict[str, Any]]:
    plan = Plan(folder, ("yacht", "penguins"), sides, first_folds=2, **settings)
    results = Results(folder / "bench.json", plan.protocol)
    run_tables(plan, results)
    return results.cells()


def test_sides_take_turns_within_a_table_and_a_fold(folder: Path, made: list[Any]) -> None:
    go(folder, ("splines", "lightgbm"))
    assert made == [
        (table, fold, side)
        for table in ("yacht", "penguins")
        for fold in (0, 1)
        for side in ("splines", "lightgbm")
    ]


def test_a_second_run_makes_only_what_is_missing(folder: Path, made: list[Any]) -> None:
    go(folder, ("splines",))
    made.clear()
    assert len(go(folder, ("splines", "lightgbm"))) == 8
    assert {side for *_, side in made} == {"lightgbm"}
    made.clear()
    go(folder, ("splines", "lightgbm"))
    assert made == []


def test_a_side_is_measured_again_where_asked(folder: Path, made: list[Any]) -> None:
    go(folder, ("splines", "lightgbm"))
    made.clear()
    assert len(go(folder, ("splines", "lightgbm"), redo=("splines",))) == 8
    assert {side for *_, side in made} == {"splines"}


def test_a_fit_over_the_limit_is_tried_again_only_with_a_larger_one(
    folder: Path, made: list[Any]
) -> None:
    go(folder, ("ebm",), time_limit=10.0)
    made.clear()
    go(folder, ("ebm",), time_limit=9.0)
    assert made == []
    go(folder, ("ebm",), time_limit=11.0)
    assert len(made) == 4


def test_what_a_side_cannot_fit_is_recorded_with_its_reason(folder: Path, made: list[Any]) -> None:
    cells = go(folder, ("pygam",))
    assert made == [("yacht", 0, "pygam"), ("yacht", 1, "pygam")]
    refused = [cell for cell in cells if cell["table"] == "penguins"]
    assert [cell["status"] for cell in refused] == ["not run"] * 2
    assert refused[0]["reason"] == "pyGAM has no model for 3 classes"


def test_a_peer_that_is_not_installed_is_recorded(
    folder: Path, made: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("superpose.bench.sides.side.find_spec", lambda name: None)
    cells = go(folder, ("ebm",))
    assert (made, cells[0]["reason"]) == ([], "interpret-core is not installed")


def test_unknown_names_and_missing_files_are_refused_before_anything_is_fitted(
    folder: Path, made: list[Any]
) -> None:
    with pytest.raises(InputError, match="--sides must name some of superpose, .*found x"):
        Plan(folder, ("yacht",), ("x",))
    with pytest.raises(InputError, match="--tables must name some of mcycle, .*found nothing"):
        Plan(folder, ("nothing",))
    plan = Plan(folder, ("yacht", "wage"), ("splines",))
    with pytest.raises(InputError, match=r"must hold wage\.csv or wage\.csv\.gz"):
        run_tables(plan, Results(folder / "bench.json", plan.protocol))
    assert made == []
