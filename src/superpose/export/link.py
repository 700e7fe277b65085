"""Which models can be written: those whose score is the prediction, or becomes probabilities."""

from __future__ import annotations

from typing import Any

from superpose.errors import InputError
from superpose.estimators.links import LOG_LINKS


def check_link(model: Any) -> None:
    """Refuse a fitted model whose score is the logarithm of its prediction."""
    if model.fit_.loss in LOG_LINKS:
        raise InputError(
            "exports hold models of classes, or of numbers without a log link",
            f'found loss="{model.fit_.loss}", whose prediction is the exponential of the score',
            "save the model with model.save and score it with superpose",
        )
