"""A table is read as fit saw its columns, whatever the types of the new one."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

from superpose.errors import InputError
from superpose.estimators.matching import check_columns, positions
from superpose.estimators.schema import MAX_LEVELS, Schema
from superpose.estimators.table import read_table


def schema_of(**columns: object) -> Schema:
    return Schema.from_table(read_table(pd.DataFrame(columns)))


def test_numbers_may_come_as_text_that_spells_them() -> None:
    schema = schema_of(a=[1.0, 2.0])
    found = schema.encode(read_table(pd.DataFrame({"a": ["2.5", None]})))
    np.testing.assert_array_equal(found, [[2.5], [np.nan]])


def test_text_in_a_column_of_numbers_is_refused() -> None:
    sentence = (
        "column 'a' must hold numbers, as it did in fit; found the text 'old' in row 1; "
        "correct the cell, or leave it empty if the value is not known"
    )
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        schema_of(a=[1.0, 2.0]).encode(read_table(pd.DataFrame({"a": ["2.5", "old"]})))


def test_levels_may_come_as_numbers_that_are_spelt_like_them() -> None:
    schema = schema_of(a=pd.Categorical([1, 2]))
    found = schema.encode(read_table(pd.DataFrame({"a": [2.0, 1.0, 3.0, None]})))
    np.testing.assert_array_equal(found, [[1.0], [0.0], [-1.0], [np.nan]])


def test_rare_levels_are_pooled_by_their_counts() -> None:
    common = [f"c{i}" for i in range(MAX_LEVELS - 1)]
    schema = schema_of(a=common * 2 + ["r1", "r2"])
    assert schema.columns[0].levels == (*sorted(common), "other (2 levels)")
    codes = schema.encode(read_table(pd.DataFrame({"a": ["c0", "r1", "never seen", None]})))[:, 0]
    np.testing.assert_array_equal(codes, [0.0, MAX_LEVELS - 1, MAX_LEVELS - 1, np.nan])


def test_names_of_levels_play_no_part_in_the_pooling() -> None:
    cells = [f"level {i}" for i in range(150) for _ in range(1 + i % 3)]
    renamed = [cell[::-1] for cell in cells]
    first, second = schema_of(a=cells), schema_of(a=renamed)
    assert len(first.columns[0].levels) == len(second.columns[0].levels)
    new = dict(zip(cells, renamed, strict=True))
    kept = {new[level] for level in first.columns[0].levels[:-1]}
    assert kept == set(second.columns[0].levels[:-1])


def test_levels_of_weight_zero_are_not_known() -> None:
    table = read_table(pd.DataFrame({"a": ["u", "v"]}))
    assert Schema.from_table(table, np.array([1.0, 0.0])).columns[0].levels == ("u",)


def test_a_schema_survives_json() -> None:
    schema = schema_of(a=[1.0, None], b=["u", "v"])
    assert Schema.from_dict(json.loads(json.dumps(schema.to_dict()))) == schema


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (["b", "a"], "found the same names in another order"),
        (["a", "c"], "found unseen at fit: 'c', missing now: 'b'"),
    ],
)
def test_columns_that_differ_are_refused(columns: list[str], found: str) -> None:
    schema = schema_of(a=[1.0], b=[2.0])
    sentence = (
        f"the feature names should match those of fit: 'a', 'b'; {found}; "
        "pass X[list(model.feature_names_in_)]"
    )
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        check_columns(read_table(pd.DataFrame([[1, 2]], columns=columns)), schema, "KSTRegressor")


def test_another_number_of_columns_is_refused() -> None:
    sentence = (
        "a table must have the columns of fit: 'a', 'b'; X has 1 features, but KSTRegressor is "
        "expecting 2 features as input; pass these columns in this order"
    )
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        check_columns(read_table([[1.0]]), schema_of(a=[1.0], b=[2.0]), "KSTRegressor")


def test_names_on_one_side_only_are_a_warning() -> None:
    words = "^X does not have valid feature names, but KSTRegressor was fitted with feature names$"
    with pytest.warns(UserWarning, match=words):
        check_columns(read_table([[1.0]]), schema_of(a=[1.0]), "KSTRegressor")


def test_pairs_by_name_or_position() -> None:
    names = ("age", "sex", "bmi")
    assert positions("auto", names) == "auto"
    assert positions(3, names) == 3
    assert positions([("bmi", "age"), (1, "age"), (2, 0)], names) == [(0, 1), (0, 2)]


@pytest.mark.parametrize(
    ("pairs", "sentence"),
    [
        (
            [("age", "bmj")],
            "pairs must name columns of the table: 'age', 'bmi'; found 'bmj'; correct the name, or "
            "give the position from 0",
        ),
        (
            [(0, 2)],
            "pairs must name columns of the table: 'age', 'bmi'; found 2; correct the name, or "
            "give the position from 0",
        ),
        (
            [("age", 0)],
            "a pair must be two different columns; found 'age' twice; main curves are always there "
            "and need no entry in pairs",
        ),
        (
            ["age"],
            'every entry of pairs must be two columns; found \'age\'; write ("age", "bmi")',
        ),
    ],
    ids=str,
)
def test_pairs_that_are_none_are_refused(pairs: list, sentence: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        positions(pairs, ("age", "bmi"))


def test_levels_from_elsewhere_must_be_text() -> None:
    state = schema_of(hue=["red", "blue"]).to_dict()
    state["columns"][0]["levels"][1] = ["red"]
    with pytest.raises(TypeError, match="levels are text"):
        Schema.from_dict(state)
