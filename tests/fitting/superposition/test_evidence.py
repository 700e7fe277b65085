"""The evidence of the smoothness, against the restricted likelihood by dense algebra."""

import numpy as np
import pytest
import torch
from tests.fitting.made_problems import (
    classes,
    design_of,
    normal,
    numbers,
    problem_of,
    start_of,
    uniform,
)
from tests.oracles.ridge import restricted_log_likelihood

from superpose.fitting.superposition.evidence import (
    HYPER_MEAN,
    HYPER_SD,
    LARGEST_STEP,
    Slope,
    ascent,
    cautious_ascent,
    log_evidence,
    membership,
    slope_of,
)
from superpose.fitting.superposition.newton import solve

N = 30


def exact(rho, Z, y, groups):
    """Restricted log-likelihood at the best noise level, that level, and θ: by dense algebra."""
    variance = np.exp(-rho)[groups]
    centring = np.eye(len(y)) - 1 / len(y)
    marginal = Z @ np.diag(variance) @ Z.T + np.eye(len(y))
    inverse = np.linalg.inv(marginal)
    one = np.ones(len(y))
    offset = one @ inverse @ y / (one @ inverse @ one)
    noise = (y - offset) @ inverse @ (y - offset) / (len(y) - 1)
    value = restricted_log_likelihood(Z, y, noise * variance, noise)
    assert centring @ one == pytest.approx(0)
    # the density of the bias, flat in its own units, not in those of the contrasts
    return value - 0.5 * np.log(len(y)), noise


@pytest.fixture(params=range(3))
def gaussian(request):
    x = uniform(N, 2, seed=request.param)
    attributes = numbers(x, 5)
    design = design_of(attributes, x, pairs=((0, 1),))
    y = torch.sin(4 * x[:, 0]) + x[:, 0] * x[:, 1] + 0.3 * normal(N, request.param + 7)
    groups, n_groups = design.groups()
    rho = 2 * normal(n_groups, request.param + 20)
    return design, problem_of(y), groups, rho


def hyperprior(rho):
    return -0.5 * ((rho - HYPER_MEAN) ** 2).sum() / HYPER_SD**2


def at(design, problem, rho):
    """The solution with the smoothness held: one step solves a Gaussian problem."""
    start = start_of(design)
    return solve(design, problem, type(start)(start.theta, torch.as_tensor(rho)), iterations=1)


def test_evidence_and_noise_are_the_restricted_likelihood(gaussian):
    design, problem, groups, rho = gaussian
    solution = at(design, problem, rho)
    Z = design.fixed[:, 1:].numpy()
    value, noise = exact(rho.numpy(), Z, problem.y.numpy(), groups[1:].numpy())
    assert solution.state.noise == pytest.approx(noise, rel=1e-9)
    assert solution.evidence == pytest.approx(value, abs=1e-7)


def slope_at(design, problem, groups, rho):
    solution = at(design, problem, rho)
    member = membership(groups, len(rho))
    precision = member @ rho.exp()
    return solution, slope_of(
        solution.state.theta,
        solution.covariance / solution.state.noise,
        precision,
        member,
        rho,
        solution.state.noise,
        len(problem.y) - 1.0,
    )


def test_gradient_and_hessian_are_finite_differences_of_the_exact_evidence(gaussian):
    design, problem, groups, rho = gaussian
    _, slope = slope_at(design, problem, groups, rho)
    Z, y = design.fixed[:, 1:].numpy(), problem.y.numpy()

    def value(rho):
        return exact(rho, Z, y, groups[1:].numpy())[0] + hyperprior(rho)

    step = 1e-3
    for g in range(len(rho)):
        move = np.zeros(len(rho))
        move[g] = step
        up, down = value(rho.numpy() + move), value(rho.numpy() - move)
        assert slope.gradient[g].item() == pytest.approx((up - down) / (2 * step), abs=1e-5)
        higher = slope_at(design, problem, groups, rho + torch.tensor(move))[1].gradient
        lower = slope_at(design, problem, groups, rho - torch.tensor(move))[1].gradient
        row = (higher - lower) / (2 * step)
        assert slope.hessian[g].numpy() == pytest.approx(row.numpy(), abs=1e-4)


def test_freedom_is_the_trace_of_the_smoother(gaussian):
    """Degrees of freedom of all groups and the bias = trace of the matrix from y to its fit."""
    design, problem, groups, rho = gaussian
    solution, slope = slope_at(design, problem, groups, rho)
    smoother = torch.stack(
        [
            design.predict(at(design, problem_with(problem, e), rho).state.theta)[:, 0]
            for e in torch.eye(N, dtype=torch.float64)
        ],
        1,
    )
    assert slope.freedom.sum().item() + 1 == pytest.approx(smoother.trace().item(), abs=1e-6)
    assert torch.equal(slope.freedom, solution.freedom)


def problem_with(problem, y):
    return type(problem)(y, problem.weight, problem.loss)


def test_fixed_point_of_the_evidence(gaussian):
    """At the maximum λ |θ_g|² / σ² is the effective degrees of freedom, but for the hyperprior."""
    design, problem, groups, _ = gaussian
    solution = solve(design, problem, start_of(design), iterations=200, tolerance=1e-10)
    assert solution.converged
    rho, theta = solution.state.rho, solution.state.theta
    energy = membership(groups, len(rho)).mT @ theta**2 * rho.exp() / solution.state.noise
    pull = 2 * (rho - HYPER_MEAN) / HYPER_SD**2
    assert solution.freedom.numpy() == pytest.approx((energy + pull).numpy(), abs=1e-3)
    assert torch.linalg.eigvalsh(solution.hessian).max() < 0


def test_evidence_of_classes_is_laplace():
    """log p(y, θ) at the mode, plus the Gaussian integral around it: by dense algebra."""
    x = uniform(40, 1)
    design = design_of(numbers(x, 5), x)
    problem = problem_of(classes(4 * torch.sin(5 * x[:, 0])), "bernoulli")
    solution = solve(design, problem, start_of(design), iterations=100, tolerance=1e-10)
    theta, rho = solution.state.theta, solution.state.rho
    X, y = design.fixed.numpy(), problem.y.numpy()
    precision = (membership(*design.groups()) @ rho.exp()).numpy()
    f = X @ theta.numpy()
    p = 1 / (1 + np.exp(-f))
    joint = np.sum(y * np.log(p) + (1 - y) * np.log1p(-p))
    joint -= 0.5 * np.sum(precision * theta.numpy() ** 2)
    joint += 0.5 * np.sum(np.log(precision[1:]) - np.log(2 * np.pi))
    hessian = X.T @ np.diag(p * (1 - p)) @ X + np.diag(precision)
    integral = joint + 0.5 * len(theta) * np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(hessian)[1]
    # the flat prior of the bias leaves √(2π); log_evidence leaves that constant out
    assert solution.evidence == pytest.approx(integral - 0.5 * np.log(2 * np.pi), abs=1e-5)


def test_membership():
    table = membership(torch.tensor([-1, 0, 0, 1]), 2)
    assert table.tolist() == [[0, 0], [1, 0], [1, 0], [0, 1]]


def test_ascent_goes_uphill_also_where_the_evidence_bends_up():
    gradient = torch.tensor([1.0, -2.0], dtype=torch.float64)
    for bend in (-1.0, 1.0, 0.0):
        hessian = torch.diag(torch.tensor([bend, -4.0], dtype=torch.float64))
        step = ascent(Slope(gradient, hessian, gradient, gradient))
        assert float(step @ gradient) > 0
        assert step.abs().max() <= LARGEST_STEP
    for bend in (-1.0, 1.0):  # as far where it bends up as where it bends down
        hessian = torch.diag(torch.tensor([bend, -4.0], dtype=torch.float64))
        assert ascent(Slope(gradient, hessian, gradient, gradient)).tolist() == [1.0, -0.5]


def test_evidence_without_noise_is_minus_the_penalised_loss():
    theta, precision = torch.tensor([1.0, 2.0]), torch.tensor([0.0, 4.0])
    value = log_evidence(3.0, theta, precision, 5.0, 1.0, 0.0)
    assert value == pytest.approx(-3.0 - 8.0 + 0.5 * np.log(4.0) - 2.5)


def test_the_cautious_ascent_is_mackays_fixed_point_to_first_order():
    """Without a hyperprior log(freedom / energy) would be the step, for each group alone."""
    freedom = torch.tensor([10.0, 4.0], dtype=torch.float64)
    energy = torch.tensor([10.1, 3.9], dtype=torch.float64)
    slope = Slope(0.5 * (freedom - energy), torch.ones(2, 2).double(), freedom, energy)
    expected = torch.log(freedom / energy)
    assert cautious_ascent(slope).numpy() == pytest.approx(expected.numpy(), rel=0.05)
    steep = Slope(100 * freedom, slope.hessian, freedom, energy)
    assert cautious_ascent(steep, 0.5).tolist() == [0.5, 0.5]
