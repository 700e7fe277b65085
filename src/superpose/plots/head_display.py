"""The last layer of a network in one picture: curves, what drives the features, one prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from superpose.errors import InputError
from superpose.networks import KSTHead
from superpose.plots.style import FALLS, INK, OUTPUTS, QUIET, RISES, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["HeadDisplay"]

_ACROSS = 4  # panels in a row


class HeadDisplay:
    """What every feature adds to every output, and how one prediction comes about.

    A panel a feature: its curves, for each class against the mean of all classes where there are
    several, over the features of the rows given; grey bars at the foot are these rows. The first
    outputs of the explained row are coloured, the others grey. Under a panel stand the inputs in
    which the feature is lowest and highest, if they are images. The last row of the figure explains
    one row: what each feature adds to the output with the highest score, less what it adds to the
    next one; the bars and the bias sum to the difference of the two scores.

    Parameters
    ----------
    head : KSTHead
        After training; `KSTHead.centre` first, so that the levels mean something.
    features : Tensor [N, I]
        What the network hands to the head, for rows that the reader knows.
    inputs : array [N, height, width], optional
        The images of these rows.
    row : int, default 0
        The row to explain.
    coloured : int, default 3
        How many outputs of this row get a colour, from the highest score.

    Attributes
    ----------
    order : ndarray [O]
        Outputs by their score in the row, highest first.
    difference : ndarray [I]
        What each feature adds to the highest score, less what it adds to the second; with one
        output, what it adds.
    extremes : ndarray [I, 4]
        Rows in which a feature is lowest (two) and highest (two).
    figure_
        After `plot`.
    lines_ : list of list of Line2D
        For each feature, one line an output.
    bars_ : BarContainer
        One bar a feature, from top to bottom by size.

    Raises
    ------
    InputError
        If features or inputs do not fit the head, or there is no such row.

    Examples
    --------
    >>> import torch
    >>> from superpose.networks import KSTHead
    >>> from superpose.plots import HeadDisplay
    >>> head = KSTHead(["width", "height"], ["cat", "dog", "bird"], bounds=(-1, 1))
    >>> rows = torch.rand(20, 2) * 2 - 1
    >>> display = HeadDisplay(head, rows, row=3).plot()
    >>> len(display.lines_), len(display.lines_[0]), len(display.bars_)
    (2, 3, 2)
    """

    def __init__(
        self,
        head: KSTHead,
        features: torch.Tensor,
        inputs: Any = None,
        *,
        row: int = 0,
        coloured: int = 3,
    ) -> None:
        _check(head, features, inputs, row)
        self.head, self.features, self.inputs = head, features.detach().cpu(), inputs
        self.row, self.coloured = row, coloured
        explanation = head.explain(features[row : row + 1])
        scores = explanation.scores[0].cpu().numpy()
        self.order = np.argsort(-scores, kind="stable")
        parts = explanation.contributions[0].cpu().numpy()
        best, next_best = self.order[0], self.order[min(1, len(self.order) - 1)]
        apart = len(self.order) > 1
        self.difference = parts[:, best] - (parts[:, next_best] if apart else 0.0)
        by_size = np.argsort(self.features.numpy(), axis=0, kind="stable")
        self.extremes = np.concatenate([by_size[:2], by_size[-2:]]).T

    def plot(self, figure: Figure | None = None) -> HeadDisplay:
        """Draw, and return self.

        Parameters
        ----------
        figure : matplotlib Figure, optional
            Where to draw; a new one if not given.
        """
        deep = -(-len(self.head.features) // _ACROSS)
        self.figure_ = new_figure((3.1 * _ACROSS, 2.6 * deep + 3.4)) if figure is None else figure
        ratios = [2.6 * deep, 3.2]
        top, foot = self.figure_.subfigures(2, 1, squeeze=False, height_ratios=ratios)[:, 0]
        panels = top.subplots(deep, _ACROSS, squeeze=False).ravel()
        self.lines_ = [self._panel(panels[i], i) for i in range(len(self.head.features))]
        for spare in panels[len(self.head.features) :]:
            spare.set_axis_off()
        names = [self.head.outputs[o] for o in self.order[: self.coloured]]
        handles = [self.lines_[0][o] for o in self.order[: self.coloured]]
        top.legend(handles, names, loc="outside upper right", frameon=False, ncols=len(names))
        self._explain(foot)
        return self

    def _panel(self, ax: Axes, i: int) -> list[Any]:
        x, height = self._curves(i)
        lines = []
        for o in range(len(self.head.outputs)):
            place = int(np.flatnonzero(self.order == o)[0])
            bright = place < self.coloured
            colour = OUTPUTS[place % len(OUTPUTS)] if bright else QUIET
            style = {"lw": 2, "zorder": 3} if bright else {"lw": 0.8, "alpha": 0.6}
            lines += ax.plot(x, height[:, o], color=colour, **style)
        seen, foot = self.features[:, i].numpy(), ax.get_xaxis_transform()
        counts, edges = np.histogram(seen, 30, (x[0], x[-1]))
        ax.bar(
            edges[:-1],
            0.15 * counts / max(counts.max(), 1),
            np.diff(edges),
            align="edge",
            color=QUIET,
            alpha=0.35,
            transform=foot,
        )
        ax.axvline(float(seen[self.row]), color=INK, lw=0.8, ls=":")
        ax.axhline(0, color=QUIET, lw=0.8, zorder=0)
        tidy(ax, "", "adds" if i % _ACROSS == 0 else "", self.head.features[i])
        if self.inputs is not None:
            for k, at in enumerate(self.extremes[i]):
                left = (0.0, 0.16, 0.68, 0.84)[k]
                _image(ax.inset_axes((left, -0.42, 0.16, 0.26)), self.inputs[at])
        return lines

    def _curves(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Places in units of the feature [G], and what it adds to every output there [G, O]."""
        seen = self.features[:, i].double()
        x = torch.linspace(float(seen.min()), float(seen.max()), 200, dtype=torch.float64)
        outputs = range(len(self.head.outputs))
        height = torch.stack([self.head.curve(i, o)(x) for o in outputs], 1)
        if len(outputs) > 1:
            height = height - height.mean(1, keepdim=True)
        return x.numpy(), height.numpy()

    def _explain(self, figure: Any) -> None:
        shown = self.inputs is not None
        sides = figure.subplots(1, 1 + shown, width_ratios=[1, 3][1 - shown :], squeeze=False)[0]
        if shown:
            _image(sides[0], self.inputs[self.row])
        names = [self.head.outputs[o] for o in self.order[:2]]
        by_size = np.argsort(-np.abs(self.difference), kind="stable")
        size = self.difference[by_size]
        place = np.arange(len(size))[::-1]
        ax = sides[-1]
        self.bars_ = ax.barh(place, size, color=[RISES if v > 0 else FALLS for v in size])
        ax.set_yticks(place, [self.head.features[i] for i in by_size], fontsize=8)
        ax.axvline(0, color=QUIET, lw=0.8)
        tidy(ax, f"adds to {' less '.join(names)}", "", f"why {names[0]}?")


def _image(ax: Axes, image: Any) -> None:
    ax.imshow(np.asarray(image), cmap="gray_r", interpolation="nearest")
    ax.set_xticks([])
    ax.set_yticks([])
    for side in ax.spines.values():
        side.set_color(QUIET)


def _check(head: KSTHead, features: torch.Tensor, inputs: Any, row: int) -> None:
    if features.ndim != 2 or features.shape[1] != len(head.features):
        raise InputError(
            f"features must be [rows, {len(head.features)}], as the head reads them",
            f"got {tuple(features.shape)}",
            "pass what the network hands to the head",
        )
    if not 0 <= row < len(features):
        raise InputError(
            f"row must be from 0 to {len(features) - 1}", f"got row={row}", "pass one of the rows"
        )
    if inputs is not None and len(inputs) != len(features):
        raise InputError(
            "there must be one input for each row of features",
            f"got {len(inputs)} inputs for {len(features)} rows",
            "pass the images of the same rows",
        )
