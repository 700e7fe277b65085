"""What the tests of curves found is shown, kept in the file, and forgotten by an edit."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from superpose import KSTRegressor
from superpose.explain import TrainingSummary


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.uniform(0, 10, 500), "b": rng.uniform(0, 1, 500)})
    y = np.where(X["a"] > 6, 1.0, -1.0) + rng.normal(0, 0.5, 500)
    return KSTRegressor(pairs=0, terms=0).fit(X, y)


def test_curves_and_importances_say_what_was_found(model) -> None:
    step, null = model.curves_["a"], model.curves_["b"]
    assert step.jumps()
    assert step.jump[0] == pytest.approx(6, abs=0.3)
    assert not null.jumps()
    assert step.no_effect < 1e-4 < 0.05 < null.no_effect
    assert "may jump near 6" in repr(step)
    assert "may jump" not in repr(null)
    assert model.importances_["b"].no_effect == null.no_effect
    assert model.importances_.to_frame()["no_effect"].tolist() == [step.no_effect, null.no_effect]
    assert "< 0.0001" in repr(model.importances_)


def test_the_report_warns_of_the_jump(model, tmp_path: Path) -> None:
    page = model.report(tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Curves that may jump" in page
    assert "sharper than the curve takes: a near 6" in page
    assert "evidence as strong as this would turn up with a probability of &lt; 0.0001" in page


def test_it_is_kept_in_the_file_and_forgotten_by_an_edit(model, tmp_path: Path) -> None:
    model.save(tmp_path / "model.kst")
    again = KSTRegressor.load(tmp_path / "model.kst")
    assert again.curves_["a"].jump == model.curves_["a"].jump
    assert again.importances_["b"].no_effect == model.importances_["b"].no_effect
    edited = model.edit("a").smooth(1.5)
    assert edited.curves_["a"].jump is None
    assert edited.curves_["a"].no_effect is None
    assert edited.curves_["b"].no_effect == model.curves_["b"].no_effect


def test_a_summary_from_before_there_were_tests_is_read(model) -> None:
    state = model.summary_.to_dict()
    for part in state["parts"]:
        del part["no_effect"], part["jump"]
    summary = TrainingSummary.from_dict(state)
    assert summary.parts[0].jump is None
