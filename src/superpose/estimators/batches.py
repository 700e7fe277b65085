"""Large tables: rows that come in batches, a sample of them, and how a network reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from superpose.errors import InputError
from superpose.estimators.matching import check_columns
from superpose.estimators.schema import Schema
from superpose.estimators.table import read_table
from superpose.estimators.target import codes_of, read_offset, read_weight
from superpose.fitting.superposition.batches import RowBatch

__all__ = ["LARGE", "SAMPLE", "Encoded", "Rows", "Sliced", "draw", "is_large"]

SAMPLE = 50_000
"""Rows of a large table that decide axes, length scales, pairs and terms."""

LARGE = SAMPLE
"""Tables of more rows are learned in batches."""

SLICE = 65_536

STREAM = 1985
"""Keeps the numbers that rows draw apart from those of a table made with the same seed."""


@dataclass(frozen=True)
class Rows:
    """Some rows as a user has them: table, target, weights, and what is known of the outputs."""

    X: Any
    y: Any
    weight: Any = None
    offset: Any = None

    def __len__(self) -> int:
        return len(self.X)

    def take(self, rows: NDArray[np.intp] | slice) -> Rows:
        """Return some of the rows, each part of its own kind."""
        return Rows(*(_take(part, rows) for part in (self.X, self.y, self.weight, self.offset)))


@dataclass(frozen=True)
class Sliced:
    """A large table in memory, cut into batches."""

    rows: Rows

    def __iter__(self) -> Iterator[Rows]:
        for start in range(0, len(self.rows), SLICE):
            yield self.rows.take(slice(start, start + SLICE))


@dataclass(frozen=True)
class Encoded:
    """Batches as a network reads them, by what a fit on the sample found in the columns.

    Parameters
    ----------
    batches : iterable
        Of `Rows`, or tuples like them.
    schema : Schema
        How columns are read.
    classes : ndarray of shape (n_classes,) or None
        Labels; None for numbers.
    factor : ndarray of shape (n_classes,) or None
        What the weights of the rows of each class are multiplied by.
    owner : str
        Name of the estimator, for messages.
    """

    batches: Iterable[Any]
    schema: Schema
    classes: NDArray[Any] | None
    factor: NDArray[np.float64] | None
    owner: str

    def __iter__(self) -> Iterator[RowBatch]:
        n_classes = 0 if self.classes is None else len(self.classes)
        for rows in map(as_rows, self.batches):
            table = read_table(rows.X)
            check_columns(table, self.schema, self.owner)
            y = codes_of(rows.y, table.n_rows, self.owner, self.classes)
            weight = read_weight(rows.weight, table.n_rows)
            if self.factor is not None:
                weight = weight * self.factor[y.astype(np.intp)]
            offset = read_offset(rows.offset, table.n_rows, n_classes if n_classes > 2 else 1)
            x = self.schema.encode(table)
            yield RowBatch(
                torch.from_numpy(x),
                torch.from_numpy(y),
                torch.from_numpy(weight),
                None if offset is None else torch.from_numpy(offset),
            )


def is_large(X: Any) -> bool:
    """Whether a table has so many rows that it is learned in batches.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.estimators.batches import is_large
    >>> is_large(np.zeros((300_000, 1))), is_large(np.zeros((3, 1)))
    (True, False)
    """
    return len(getattr(X, "shape", ())) == 2 and int(X.shape[0]) > LARGE


def as_rows(batch: Any) -> Rows:
    """Read a batch: `Rows`, or (X, y), perhaps with weights and an offset behind."""
    if isinstance(batch, Rows):
        return batch
    if not isinstance(batch, tuple) or not 2 <= len(batch) <= 4:
        found = f"{len(batch)} parts" if isinstance(batch, tuple) else f"a {type(batch).__name__}"
        raise InputError(
            "a batch must be (X, y), (X, y, weight) or (X, y, weight, offset)",
            f"found {found}",
            "pass tuples",
        )
    return Rows(*batch)


def draw(batches: Iterable[Any], size: int, seed: int) -> tuple[Rows, int]:
    """Draw rows at random in one pass, and count all; where one batch ends changes nothing.

    Every row draws a number, and those with the smallest are kept (Vitter, 1985, calls it a
    reservoir).

    Parameters
    ----------
    batches : iterable
        Of `Rows`, or tuples like them.
    size : int
        Rows to draw; all, where there are no more.
    seed : int

    Returns
    -------
    sample : Rows
        In the order of the table.
    n_rows : int
        How many rows there were.

    Raises
    ------
    InputError
        Where the batches can be gone through only once, or hold no rows.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.estimators.batches import draw
    >>> x = np.arange(10.0)[:, None]
    >>> whole, halves = [(x, x[:, 0])], [(x[:5], x[:5, 0]), (x[5:], x[5:, 0])]
    >>> draw(whole, 3, seed=0)[0].y.tolist() == draw(halves, 3, seed=0)[0].y.tolist()
    True
    """
    if iter(batches) is batches:
        raise InputError(
            "batches must be such that they can be gone through several times",
            f"found a {type(batches).__name__}, which is used up after once",
            "pass a list, or an object whose __iter__ starts anew",
        )
    rng, kept, keys, total = np.random.default_rng([seed, STREAM]), [], np.empty(0), 0
    for rows in map(as_rows, batches):
        key = rng.random(len(rows))
        total += len(rows)
        threshold = np.partition(keys, size)[size] if len(keys) > size else np.inf
        near = np.flatnonzero(key < threshold)
        kept.append(rows.take(near))
        keys = np.concatenate([keys, key[near]])
        if len(keys) > 4 * size:
            kept, keys = _smallest(kept, keys, size)
    if not total:
        raise InputError("batches must hold rows", "found none", "check where they come from")
    return _smallest(kept, keys, size)[0][0], total


def _smallest(
    kept: list[Rows], keys: NDArray[np.float64], size: int
) -> tuple[list[Rows], NDArray[np.float64]]:
    """Join what was kept, and keep of it the rows with the smallest keys, in their order."""
    chosen = np.sort(np.argsort(keys, kind="stable")[:size])
    whole = Rows(
        *(_joined([getattr(r, part) for r in kept]) for part in ("X", "y", "weight", "offset"))
    )
    return [whole.take(chosen)], keys[chosen]


def _take(part: Any, rows: NDArray[np.intp] | slice) -> Any:
    if part is None:
        return None
    if isinstance(part, (pd.DataFrame, pd.Series)):
        return part.iloc[rows]
    if nw.dependencies.is_into_dataframe(part) or nw.dependencies.is_into_series(part):
        native = nw.from_native(part, eager_only=True, allow_series=True)
        return nw.to_native(native[rows])
    return np.asarray(part)[rows]


def _joined(parts: list[Any]) -> Any:
    first = parts[0]
    if len(parts) == 1 or first is None:
        return first
    if isinstance(first, (pd.DataFrame, pd.Series)):
        return pd.concat(parts, ignore_index=True)
    if nw.dependencies.is_into_dataframe(first):
        return nw.to_native(nw.concat([nw.from_native(it, eager_only=True) for it in parts]))
    name = getattr(first, "name", None)
    values = np.concatenate([np.asarray(it) for it in parts])
    return values if name is None else pd.Series(values, name=name)
