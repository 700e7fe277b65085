"""Targets and weights: what must hold of them, checked before anything is learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from superpose.errors import InputError

__all__ = [
    "check_range",
    "class_weights",
    "codes_of",
    "known_names",
    "read_classes",
    "read_exposure",
    "read_numbers",
    "read_offset",
    "read_weight",
    "target_name",
]

Floats = NDArray[np.float64]


def target_name(y: Any) -> str:
    """Name of a target that has one (a pandas or polars series), otherwise "y".

    Examples
    --------
    >>> import pandas as pd
    >>> from superpose.estimators.target import target_name
    >>> target_name(pd.Series([1, 2], name="price")), target_name([1, 2])
    ('price', 'y')
    """
    name = getattr(y, "name", None)
    return "y" if name is None or name == "" or callable(name) else str(name)


def known_names(**given: Any) -> dict[str, str]:
    """Names of what is known of the rows, by what it is: the name of a series, else that word.

    Examples
    --------
    >>> import pandas as pd
    >>> from superpose.estimators.target import known_names
    >>> known_names(offset=[0, 1], exposure=pd.Series([1, 2], name="years"))
    {'offset': 'offset', 'exposure': 'years'}
    >>> known_names(offset=None, exposure=None)
    {}
    """
    names = {role: target_name(values) for role, values in given.items() if values is not None}
    return {role: role if name == "y" else name for role, name in names.items()}


def read_classes(y: Any, n_rows: int, owner: str) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Read class labels.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        One label a row: numbers, text or booleans.
    n_rows : int
        Rows of the table.
    owner : str
        Name of the estimator, for messages.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        The different labels, sorted.
    codes : ndarray of shape (n_rows,)
        Position of each row's label in `classes`.

    Raises
    ------
    InputError
        For a missing target, labels that are measurements, or labels of several types.

    Examples
    --------
    >>> from superpose.estimators.target import read_classes
    >>> classes, codes = read_classes(["yes", "no", "yes"], 3, "KSTClassifier")
    >>> classes.tolist(), codes.tolist()
    (['no', 'yes'], [1, 0, 1])
    """
    labels = _one_a_row(y, n_rows, owner)
    if labels.dtype == object:
        labels = np.array(labels.tolist()) if _all_text(labels) else labels
    try:
        check_classification_targets(labels)
        classes, codes = np.unique(labels, return_inverse=True)
    except (TypeError, ValueError) as error:
        raise InputError(
            "y must hold class labels, all of one type",
            f"found other values ({error})",
            "use KSTRegressor for a target that is a measurement, or turn the labels into text",
        ) from error
    return classes, codes


def read_numbers(y: Any, n_rows: int, owner: str) -> Floats:
    """Read a target of numbers, one a row.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        Finite numbers.
    n_rows : int
        Rows of the table.
    owner : str
        Name of the estimator, for messages.

    Returns
    -------
    ndarray of shape (n_rows,)
        The same numbers as float64.

    Examples
    --------
    >>> from superpose.estimators.target import read_numbers
    >>> read_numbers([1, 2.5], 2, "KSTRegressor").tolist()
    [1.0, 2.5]
    """
    values = _one_a_row(y, n_rows, owner)
    try:
        numbers = values.astype(np.float64)
    except (TypeError, ValueError) as error:
        row = next(i for i, value in enumerate(values.tolist()) if not _is_number(value))
        raise InputError(
            "y must hold numbers",
            f"found {values.tolist()[row]!r} in row {row}",
            "use KSTClassifier for a target of labels, or correct the value",
        ) from error
    _refuse_rows(np.isinf(numbers), "y must hold finite numbers", "infinity")
    return numbers


def codes_of(y: Any, n_rows: int, owner: str, classes: NDArray[Any] | None) -> Floats:
    """Read a target as a fitted model codes it: numbers, or positions of labels in its classes.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        One value a row.
    n_rows : int
        Rows of the table.
    owner : str
        Name of the estimator, for messages.
    classes : ndarray of shape (n_classes,) or None
        The labels of fit; None for numbers.

    Raises
    ------
    InputError
        Where a label is not among them, or a value is no number.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.estimators.target import codes_of
    >>> codes_of(["b", "a"], 2, "KSTClassifier", np.array(["a", "b"])).tolist()
    [1.0, 0.0]
    """
    if classes is None:
        return read_numbers(y, n_rows, owner)
    labels, codes = read_classes(y, n_rows, owner)
    unknown = [label for label in labels.tolist() if label not in classes.tolist()]
    if unknown:
        raise InputError(
            f"labels must be among those of fit: {', '.join(map(str, classes.tolist()))}",
            f"found {unknown[0]!r}",
            "leave these rows out, or fit on rows of every class",
        )
    return np.searchsorted(classes, labels).astype(np.float64)[codes]


def read_weight(sample_weight: Any, n_rows: int) -> Floats:
    """Read the weights of the rows; 1 each if there are none.

    Parameters
    ----------
    sample_weight : array-like of shape (n_rows,) or None
        How many rows each row stands for; 0 leaves the row out.
    n_rows : int
        Rows of the table.

    Returns
    -------
    ndarray of shape (n_rows,)
        Weights as float64.

    Examples
    --------
    >>> from superpose.estimators.target import read_weight
    >>> read_weight(None, 3).tolist(), read_weight([0, 1, 2], 3).tolist()
    ([1.0, 1.0, 1.0], [0.0, 1.0, 2.0])
    """
    if sample_weight is None:
        return np.ones(n_rows)
    weight = _floats(sample_weight, "sample_weight")
    if weight.shape != (n_rows,):
        raise InputError(
            f"sample_weight must have one weight for each of the {n_rows} rows",
            f"found the shape {weight.shape}",
            "pass a one-dimensional array as long as X",
        )
    _refuse_rows(
        ~np.isfinite(weight) | (weight < 0),
        "sample_weight must hold finite numbers, 0 or above",
        "a negative or infinite weight, or none,",
    )
    if not weight.any():
        raise InputError(
            "sample_weight must be above 0 for some rows",
            "found that all weights are zero",
            "give the rows to learn from a positive weight",
        )
    return weight


def check_range(y: Floats, weight: Floats, loss: str) -> None:
    """Refuse targets that a loss gives no likelihood: negative counts, nothing but 0.

    Parameters
    ----------
    y, weight : ndarray of shape (n_rows,)
        Target, and how many rows each row stands for.
    loss : str
        Name of the loss.

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.estimators.target import check_range
    >>> check_range(np.array([0.0, 3.0]), np.ones(2), "poisson")
    """
    if loss == "poisson":
        _refuse_rows(y < 0, 'y must hold counts, 0 or above, for loss="poisson"', "less than 0")
        if not y[weight > 0].any():
            raise InputError(
                'y must hold a count above 0 for loss="poisson"',
                "found that all counts are 0",
                "add rows in which something happened",
            )
    if loss == "gamma":
        _refuse_rows(y <= 0, 'y must hold numbers above 0 for loss="gamma"', "0 or less")


def read_offset(offset: Any, n_rows: int, n_outputs: int = 1) -> Floats | None:
    """Read the known part of the outputs; None if there is none.

    Parameters
    ----------
    offset : array-like of shape (n_rows,) or (n_rows, n_outputs), or None
        On the link scale: in units of the target, of its log, of log-odds.
    n_rows, n_outputs : int
        Rows of the table; outputs of the model.

    Returns
    -------
    ndarray of shape (n_rows, n_outputs), or None
        Of several outputs, less their mean: only differences of classes have a meaning.

    Examples
    --------
    >>> from superpose.estimators.target import read_offset
    >>> read_offset([1, 2], 2).tolist()
    [[1.0], [2.0]]
    """
    if offset is None:
        return None
    values = _floats(offset, "offset")
    expected = [(n_rows, n_outputs)] + ([(n_rows,)] if n_outputs == 1 else [])
    if values.shape not in expected:
        raise InputError(
            f"offset must have the shape {expected[-1]}: one number for each row and output",
            f"found the shape {values.shape}",
            "pass as many rows as X has, and a column for each of three or more classes",
        )
    values = values.reshape(n_rows, n_outputs)
    bad = ~np.isfinite(values)
    _refuse_rows(np.asarray(bad.any(axis=1)), "offset must hold finite numbers", "others")
    return values - values.mean(axis=1, keepdims=True) if n_outputs > 1 else values


def read_exposure(exposure: Any, n_rows: int) -> Floats:
    """Read how long, or how much of it, each row was observed, and return the logarithms.

    Parameters
    ----------
    exposure : array-like of shape (n_rows,)
        Positive numbers, such as years at risk.
    n_rows : int
        Rows of the table.

    Returns
    -------
    ndarray of shape (n_rows, 1)
        An offset.

    Examples
    --------
    >>> from superpose.estimators.target import read_exposure
    >>> read_exposure([1, 2], 2).round(2).tolist()
    [[0.0], [0.69]]
    """
    values = _floats(exposure, "exposure")
    if values.shape != (n_rows,):
        raise InputError(
            f"exposure must have one number for each of the {n_rows} rows",
            f"found the shape {values.shape}",
            "pass a one-dimensional array as long as X",
        )
    bad = ~np.isfinite(values) | (values <= 0)
    _refuse_rows(np.asarray(bad), "exposure must hold finite numbers above 0", "another")
    return np.log(values)[:, None]


def class_weights(
    chosen: Any, classes: NDArray[Any], codes: NDArray[np.intp], weight: Floats
) -> Floats:
    """Return the weight of each class.

    Parameters
    ----------
    chosen : None, "balanced" or dict
        "balanced" gives every class the same total, and all rows together the total they had; a
        dict gives the weight of a label, 1 where it has none.
    classes : ndarray of shape (n_classes,)
        Labels.
    codes, weight : ndarray of shape (n_rows,)
        Position of each row's label, and how many rows each row stands for.

    Returns
    -------
    ndarray of shape (n_classes,)

    Examples
    --------
    >>> import numpy as np
    >>> from superpose.estimators.target import class_weights
    >>> class_weights("balanced", np.array(["a", "b"]), np.array([0, 0, 0, 1]), np.ones(4)).tolist()
    [0.6666666666666666, 2.0]
    """
    if chosen is None:
        return np.ones(len(classes))
    if chosen == "balanced":
        totals = np.bincount(codes, weights=weight, minlength=len(classes))
        return np.divide(
            weight.sum(), len(classes) * totals, out=np.ones(len(classes)), where=totals > 0
        )
    labels = classes.tolist()
    strange = [label for label in chosen if label not in labels]
    if strange:
        raise InputError(
            "class_weight must have labels of y as keys",
            f"found {strange[0]!r}",
            f"take from {', '.join(map(repr, labels))}",
        )
    values = _floats([chosen.get(label, 1.0) for label in labels], "class_weight")
    if not (np.isfinite(values) & (values > 0)).all():
        raise InputError(
            "class_weight must hold finite numbers above 0",
            f"found {values.tolist()}",
            "leave the rows of a class out to give it no weight",
        )
    return values


def _floats(values: Any, name: str) -> Floats:
    try:
        return np.asarray(values).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{name} must hold numbers", f"found other values ({error})", "correct them"
        ) from error


def _one_a_row(y: Any, n_rows: int, owner: str) -> NDArray[Any]:
    if y is None:
        raise InputError(
            f"{owner} requires y to be passed, but the target y is None",
            "found no target",
            "call fit(X, y) with one value of y for each row of X",
        )
    values = column_or_1d(y, warn=True)
    if len(values) != n_rows:
        raise InputError(
            f"y must have one value for each of the {n_rows} rows of X",
            f"found {len(values)}",
            "pass X and y of the same length",
        )
    if values.dtype.kind == "c":
        raise InputError(
            "y must be real; Complex data not supported",
            f"found {values.dtype}",
            "pass real numbers",
        )
    _refuse_rows(np.asarray(pd.isna(values)), "y must have a value in every row", "no value")
    return values


def _refuse_rows(bad: NDArray[np.bool_], must: str, what: str) -> None:
    rows = np.flatnonzero(bad)
    if rows.size:
        more = "" if rows.size == 1 else f" and {rows.size - 1} more"
        raise InputError(must, f"found {what} in row {rows[0]}{more}", "correct or drop these rows")


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _all_text(labels: NDArray[Any]) -> bool:
    return all(isinstance(label, str) for label in labels)
