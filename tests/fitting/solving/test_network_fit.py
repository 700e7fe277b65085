"""Networks fitted to the end: laws of the parts, dense oracles, and functions they must find."""

from __future__ import annotations

import copy
import math

import pytest
import torch

from superpose.errors import InputError
from superpose.fitting import fit_network
from superpose.fitting.deadline import Deadline
from superpose.fitting.solving.network_axes import cover_inputs, cover_sums
from superpose.fitting.solving.network_evidence import NetworkState, climb
from superpose.fitting.solving.network_fit import widths_to_try
from superpose.fitting.solving.network_jacobian import network_jacobian
from superpose.fitting.solving.network_problem import NetworkProblem
from superpose.fitting.solving.network_starts import draw, narrower
from superpose.fitting.solving.white_heights import (
    all_directions,
    heights_spread,
    read_coefficients,
    white_directions,
    write_coefficients,
)
from superpose.networks import KSTNetwork


def bump(x: torch.Tensor) -> torch.Tensor:
    return torch.exp(torch.sin(torch.pi * x[:, 0]) + x[:, 1] ** 2)


def made(widths: list[int], rows: int = 60, seed: int = 0) -> tuple[KSTNetwork, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(rows, widths[0], generator=generator, dtype=torch.float64) * 2 - 1
    network = KSTNetwork(widths, 8, "matern52", length_scale=1.0, generator=generator)
    return draw(narrower(network, max(widths[1:]), generator), x, generator), x


def problem_of(widths: list[int], rows: int = 60) -> tuple[NetworkProblem, torch.Tensor]:
    network, x = made(widths, rows)
    y = torch.stack([bump(x + shift) for shift in range(widths[-1])], 1)
    problem = NetworkProblem(network, x, y)
    return problem, problem.start()


def test_white_coordinates_carry_the_prior_and_the_function() -> None:
    network, x = made([2, 3, 1])
    layer = network.each_layer()[0]
    directions = white_directions(layer.basis)
    bends = torch.linspace(-1, 2, 6, dtype=torch.float64)
    heights = directions[:, :-1] @ bends
    torch.testing.assert_close(layer.basis.quadratic_form(heights[:, None])[0], bends @ bends)
    line = directions[:, -1] * 3 + 1
    assert float(layer.basis.quadratic_form(line[:, None])) < 1e-20
    before, theta = network(x), read_coefficients(network)
    write_coefficients(network, theta, all_directions(network))
    torch.testing.assert_close(network(x), before, rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(
        heights_spread(network) @ theta, torch.nn.utils.parameters_to_vector(network.parameters())
    )


@pytest.mark.parametrize("widths", [[2, 1], [2, 3, 1], [2, 3, 2, 2]])
def test_normal_equations_are_those_of_the_jacobian(widths: list[int]) -> None:
    problem, theta = problem_of(widths)
    at = problem.at(theta)
    outputs, jacobian = network_jacobian(problem.network, problem.x)
    columns = (jacobian @ heights_spread(problem.network)).flatten(0, 1)
    residual = (problem.y - outputs).flatten()
    torch.testing.assert_close(at.information, columns.mT @ columns, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(at.right, columns.mT @ residual, rtol=1e-9, atol=1e-9)
    assert at.loss == pytest.approx(0.5 * float(residual @ residual), rel=1e-12)
    assert problem.value(theta) == pytest.approx(at.loss, rel=1e-12)


def test_a_damped_step_is_the_dense_one_and_lowers_the_objective() -> None:
    problem, theta = problem_of([2, 3, 1])
    noise, log_precision = 0.3, torch.tensor([0.1, -0.2, 0.3, 0.4], dtype=torch.float64)
    state = NetworkState(theta, log_precision, noise)
    at = problem.at(theta)
    prior = problem.member @ log_precision.exp() + problem.held
    objective = problem.value(theta) / noise + 0.5 * float(prior @ theta**2)
    found = climb(problem, state, steps=1, fixed_noise=True, deadline=Deadline())
    after = found.loss / noise + 0.5 * float(prior @ found.state.theta**2)
    assert after < objective
    matrix = at.information / noise + torch.diag(prior)
    tried = []
    for damping in (1e-2 * 4**k for k in range(12)):  # the first that falls is the step
        damped = matrix + damping * torch.diag(matrix.diagonal())
        step = torch.linalg.solve(damped, at.right / noise - prior * theta)
        tried.append(float((theta + step - found.state.theta).abs().max()))
    assert min(tried) < 1e-8
    torch.testing.assert_close(found.covariance, torch.linalg.inv(matrix), rtol=1e-6, atol=1e-9)


def test_the_evidence_of_one_layer_is_that_of_a_normal_vector() -> None:
    """One layer is linear: y is normal with covariance σ² I + J Λ⁻¹ Jᵀ."""
    problem, theta = problem_of([2, 1], rows=40)
    noise, log_precision = 0.2, torch.tensor([0.5, -1.0], dtype=torch.float64)
    state = NetworkState(theta, log_precision, noise)
    for _ in range(4):  # the steps are damped at first
        found = climb(problem, state, steps=1, fixed_noise=True, deadline=Deadline())
        state = NetworkState(found.state.theta, log_precision, noise)
    found = climb(problem, state, steps=1, fixed_noise=True, deadline=Deadline())
    _, jacobian = network_jacobian(problem.network, problem.x)
    columns = jacobian[:, 0] @ heights_spread(problem.network)
    prior = problem.member @ log_precision.exp() + problem.held
    covariance = columns / prior @ columns.mT + noise * torch.eye(40, dtype=torch.float64)
    normal = torch.distributions.MultivariateNormal(torch.zeros(40).double(), covariance)
    assert found.evidence == pytest.approx(float(normal.log_prob(problem.y[:, 0])), abs=1e-3)


def test_precisions_and_noise_end_at_their_fixed_point() -> None:
    generator = torch.Generator().manual_seed(4)
    x = torch.rand(300, 1, generator=generator, dtype=torch.float64) * 4 - 2
    noise = 0.1 * torch.randn(300, generator=generator, dtype=torch.float64)
    y = torch.sin(2 * x[:, 0]) + noise
    fit = fit_network(KSTNetwork([1, 1], 16, "matern52"), x, y, refine_to=16)
    assert fit.noise**0.5 == pytest.approx(0.1, rel=0.1)
    assert 5 < float(fit.freedom.sum()) < 14
    left = 300 - float(fit.freedom.sum())
    assert fit.noise == pytest.approx(300 * fit.rmse**2 / left, rel=1e-3)
    truth = torch.sin(2 * x[:, 0])
    error = (fit.network(x)[:, 0] - truth).detach()
    _, jacobian = network_jacobian(fit.network, x)
    band = ((jacobian[:, 0] @ fit.covariance) * jacobian[:, 0]).sum(1).sqrt()
    assert float((error.abs() < 1.96 * band).double().mean()) > 0.8
    assert 0.3 < float((error / band).square().mean()) < 2.5


def test_moving_axes_over_inner_sums_keeps_them_there_and_nearly_the_function() -> None:
    network, x = made([2, 3, 2, 1], rows=100)
    network.refine()
    network.refine()
    network.requires_grad_(False)
    first = network.each_layer()[0]
    first.heights.mul_(0.7)
    before = network(x)
    cover_sums(network, x)
    torch.testing.assert_close(network(x), before, rtol=1e-3, atol=1e-3)
    for layer in network.each_layer()[1:]:
        u = (layer.axis.lowest - layer.axis.centre) / layer.axis.spread
        v = (layer.axis.highest - layer.axis.centre) / layer.axis.spread
        torch.testing.assert_close(-u, v)
        torch.testing.assert_close(v, torch.full_like(v, 1 / 1.15))


def test_refining_keeps_function_and_coefficients_of_the_prior() -> None:
    network, x = made([2, 3, 1])
    before = network(x)
    energy = float(network.prior())
    network.refine()
    network.requires_grad_(False)
    torch.testing.assert_close(network(x), before, rtol=1e-9, atol=1e-9)
    assert float(network.prior()) == pytest.approx(energy, rel=1e-7)


def test_the_same_seed_gives_the_same_network_and_the_given_one_stays() -> None:
    _, x = made([2, 1], rows=60)
    network = KSTNetwork([2, 1, 1], 8, "matern52", length_scale=1.0)
    given = copy.deepcopy(network.state_dict())
    y = bump(x)
    state = torch.get_rng_state()
    fits = [
        fit_network(
            network, x, y, refine_to=8, restarts=1, generator=torch.Generator().manual_seed(seed)
        )
        for seed in (5, 5, 6)
    ]
    heights = [torch.nn.utils.parameters_to_vector(fit.network.parameters()) for fit in fits]
    assert torch.equal(heights[0], heights[1])
    assert not torch.equal(heights[0], heights[2])
    assert all(torch.equal(network.state_dict()[name], given[name]) for name in given)
    assert torch.equal(torch.get_rng_state(), state)


def test_units_of_the_target_are_undone() -> None:
    _, x = made([2, 1], rows=100)
    y = bump(x)
    network = KSTNetwork([2, 1, 1], 8, "matern52", length_scale=1.0)
    one = fit_network(network, x, y, refine_to=8)
    other = fit_network(network, x.numpy(), (1e3 * y - 7).numpy(), refine_to=8)
    torch.testing.assert_close(other.network(x), 1e3 * one.network(x) - 7, rtol=1e-6, atol=1e-4)
    assert other.rmse == pytest.approx(1e3 * one.rmse, rel=1e-5)
    assert other.noise == pytest.approx(1e6 * one.noise, rel=1e-5)
    last = one.network.each_layer()[-1].heights.numel()
    torch.testing.assert_close(
        other.covariance[-last:, -last:], 1e6 * one.covariance[-last:, -last:], rtol=1e-3, atol=1e-6
    )


def test_a_fitted_network_goes_on_from_where_it_is() -> None:
    _, x = made([2, 1], rows=100)
    y = bump(x)
    network = KSTNetwork([2, 1, 1], 8, "matern52", length_scale=1.0)
    first = fit_network(network, x, y, refine_to=8)
    again = fit_network(first.network, x, y, refine_to=15, restarts=0)
    assert again.start == -1
    assert again.trail[0].rmse < 1.01 * first.rmse / float(y.std())
    assert again.rmse < 0.2 * first.rmse
    assert [step.knots for step in again.trail] == [8, 8, 15]


def test_several_outputs_share_the_inner_sums() -> None:
    _, x = made([2, 1], rows=150)
    y = torch.stack([bump(x), torch.cos(2 * bump(x).log())], 1)
    fit = fit_network(
        KSTNetwork([2, 1, 2], 8, "matern52", length_scale=1.0), x, y, refine_to=15, restarts=2
    )
    residual = (fit.network(x) - y).detach()
    assert fit.rmse == pytest.approx(float(residual.square().mean().sqrt()), rel=1e-9)
    assert fit.rmse < 2e-3


def test_no_time_still_gives_a_network() -> None:
    _, x = made([2, 1], rows=100)
    fit = fit_network(KSTNetwork([2, 5, 1], 8), x, bump(x), time_limit=0.0)
    assert len(fit.trail) == 2
    assert math.isfinite(fit.evidence)


def test_widths_grow_like_the_series_of_fibonacci() -> None:
    assert [widths_to_try(most) for most in (1, 2, 5, 9)] == [
        [1],
        [1, 2],
        [1, 2, 3, 5],
        [1, 2, 3, 5, 8, 9],
    ]


@pytest.mark.parametrize(
    ("rows", "target", "options", "message"),
    [
        (9, 8, {}, r"y \[N, 1\], as the network is wide; got X \[9, 2\] and y \[8, 1\]"),
        (5, 5, {}, "at least as many rows as knots, 8; got 5; pass more rows"),
        (9, 9, {"noise": -1.0}, "a variance above 0; got noise=-1.0"),
        (9, 9, {"restarts": -1}, "must not be negative; got restarts=-1"),
    ],
)
def test_what_does_not_fit_is_refused(
    rows: int, target: int, options: dict[str, float], message: str
) -> None:
    x = torch.rand(rows, 2, generator=torch.Generator().manual_seed(0))
    y = torch.linspace(0, 1, target)
    with pytest.raises(InputError, match=message):
        fit_network(KSTNetwork([2, 1], 8), x, y, **options)  # type: ignore[arg-type]


def test_values_that_are_missing_or_do_not_vary_are_refused() -> None:
    x, y = torch.rand(9, 2), torch.linspace(0, 1, 9)
    network = KSTNetwork([2, 1], 8)
    broken = x.clone()
    broken[3, 1] = float("nan")
    with pytest.raises(InputError, match="X must be finite; got 1 missing"):
        fit_network(network, broken, y)
    with pytest.raises(InputError, match="y must vary; got one value only"):
        fit_network(network, x, torch.ones(9))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_the_tutorial_function_is_found_to_four_digits(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(2000, 2, generator=generator, dtype=torch.float64) * 2 - 1
    y = bump(x)
    network = KSTNetwork([2, 5, 1], 8, "matern52", length_scale=1.0)
    fit = fit_network(network, x[:1000], y[:1000], generator=generator)
    error = (fit.network(x[1000:])[:, 0] - y[1000:]).detach()
    assert float(error.square().mean().sqrt()) < 1e-4


def test_axes_with_bounds_stay_and_others_reach_over_the_rows() -> None:
    x = torch.linspace(0, 1, 20, dtype=torch.float64)[:, None]
    free, bound = KSTNetwork([1, 1], 8).double(), KSTNetwork([1, 1], 8, bounds=(-3, 3)).double()
    for network in (free, bound):
        cover_inputs(network, x)
    assert float(bound.each_layer()[0].axis.spread) == pytest.approx(3.0)
    assert float(free.each_layer()[0].axis.spread) == pytest.approx(0.5 * 1.15)
    assert float(free.each_layer()[0].axis.highest) == 1.0


@pytest.mark.parametrize("size", [1e-6, 1e3])
def test_the_unit_of_the_inputs_does_not_matter(size: float) -> None:
    _, x = made([1, 1], rows=100)
    network = KSTNetwork([1, 1], 8, "matern52", length_scale=1.0)
    assert fit_network(network, size * x, torch.sin(3 * x)).rmse < 1e-6


def test_the_levels_of_several_outputs_do_not_matter() -> None:
    _, x = made([1, 1], rows=100)
    y = torch.cat([torch.sin(3 * x), torch.cos(5 * x)], 1)
    network = KSTNetwork([1, 2], 8, "matern52", length_scale=1.0)
    found = [fit_network(network, x, y + torch.tensor([0.0, gap])).rmse for gap in (0.0, 1e4)]
    assert found[1] == pytest.approx(found[0], rel=1e-2)
    with pytest.raises(InputError, match="y must vary"):
        fit_network(network, x, torch.tensor([0.0, 1.0]).expand(100, 2))


def test_axes_that_move_over_the_rows_keep_the_curves() -> None:
    network, x = made([2, 3, 1])
    before = network(x)
    network.each_layer()[0].axis.centre.add_(0.5)
    network.each_layer()[0].axis.variance.mul_(4)
    moved = network(x)
    assert (moved - before).abs().max() > 0.01
    cover_inputs(network, x)
    assert (network(x) - moved).square().mean() < 1e-3 * moved.var()
