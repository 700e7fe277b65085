"""The picture holds the numbers of the account."""

from __future__ import annotations

from pathlib import Path

from tests.bench.made_cells import cell, refused

from superpose.bench import BenchDisplay, account


def test_marks_are_ratios_to_the_best_side_and_seconds(tmp_path: Path) -> None:
    cells = [
        cell("yacht", "superpose", 0.2, 3.0),
        cell("yacht", "splines", 0.3, 0.1),
        cell("penguins", "superpose", 0.5, 4.0),
        cell("penguins", "splines", 0.1, 0.2),
        refused("penguins", "pygam"),
    ]
    drawn = BenchDisplay(account(cells)).plot()
    ours, theirs = drawn.losses_["superpose"], drawn.losses_["splines"]
    assert ours.get_xydata().tolist() == [[1.0, 0.0], [3.0, 1.0]]  # five times, drawn at three
    assert theirs.get_xydata().round(9).tolist() == [[1.5, 0.0], [1.0, 1.0]]
    assert drawn.cpu_["superpose"].get_xdata().tolist() == [3.0, 4.0]
    assert set(drawn.losses_) == {"superpose", "splines"}
    drawn.save(tmp_path / "bench.svg")
    assert "yacht" in (tmp_path / "bench.svg").read_text()
