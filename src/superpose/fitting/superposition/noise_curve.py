"""How large errors are, as a curve of the prediction: a Gamma fit of their sizes.

The size of a standardised error is positive, with a spread in proportion to its mean, so the curve
is the log mean of a Gamma loss (Lei and others, 2018, section 5.2, scale intervals by a regression
of absolute errors). Where errors are everywhere alike the evidence makes it flat.
"""

from __future__ import annotations

import torch

from superpose.curves import Axis
from superpose.fitting.superposition.assemble import assemble
from superpose.fitting.superposition.growth import Growth, Rows
from superpose.fitting.superposition.losses import Gamma
from superpose.fitting.superposition.problem import Problem
from superpose.networks import Attribute

KNOTS = 10
POINTS = 65
FEWEST = 30  # rows; fewer say nothing about a curve
SMALLEST = 1e-3  # of the mean size; an error of 0 has no logarithm


def noise_curve(
    prediction: torch.Tensor, size: torch.Tensor, weight: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return places [G] along the prediction and the mean size of errors there [G].

    Parameters
    ----------
    prediction, size, weight : Tensor [N]
        Outputs, absolute errors in any unit, and how many rows each row stands for.

    Examples
    --------
    >>> import torch
    >>> f = torch.linspace(0, 1, 200, dtype=torch.float64)
    >>> at, size = noise_curve(f, 1 + f, torch.ones_like(f))
    >>> [round(float(v), 1) for v in size[[0, -1]]]
    [1.0, 2.0]
    """
    mean = (weight @ size) / weight.sum()
    if len(size) < FEWEST or mean <= 0 or prediction.min() == prediction.max():
        return prediction[:1], mean[None] if mean > 0 else torch.ones_like(mean)[None]
    axis = Axis.from_data(prediction, n_knots=KNOTS, sample_weight=weight)
    attribute = Attribute("prediction", "number", axis)
    problem = Problem(size.clamp(min=float(SMALLEST * mean)), weight, Gamma())
    rows = Rows((attribute,), attribute.encode(prediction)[:, None], problem, "matern32")
    growth = Growth.additive(rows, torch.ones(len(size), dtype=torch.bool))
    network, _ = assemble([attribute], growth.design, growth.fit())
    at = axis.from_axis(torch.linspace(0, 1, POINTS, dtype=torch.float64))
    return at, network(at[:, None])[:, 0].exp()
