"""The main job: measure a model on rows set aside, fit it on all of them, write what was asked."""

from __future__ import annotations

import dataclasses
import time
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from superpose.cli.progress import watched
from superpose.cli.task import Kind, looks_like_row_number
from superpose.estimators import KSTClassifier, KSTRegressor
from superpose.estimators.reading import held_out

__all__ = ["Study", "split", "study"]

Model = KSTClassifier | KSTRegressor


@dataclass(frozen=True)
class Study:
    """A model, and how it came about.

    Parameters
    ----------
    model : KSTClassifier or KSTRegressor
        Fitted on all rows.
    task : {"classification", "regression"}
        What kind of target it is.
    reason : str
        Why it was taken for that.
    seconds : float
        How long the fits took.
    notes : list of str
        Cautions for the reader.
    files : dict of str to str
        What was written: kind of file and its path.
    """

    model: Model
    task: Kind
    reason: str
    seconds: float
    notes: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)


def study(
    X: pd.DataFrame,
    y: pd.Series,
    task: Kind,
    reason: str,
    *,
    weight: pd.Series | None = None,
    known: dict[str, pd.Series] | None = None,
    share: float = 0.2,
    quiet: bool = False,
    time_limit: float | None = None,
    **options: Any,
) -> Study:
    """Fit a table, and say how good the fit is on rows that it has not seen.

    The model is fitted twice: on the rows that are left when a share is set aside (drawn by the
    seed, from every class alike), to be measured on these; then on all rows, to be read. A time
    limit is for both: half of it at most for the first. Where the first is interrupted, its model
    is what there is to read.

    Parameters
    ----------
    X, y : DataFrame, Series
        The table and the column to predict.
    task, reason : str
        From `superpose.cli.task.task_of`, or the wish of the user.
    weight : Series, optional
        Weights of the rows.
    known : dict of str to Series, optional
        Offset and exposure of the rows, where there are any.
    share : float, default=0.2
        Share of the rows to set aside; 0 measures nothing.
    quiet : bool, default=False
        Show no progress.
    time_limit : float, optional
        Seconds for all of it.
    **options
        Parameters of the estimator.

    Returns
    -------
    Study
        With the model of all rows.
    """
    start = time.perf_counter()
    notes = [
        f"column {name!r} only numbers or names the rows; leave it out with --drop {name!r}"
        for name in X.columns
        if looks_like_row_number(X[name])
    ]
    kind = KSTClassifier if task == "classification" else KSTRegressor
    given = dict(known or {}) | ({} if weight is None else {"sample_weight": weight})
    measured = model = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        aside = split(y.to_numpy(), task, share, options.get("random_state", 0))
        if aside.any():
            half = None if time_limit is None else time_limit / 2
            with watched("measuring on rows set aside", quiet) as tell:
                trial = kind(**options, progress=tell, time_limit=half)
                _fit(trial, X, y, given, ~aside)
            source = (
                f"{aside.sum()} rows set aside before a first fit on the other {(~aside).sum()}; "
                "the model shown was then fitted on all rows"
            )
            if trial.stopped_ is not None and trial.stopped_.reason == "interrupted":
                model = trial
                source = f"{aside.sum()} rows set aside; the model was fitted on the others alone"
            rows = {role: values[aside] for role, values in (known or {}).items()}
            measured = held_out(trial, X[aside], y[aside], source, **rows)
        if model is None:
            with watched("fitting all rows", quiet) as tell:
                model = kind(**options, progress=tell, time_limit=_left(time_limit, start))
                _fit(model, X, y, given, np.ones(len(y), dtype=bool))
    model.set_params(progress=None, time_limit=time_limit)
    model.summary_ = dataclasses.replace(model.summary_, held_out=measured)
    notes += sorted({str(it.message) for it in caught if issubclass(it.category, UserWarning)})
    return Study(model, task, reason, time.perf_counter() - start, notes)


def _left(time_limit: float | None, start: float) -> float | None:
    """Seconds that are left of a limit, a little more than none."""
    used = time.perf_counter() - start
    return None if time_limit is None else max(time_limit - used, 1e-3)


def split(y: NDArray[Any], task: Kind, share: float, seed: int) -> NDArray[np.bool_]:
    """Choose rows to set aside; of every class alike, and never all rows of a class.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        Target.
    task : {"classification", "regression"}
        Whether `y` holds classes.
    share : float
        Share to set aside, 0 to below 1.
    seed : int
        Seed of the draw.

    Returns
    -------
    ndarray of shape (n_rows,)
        True for the rows set aside.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.cli.study import split
    >>> aside = split(np.array(["a"] * 10 + ["b"] * 5 + ["c"]), "classification", 0.2, seed=0)
    >>> int(aside[:10].sum()), int(aside[10:15].sum()), int(aside[15])
    (2, 1, 0)
    """
    groups = pd.factorize(y)[0] if task == "classification" else np.zeros(len(y), dtype=np.intp)
    rng = np.random.default_rng(seed)
    aside = np.zeros(len(y), dtype=bool)
    for group in np.unique(groups):
        rows = rng.permutation(np.flatnonzero(groups == group))
        aside[rows[: min(round(share * len(rows)), len(rows) - 1)]] = True
    return aside


def _fit(
    model: Any, X: pd.DataFrame, y: pd.Series, given: dict[str, pd.Series], rows: NDArray[np.bool_]
) -> None:
    model.fit(X[rows], y[rows], **{name: values[rows] for name, values in given.items()})
