"""Wide tables: what the model does not read is named, and moves nothing."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from superpose import KSTClassifier, KSTRegressor
from superpose.cli.app import app
from superpose.fitting.superposition import relevant

N, READ = 300, ["x1", "x4"]
ADDITIVE = dict(pairs=0, terms=0, knots=8)
UNREAD = ["x0", "x2", "x3", "x5"]


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    """Six attributes are wide here."""
    monkeypatch.setattr(relevant, "WIDE", 40)


def table():
    X = pd.DataFrame(np.random.default_rng(2).uniform(size=(N, 6))).add_prefix("x")
    noise = np.random.default_rng(1).normal(size=N)
    return X, np.sin(6 * X["x1"]) + X["x4"] + 0.2 * noise


@pytest.fixture
def model():
    with pytest.warns(UserWarning, match=r"4 of the 6 attributes got no curve.*'x0', 'x2'"):
        return KSTRegressor(**ADDITIVE).fit(*table())


def test_what_is_not_read_is_named_and_moves_nothing(model):
    X, _ = table()
    assert list(model.curves_) == READ
    assert model.unread_ == UNREAD
    assert model.n_features_in_ == 6
    other = X.assign(**dict.fromkeys(UNREAD, 99.0))
    assert np.array_equal(model.predict(other), model.predict(X))


def test_a_file_of_a_wide_model_gives_it_back(model, tmp_path):
    X, _ = table()
    model.save(tmp_path / "model.superpose")
    again = KSTRegressor.load(tmp_path / "model.superpose")
    assert again.unread_ == UNREAD
    assert np.array_equal(again.predict(X, return_std=True), model.predict(X, return_std=True))
    found, right = again.explain(X[:5]), model.explain(X[:5])
    assert np.array_equal(found.values, right.values)
    assert list(found.names) == READ


def test_a_page_says_what_has_no_effect(model, tmp_path):
    page = model.report(tmp_path / "page.html").read_text(encoding="utf-8")
    assert "attributes offered, 4 of them without any effect" in page
    assert "4 have no effect on any prediction: x0, x2, x3 and x5" in page


def test_the_terminal_says_it(tmp_path, monkeypatch):
    monkeypatch.setattr(relevant, "WIDE", 100)  # curves of 24 control points
    X, y = table()
    X.assign(y=y).to_csv(tmp_path / "table.csv", index=False)
    options = ["--target", "y", "--pairs", "0", "--terms", "0"]
    said = CliRunner().invoke(app, ["fit", str(tmp_path / "table.csv"), *options, "--json"])
    found = json.loads(said.stdout)
    assert found["unread"] == UNREAD
    assert any("4 of the 6 attributes got no curve" in note for note in found["notes"])


def test_classes_are_read_from_few_columns():
    X, y = table()
    with pytest.warns(UserWarning, match="got no curve"):
        model = KSTClassifier(**ADDITIVE).fit(X, np.digitize(y, [0.3, 1.0]))
    assert set(READ) <= set(model.curves_)
    assert not set(model.unread_) & set(model.curves_)


def test_a_table_that_is_not_wide_reads_every_column(monkeypatch):
    monkeypatch.undo()
    assert KSTRegressor(**ADDITIVE).fit(*table()).unread_ == []
