"""A damaged or hostile model file is refused by name, or changes nothing; it never runs anything.

A thousand mutations of five small models, among them curves with shapes and with tests, parts of
which something moved, edits, several classes: of the bytes of a file, where the checksum finds
them, and of what a file says, under a checksum that is right.
"""

from __future__ import annotations

import copy
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save

from superpose import KSTClassifier, KSTRegressor
from superpose.errors import ModelFileError
from superpose.estimators import load
from superpose.estimators.model_file import read_model, write_model
from superpose.estimators.model_state import model_from, state_of

#: How often each kind is damaged and forged; 1,000 in all. A term costs most to build.
TRIALS = {
    "two classes": (90, 160),
    "three classes": (90, 90),
    "pairs and terms": (90, 90),
    "shapes": (90, 160),
    "three classes with a pair": (90, 50),
}
REFUSALS = (
    r"the model file .* must hold finite numbers; found others in .*; .*",
    r"the file must hold a KST\w+; found a .*; .*",
    r"the file must describe a model; found that its (header|parameters|schema|classes|fit|scatter"
    r"|summary|sections) (do|does) not.* \(\w+: .*\); .*",
)
"""What is said of a forgery: which of its sections is wrong, and why."""


def test_there_are_a_thousand_mutations() -> None:
    assert sum(sum(counts) for counts in TRIALS.values()) == 1000


ROWS = 40  # so many that curves are asked whether they jump


def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"dose": rng.normal(size=ROWS), "site": rng.choice(["n", "s"], ROWS)})
    X.loc[::5, "dose"] = np.nan
    return X


def fitted(kind: str) -> Any:
    X = table()
    y = X["dose"].fillna(0.0) * (X["site"] == "n") + np.random.default_rng(1).normal(0, 0.3, ROWS)
    if kind == "pairs and terms":
        return KSTRegressor(pairs=[(0, 1)], terms=[(0, 1)], knots=4).fit(X, y)
    if kind == "shapes":
        X["age"] = np.linspace(20, 60, len(X)) % 7
        known = {"dose": "increasing", "age": ("decreasing", "convex")}
        model = KSTRegressor(pairs=0, terms=0, knots=4, shapes=known).fit(X, y)
        return model.edit("site", reason="few rows").set({"n": 0.3})
    cuts = [0.5] if kind == "two classes" else [0.0, 1.0]
    pairs = [(0, 1)] if kind.endswith("with a pair") else 0
    return KSTClassifier(pairs=pairs, terms=0, knots=4).fit(X, np.digitize(y, cuts))


def test_the_models_hold_what_is_to_be_forged() -> None:
    models = {kind: fitted(kind) for kind in TRIALS}
    parts = [it for model in models.values() for it in model.fit_.network.parts]
    assert {it.kind for it in parts} == {"curve", "pair", "term"}
    assert any(it.basis.shape == ("decreasing", "convex") for it in parts if it.kind == "curve")
    moved = [it for part in parts if part.kind != "curve" for it in part.moved]
    assert sum(bool(it.heights.any()) for it in moved) >= 3
    kept = [it for model in models.values() for it in model.summary_.parts]
    assert any(it.no_effect is not None for it in kept)
    assert any(it.jump is not None for it in kept)
    assert models["pairs and terms"].fit_.posterior.shares[-1].moved
    assert models["shapes"].fit_.posterior.shares[0].draws is not None
    assert models["shapes"].edits_


@pytest.fixture(scope="module", params=TRIALS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def model(kind: str) -> Any:
    return fitted(kind)


def predicted(model: Any) -> np.ndarray:
    X = table().assign(age=np.linspace(20, 60, ROWS) % 7)[list(model.schema_.names)]
    if isinstance(model, KSTClassifier):
        return model.predict_proba(X)
    return np.column_stack(model.predict(X, return_std=True))


def read(model: Any) -> None:
    """Everything that a person would look at."""
    for shown in (model.curves_, model.pairs_, model.terms_, model.importances_, model.edits_):
        assert repr(shown)
    assert repr(model.interactions_)
    assert repr(model.complexity_path_)


#: What a file could do to the machine, by the names that Python gives such events.
EFFECTS = {"exec", "compile", "import", "pickle.find_class", "os.system", "subprocess.Popen"}
EFFECTS |= {"os.exec", "os.posix_spawn", "ctypes.dlopen", "socket.connect", "os.remove"}
SEEN: list[str] = []
WATCHED: list[bool] = []


def _note(event: str, arguments: tuple) -> None:
    if WATCHED and event in EFFECTS:
        SEEN.append(f"{event} {arguments}")


@contextmanager
def nothing_runs() -> Iterator[None]:
    """Fail if anything is executed, imported or removed meanwhile."""
    if _note not in HOOKED:
        sys.addaudithook(_note)
        HOOKED.append(_note)
    SEEN.clear()
    WATCHED.append(True)
    try:
        yield
    finally:
        WATCHED.clear()
    assert SEEN == []


HOOKED: list[Any] = []


def test_the_watch_sees_what_runs() -> None:
    with pytest.raises(AssertionError, match="compile"), nothing_runs():
        exec("1 + 1")


def damaged(whole: bytes, rng: np.random.Generator) -> bytes:
    """Cut, flipped, overwritten, repeated, moved: in the header as often as in the numbers."""
    end = len(whole) if rng.random() < 0.5 else 8 + int.from_bytes(whole[:8], "little")
    start, stop = sorted(rng.integers(end, size=2).tolist())
    piece = whole[start : min(stop, start + 40)]
    match int(rng.integers(6)):
        case 0:
            return whole[:start]
        case 1:
            return whole[:start] + whole[start + len(piece) :]
        case 2:
            return whole[:start] + piece + whole[start:]
        case 3:
            return whole[:start] + rng.bytes(len(piece)) + whole[start + len(piece) :]
        case 4:
            return whole[:stop] + piece + whole[stop + len(piece) :]
    flipped = bytearray(whole)
    for place in rng.integers(end, size=int(rng.integers(1, 4))).tolist():
        flipped[place] ^= 1 << int(rng.integers(8))
    return bytes(flipped)


def test_damage_is_found_or_changes_nothing(model: Any, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    model.save(path)
    whole, wanted, rng = path.read_bytes(), predicted(load(path)), np.random.default_rng(0)
    messages = []
    for _ in range(TRIALS[kind][0]):
        path.write_bytes(damaged(whole, rng))
        try:
            with nothing_runs():
                again = load(path)
        except ModelFileError as error:
            messages.append(str(error))
            continue
        np.testing.assert_array_equal(predicted(again), wanted)
    assert len(messages) > 0.9 * TRIALS[kind][0]
    named = f"the model file {str(path)!r} must "
    assert [it for it in messages if not it.startswith(named)] == []


def places(tree: Any, path: tuple = ()) -> Iterator[tuple]:
    """Paths to every value of a nested structure."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, (dict, list)):
            yield from places(value, (*path, key))


DEEP: list = []
for _ in range(200):
    DEEP = [DEEP]
NONSENSE = [None, -1, 0, 3, 1.5, 1e300, 10**400, "", "x", "\ud800", "__class__", True]
NONSENSE += [[], {}, [[]], DEEP, {"number": "nan"}, {"number": "-inf"}, {"number": "x"}]


def forged(header: dict, rng: np.random.Generator) -> tuple[dict, tuple]:
    """A header of which one value is nonsense, gone, doubled, turned round, or in other's place."""
    header = copy.deepcopy(header)
    everywhere = list(places(header))
    path = everywhere[int(rng.integers(len(everywhere)))]
    inside: Any = header
    for key in path[:-1]:
        inside = inside[key]
    key, old = path[-1], inside[path[-1]]
    match int(rng.integers(5)):
        case 0:
            del inside[key]
        case 1 if isinstance(old, list):
            inside[key] = old[::-1] if rng.random() < 0.5 else old + old
        case 2:
            other = everywhere[int(rng.integers(len(everywhere)))]
            value: Any = header
            for step in other:
                value = value[step]
            inside[key] = copy.deepcopy(value)
        case _:
            inside[key] = NONSENSE[int(rng.integers(len(NONSENSE)))]
    return header, path


def reshaped(arrays: dict, rng: np.random.Generator) -> dict:
    """Arrays of which one is gone, cut, turned, scaled, doubled, empty, or in another's place."""
    arrays = dict(arrays)
    names = sorted(arrays)
    name, other = (names[int(rng.integers(len(names)))] for _ in range(2))
    it = arrays[name]
    choices = [it[..., :-1], it.T[None], -it, 0 * it, np.zeros(0), 1e200 * it, arrays[other]]
    choices += [np.concatenate([it, it]), it + 1e-9, np.zeros((0, 7)), np.float64(it.sum())]
    pick = int(rng.integers(len(choices) + 1))
    if pick == len(choices):
        del arrays[name]
    else:
        arrays[name] = np.asarray(choices[pick])
    return arrays


#: What a prediction is made of; elsewhere a file may say what it likes of how the fit went.
LEARNED = {"schema", "classes", "fit"}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::superpose.errors.ConvergenceWarning")
def test_a_forgery_is_refused_by_name_or_a_model(model: Any, kind: str, tmp_path: Path) -> None:
    """Where the forged value has no part in predictions, they are the same bit for bit."""
    path = tmp_path / "m.safetensors"
    model.save(path)
    header, arrays = read_model(path)
    wanted, rng = predicted(load(path)), np.random.default_rng(1)
    messages = []
    for trial in range(TRIALS[kind][1]):
        said, place = forged(header, rng) if trial % 3 else (header, ("fit",))
        write_model(path, said, arrays if trial % 3 else reshaped(arrays, rng))
        try:
            with nothing_runs():
                again = load(path)
        except ModelFileError as error:
            messages.append(str(error))
            continue
        found = predicted(again)
        if trial % 2:
            read(again)
        assert found.shape == wanted.shape
        assert np.isfinite(found).all()
        if place[0] not in LEARNED:
            np.testing.assert_array_equal(found, wanted)
    assert 0.3 * TRIALS[kind][1] < len(messages) < TRIALS[kind][1]
    known = re.compile("|".join(REFUSALS), re.DOTALL)
    assert [it for it in messages if not known.fullmatch(it)] == []


def test_the_section_that_is_wrong_is_named(model: Any) -> None:
    header, arrays = state_of(model)
    for section in ("parameters", "schema", "classes", "fit", "summary"):
        with pytest.raises(ModelFileError, match=f"found that its {section} do"):
            model_from(type(model), {**header, section: 7}, arrays)


@pytest.mark.parametrize(
    "change",
    [
        lambda schema: schema["columns"][1].update(levels=[["n"], "s"]),
        lambda schema: schema["columns"][1].update(levels=["n", "n"]),
        lambda schema: schema["columns"][1].update(levels=[]),
        lambda schema: schema["columns"][0].update(levels=["n"]),
        lambda schema: schema["columns"][0].update(name=3),
        lambda schema: schema["columns"][0].update(name="site"),
        lambda schema: schema["columns"][0].update(kind="date"),
        lambda schema: schema["columns"][0].update(missing="no"),
        lambda schema: schema["columns"][1].update(pooled=0),
        lambda schema: schema["columns"][1].update(other=0),
        lambda schema: schema.update(named=-1.5),
        lambda schema: schema.update(columns=[]),
    ],
)
def test_a_schema_of_no_columns_is_refused(change: Any) -> None:
    header, arrays = state_of(fitted("two classes"))
    change(header["schema"])
    with pytest.raises(ModelFileError, match="found that its schema does not"):
        model_from(KSTClassifier, header, arrays)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("jump", [1.0]),
        ("jump", ["1.0", 0.1]),
        ("jump", [{"number": "nan"}, 0.1]),
        ("jump", [0.1, 1.5]),
        ("jump", {"place": 0.1}),
        ("no_effect", "0.5"),
        ("no_effect", -0.1),
        ("no_effect", True),
        ("no_effect", {"number": "nan"}),
        ("importance", None),
        ("dof", 10**400),
        ("name", 3),
        ("attributes", [9]),
        ("counts", [[1, 2], [3]]),
    ],
    ids=str,
)
def test_a_part_that_no_rows_could_have_is_refused(field: str, value: Any) -> None:
    header, arrays = state_of(fitted("two classes"))
    header["summary"]["parts"][0][field] = value
    with pytest.raises(ModelFileError, match="found that its summary does not"):
        model_from(KSTClassifier, header, arrays)


@pytest.mark.parametrize(
    "value", [[0, 5, 1.0], [0, 1, {"number": "inf"}], [0], ["dose", 1, 2], 3, [-1, 0, 1.0]], ids=str
)
def test_a_screened_pair_that_is_none_is_refused(value: Any) -> None:
    header, arrays = state_of(fitted("two classes"))
    header["fit"]["screened"] = [value]
    with pytest.raises(ModelFileError, match="found that its fit does not"):
        model_from(KSTClassifier, header, arrays)


@pytest.mark.parametrize("kind_of_label", ["U999999999", "V8", "(2,", "i8,i8", "<U5)", "M8[s]"])
def test_types_of_labels_that_are_none_are_refused(kind_of_label: str) -> None:
    """The first would take 8 GB."""
    header, arrays = state_of(fitted("two classes"))
    header["classes"]["type"] = kind_of_label
    with pytest.raises(ModelFileError, match="labels must be numbers, text or booleans"):
        model_from(KSTClassifier, header, arrays)


@pytest.mark.parametrize(
    "value", ["1e999", "-1e999", "[" * 330 + "]" * 330, "[" * 960 + "]" * 960], ids=len
)
def test_a_header_that_json_can_read_but_not_write(value: str, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    text = '{"format": "superpose model", "version": 1, "sha256": null, "header": {"a": %s}}'
    path.write_bytes(save({"z": np.zeros(1)}, {"superpose": text % value}))
    with pytest.raises(ModelFileError, match="checksum is wrong|must have a JSON header"):
        read_model(path)
