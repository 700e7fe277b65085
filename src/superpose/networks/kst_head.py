"""The readable last layer of any torch network: a curve from each feature to each output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from superpose.errors import InputError
from superpose.networks.kst_layer import KSTLayer, LinkCurve


class KSTHead(nn.Module):
    """score_o = b_o + Σ_i f_io(feature_i): put it where a network ends in ``nn.Linear``.

    For classification the scores are logits, one a class, for ``CrossEntropyLoss`` (or one score
    for two classes, with ``BCEWithLogitsLoss``); for regression they are the predictions. A linear
    head is the special case of straight curves, which is how it starts. After training `centre`
    brings the curves into the form in which they are read.

    Parameters
    ----------
    in_features : int or sequence of str
        How many features the network hands over, or their names.
    out_features : int or sequence of str
        How many scores, or their names.
    knots, kernel, length_scale, bounds, generator
        As in `KSTLayer`.

    Attributes
    ----------
    curves : KSTLayer
        All I · O of them.
    bias : Parameter [O]
        b.
    features, outputs : tuple of str
        Names, for reading.

    Raises
    ------
    InputError
        If names repeat, or a size is below 1.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from superpose.networks import KSTHead
    >>> head = KSTHead(["width", "height"], ["cat", "dog", "bird"])
    >>> network = nn.Sequential(nn.Linear(5, 2), nn.Tanh(), head)
    >>> network(torch.zeros(4, 5)).shape
    torch.Size([4, 3])
    >>> loss = network(torch.zeros(4, 5)).logsumexp(1).mean() + 1e-4 * head.prior()
    >>> type(head.curve("height", "dog")).__name__
    'LinkCurve'
    """

    def __init__(
        self,
        in_features: int | Sequence[str],
        out_features: int | Sequence[str],
        knots: int = 16,
        kernel: str = "matern32",
        *,
        length_scale: float = 0.5,
        bounds: tuple[float, float] | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.features = _names(in_features, "feature", "in_features")
        self.outputs = _names(out_features, "output", "out_features")
        self.curves = KSTLayer(
            len(self.features),
            len(self.outputs),
            knots,
            kernel,
            length_scale=length_scale,
            bounds=bounds,
            generator=generator,
        )
        self.bias = nn.Parameter(torch.zeros(len(self.outputs)))

    @property
    def n_curves(self) -> int:
        """How many curves a reader looks at."""
        return self.curves.n_curves

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the scores [.., O] of features [.., I]."""
        scores: torch.Tensor = self.curves(features)
        return scores + self.bias.to(scores.dtype)

    def prior(self) -> torch.Tensor:
        """Return the prior of all curves, one number to weight; see `KSTLayer.prior`."""
        return self.curves.prior()

    def curve(self, feature: int | str, output: int | str = 0) -> LinkCurve:
        """Return one curve, by names or places, in units of the feature."""
        return self.curves.curve(
            _place(feature, self.features, "feature"), _place(output, self.outputs, "output")
        )

    @torch.no_grad()
    def centre(self, features: torch.Tensor) -> None:
        """Bring the curves into the form in which they are read; predictions stay what they are.

        Only sums of curves are seen in the scores, so their levels are open: here every curve gets
        mean zero over the rows given, and the bias what they lose. Of several outputs, the classes
        of a softmax also share an open curve a feature; it is left as it is, for scores of a
        regression have none (`HeadExplanation.against_others` removes it).

        Parameters
        ----------
        features : Tensor [N, I]
            Rows that the reader knows, for instance those of training.

        Raises
        ------
        InputError
            If there are none.
        """
        if not len(features):
            raise InputError(
                "curves are centred over the rows that are given",
                "got no rows",
                "pass those of training",
            )
        means = self.curves.contributions(features).mean(0)  # [I, O]
        self.curves.heights.sub_(means.unsqueeze(1))
        self.bias.add_(means.sum(0))

    @torch.no_grad()
    def explain(self, features: torch.Tensor) -> HeadExplanation:
        """Return what every feature adds to every score of rows [N, I]; see `centre`."""
        parts, outside = self.curves.contributions(features), self.curves.outside(features)
        return HeadExplanation(parts, self.bias.clone(), outside, self.features, self.outputs)


@dataclass(frozen=True, eq=False)
class HeadExplanation:
    """What every feature adds to every score; with the bias, all of it.

    Attributes
    ----------
    contributions : Tensor [N, I, O]
        In units of the scores: log odds where they are logits.
    bias : Tensor [O]
    outside : Tensor [N, I] of bool
        Where a feature lies outside what was seen in training, or is missing: its curve is a guess
        there.
    features, outputs : tuple of str

    Examples
    --------
    >>> import torch
    >>> from superpose.networks import KSTHead
    >>> head = KSTHead(2, 1, bounds=(-1, 1))
    >>> rows = torch.tensor([[0.5, -0.2]])
    >>> explanation = head.explain(rows)
    >>> bool(torch.allclose(explanation.scores, head(rows)))
    True
    """

    contributions: torch.Tensor
    bias: torch.Tensor
    outside: torch.Tensor
    features: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def scores(self) -> torch.Tensor:
        """The scores [N, O]: bias and contributions together."""
        return self.bias + self.contributions.sum(1)

    @property
    def against_others(self) -> torch.Tensor:
        """Contributions less their mean over the outputs, [N, I, O]: for one class, against others.

        A softmax does not see what a feature adds to all classes alike.
        """
        return self.contributions - self.contributions.mean(-1, keepdim=True)


def _names(given: int | Sequence[str], word: str, parameter: str) -> tuple[str, ...]:
    if isinstance(given, int | np.integer):
        return tuple(f"{word} {i + 1}" for i in range(given))
    names = tuple(given)
    if isinstance(given, str) or len(set(names)) < len(names):
        raise InputError(
            f"{parameter} must be a number, or names that differ",
            f"got {given!r}",
            f"pass one name for each {word}",
        )
    return names


def _place(given: int | str, names: tuple[str, ...], word: str) -> int:
    if isinstance(given, int | np.integer):
        return int(given)
    if given not in names:
        raise InputError(
            f"the {word} must be one of {', '.join(names)}",
            f"got {given!r}",
            "pass one of these names, or a place from 0",
        )
    return names.index(given)
