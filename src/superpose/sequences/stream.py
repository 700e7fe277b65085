"""Samples as they come, and a prediction after each; what is kept does not grow."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.special import expit, softmax
from sklearn.pipeline import Pipeline

from superpose.atomic import written_whole
from superpose.errors import InputError, ModelFileError
from superpose.sequences.legendre_memory import MemoryState
from superpose.sequences.sequence_file import memory_and_model, memory_words

__all__ = ["Stream"]

FORMAT = "superpose stream state"


class Stream:
    """Predictions after every step of one unbounded sequence.

    It keeps order + 1 numbers a channel. A regressor's band is the interval that holds a new
    observation with the stated probability, see `KSTRegressor.predict_interval`. A classifier's is
    that of the probability of the class it names: the ends of the band of this class's link value,
    the values of the other classes at their means.

    Parameters
    ----------
    pipeline : Pipeline
        ``make_pipeline(memory, model)``, both fitted.
    level : float, default=0.9
        Of the intervals of a regressor; bands of a classifier are at 95 %, as everywhere.

    Attributes
    ----------
    state : MemoryState
        Of one sequence, in float64.
    steps : int
        How many were taken.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from superpose import KSTRegressor
    >>> from superpose.sequences import LegendreMemory, Stream
    >>> walk = np.sin(0.3 * np.arange(400.0))[:, None] + 0.01 * np.arange(400)[:, None] % 0.05
    >>> memory = LegendreMemory(order=4, theta=20).fit([walk])
    >>> rows = memory.transform_steps([walk])
    >>> model = KSTRegressor(pairs=0, terms=0).fit(rows[:-1], walk[1:, 0])  # the next sample
    >>> stream = Stream(make_pipeline(memory, model))
    >>> found = stream.answer(walk[:300])  # as many steps at a time as there are
    >>> list(found.columns), stream.steps
    (['prediction', 'lower', 'upper'], 300)
    >>> bool(abs(stream.answer(walk[300:301])["prediction"][0] - walk[301, 0]) < 0.1)
    True
    """

    def __init__(self, pipeline: Pipeline, level: float = 0.9) -> None:
        self.memory, self.model = memory_and_model(pipeline)
        self.level = level
        like = torch.empty(0, dtype=torch.float64)
        self.state = self.memory.start(1, len(self.memory.channels_), like)
        self.steps = 0

    def answer(self, samples: Any) -> pd.DataFrame:
        """Take some steps, and predict after each.

        Parameters
        ----------
        samples : array-like [steps, channels]
            In the units of the channels; NaN is a missing sample, which is held.

        Returns
        -------
        DataFrame [steps, 3 or 4]
            ``prediction``, ``lower``, ``upper``; of a classifier also ``probability``, that of the
            class it names.

        Raises
        ------
        InputError
            If the samples have other channels than the memory, or one is infinite.
        """
        u = torch.from_numpy(np.array(samples, dtype=np.float64))
        self._check(u)
        with torch.no_grad():
            memories, self.state = self.memory(u[None], self.state, mask=~u[None].isnan())
        self.steps += len(u)
        return predictions_with_bands(self.model, self.memory.table(memories[0]), self.level)

    def save_state(self, path: str | PathLike[str]) -> None:
        """Write what is kept to a JSON file, whole or not at all.

        Parameters
        ----------
        path : str or path
            An existing file is replaced.
        """
        kept = {"memory": self.state.memory[0].tolist(), "held": self.state.held[0].tolist()}
        words = {
            "format": FORMAT,
            "version": 1,
            **memory_words(self.memory),
            "steps": self.steps,
            **kept,
        }
        with written_whole(path) as draft:
            draft.write_text(json.dumps(words, allow_nan=False) + "\n", encoding="utf-8")

    def load_state(self, path: str | PathLike[str]) -> None:
        """Go on from where `save_state` left, to the last bit.

        Parameters
        ----------
        path : str or path
            The file.

        Raises
        ------
        ModelFileError
            Where the file is none of this kind, or that of another memory.
        """
        words = _read_json(Path(path))
        own = {"format": FORMAT, "version": 1, **memory_words(self.memory)}
        for name, value in own.items():
            if words.get(name) != value:
                found = f"found {name} {words.get(name)!r} instead of {value!r}"
                raise _refusal(path, "must be that of this memory", found)
        try:
            kept = [torch.tensor([words[name]], dtype=torch.float64) for name in ("memory", "held")]
            steps = int(words["steps"])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise _refusal(path, "must hold numbers", f"found others ({error})") from error
        if any(new.shape != old.shape for new, old in zip(kept, self.state, strict=True)):
            raise _refusal(path, "must be that of this memory", "found another shape")
        if not all(bool(numbers.isfinite().all()) for numbers in kept):
            raise _refusal(path, "must hold finite numbers", "found others")
        self.state, self.steps = MemoryState(*kept), steps

    def _check(self, u: torch.Tensor) -> None:
        channels = self.memory.channels_
        if u.ndim != 2 or u.shape[1] != len(channels):
            raise InputError(
                f"every step must have {len(channels)} samples: {', '.join(channels)}",
                f"found the shape {list(u.shape)}",
                "pass an array [steps, channels], NaN where a sample is missing",
            )
        if u.isinf().any():
            raise InputError(
                "samples must be finite, or NaN where they are missing",
                f"found infinity in step {self.steps + int(u.isinf().any(1).nonzero()[0])}",
                "replace it with NaN if the value is not known",
            )


def predictions_with_bands(model: Any, rows: pd.DataFrame, level: float = 0.9) -> pd.DataFrame:
    """Return what `Stream.answer` returns, for rows of what a memory keeps.

    Parameters
    ----------
    model : KSTClassifier or KSTRegressor
        Fitted.
    rows : DataFrame
        Of `LegendreMemory.transform_steps`.
    level : float, default=0.9
        Of the intervals of a regressor.

    Returns
    -------
    DataFrame
        A row a row.
    """
    if not hasattr(model, "classes_"):
        lower, upper = model.predict_interval(rows, level=level)
        return pd.DataFrame({"prediction": model.predict(rows), "lower": lower, "upper": upper})
    seen = model.explain(rows)
    ends = (seen.prediction, seen.prediction_lower, seen.prediction_upper)
    if len(model.classes_) == 2:  # one link value, the log-odds of the second class
        named = (seen.prediction[:, 0] > 0).astype(int)
        chances = [np.where(named, expit(end[:, 0]), expit(-end[:, 0])) for end in ends]
        chances[1:] = [np.minimum(*chances[1:]), np.maximum(*chances[1:])]
    else:
        named = seen.prediction.argmax(1)
        chances = [_chance(seen.prediction, end, named) for end in ends]
    found = dict(zip(("probability", "lower", "upper"), chances, strict=True))
    return pd.DataFrame({"prediction": model.classes_[named], **found})


def _chance(link: np.ndarray, moved: np.ndarray, named: np.ndarray) -> np.ndarray:
    """[N]: the probability of a class of each row when its link value alone is moved."""
    rows = np.arange(len(link))
    link = link.copy()
    link[rows, named] = moved[rows, named]
    chances: np.ndarray = softmax(link, axis=1)[rows, named]
    return chances


def _read_json(path: Path) -> dict[str, Any]:
    try:
        words = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _refusal(path, "must be a JSON file", f"found that it is none ({error})") from error
    if not isinstance(words, dict):
        raise _refusal(path, "must be a JSON object", f"found a {type(words).__name__}")
    return words


def _refusal(path: str | PathLike[str], must: str, found: str) -> ModelFileError:
    return ModelFileError(
        f"the state {str(path)!r} {must}", found, "begin without it, or use another file"
    )
