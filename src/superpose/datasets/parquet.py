"""Parquet files in batches of rows, for tables that do not fit into memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from os import PathLike, fspath
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet

from superpose.datasets.files import missing_column
from superpose.errors import InputError

__all__ = ["ParquetBatches"]

BUFFER = 2**20
"""Bytes of a column that are read from the file at once."""


class ParquetBatches:
    """The rows of a Parquet file, a batch at a time, to be gone through as often as needed.

    Each batch is (X, y), (X, y, sample_weight) with a column of weights, or (X, y, sample_weight,
    offset) with an offset or an exposure, as `fit_batches` of an estimator reads them. Only one
    batch is in memory. `group` reads one row group, for those who have an order of their own, as
    `superpose.fitting.train_network` does.

    Parameters
    ----------
    path : str or path
        The file.
    target : str
        Name of the column to predict.
    weight : str, optional
        Name of the column with the weights of the rows.
    offset, exposure : str, optional
        Names of the columns with what is known of the sum, and with exposures, whose logarithm is
        added to it.
    drop : tuple of str, default=()
        Columns to leave out.
    rows : int, default=65536
        Rows of a batch.

    Attributes
    ----------
    n_rows : int
        Rows of the file.
    sizes : list of int
        Rows of each row group.
    columns : list of str
        Names of the columns of X.

    Raises
    ------
    InputError
        Where the file cannot be read as Parquet, or has no such column.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import pandas as pd
    >>> from superpose.datasets import ParquetBatches
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "table.parquet")
    ...     pd.DataFrame({"age": [31, 42, 53], "y": [0.5, 1.5, 2.5]}).to_parquet(path)
    ...     for X, y in ParquetBatches(path, target="y", rows=2):
    ...         print(X["age"].tolist(), y.tolist())
    [31, 42] [0.5, 1.5]
    [53] [2.5]
    """

    def __init__(
        self,
        path: str | PathLike[str],
        target: str,
        *,
        weight: str | None = None,
        offset: str | None = None,
        exposure: str | None = None,
        drop: tuple[str, ...] = (),
        rows: int = 65_536,
    ) -> None:
        self.path, self.target, self.weight, self.rows = fspath(path), target, weight, rows
        self.offset, self.exposure = offset, exposure
        file = self._opened()
        with file:
            known, names = file.metadata, list(file.schema_arrow.names)
            self.n_rows = int(known.num_rows)
            self.sizes = [known.row_group(it).num_rows for it in range(known.num_row_groups)]
        roles = {target: "the target", **dict.fromkeys(drop, "--drop")}
        more = {weight: "the weight", offset: "the offset", exposure: "the exposure"}
        for name, role in (roles | {it: role for it, role in more.items() if it}).items():
            if name not in names:
                raise missing_column(name, names, role)
        taken = (target, weight, offset, exposure, *drop)
        self.columns = [it for it in names if it not in taken]

    def __iter__(self) -> Iterator[tuple[pd.DataFrame, ...] | Any]:
        return self._read(None)

    def group(self, number: int) -> Iterator[tuple[pd.DataFrame, ...] | Any]:
        """Yield the batches of one row group, from 0."""
        return self._read([number])

    def _read(self, groups: list[int] | None) -> Iterator[tuple[pd.DataFrame, ...] | Any]:
        roles = (self.target, self.weight, self.offset, self.exposure)
        names = [*self.columns, *(name for name in roles if name is not None)]
        with self._opened() as file:
            for batch in file.iter_batches(self.rows, row_groups=groups, columns=names):
                frame = batch.to_pandas()
                weight = None if self.weight is None else frame[self.weight]
                parts = [frame[self.columns], frame[self.target], weight, self._known(frame)]
                while parts[-1] is None:
                    parts.pop()
                yield tuple(parts)

    def fingerprint(self) -> str:
        """Return a word that tells files apart: of what the file says of its row groups.

        Their sizes, and of every column its place, its length, and its lowest and highest value.
        """
        with self._opened() as file:
            said = json.dumps(file.metadata.to_dict(), default=str, sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    def _known(self, frame: pd.DataFrame) -> Any:
        """Offset and log of the exposure together; None where the file has neither."""
        offset = None if self.offset is None else frame[self.offset]
        if self.exposure is None:
            return offset
        with np.errstate(divide="ignore", invalid="ignore"):  # the estimator refuses such rows
            log_exposure = np.log(frame[self.exposure])
        return log_exposure if offset is None else offset + log_exposure

    def _opened(self) -> pyarrow.parquet.ParquetFile:
        try:
            # pre_buffer would keep every row group until the file is closed (apache/arrow#39808)
            return pyarrow.parquet.ParquetFile(self.path, pre_buffer=False, buffer_size=BUFFER)
        except (OSError, pyarrow.ArrowException) as error:
            raise InputError(
                f"{self.path!r} must be a Parquet file",
                f"found that it cannot be read ({type(error).__name__}: {error})",
                "check the path, or save it again",
            ) from error
