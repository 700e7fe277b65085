"""The container of a model: what was written comes back, what was damaged is refused."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from superpose.errors import ModelFileError
from superpose.estimators import model_file
from superpose.estimators.model_file import read_model, write_model

HEADER = {"name": "a", "list": [1, 2.5, None, "é"]}
ARRAYS = {"z": np.linspace(-1, 1, 7), "empty": np.zeros((0, 3)), "a.b": np.eye(2)}
AGAIN = "save the model again, or use another file"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "m.safetensors"
    write_model(path, HEADER, ARRAYS)
    return path


def test_what_was_written_comes_back(path: Path) -> None:
    header, arrays = read_model(path)
    assert header == HEADER
    assert set(arrays) == set(ARRAYS)
    for name, array in arrays.items():
        assert array.dtype == np.float64
        np.testing.assert_array_equal(array, ARRAYS[name])


def test_the_same_model_is_the_same_file(path: Path, tmp_path: Path) -> None:
    write_model(tmp_path / "n.safetensors", HEADER, ARRAYS)
    assert (tmp_path / "n.safetensors").read_bytes() == path.read_bytes()


def test_nothing_half_written_is_left(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()

    def fail(*args: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="the disk is full"):
        write_model(path, {"other": 1}, {})
    assert [it.name for it in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == before


def refused(path: Path, must: str, found: str, do: str = AGAIN) -> str:
    return f"^{re.escape(f'the model file {str(path)!r} {must}; {found}; {do}')}$"


def test_no_file(tmp_path: Path) -> None:
    path = tmp_path / "none"
    with pytest.raises(
        ModelFileError, match=refused(path, "must be a file", "found none there", "check the path")
    ):
        read_model(path)


def test_a_file_that_is_too_large(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_file, "MAX_BYTES", 10)
    size = path.stat().st_size
    with pytest.raises(
        ModelFileError, match=refused(path, "must have at most 10 bytes", f"found {size}")
    ):
        read_model(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x80\x04K\x01.", b"\xff" * 100])
def test_something_else(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="must be a safetensors file; found that it is none"):
        read_model(path)


def metadata(arrays: dict[str, np.ndarray], **changes: object) -> dict[str, str]:
    """What `write_model` puts into the header, with some of it changed, the checksum right."""
    header = changes.get("header", HEADER)
    whole = {
        "format": "superpose model",
        "version": 1,
        "sha256": model_file._checksum(header, arrays),
        "header": header,
        **changes,
    }
    return {"superpose": json.dumps(whole)}


def test_the_helper_of_these_tests_writes_files_that_can_be_read(path: Path) -> None:
    path.write_bytes(save(ARRAYS, metadata(ARRAYS)))
    assert read_model(path)[0] == HEADER


@pytest.mark.parametrize(
    ("changes", "must", "found", "do"),
    [
        ({"format": "pt"}, "must say that it is a superpose model", "found 'pt'", AGAIN),
        (
            {"header": [1]},
            "must say that it is a superpose model",
            "found 'superpose model'",
            AGAIN,
        ),
        (
            {"version": 2},
            "must have version 1 of the format",
            "found version 2",
            "load it with the release of superpose that wrote it, or update superpose",
        ),
        (
            {"sha256": "0"},
            "must be as it was written",
            "found that its checksum is wrong",
            AGAIN,
        ),
    ],
    ids=["format", "header", "version", "checksum"],
)
def test_a_foreign_header(
    path: Path, changes: dict[str, object], must: str, found: str, do: str
) -> None:
    path.write_bytes(save(ARRAYS, metadata(ARRAYS, **changes)))
    with pytest.raises(ModelFileError, match=refused(path, must, found, do)):
        read_model(path)


@pytest.mark.parametrize("meta", [None, {"format": "pt"}])
def test_a_safetensors_file_of_something_else(path: Path, meta: dict[str, str] | None) -> None:
    path.write_bytes(save(ARRAYS, meta))
    must, found = "must be written by superpose", "found another kind of safetensors file"
    with pytest.raises(ModelFileError, match=refused(path, must, found)):
        read_model(path)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "must have a JSON header; found none"),
        ("{", "must have a JSON header; found none"),
        ("[" * 100_000, "must have a JSON header; found none"),
        ('{"a": NaN}', "must have a JSON header; found none (NaN is no JSON)"),
        ("[1]", "must have a JSON object as header; found a list"),
    ],
    ids=["empty", "open", "deep", "nan", "list"],
)
def test_a_header_that_is_no_json_object(path: Path, text: str, found: str) -> None:
    path.write_bytes(save(ARRAYS, {"superpose": text}))
    with pytest.raises(ModelFileError, match=re.escape(found)):
        read_model(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_not_finite(path: Path, bad: float) -> None:
    arrays = {"z": np.array([0.0, bad])}
    path.write_bytes(save(arrays, metadata(arrays)))
    with pytest.raises(
        ModelFileError, match=refused(path, "must hold finite numbers", "found others in 'z'")
    ):
        read_model(path)


def test_arrays_of_another_type(path: Path) -> None:
    arrays = {"z": np.zeros(2, dtype=np.float32)}
    path.write_bytes(save(arrays, metadata(arrays)))
    with pytest.raises(
        ModelFileError, match=refused(path, "must hold float64 arrays only", "found {'z': 'F32'}")
    ):
        read_model(path)


def test_every_truncation_and_mutation_is_refused(path: Path) -> None:
    """Or changes nothing: the padding of the header may hold any spaces."""
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for trial in range(400):
        damaged = bytearray(whole)
        if trial % 4 == 0:
            del damaged[int(rng.integers(len(whole))) :]
        else:
            for place in rng.integers(len(whole), size=1 + trial % 3):
                damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            header, arrays = read_model(path)
        except ModelFileError:
            continue
        assert header == HEADER
        assert all(np.array_equal(array, ARRAYS[name]) for name, array in arrays.items())
