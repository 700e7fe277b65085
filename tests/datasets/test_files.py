"""Tables from files, and what is refused, with the whole sentence."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pandas as pd
import pytest

from superpose.datasets import read_frame, read_table, write_frame
from superpose.errors import InputError

FRAME = pd.DataFrame({"age": [31.5, None], "colour": ["red", "blué"], "class": [0, 1]})


CUT_SHORT = gzip.compress(b"a\n1\n" * 99, mtime=0)[:20]


@pytest.mark.parametrize(
    "name", ["t.csv", "t.tsv", "t.csv.gz", "t.txt", "t.parquet", "t.pq", "T.CSV", "T.CSV.GZ"]
)
def test_what_was_written_is_read(tmp_path: Path, name: str) -> None:
    write_frame(FRAME, tmp_path / name)
    pd.testing.assert_frame_equal(read_frame(tmp_path / name), FRAME)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(separator.join("abc") + "\n" + separator.join("123") + "\n")
    assert read_frame(path).to_dict("list") == {"a": [1], "b": [2], "c": [3]}


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbfa,b\n1,2\n")
    assert list(read_frame(path).columns) == ["a", "b"]


def test_dates_are_dates(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        "day,moment,word,no\n2024-07-02,2024-07-02 13:45,2024-07-02,2024-13-01\n,,soon,\n"
    )
    frame = read_frame(path)
    assert [frame[name].dtype.kind for name in ("day", "moment")] == ["M", "M"]
    assert frame["moment"][0] == pd.Timestamp(2024, 7, 2, 13, 45)
    assert frame["no"][0] == "2024-13-01"
    assert frame["word"].tolist() == ["2024-07-02", "soon"]


def test_the_target_is_split_off(tmp_path: Path) -> None:
    write_frame(FRAME, tmp_path / "t.csv")
    X, y = read_table(tmp_path / "t.csv", "class")
    assert list(X.columns) == ["age", "colour"]
    assert (y.name, y.tolist()) == ("class", [0, 1])


@pytest.mark.parametrize(
    ("target", "hint"), [("clas", "perhaps 'class' was meant"), ("zzz", "check the name")]
)
def test_a_target_that_is_not_there_is_refused(tmp_path: Path, target: str, hint: str) -> None:
    write_frame(FRAME, tmp_path / "t.csv")
    sentence = (
        "the target must be a column of the table: age, colour, class; "
        f"found no column {target!r}; {hint}"
    )
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        read_table(tmp_path / "t.csv", target)


@pytest.mark.parametrize(
    ("name", "content", "must", "found"),
    [
        ("t.csv", None, "must be a file with a table", "found nothing there"),
        ("t.csv", b"", "must be a table that can be read", "found that it cannot (EmptyDataError"),
        ("t.csv", b"a,b\n", "must have rows and columns", "found 0 rows and 2 columns"),
        ("t.csv", b"a\n1,2\n3,4,5\n", "must be a table that can be read", "(ParserError"),
        ("t.csv", b"a\n\xff\xfe\n", "must be a table that can be read", "(UnicodeDecodeError"),
        ("t.csv.gz", b"a\n1\n", "must be a table that can be read", "(BadGzipFile"),
        ("t.csv.gz", CUT_SHORT, "must be a table that can be read", "("),
        ("t.parquet", b"PAR1", "must be a table that can be read", "(ArrowInvalid"),
        ("t.xlsx", b"PK", "the name of a table must end in one of .csv,", "found 't.xlsx'"),
    ],
    ids=str,
)
def test_a_file_without_a_table_is_refused(
    tmp_path: Path, name: str, content: bytes | None, must: str, found: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_frame(tmp_path / name)
    assert must in caught.value.must
    assert found in caught.value.found


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be a file with a table; found a folder; check the"):
        read_frame(tmp_path)
