"""Sequences in .ts files: what is read, and what is refused with the line named."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from superpose.datasets import read_series
from superpose.errors import InputError

HEADER = "# words\n@problemName made\n@timeStamps false\n@classLabel true a b\n@data\n"


def test_channels_lengths_labels_and_missing_samples(tmp_path: Path) -> None:
    text = HEADER + "1,2,3:4, ?,-6e1:a\n\n7:8:b\n"
    (tmp_path / "made.ts").write_text(text)
    (tmp_path / "made.ts.gz").write_bytes(gzip.compress(text.encode()))
    for name in ("made.ts", "made.ts.gz"):
        sequences, labels = read_series(tmp_path / name)
        np.testing.assert_array_equal(sequences[0], [[1, 4], [2, np.nan], [3, -60]])
        np.testing.assert_array_equal(sequences[1], [[7, 8]])
        assert labels.tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1,2:a\n", "must have a header that ends in @data; found '1,2:a' in line 1; "),
        ("@data\n1:a\n", "must have labels: @classLabel true ...; found none; "),
        ("@timeStamps true\n", "no sequences with times of their own; found @timestamps true; "),
        ("@targetLabel true\n", "no sequences with a number as target; found @targetlabel true; "),
        (HEADER, "must hold sequences after @data; found none; "),
        (HEADER + "1,2:3:a\n", "channels of one length in every line; found [1, 2] in line 6; "),
        (HEADER + "1:a\n1:2:a\n", "channels in every line; found 2 instead of 1 in line 7; "),
        (HEADER + "1,x:a\n", "numbers between commas; found in line 6 that could not convert"),
        (HEADER + "1,2\n", "channels of one length in every line; found no channel in line 6; "),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(text: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "made.ts").write_text(text)
    with pytest.raises(InputError) as refused:
        read_series(tmp_path / "made.ts")
    assert sentence in str(refused.value)


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "made.ts.gz").write_text("no gzip")
    with pytest.raises(InputError, match="must be a text that can be read"):
        read_series(tmp_path / "made.ts.gz")
    with pytest.raises(InputError, match="must be a file; found none there; check the path"):
        read_series(tmp_path / "none.ts")
    with pytest.raises(InputError, match=r"must be a \.ts or a \.ts\.gz file"):
        read_series(tmp_path / "made.csv")


def test_public_sets_have_the_sizes_of_the_archive(data_folder: Path) -> None:
    folder = data_folder / "sequences"
    if not (folder / "JapaneseVowels_TRAIN.ts.gz").exists():
        pytest.skip(f"no JapaneseVowels_TRAIN.ts.gz in {folder}; see benchmarks/README.md")
    sequences, labels = read_series(folder / "JapaneseVowels_TRAIN.ts.gz")
    assert len(sequences) == 270
    assert {s.shape[1] for s in sequences} == {12}
    assert {len(s) for s in sequences} <= set(range(7, 30))
    assert np.unique(labels, return_counts=True)[1].tolist() == [30] * 9
