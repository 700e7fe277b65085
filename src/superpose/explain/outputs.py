"""What a model's outputs are called, and on what scale they are read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Outputs"]


@dataclass(frozen=True)
class Outputs:
    """The K outputs of a model on the scale on which its parts add up (the link scale).

    Regression adds up in units of the target, or of its logarithm where the link is one. Two
    classes add up in log-odds of the second class, log p/(1 - p). More classes add up in centred
    log-probabilities, log p_k minus the mean over the classes, one output a class.

    Parameters
    ----------
    target : str
        Name of what is predicted.
    classes : tuple of str
        Names of the classes; empty in regression.
    log : bool
        Whether a regression adds up in the log of the target, so that what a part adds multiplies
        the prediction.

    Examples
    --------
    >>> from superpose.explain import Outputs
    >>> Outputs("class", ("genuine", "forged")).units
    ('log-odds of class = forged',)
    >>> Outputs("price").units, Outputs("claims", log=True).units
    (('price',), ('log of claims',))
    """

    target: str
    classes: tuple[str, ...] = ()
    log: bool = False

    @property
    def units(self) -> tuple[str, ...]:
        """The unit of each output, K strings."""
        if not self.classes:
            return (f"log of {self.target}" if self.log else self.target,)
        if len(self.classes) == 2:
            return (f"log-odds of {self.target} = {self.classes[1]}",)
        return tuple(
            f"log-probability of {self.target} = {name} (centred)" for name in self.classes
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """A short name of each output: the class it speaks for, or the target."""
        return self.classes[-1:] if len(self.classes) == 2 else self.classes or (self.target,)

    def inverse_link(self, prediction: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn sums into what a person asks for.

        Parameters
        ----------
        prediction : array [N, K]
            Predictions on the link scale.

        Returns
        -------
        array [N, 1] or [N, C]
            The target in its units, or the probability of each of the C classes.

        Examples
        --------
        >>> import numpy as np
        >>> from superpose.explain import Outputs
        >>> Outputs("class", ("no", "yes")).inverse_link(np.array([[0.0], [2.0]])).round(3)
        array([[0.5  , 0.5  ],
               [0.119, 0.881]])
        """
        if not self.classes:
            return np.exp(np.clip(prediction, -700.0, 700.0)) if self.log else prediction
        if len(self.classes) == 2:
            prediction = np.hstack([np.zeros_like(prediction), prediction])
        shifted = np.exp(prediction - prediction.max(axis=1, keepdims=True))
        return shifted / shifted.sum(axis=1, keepdims=True)
