"""A layer of curves is the sum of the curves one reads from it."""

import pytest
import torch

from superpose.errors import InputError
from superpose.networks import KSTLayer, KSTNetwork, NodewiseLayer


def draws(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def bent(**options):
    layer = KSTLayer(2, 3, knots=9, generator=torch.Generator().manual_seed(1), **options)
    layer(draws(100, 2) * 2 + 5)
    layer.heights.data += draws(*layer.heights.shape, seed=2)
    return layer.eval()


@pytest.mark.parametrize("kernel", ["matern12", "matern32", "matern52"])
def test_equals_a_loop_over_dense_gaussian_process_curves(kernel):
    layer, x = bent(kernel=kernel), draws(40, 2, seed=3) * 6 + 5
    dense = layer.basis.dense()
    slow = torch.zeros(40, 3, dtype=torch.float64)
    for i in range(2):
        u = (x[:, i].double() - layer.axis.centre[i].double()) / layer.axis.spread[i].double()
        for o in range(3):
            slow[:, o] += dense.cardinal(u) @ layer.heights[i, :, o].double()
    assert (layer(x) - slow).abs().max() < 2e-5


def test_the_curves_one_reads_add_up_to_what_the_layer_says():
    layer, x = bent(), draws(30, 2, seed=4) + 5
    read = sum(torch.stack([layer.curve(i, o)(x[:, i]) for o in range(3)], 1) for i in range(2))
    assert (layer(x) - read).abs().max() < 1e-5
    assert (layer.contributions(x).sum(1) - layer(x)).abs().max() < 1e-5


def test_a_curve_is_read_in_units_of_its_input():
    curve = bent(bounds=(10, 30)).curve(1, 2)
    assert curve.knots[[0, -1]].tolist() == pytest.approx([10, 30])
    assert (curve(curve.knots) - curve.heights).abs().max() < 1e-9
    x = torch.linspace(5, 35, 31, dtype=torch.float64)
    step = (curve(x + 1e-4) - curve(x - 1e-4)) / 2e-4
    assert (curve.derivative(x) - step).abs().max() < 1e-4
    seen = draws(100, 2)[:, 1] * 2 + 5
    assert curve.support == (seen.min().item(), seen.max().item())


def test_prior_is_the_quadratic_form_of_the_covariance():
    layer = bent()
    dense = layer.basis.dense()
    form = sum(
        dense.quadratic_form(layer.heights[i, :, o].double()) for i in range(2) for o in range(3)
    )
    assert layer.prior().item() == pytest.approx(form.item() / 2, rel=1e-5)


def test_half_precision_rows_are_read_in_single_precision():
    layer, x = bent(), (draws(20, 2) + 5).bfloat16()
    assert torch.equal(layer(x), layer(x.float()).bfloat16())


def test_tables_stay_exact_when_a_layer_is_cast_to_and_fro():
    layer, x = bent(), draws(20, 2) + 5
    short = bent().bfloat16()
    assert short.basis.rows.dtype == torch.float32
    there = short.float()
    assert torch.equal(there.basis.rows, layer.basis.rows)
    assert layer.double().basis.rows.dtype == torch.float64
    assert (layer.double()(x.double()) - bent()(x)).abs().max() < 1e-5


def test_the_same_generator_gives_the_same_network():
    def make(seed):
        return KSTNetwork([2, 3, 1], generator=torch.Generator().manual_seed(seed))

    x = draws(5, 2)
    assert torch.equal(make(0)(x), make(0)(x))
    assert not torch.equal(make(0)(x), make(1)(x))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: KSTLayer(0, 3), "in_features and out_features must be at least 1; got 0 and 3"),
        (lambda: KSTLayer(2, 3, knots=4), "matern32 needs at least 5 knots; got knots=4"),
        (lambda: KSTLayer(2, 3, kernel="squared_exponential"), "which have packets"),
        (lambda: KSTLayer(2, 3, bounds=(1, 1)), "the lower one first; got bounds=(1, 1)"),
        (lambda: KSTNetwork([3]), "got widths=[3]"),
        (lambda: KSTLayer(2, 3).curve(2, 0), "got (2, 0)"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(InputError) as error:
        make()
    assert message in str(error.value)


@pytest.mark.parametrize("make", [KSTLayer, NodewiseLayer])
def test_inputs_that_do_not_fit_are_refused_before_the_axes_learn_of_them(make):
    layer = make(3, 4)
    for x in (torch.randn(6, 2), torch.ones(6, 3, dtype=torch.long)):
        with pytest.raises(InputError) as error:
            layer(x)
        assert f"floating numbers [.., 3]; got {x.dtype} {list(x.shape)}" in str(error.value)
    assert layer.axis.batches == 0


def test_refining_a_layer_that_stands_still_leaves_it_so():
    network = KSTNetwork([2, 2, 1]).requires_grad_(False)
    network.refine()
    nodewise = NodewiseLayer(2, 1).requires_grad_(False)
    nodewise.refine()
    assert not any(p.requires_grad for p in (*network.parameters(), *nodewise.parameters()))
