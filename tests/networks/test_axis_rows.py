"""Rows that remember say what rows say that do not, and work out every basis once."""

import torch
from tests.fitting.made_problems import numbers, uniform

from superpose.networks import AxisRows, InputBasis, MainCurve, PairSurface
from superpose.networks.axis_rows import BATCH


class Counted(InputBasis):
    """A basis that counts how often it is asked."""

    asked = 0

    def cardinal(self, u: torch.Tensor) -> torch.Tensor:
        self.asked += 1
        return super().cardinal(u)


def test_parts_that_read_one_basis_ask_it_once_and_read_it_alike() -> None:
    x = uniform(50, 2)
    x[3, 0] = torch.nan
    attributes = numbers(x, n_knots=5)
    first, second = (Counted(attribute, attribute.axis.knots) for attribute in attributes)
    heights = torch.arange(float(first.n_heights), dtype=torch.float64)
    curve = MainCurve(0, first, heights[None])
    surface = PairSurface((0, 1), (first, second), torch.outer(heights, heights)[None], [curve])
    u = torch.stack([a.encode(x[:, p]) for p, a in enumerate(attributes)], 1)
    apart = curve(u), surface(u)
    before, rows = first.asked, AxisRows(u)
    together = curve(rows), surface(rows)
    assert before == 2, "of the curve; of the surface, with what moved from it"
    assert first.asked == before + 1
    for one, other in zip(apart, together, strict=True):
        assert torch.equal(one, other)


def test_one_basis_over_two_attributes_is_two_readings() -> None:
    x = uniform(20, 2)
    basis = InputBasis(numbers(x, n_knots=5)[0])
    rows = AxisRows(x)
    assert torch.equal(rows.cardinal(basis, 1), basis.cardinal(x[:, 1]))
    assert torch.equal(rows.cardinal(basis, 0), basis.cardinal(x[:, 0]))
    assert torch.equal(rows.conditional_variance(basis, 1), basis.conditional_variance(x[:, 1]))


def test_batches_are_all_rows_in_order_and_few_rows_are_one_batch() -> None:
    rows = AxisRows(uniform(BATCH + 5, 1))
    batches = rows.batches()
    assert [len(it) for it in batches] == [BATCH, 5]
    assert torch.equal(torch.cat([it.units for it in batches]), rows.units)
    few = AxisRows(rows.units[:0])
    assert few.batches() == [few]
