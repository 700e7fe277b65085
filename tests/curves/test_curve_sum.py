"""The compiled loops of a sum of curves mean what its plain form says."""

from __future__ import annotations

import pytest
import torch

from superpose.curves import EvenBasis
from superpose.curves.compiled_sum import fast_sum, fits, plain_sum
from superpose.curves.curve_sum import curve_sum
from superpose.curves.statistics_loop import column_statistics

KNOTS = {"matern12": 5, "matern32": 9, "matern52": 12}


def case(
    kernel: str = "matern32",
    *,
    rows: int = 70,
    inputs: int = 3,
    outputs: int = 5,
    dtype: torch.dtype = torch.float64,
) -> list[torch.Tensor | float]:
    """What `fast_sum` takes: more than a block of rows, some of them far beyond the knots."""
    generator = torch.Generator().manual_seed(0)
    basis = EvenBasis(KNOTS[kernel], kernel, length_scale=0.6).to(dtype)
    x = torch.randn(rows, inputs, generator=generator, dtype=dtype)
    if rows:
        x[0] = 1e6
        x[-1] = -30.0
    heights = torch.randn(inputs, basis.n_heights, outputs, generator=generator, dtype=dtype)
    centre = torch.linspace(-0.2, 0.3, inputs, dtype=dtype)
    spread = torch.linspace(0.7, 2.0, inputs, dtype=dtype)
    tables = basis.rows, basis.powers, basis.tail
    return [x, heights, centre, spread, *tables, basis.rate]


def both(given: list[torch.Tensor | float]) -> list[tuple[torch.Tensor, ...]]:
    """Value and gradients of the loops, then of the plain form."""
    answers = []
    for function in (fast_sum, plain_sum):
        x, heights = (each.detach().clone().requires_grad_() for each in given[:2])
        y = function(x, heights, *given[2:])
        flow = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).reshape(y.shape)
        answers.append((y.detach(), *torch.autograd.grad(y, (x, heights), flow)))
    return answers


@pytest.mark.parametrize(
    "kernel",
    [
        "matern32",
        pytest.param("matern12", marks=pytest.mark.slow),  # each is compiled first
        pytest.param("matern52", marks=pytest.mark.slow),
    ],
)
def test_value_and_gradients_are_those_of_the_plain_form(kernel: str) -> None:
    for own, plain in zip(*both(case(kernel)), strict=True):
        torch.testing.assert_close(own, plain, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    ("rows", "inputs", "outputs"), [(0, 2, 3), (1, 1, 1), (64, 2, 16), (130, 21, 17)]
)
def test_any_number_of_rows_inputs_and_outputs(rows: int, inputs: int, outputs: int) -> None:
    for own, plain in zip(*both(case(rows=rows, inputs=inputs, outputs=outputs)), strict=True):
        assert own.shape == plain.shape
        torch.testing.assert_close(own, plain, rtol=1e-9, atol=1e-11)


def test_float32_differs_by_its_rounding() -> None:
    exact, single = case(), case(dtype=torch.float32)
    x, heights = (each.double().requires_grad_() for each in single[:2])
    y = plain_sum(x, heights, *exact[2:])
    flow = torch.linspace(-1, 1, y.numel()).reshape(y.shape)
    slope, rise = torch.autograd.grad(y, (x, heights), flow.double())
    for own, plain in zip(both(single)[0], (y.detach(), slope, rise), strict=True):
        assert own.dtype == torch.float32
        off = (own.double() - plain).abs() / (plain.abs() + 1)
        assert off.max() < 2e-5


@pytest.mark.slow
def test_many_outputs_at_once() -> None:
    for own, plain in zip(*both(case(rows=65, inputs=5, outputs=64)), strict=True):
        torch.testing.assert_close(own, plain, rtol=1e-9, atol=1e-11)


@pytest.mark.slow
def test_several_threads_give_what_one_gives() -> None:
    given = case(rows=3000, inputs=40, outputs=64, dtype=torch.float32)  # merits more than one
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = both(given)[0]
        torch.set_num_threads(3)
        shared = both(given)[0]
    finally:
        torch.set_num_threads(before)
    for one, many in zip(alone, shared, strict=True):
        assert torch.equal(one, many)


def test_gradients_are_those_of_finite_differences_and_so_are_theirs() -> None:
    x, heights, *rest = case(rows=6, inputs=2, outputs=2)
    x, heights = x[1:-1].requires_grad_(), heights.requires_grad_()

    def of(x: torch.Tensor, heights: torch.Tensor) -> torch.Tensor:
        return fast_sum(x, heights, *rest)

    assert torch.autograd.gradcheck(of, (x, heights))
    assert torch.autograd.gradgradcheck(of, (x, heights))


def test_only_the_gradients_that_are_asked_for_are_made() -> None:
    given = case()
    whole = both(given)[0]
    heights = given[1].clone().requires_grad_()
    y = fast_sum(given[0], heights, *given[2:])
    flow = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).reshape(y.shape)
    (rise,) = torch.autograd.grad(y, heights, flow)
    torch.testing.assert_close(rise, whole[2], rtol=1e-12, atol=1e-12)


def test_a_missing_number_makes_its_row_missing_and_no_other() -> None:
    given = case()
    whole = fast_sum(*given)
    given[0][3, 1] = torch.nan
    y = fast_sum(*given)
    assert y[3].isnan().all()
    assert torch.equal(torch.cat([y[:3], y[4:]]), torch.cat([whole[:3], whole[4:]]))


def test_strided_inputs_are_read_where_they_stand() -> None:
    given = case(dtype=torch.float32)
    expected = fast_sum(*given)
    wide = torch.randn(given[0].shape[1], given[0].shape[0]).mT
    wide.copy_(given[0])
    deep = given[1].permute(2, 1, 0).contiguous().permute(2, 1, 0)
    assert not wide.is_contiguous()
    assert torch.equal(fast_sum(wide, deep, *given[2:]), expected)


def test_transforms_of_functions_find_their_way() -> None:
    x, heights, *rest = case(rows=4, inputs=2, outputs=3)
    x = x[1:-1]

    def of(row: torch.Tensor) -> torch.Tensor:
        return fast_sum(row.unsqueeze(0), heights, *rest)[0]

    jacobian = torch.func.vmap(torch.func.jacrev(of))(x)
    for row, found in zip(x, jacobian, strict=True):
        expected = torch.autograd.functional.jacobian(
            lambda r: plain_sum(r.unsqueeze(0), heights, *rest)[0], row
        )
        torch.testing.assert_close(found, expected)


def test_the_basis_takes_places_or_an_axis() -> None:
    x, heights, centre, spread, *_ = case()
    basis = EvenBasis(9, length_scale=0.6)
    u = (x - centre) / spread
    plain = curve_sum(u, basis.rows @ heights, basis.powers, basis.tail, basis.rate)
    torch.testing.assert_close(basis.sum(u, heights), plain)
    torch.testing.assert_close(basis.sum(x, heights, centre, spread), plain)


def test_other_devices_and_short_numbers_take_the_plain_form() -> None:
    assert fits(torch.zeros(1))
    assert not fits(torch.zeros(1, dtype=torch.bfloat16))
    assert not fits(torch.zeros(1, device="meta"))


def test_statistics_of_columns_are_those_of_torch() -> None:
    x = 1e3 + torch.randn(500, 3, generator=torch.Generator().manual_seed(0))
    lowest, highest, mean, variance = torch.from_numpy(column_statistics(x.numpy()))
    assert torch.equal(torch.stack([lowest, highest]), torch.stack([*x.aminmax(dim=0)]))
    exact = x.double()
    torch.testing.assert_close(mean.double(), exact.mean(0), rtol=1e-7, atol=0)
    torch.testing.assert_close(variance.double(), exact.var(0, correction=0), rtol=1e-6, atol=0)
