"""Rows for training in minibatches: from memory, or from a file in random order.

A source gives all rows in their order, in chunks, and the training rows of an epoch in an order
that its generator decides. Which rows are held out is said by their places in the table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from superpose.errors import InputError

CHUNK = 65_536
"""Rows that are looked at together."""
POOL = 2**21
"""Numbers in the pool that rows of a file are drawn from: 16 MiB."""

Rows = tuple[torch.Tensor, torch.Tensor]


class RowGroups(Protocol):
    """What a table that stays in a file has to offer; `superpose.datasets.ParquetBatches` does."""

    sizes: list[int]
    columns: list[str]

    def group(self, number: int) -> Iterator[Any]:
        """Yield (X, y) of one group of rows, some at a time, always in the same order."""

    def fingerprint(self) -> str:
        """Return a word that tells tables apart."""


class Source(Protocol):
    """What training asks of a table."""

    n_rows: int
    names: list[str] | None

    def chunks(self) -> Iterator[Rows]:
        """Yield all rows in their order."""

    def batches(
        self, held: NDArray[np.intp], sizes: Sequence[int], rng: np.random.Generator
    ) -> Iterator[Rows]:
        """Yield each row that is not held out once, in batches of these sizes."""

    def fingerprint(self) -> str:
        """Return a word that tells tables apart."""


class MemoryRows:
    """Rows in memory; an epoch goes through a permutation of all of them.

    Examples
    --------
    >>> import numpy as np
    >>> rows = MemoryRows(np.arange(6.0)[:, None], np.arange(6.0))
    >>> held, rng = np.array([4]), np.random.default_rng(0)
    >>> [y.tolist() for _, y in rows.batches(held, [3, 2], rng)]
    [[2.0, 5.0, 3.0], [0.0, 1.0]]
    """

    def __init__(self, rows: ArrayLike | torch.Tensor, target: ArrayLike | torch.Tensor) -> None:
        self.x, self.y = tensor(rows, "rows"), tensor(target, "target")
        if self.x.ndim < 2 or self.y.ndim not in (1, 2) or len(self.x) != len(self.y):
            raise InputError(
                "rows must be [N, ..] and target [N] or [N, K]",
                f"got {list(self.x.shape)} and {list(self.y.shape)}",
                "pass as many rows in both",
            )
        self.n_rows = len(self.x)
        columns = getattr(rows, "columns", None)
        self.names = None if columns is None else [str(it) for it in columns]

    def chunks(self) -> Iterator[Rows]:
        yield from zip(self.x.split(CHUNK), self.y.split(CHUNK), strict=True)

    def batches(
        self, held: NDArray[np.intp], sizes: Sequence[int], rng: np.random.Generator
    ) -> Iterator[Rows]:
        order = rng.permutation(np.delete(np.arange(self.n_rows), held))
        for rows in torch.from_numpy(order).split(list(sizes)):
            yield self.x[rows], self.y[rows]

    def fingerprint(self) -> str:
        digest = hashlib.sha256()
        for part in self.chunks():
            for table in part:
                digest.update(table.contiguous().view(torch.uint8).numpy().data)
        return digest.hexdigest()[:16]


class FileRows:
    """Rows of a file, a group at a time, mixed in a pool that does not grow with the table.

    An epoch reads the groups in random order. Whenever the pool is full it is shuffled, and half of
    it goes out.
    """

    def __init__(self, table: RowGroups) -> None:
        self.table, self.n_rows = table, int(sum(table.sizes))
        self.names: list[str] | None = list(table.columns)

    def chunks(self) -> Iterator[Rows]:
        for number in range(len(self.table.sizes)):
            yield from self._group(number)

    def batches(
        self, held: NDArray[np.intp], sizes: Sequence[int], rng: np.random.Generator
    ) -> Iterator[Rows]:
        room = max(POOL // max(1, len(self.table.columns)), 4 * max(sizes))
        order = rng.permutation(len(self.table.sizes))
        return shuffled(self._kept(order, held), sizes, room, rng)

    def fingerprint(self) -> str:
        return self.table.fingerprint()

    def _kept(self, order: NDArray[np.intp], held: NDArray[np.intp]) -> Iterator[Rows]:
        """Yield the rows of groups in this order, without those held out."""
        first = np.concatenate([[0], np.cumsum(self.table.sizes)])
        for number in order:
            place = first[number]
            for x, y in self._group(int(number)):
                out = among(held, place, len(x))
                place += len(x)
                if len(out):
                    x, y = (torch.from_numpy(np.delete(it.numpy(), out, 0)) for it in (x, y))
                yield x, y

    def _group(self, number: int) -> Iterator[Rows]:
        for batch in self.table.group(number):
            if len(batch) != 2:
                raise InputError(
                    "a batch must be (X, y)",
                    f"got {len(batch)} parts",
                    "leave out weight, offset and exposure",
                )
            yield tensor(batch[0], "rows"), tensor(batch[1], "target")


def source_of(rows: Any, target: Any) -> Source:
    """Return rows in memory with their target, or a table in a file, which has it."""
    if target is not None:
        return MemoryRows(rows, target)
    if all(hasattr(rows, name) for name in ("sizes", "columns", "group", "fingerprint")):
        return FileRows(rows)
    raise InputError(
        "target must be given beside rows in memory",
        f"got rows of type {type(rows).__name__} alone",
        "pass the target, or superpose.datasets.ParquetBatches as rows",
    )


def shuffled(
    chunks: Iterable[Rows], sizes: Sequence[int], room: int, rng: np.random.Generator
) -> Iterator[Rows]:
    """Yield rows in batches of these sizes, drawn from a pool of at most so many, and a chunk.

    Examples
    --------
    >>> import numpy as np, torch
    >>> halves = [(torch.arange(3)[:, None], torch.arange(3)) for _ in range(2)]
    >>> [len(y) for _, y in shuffled(halves, [4, 2], 5, np.random.default_rng(0))]
    [4, 2]
    """
    left, pool, count = list(sizes), [], 0
    for chunk in chunks:
        pool.append(chunk)
        count += len(chunk[0])
        if count >= room:
            x, y = _mixed(pool, rng)
            start = 0
            while left and start + left[0] <= count // 2:
                yield x[start : start + left[0]], y[start : start + left[0]]
                start += left.pop(0)
            pool, count = [(x[start:], y[start:])], count - start
    if pool:
        yield from zip(*(part.split(left) for part in _mixed(pool, rng)), strict=True)


def even_sizes(n_rows: int, batch: int) -> list[int]:
    """Return the sizes of batches of at most so many rows, as even as they can be.

    No row stays alone, as batch normalisation asks: with batches of two, three may go together.

    Examples
    --------
    >>> even_sizes(10, 4), even_sizes(5, 2)
    ([4, 3, 3], [3, 2])
    """
    count = max(1, min(-(-n_rows // batch), n_rows // 2))
    return [n_rows // count + (i < n_rows % count) for i in range(count)]


def hold_out(n_rows: int, share: float, most: int, seed: Sequence[int]) -> NDArray[np.intp]:
    """Return the places of rows drawn to be held out, in order; never more than ``most``."""
    count = min(round(share * n_rows), most)
    return np.sort(np.random.default_rng(seed).choice(n_rows, count, replace=False, shuffle=False))


def among(held: NDArray[np.intp], place: int, n_rows: int) -> NDArray[np.intp]:
    """Return which of the rows from a place on are held out, counted from there.

    Examples
    --------
    >>> import numpy as np
    >>> among(np.array([1, 5, 7]), 4, 3)
    array([1])
    """
    start, end = np.searchsorted(held, [place, place + n_rows])
    return held[start:end] - place


def tensor(values: Any, name: str) -> torch.Tensor:
    """Return numbers as a tensor on the processor, without a copy where that can be."""
    if isinstance(values, torch.Tensor):
        return values.detach().cpu()
    table = np.asarray(values)
    if table.dtype == object and _words(values) == "":  # a frame of numbers that have no one type
        table = values.to_numpy(np.float64, na_value=np.nan)
    if table.dtype.kind not in "fiub":
        raise InputError(
            f"{name} must be numbers",
            f"got {table.dtype} ({_words(values)})",
            "encode categories as numbers, or leave these columns out",
        )
    if not (table.flags.writeable and table.dtype.isnative):
        table = table.astype(table.dtype.newbyteorder("="))
    return torch.from_numpy(table)


def _mixed(pool: list[Rows], rng: np.random.Generator) -> Rows:
    x, y = (torch.cat(parts) for parts in zip(*pool, strict=True))
    order = torch.from_numpy(rng.permutation(len(x)))
    return x[order], y[order]


def _words(values: Any) -> str:
    """Name the columns of a frame that are no numbers."""
    types = getattr(values, "dtypes", None)
    if types is None or not hasattr(types, "items"):
        return type(values).__name__
    return ", ".join(str(name) for name, kind in types.items() if kind.kind not in "fiub")
