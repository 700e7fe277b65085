"""A fitted estimator as a JSON header and arrays, and back."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Any, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray

from superpose.errors import InputError, ModelFileError
from superpose.estimators import reading
from superpose.estimators.fit_state import fit_from, fit_to
from superpose.estimators.network_state import Store
from superpose.estimators.scatter import Scatter
from superpose.estimators.schema import Schema

__all__ = ["model_from", "state_of"]

Arrays = dict[str, NDArray[np.float64]]
Model = TypeVar("Model")

NOT_SAVED = ("progress",)
"""Parameters that are no settings of the model."""

NONSENSE = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What building a model out of words and numbers that describe none may raise."""

SECTIONS = ("parameters", "schema", "target", "classes", "fit", "summary")
"""What a header holds, besides the name of the estimator."""

SCATTER = ("at", "factor", "scores")
"""Arrays of `Scatter`."""

LABEL_TYPES = (bool, int, float, str)
LABELS = "biufUO"
"""Kinds of NumPy arrays that class labels may have: booleans, numbers, text, objects."""

LABEL_TYPE = re.compile(rf"[<>|]?[{LABELS}]\d{{0,5}}")
"""How such a type is spelt: short, so that no label is as wide as the memory."""


def state_of(model: Any) -> tuple[dict[str, Any], Arrays]:
    """Describe a fitted estimator.

    Parameters
    ----------
    model : KSTClassifier or KSTRegressor
        Fitted.

    Returns
    -------
    header : dict
        What JSON can say.
    arrays : dict of str to ndarray
        The numbers.
    """
    store = Store({})
    header = {
        "estimator": type(model).__name__,
        "parameters": {name: _plain(getattr(model, name)) for name in _parameters(type(model))},
        "target": model.target_name_,
        "known": model.known_names_,
        "classes": _classes_to(getattr(model, "classes_", None)),
        "schema": model.schema_.to_dict(),
        "fit": fit_to(model.fit_, store),
        "scatter": _scatter_to(getattr(model, "scatter_", None), store.at("scatter")),
        "summary": model.summary_.to_dict(),
    }
    return _without_infinities(header), store.arrays


def model_from(cls: type[Model], header: dict[str, Any], arrays: Arrays) -> Model:
    """Undo `state_of`.

    Parameters
    ----------
    cls : type
        The estimator that is wanted.
    header, arrays : dict
        From a file, so nothing in them is taken on trust.

    Raises
    ------
    ModelFileError
        Where they do not describe such an estimator.
    """
    if header.get("estimator") != cls.__name__:
        raise ModelFileError(
            f"the file must hold a {cls.__name__}",
            f"found a {header.get('estimator')}",
            "load it with superpose.estimators.load, which reads either kind",
        )
    with _reading("header does not"):
        header = _with_infinities(header)
        said = {name: header[name] for name in SECTIONS}
    with _reading("parameters do not"):
        given = said["parameters"]
        known = [name for name in _parameters(cls) if name in given]
        model: Any = cls(**{name: _parameter(name, given[name]) for name in known})
        model._validate_params()
    with _reading("schema does not"):
        model.schema_ = schema = Schema.from_dict(said["schema"])
        model.n_features_in_ = len(schema.columns)
        if schema.named:
            model.feature_names_in_ = np.array(schema.names, dtype=object)
    with _reading("classes do not"):
        model.target_name_ = str(said["target"])
        model.known_names_ = _known_from(header.get("known", {}))
        if said["classes"] is not None:
            model.classes_ = _classes_from(said["classes"])
    with _reading("fit does not"):
        store = Store(arrays)
        model.fit_ = fit_from(schema, said["fit"], store)
    with _reading("summary does not"):
        model.summary_ = reading.summary_from(said["summary"])
    if said["classes"] is None:
        with _reading("scatter does not"):
            model.scatter_ = _scatter_from(header.get("scatter"), store.at("scatter"))
    with _reading("sections do not agree"):
        _check(model)
    return cast(Model, model)


@contextmanager
def _reading(what: str) -> Iterator[None]:
    """Say which section of a file describes nothing."""
    try:
        yield
    except NONSENSE as it:
        raise ModelFileError(
            "the file must describe a model",
            f"found that its {what} ({type(it).__name__}: {it})",
            "save the model again, or use another file",
        ) from it


def _check(model: Any) -> None:
    """Refuse what would only fail later: at predict, or in the report."""
    classes, summary, network = getattr(model, "classes_", None), model.summary_, model.fit_.network
    if classes is None:
        expected = (model.loss, 1)
    else:
        expected = ("bernoulli", 1) if len(classes) == 2 else ("multinomial", len(classes))
    if (model.fit_.loss, network.n_outputs) != expected:
        raise ValueError("loss, outputs and classes do not agree")
    noise = model.fit_.noise
    noisy = model.fit_.loss in ("gaussian", "gamma", "student_t")
    if (noise is not None) != noisy or not 0 <= (noise or 0.0) < 1e150:
        raise ValueError("noise is a standard deviation, and classes and counts have none")
    if len(summary.classes) != (0 if classes is None else len(classes)):
        raise ValueError("the summary knows other classes")
    if [part.kind for part in summary.parts] != [part.kind for part in network.parts]:
        raise ValueError("the summary knows other parts")
    if tuple(it.name for it in summary.attributes) != model.schema_.names:
        raise ValueError("the summary knows other columns")
    rows = torch.tensor([[it.typical for it in summary.attributes]], dtype=torch.float64)
    rows = torch.cat([rows, torch.full_like(rows, math.nan)])
    with torch.no_grad():
        variance = model.fit_.posterior.variance(network.encode(rows))
        if not (network(rows).isfinite().all() and variance.isfinite().all()):
            raise ValueError("predictions are not finite")


def _parameters(cls: type[Any]) -> list[str]:
    return [name for name in cls._get_param_names() if name not in NOT_SAVED]


def _plain(value: Any) -> Any:
    """A parameter in the types of JSON, which has no keys but text."""
    if isinstance(value, dict):
        return [[_plain(key), _plain(item)] for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    return int(value) if whole else value


def _parameter(name: str, value: Any) -> Any:
    """Pairs were tuples before they were JSON, class weights and shapes a dict."""
    if not isinstance(value, list):
        return value
    if name == "shapes":
        return {it: _shape(shape) for it, shape in value}
    items = [tuple(item) for item in value]
    return dict(items) if name == "class_weight" else items


def _shape(value: Any) -> Any:
    """Words, or words by class: a dict is a list of lists in JSON."""
    if isinstance(value, list) and value and all(isinstance(it, list) for it in value):
        return {label: _shape(words) for label, words in value}
    return tuple(value) if isinstance(value, list) else value


def _known_from(names: dict[str, str]) -> dict[str, str]:
    if not set(names) <= {"offset", "exposure"}:
        raise ValueError("offset and exposure are what is known of a row")
    return {role: str(name) for role, name in names.items()}


def _scatter_to(scatter: Scatter | None, store: Store) -> list[str] | None:
    """Put the arrays into a store, and return their names."""
    if scatter is None:
        return None
    for name in SCATTER:
        store[name] = getattr(scatter, name)
    return list(SCATTER)


def _scatter_from(names: Any, store: Store) -> Scatter | None:
    if names is None:
        return None
    at, factor, scores = (store[name].numpy() for name in SCATTER)
    if (
        at.ndim != 1
        or at.shape != factor.shape
        or scores.ndim != 1
        or not min(at.size, scores.size)
    ):
        raise ValueError("a scatter has a factor at every place, and scores")
    if (np.diff(at) <= 0).any() or (np.diff(scores) < 0).any() or (factor <= 0).any():
        raise ValueError("places and scores of a scatter increase, and factors are positive")
    return Scatter(at, factor, scores)


def _classes_to(classes: NDArray[Any] | None) -> dict[str, Any] | None:
    if classes is None:
        return None
    values = classes.tolist()
    if classes.dtype.kind not in LABELS or not all(isinstance(it, LABEL_TYPES) for it in values):
        raise InputError(
            "a model is saved with labels that are numbers, text or booleans",
            f"found labels of type {classes.dtype}",
            "turn the labels into text before the fit",
        )
    return {"type": classes.dtype.str, "values": values}


def _classes_from(state: dict[str, Any]) -> NDArray[Any]:
    kind, values = str(state["type"]), state["values"]
    if not LABEL_TYPE.fullmatch(kind) or not all(isinstance(it, LABEL_TYPES) for it in values):
        raise ValueError("labels must be numbers, text or booleans")
    classes = np.array(values, dtype=np.dtype(kind))
    if classes.ndim != 1 or len(classes) < 2 or (classes[:-1] >= classes[1:]).any():
        raise ValueError("labels must be two or more, sorted and different")
    return classes


def _without_infinities(value: Any) -> Any:
    """Write numbers that JSON does not know as words."""
    if isinstance(value, dict):
        return {key: _without_infinities(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_infinities(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"number": str(value)}
    return value


def _with_infinities(value: Any) -> Any:
    """Undo `_without_infinities`."""
    if isinstance(value, dict):
        if set(value) == {"number"} and isinstance(value["number"], str):
            return float(value["number"])
        return {key: _with_infinities(item) for key, item in value.items()}
    return [_with_infinities(item) for item in value] if isinstance(value, list) else value
