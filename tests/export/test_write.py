"""Files are written whole, in the form that was asked for."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from sklearn.exceptions import NotFittedError

from superpose import KSTRegressor
from superpose.errors import InputError


@pytest.fixture(scope="module")
def line() -> KSTRegressor:
    return KSTRegressor(pairs=0, terms=0).fit([[0.0], [1.0], [2.0], [4.0]], [0.0, 1.0, 2.0, 4.0])


@pytest.mark.parametrize("to", ["onnx", "json", "csv", "sql"])
def test_the_ending_or_the_word_says_the_form(to: str, line: KSTRegressor, tmp_path: Path) -> None:
    one, other = tmp_path / f"m.{to.upper()}", tmp_path / "other"
    assert line.export(one) == one
    line.export(other, to)
    assert one.read_bytes() == other.read_bytes()
    begins = {"onnx": b"\x08", "json": b"{", "csv": b"kind,", "sql": b"WITH "}
    assert one.read_bytes().startswith(begins[to])
    assert sorted(it.name for it in tmp_path.iterdir()) == [one.name, "other"]


def test_options_reach_the_query(line: KSTRegressor, tmp_path: Path) -> None:
    text = line.export(tmp_path / "m.sql", table="t 1", keep=["id"]).read_text()
    assert 'FROM "t 1"' in text
    assert '"id" AS k0' in text
    assert json.loads(line.export(tmp_path / "m.json").read_text())["format"] == "superpose tables"


@pytest.mark.parametrize("path", ["m", "m.pmml"])
def test_another_form_is_refused(path: str, line: KSTRegressor, tmp_path: Path) -> None:
    found = path.partition(".")[2]
    sentence = f"an export must be one of onnx, json, csv, sql; found {found!r}; pass to="
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}"):
        line.export(tmp_path / path)


def test_no_folder(line: KSTRegressor, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="^an export is written into a folder that exists"):
        line.export(tmp_path / "none" / "m.sql")


def test_nothing_is_written_of_a_model_that_is_not_fitted(tmp_path: Path) -> None:
    with pytest.raises(NotFittedError):
        KSTRegressor().export(tmp_path / "m.json")
    assert list(tmp_path.iterdir()) == []
