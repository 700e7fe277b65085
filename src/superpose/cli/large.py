"""`superpose fit` on a Parquet file of many rows: learned in batches, never all in memory."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import Any

from superpose.cli.progress import watched
from superpose.cli.study import Study
from superpose.cli.task import OF_ONE_TASK, chosen_task
from superpose.datasets import ParquetBatches
from superpose.datasets.files import PARQUET
from superpose.estimators import KSTClassifier, KSTRegressor
from superpose.estimators.batches import LARGE, SAMPLE

__all__ = ["large_file", "study_in_batches"]


def large_file(
    path: Path,
    target: str,
    weight: str | None = None,
    drop: list[str] | None = None,
    offset: str | None = None,
    exposure: str | None = None,
) -> ParquetBatches | None:
    """Return the batches of a Parquet file of more rows than are fitted in memory, else None.

    Examples
    --------
    >>> from pathlib import Path
    >>> from superpose.cli.large import large_file
    >>> print(large_file(Path("table.csv"), "y"))
    None
    """
    if not path.name.lower().endswith(PARQUET) or not path.is_file():
        return None
    leave = tuple(drop or ())
    file = ParquetBatches(path, target, weight=weight, offset=offset, exposure=exposure, drop=leave)
    return file if file.n_rows > LARGE else None


def study_in_batches(file: ParquetBatches, task: str, quiet: bool, **options: Any) -> Study:
    """Fit a large file; how good the fit is say rows that were held out of its sample.

    Parameters
    ----------
    file : ParquetBatches
    task : {"auto", "classification", "regression"}
        "auto" looks at the first batch.
    quiet : bool
        Show no progress.
    **options
        Parameters of the estimator.

    Returns
    -------
    Study
        With the model of all rows.
    """
    start = time.perf_counter()
    asked = {name: options.get(name) for name in OF_ONE_TASK}
    kind, reason = chosen_task(task, next(iter(file))[1], **asked)
    estimator = KSTClassifier if kind == "classification" else KSTRegressor
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with watched("fitting all rows, in batches", quiet) as tell:
            model = estimator(**options, progress=tell).fit_batches(file)
    model.progress = None
    named = {"offset": file.offset, "exposure": file.exposure}  # batches join the two
    model.known_names_ = {role: name for role, name in named.items() if name is not None}
    notes = [
        f"the {file.n_rows:,} rows were learned in batches; axes, length scales, pairs, terms, "
        f"histograms and quality are those of {SAMPLE:,} of them, drawn at random"
    ]
    notes += sorted({str(it.message) for it in caught if issubclass(it.category, UserWarning)})
    return Study(model, kind, reason, time.perf_counter() - start, notes)
