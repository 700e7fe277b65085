"""A memory and the model that reads it, in one file: safetensors with a JSON header, no pickle."""

from __future__ import annotations

from os import PathLike
from typing import Any

from sklearn.pipeline import Pipeline, make_pipeline

from superpose.errors import InputError, ModelFileError
from superpose.sequences.legendre_memory import LegendreMemory

__all__ = ["load_pipeline", "save_pipeline"]

KIND = "LegendreMemory with a model"
BELONG = "save make_pipeline(LegendreMemory(...), KSTRegressor()), fitted"


def save_pipeline(pipeline: Pipeline, path: str | PathLike[str]) -> None:
    """Write a memory and the model that reads it to one file.

    Parameters
    ----------
    pipeline : Pipeline
        ``make_pipeline(memory, model)`` of a `LegendreMemory` and a `KSTClassifier` or
        `KSTRegressor`, both fitted.
    path : str or path
        Where the file goes. It appears there whole or not at all.

    Raises
    ------
    InputError
        If the pipeline holds anything else.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from superpose import KSTRegressor
    >>> from superpose.sequences import LegendreMemory, load_pipeline, save_pipeline
    >>> waves = np.random.default_rng(0).normal(size=(60, 20))
    >>> model = make_pipeline(LegendreMemory(2, 10), KSTRegressor(pairs=0, terms=0))
    >>> model = model.fit(waves, waves[:, -10:].mean(1))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_pipeline(model, pathlib.Path(folder, "level.superpose"))
    ...     again = load_pipeline(pathlib.Path(folder, "level.superpose"))
    >>> bool((again.predict(waves) == model.predict(waves)).all())
    True
    """
    from superpose.estimators.model_file import write_model
    from superpose.estimators.model_state import state_of

    memory, model = memory_and_model(pipeline)
    header, arrays = state_of(model)
    write_model(path, {"estimator": KIND, "memory": memory_words(memory), "model": header}, arrays)


def load_pipeline(path: str | PathLike[str]) -> Pipeline:
    """Read what `save_pipeline` wrote; nothing in the file is executed.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    Pipeline
        It predicts what the saved one predicted.

    Raises
    ------
    ModelFileError
        Where the file is damaged, foreign, or holds another kind of model.

    Examples
    --------
    See `save_pipeline`.
    """
    from superpose.estimators import KSTClassifier, KSTRegressor
    from superpose.estimators.model_file import read_model
    from superpose.estimators.model_state import model_from

    header, arrays = read_model(path)
    if header.get("estimator") != KIND or not isinstance(header.get("model"), dict):
        raise ModelFileError(
            f"the model file {str(path)!r} must hold a memory with a model",
            f"found a {header.get('estimator')}",
            BELONG + " with superpose.sequences.save_pipeline",
        )
    regression = header["model"].get("estimator") == KSTRegressor.__name__
    model = model_from(KSTRegressor if regression else KSTClassifier, header["model"], arrays)
    memory = _memory_from(header.get("memory"), len(model.schema_.names))
    if tuple(memory.get_feature_names_out()) != model.schema_.names:
        raise ModelFileError(
            f"the model in {str(path)!r} must read what the memory keeps",
            "found that their names differ",
            "save the pipeline again",
        )
    return make_pipeline(memory, model)


def memory_and_model(pipeline: Any) -> tuple[LegendreMemory, Any]:
    """Take a pipeline apart; refuse one that is no fitted memory with a model of this library."""
    steps = [step for _, step in getattr(pipeline, "steps", ())]
    fitted = len(steps) == 2 and hasattr(steps[0], "channels_") and hasattr(steps[1], "schema_")
    if not fitted or not isinstance(steps[0], LegendreMemory):
        found = " and ".join(type(step).__name__ for step in steps) or type(pipeline).__name__
        raise InputError(
            "a sequence model must be a fitted pipeline of a LegendreMemory and a model",
            f"found {found}",
            BELONG,
        )
    return steps[0], steps[1]


def memory_words(memory: LegendreMemory) -> dict[str, Any]:
    """Say in words and numbers what makes two memories the same."""
    return {
        "order": int(memory.order),
        "theta": float(memory.theta),
        "method": memory.method,
        "channels": list(memory.channels_),
    }


def _memory_from(words: Any, columns: int) -> LegendreMemory:
    try:
        order, channels = words["order"], words["channels"]
        if not channels or not all(isinstance(name, str) for name in channels):
            raise ValueError("channels have names")
        if order * len(channels) != columns:  # a matrix of any order might be asked for
            raise ValueError(f"the model reads {columns} numbers")
        memory = LegendreMemory(order, float(words["theta"]), words["method"])
        memory.channels_ = tuple(channels)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ModelFileError(
            "the file must describe a memory", f"found that it does not ({error})", "save it again"
        ) from error
    return memory
