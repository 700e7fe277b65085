"""Pruning that says what it changed, snapping, joint refinement, and formulas from rows."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
import torch

from superpose.curves import FORMS
from superpose.errors import InputError
from superpose.fitting import fit_formula, prune, refine_formula, snap
from superpose.fitting.solving.formula_refinement import without_zeros
from superpose.networks import FormulaNetwork, KSTNetwork


def draws(n: int, inputs: int = 2, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, inputs, generator=generator, dtype=torch.float64) * 2 - 1


def random_network(widths: list[int], seed: int = 0, *, rough: float = 0.3) -> KSTNetwork:
    generator = torch.Generator().manual_seed(seed)
    network = KSTNetwork(widths, 9, bounds=(-1, 1), generator=generator).double().eval()
    with torch.no_grad():
        for layer in network.each_layer():
            draw = torch.randn(layer.heights.shape, generator=generator, dtype=torch.float64)
            layer.heights.add_(rough * draw)
    return network


def changes(before: KSTNetwork, after: KSTNetwork, x: torch.Tensor) -> tuple[float, float]:
    with torch.no_grad():
        change = after(x) - before(x)
    return float(change.abs().max()), float(change.square().mean().sqrt())


@pytest.mark.parametrize("widths", [[2, 4, 1], [3, 3, 2, 1], [2, 3, 2]])
@pytest.mark.parametrize("tolerance", [0.0, 0.02, 0.3])
def test_pruning_keeps_to_its_tolerance_and_reports_the_change(
    widths: list[int], tolerance: float
) -> None:
    network, x = random_network(widths), draws(150, widths[0])
    pruned = prune(network, x, tolerance=tolerance)
    largest, rms = changes(network, pruned.network, x)
    assert pruned.largest_change == pytest.approx(largest, abs=1e-12)
    assert pruned.rms_change == pytest.approx(rms, abs=1e-12)
    with torch.no_grad():
        outputs = network(x)
    assert rms <= tolerance * float((outputs - outputs.mean(0)).square().mean().sqrt()) + 1e-12
    total = sum(layer.n_curves for layer in network.each_layer())
    assert len(pruned.links) <= total - (tolerance > 0.1)


def test_what_is_constant_or_leads_nowhere_goes_exactly() -> None:
    """Node 0 gets constants, node 1 feeds a constant, input 2 feeds nothing."""
    network, x = random_network([3, 3, 1]), draws(150, 3)
    inner, outer = network.each_layer()
    with torch.no_grad():
        inner.heights[:, :, 0] = torch.tensor([0.3, -0.2, 0.1], dtype=torch.float64)[:, None]
        outer.heights[1] = 0.7
        inner.heights[2] = 0.4
    pruned = prune(network, x, tolerance=0.0)
    assert pruned.largest_change < 1e-12
    assert pruned.links == [(0, 0, 0), (0, 1, 0), (1, 0, 0)]
    assert [layer.out_features for layer in pruned.network.each_layer()] == [1, 1]


def test_nodes_that_are_straight_lines_are_merged_exactly() -> None:
    network, x = random_network([2, 3, 1]), draws(150)
    outer = network.each_layer()[1]
    with torch.no_grad():
        outer.heights[0, :, 0] = 2 * outer.basis.knots - 0.3
        outer.heights[2, :, 0] = 0.5 - outer.basis.knots
    pruned = prune(network, x, tolerance=1e-9)
    assert pruned.largest_change < 1e-10
    assert pruned.network.each_layer()[0].out_features == 2


def test_refitting_after_pruning_comes_closer() -> None:
    """A link that matters is pruned on purpose; the others take over what they can."""
    network, x = random_network([2, 3, 1]), draws(200)
    with torch.no_grad():
        y = network(x)
    loose = prune(network, x, tolerance=0.3)
    refitted = prune(network, x, tolerance=0.3, y=y)
    assert refitted.links == loose.links
    assert refitted.rmse is not None
    _, rms = changes(network, refitted.network, x)
    assert refitted.rmse == pytest.approx(rms, rel=1e-9)
    assert refitted.rmse < 0.7 * loose.rms_change
    gone = {(0, i, o) for i in range(2) for o in range(refitted.network.layers[0].out_features)}
    for layer, i, o in gone - set(refitted.links):
        heights = refitted.network.each_layer()[layer].heights[i, :, o]
        assert float(heights.detach().std()) == pytest.approx(0, abs=1e-12)


def test_pruning_leaves_its_argument_alone_and_wants_a_tolerance() -> None:
    network, x = random_network([2, 3, 1]), draws(50)
    before = [p.detach().clone() for p in network.parameters()]
    prune(network, x, tolerance=0.5)
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    with pytest.raises(InputError, match="tolerance must be 0 or more"):
        prune(network, x, tolerance=-1)


def wave(*, noise: float = 0.0) -> tuple[FormulaNetwork, np.ndarray, np.ndarray]:
    """A start near 2 exp(sin(3 x) + y² / 2) - 1, and its rows."""
    x = draws(300).numpy()
    y = 2 * np.exp(np.sin(3 * x[:, 0]) + 0.5 * x[:, 1] ** 2) - 1
    y += noise * np.random.default_rng(0).standard_normal(len(y))
    forms = {(0, 0, 0): FORMS["sin"], (0, 1, 0): FORMS["square"], (1, 0, 0): FORMS["exp"]}
    parameters = {
        (0, 0, 0): (2.8, 0.1, 0.4, 0.3),
        (0, 1, 0): (1.0, 0.05, 0.3, -0.2),
        (1, 0, 0): (2.0, 0.0, 1.0, 0.0),
    }
    return FormulaNetwork((2, 1, 1), forms, parameters), x, y[:, None]


def test_joint_refinement_finds_the_parameters() -> None:
    start, x, y = wave()
    refined = refine_formula(start, x, y)
    assert refined.rmse < 1e-12
    expected = {(0, 0, 0): (3, 0, 1, 0), (0, 1, 0): (1, 0, 0.5, 0), (1, 0, 0): (1, 0, 2, -1)}
    for place, parameters in expected.items():
        assert refined.network.parameters[place] == pytest.approx(parameters, abs=1e-8)


def test_joint_refinement_ends_where_the_gradient_is_zero() -> None:
    start, x, y = wave(noise=0.1)
    refined = refine_formula(start, x, y)
    outputs, slopes = refined.network.gradient(x)
    slopes = slopes.reshape(len(x), -1)[:, refined.free]
    pull = slopes.T @ (y - outputs)[:, 0] / np.linalg.norm(slopes, axis=0)
    assert np.abs(pull).max() < 1e-4 * np.linalg.norm(y - outputs)
    normal = np.linalg.inv(slopes.T @ slopes)
    sigma = ((y - outputs) ** 2).sum() / (len(x) - refined.free.sum())
    np.testing.assert_allclose(refined.errors[refined.free], np.sqrt(np.diag(normal) * sigma))


def test_what_cannot_be_told_from_zero_is_dropped() -> None:
    start, x, y = wave(noise=0.05)
    refined = refine_formula(start, x, y)
    dropped = without_zeros(refined, x, y)
    assert refined.free.sum() == 7
    assert dropped.free.sum() == 5  # a and c of sin, c of the square, c and d of exp
    assert dropped.network.parameters[0, 0, 0][1] == 0
    assert dropped.network.parameters[1, 0, 0][3] == pytest.approx(-1, abs=0.2)
    assert dropped.log_evidence > refined.log_evidence


def test_a_formula_that_is_not_defined_somewhere_is_moved_to_where_it_is() -> None:
    x = np.linspace(0, 1, 30)[:, None]
    start = FormulaNetwork((1, 1), {(0, 0, 0): FORMS["log"]}, {(0, 0, 0): (1.0, -0.5, 1.0, 0.0)})
    refined = refine_formula(start, x, np.log(x + 0.2))
    assert refined.network.parameters[0, 0, 0] == pytest.approx((1, 0.2, 1, 0), abs=1e-8)


def test_a_snapped_curve_finds_its_form_beside_a_rough_network() -> None:
    """Curves that are off by 1 % still lead to the formula, because all is fitted together."""
    x = draws(300, 1, seed=2)
    y = torch.tanh(2 * x + 0.3)
    network = KSTNetwork([1, 1], 12, bounds=(-1, 1)).double().eval()
    with torch.no_grad():
        knots = network.each_layer()[0].basis.knots
        ripple = 0.01 * (-1.0) ** torch.arange(12)
        network.each_layer()[0].heights[0, :, 0] = torch.tanh(2 * knots + 0.3) + ripple
    refined = snap(network, x, y)
    assert refined.network.forms[0, 0, 0].name == "tanh"
    assert refined.network.parameters[0, 0, 0] == pytest.approx((2, 0.3, 1, 0), abs=1e-8)


def test_a_formula_is_found_from_rows_of_a_sum() -> None:
    x = draws(200, seed=3)
    y = 3 * torch.sin(2 * x[:, 0]) - x[:, 1] ** 2
    report = fit_formula(x, y, names=["u", "v"], shapes=[()])
    u, v = sympy.symbols("u v", real=True)
    assert sympy.simplify(report.expression(6) - (3 * sympy.sin(2 * u) - v**2)) == 0
    assert not report.worse
    assert report.rmse < 1e-10 < report.network_rmse


def test_a_formula_that_is_worse_than_its_network_says_so() -> None:
    """Without sin in the library the wave has no formula."""
    x = draws(300, 1, seed=4)
    y = torch.sin(7 * x[:, 0])
    forms = {name: FORMS[name] for name in ("affine", "square", "exp")}
    report = fit_formula(x, y, shapes=[()], forms=forms)
    assert report.worse
    assert "worse than the network" in str(report)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_the_example_of_the_field(seed: int) -> None:
    x = draws(1000, seed=seed)
    y = torch.exp(torch.sin(torch.pi * x[:, 0]) + x[:, 1] ** 2)
    report = fit_formula(x, y, names=["x", "y"], generator=torch.Generator().manual_seed(seed))
    forms = {place: form.name for place, form in report.network.forms.items()}
    assert forms == {(0, 0, 0): "sin", (0, 1, 0): "square", (1, 0, 0): "exp"}
    expected = {(0, 0, 0): (np.pi, 0, 1, 0), (0, 1, 0): (1, 0, 1, 0), (1, 0, 0): (1, 0, 1, 0)}
    for place, parameters in expected.items():
        assert report.network.parameters[place] == pytest.approx(parameters, abs=1e-8)


def test_rows_that_cannot_be_fitted_are_refused() -> None:
    x = draws(60)
    with pytest.raises(InputError, match=r"X must be \[N, n\] and y \[N\]"):
        fit_formula(x, torch.ones(59))
    with pytest.raises(InputError, match="X and y must be finite"):
        fit_formula(x, torch.full((60,), torch.nan))
    with pytest.raises(InputError, match="a formula needs 50 rows"):
        fit_formula(x[:20], torch.ones(20))


def test_a_parameter_that_is_not_dropped_stays_free() -> None:
    forms = {(0, 0, 0): FORMS["sin"], (0, 1, 0): FORMS["square"]}
    start = FormulaNetwork((2, 1), forms, {(0, 0, 0): (3, 0, 1, 0), (0, 1, 0): (1, 0, 1, 0)})
    for seed in range(16):
        random = np.random.default_rng(seed)
        x = random.uniform(-1, 1, (50, 2))
        y = np.sin(3 * x[:, 0] + 0.1) + (x[:, 1] - 0.1) ** 2 + 0.1 + 0.2 * random.normal(size=50)
        refined = refine_formula(start, x, y[:, None])
        kept = without_zeros(refined, x, y[:, None])
        dropped = refined.free & ~kept.free
        assert not kept.network.vector()[dropped].any()


def test_the_same_rows_give_the_same_formula_without_touching_the_global_generator() -> None:
    x = draws(60, 1)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    fit_formula(x, torch.exp(x[:, 0]), shapes=((),))
    assert torch.equal(torch.get_rng_state(), before)


def test_names_are_counted_before_anything_is_fitted() -> None:
    with pytest.raises(InputError, match="names must name the 1 inputs"):
        fit_formula(draws(60, 1), torch.ones(60), names=["u", "v"])
