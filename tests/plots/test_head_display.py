"""The picture of a head holds what the head says."""

import numpy as np
import pytest
import torch

from superpose.errors import InputError
from superpose.networks import KSTHead
from superpose.plots import HeadDisplay


def made(n_outputs=3):
    generator = torch.Generator().manual_seed(0)
    head = KSTHead(5, n_outputs, knots=9, bounds=(-2, 2), generator=generator)
    rows = torch.randn(60, 5, generator=generator)
    head.curves.heights.data += torch.randn(head.curves.heights.shape, generator=generator)
    head.centre(rows)
    return head.eval(), rows


def test_lines_are_the_curves_against_the_mean_of_the_classes():
    head, rows = made()
    display = HeadDisplay(head, rows, row=7).plot()
    for i, lines in enumerate(display.lines_):
        x = torch.from_numpy(lines[0].get_xdata())
        assert x[[0, -1]].tolist() == pytest.approx(
            [rows[:, i].min().item(), rows[:, i].max().item()]
        )
        curves = torch.stack([head.curve(i, o)(x) for o in range(3)])
        drawn = np.stack([line.get_ydata() for line in lines])
        assert drawn == pytest.approx((curves - curves.mean(0)).numpy())


def test_bars_and_bias_sum_to_the_difference_of_the_two_highest_scores():
    head, rows = made()
    display = HeadDisplay(head, rows, row=7).plot()
    scores = head(rows)[7].detach().sort(descending=True)
    first, second = scores.indices[:2]
    assert display.order[:2].tolist() == [first, second]
    bars = sum(bar.get_width() for bar in display.bars_)
    assert bars + (head.bias[first] - head.bias[second]).item() == pytest.approx(
        (scores.values[0] - scores.values[1]).item(), abs=1e-5
    )
    widths = [abs(bar.get_width()) for bar in display.bars_]
    assert widths == sorted(widths, reverse=True)


def test_one_output_is_drawn_as_it_is():
    head, rows = made(n_outputs=1)
    display = HeadDisplay(head, rows).plot()
    line = display.lines_[2][0]
    assert line.get_ydata() == pytest.approx(head.curve(2)(torch.tensor(line.get_xdata())).numpy())
    assert display.difference.sum() + head.bias.item() == pytest.approx(
        head(rows)[0].item(), abs=1e-5
    )


def test_the_images_are_those_of_the_lowest_and_highest_rows():
    head, rows = made()
    images = np.arange(60)[:, None, None] * np.ones((1, 2, 2))
    display = HeadDisplay(head, rows, images).plot()
    assert display.extremes[3, 0] == rows[:, 3].argmin()
    assert display.extremes[3, 3] == rows[:, 3].argmax()
    panel = display.lines_[3][0].axes
    shown = [inset.images[0].get_array()[0, 0] for inset in panel.child_axes]
    assert shown == display.extremes[3].tolist()


def test_what_does_not_fit_is_refused():
    head, rows = made()
    with pytest.raises(InputError, match="as the head reads them; got"):
        HeadDisplay(head, rows[:, :4])
    with pytest.raises(InputError, match="row must be from 0 to 59; got row=60"):
        HeadDisplay(head, rows, row=60)
    with pytest.raises(InputError, match="got 3 inputs for 60 rows"):
        HeadDisplay(head, rows, np.zeros((3, 2, 2)))
