"""Newton's method: closed forms where there are any, certificates where there are none."""

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
from tests.oracles.ridge import ridge

from superpose.fitting.superposition.evidence import membership
from superpose.fitting.superposition.gauge import STIFFNESS
from superpose.fitting.superposition.newton import LEVEL_PRECISION, State, solve
from superpose.fitting.superposition.polish import polish

N = 120


def table(loss="gaussian", seed=0, n=N):
    """Three columns, the last one with holes, and a target that needs two of them."""
    x = uniform(n, 3, seed)
    x[::7, 2] = torch.nan
    f = 3 * torch.sin(6 * x[:, 0]) - 4 * x[:, 1]
    if loss == "gaussian":
        return x, f + 0.5 * normal(n, seed)
    if loss == "bernoulli":
        return x, classes(f, seed)
    return x, classes(torch.stack([f, 2 * x[:, 1], torch.zeros(n).double()], 1), seed)


def convex(loss="gaussian", seed=0, weight=None, pairs=((0, 1),)):
    x, y = table(loss, seed)
    n_outputs = 3 if loss == "multinomial" else 1
    design = design_of(numbers(x), x, n_outputs=n_outputs, pairs=pairs, weight=weight)
    return design, problem_of(y, loss, weight)


def gradient(design, problem, state):
    """Of the penalised loss in θ, by autograd."""
    groups, n_groups = design.groups()
    precision = membership(groups, n_groups) @ state.rho.exp()
    if design.n_outputs > 1:
        precision[groups < 0] = LEVEL_PRECISION * float(problem.weight.sum())
    theta = state.theta.clone().requires_grad_()
    loss = problem.weight @ problem.loss.value(design.predict(theta), problem.y)
    loss = loss + 0.5 * (precision * theta**2).sum()
    for term, inner in zip(design.terms, design.split(theta)[2], strict=True):
        unit = term.inner_sum(inner).std(correction=0)
        loss = loss + 0.5 * STIFFNESS * unit.log() ** 2
    return torch.autograd.grad(loss, theta)[0]


@pytest.mark.parametrize("seed", range(3))
def test_one_step_is_ridge_regression(seed):
    weight = 0.5 + 2 * uniform(N, 1, seed + 5)[:, 0]
    design, problem = convex(seed=seed, weight=weight)
    rho = 2 * normal(design.groups()[1], seed)
    start = State(normal(design.n_coefficients, seed), rho)
    solution = solve(design, problem, start, iterations=1)
    precision = (membership(*design.groups()) @ rho.exp()).numpy()
    X, y = design.fixed.numpy(), problem.y.numpy()
    theta, inverse = ridge(X, y, weight.numpy(), precision)
    assert solution.state.theta.numpy() == pytest.approx(theta, abs=1e-8)
    energy = weight.numpy() @ (y - X @ theta) ** 2 + precision @ theta**2
    noise = energy / (weight.sum().item() - 1)
    assert solution.state.noise == pytest.approx(noise)
    assert solution.covariance.numpy() == pytest.approx(noise * inverse, abs=1e-8)


@pytest.mark.parametrize("loss", ["gaussian", "bernoulli", "multinomial"])
def test_the_solution_is_stationary(loss):
    design, problem = convex(loss)
    start = start_of(design)
    solution = solve(design, problem, start, iterations=60, tolerance=1e-6)
    assert solution.converged
    assert solution.decrement < 1e-6
    assert solution.gain < 1e-6
    state = polish(design, problem, solution.state)
    assert gradient(design, problem, state).abs().max() < 1e-6 * max(state.noise, 1.0)
    # a good part of the way from where it began
    assert gradient(design, problem, State(start.theta, state.rho)).abs().max() > 1.0


@pytest.mark.parametrize("loss", ["bernoulli", "multinomial"])
def test_the_covariance_inverts_the_hessian_of_the_penalised_loss(loss):
    design, problem = convex(loss, pairs=())
    solution = solve(design, problem, start_of(design), iterations=60, tolerance=1e-9)
    rho = solution.state.rho

    def slope(theta):
        return gradient(design, problem, State(theta, rho))

    theta, step = solution.state.theta, 1e-5
    moves = step * torch.eye(len(theta), dtype=torch.float64)
    hessian = torch.stack([(slope(theta + e) - slope(theta - e)) / (2 * step) for e in moves])
    product = solution.covariance @ hessian
    assert (product - torch.eye(len(theta), dtype=torch.float64)).abs().max() < 1e-3


@pytest.mark.parametrize("loss", ["gaussian", "bernoulli", "multinomial"])
def test_a_weight_of_two_is_the_row_twice(loss):
    x, y = table(loss, n=60)
    weight = torch.ones(60, dtype=torch.float64)
    weight[:20] = 2
    twice = torch.cat([torch.arange(20), torch.arange(60)])
    attributes, n_outputs = numbers(x), 3 if loss == "multinomial" else 1
    found = []
    for rows, w in ((torch.arange(60), weight), (twice, None)):
        design = design_of(attributes, x[rows], n_outputs=n_outputs, pairs=((0, 1),), weight=w)
        problem = problem_of(y[rows], loss, w)
        solution = solve(design, problem, start_of(design), iterations=60, tolerance=1e-9)
        found.append((solution, design.predict(solution.state.theta)[-60:]))
    (one, f), (two, g) = found
    assert (f - g).abs().max() < 1e-5
    assert one.evidence == pytest.approx(two.evidence, abs=1e-5)
    assert one.state.noise == pytest.approx(two.state.noise, rel=1e-5)
    assert one.freedom.numpy() == pytest.approx(two.freedom.numpy(), abs=1e-4)


@pytest.mark.parametrize("loss", ["gaussian", "bernoulli"])
def test_the_order_of_the_rows_changes_nothing(loss):
    x, y = table(loss)
    order = torch.randperm(N, generator=torch.Generator().manual_seed(3))
    attributes, found = numbers(x), []
    for rows in (torch.arange(N), order):
        design, problem = design_of(attributes, x[rows]), problem_of(y[rows], loss)
        solution = solve(design, problem, start_of(design), iterations=60, tolerance=1e-9)
        found.append(design.predict(solution.state.theta)[rows.argsort()])
    assert (found[0] - found[1]).abs().max() < 1e-6


@pytest.mark.parametrize("loss", ["gaussian", "multinomial"])
def test_twice_the_same_bits(loss):
    solutions = [solve(*convex(loss), start_of(convex(loss)[0])) for _ in range(2)]
    one, two = solutions
    assert torch.equal(one.state.theta, two.state.theta)
    assert torch.equal(one.covariance, two.covariance)
    assert (one.evidence, one.iterations) == (two.evidence, two.iterations)


@pytest.mark.parametrize("classes_", [2, 3])
def test_separable_classes_converge(classes_):
    """One threshold tells the classes apart: the prior keeps the log-odds finite."""
    x = torch.linspace(0, 1, 90, dtype=torch.float64)[:, None]
    y = (x[:, 0] * classes_).floor().clamp(max=classes_ - 1)
    loss, n_outputs = ("bernoulli", 1) if classes_ == 2 else ("multinomial", 3)
    design, problem = design_of(numbers(x), x, n_outputs=n_outputs), problem_of(y, loss)
    solution = solve(design, problem, start_of(design), iterations=60)
    assert solution.converged
    f = design.predict(solution.state.theta)
    assert f.isfinite().all()
    best = f.argmax(1) if n_outputs > 1 else (f[:, 0] > 0).long()
    assert (best == y.long()).double().mean() > 0.97


def test_steps_that_run_out_are_told():
    solution = solve(
        *convex("bernoulli"), start_of(convex("bernoulli")[0]), iterations=2, tolerance=1e-9
    )
    assert not solution.converged
    assert solution.iterations == 2
    assert max(solution.decrement, solution.gain) > 1e-9


def test_an_offset_is_added_to_the_outputs():
    """Explaining y with an offset is explaining what the offset leaves of it."""
    design, problem = convex()
    offset = normal(N, 9)[:, None]
    shifted = type(problem)(problem.y + offset[:, 0], problem.weight, problem.loss, offset)
    one = solve(design, problem, start_of(design))
    two = solve(design, shifted, start_of(design))
    assert two.state.theta.numpy() == pytest.approx(one.state.theta.numpy(), abs=1e-6)
    half = shifted.rows(torch.arange(10))
    assert torch.equal(half.outputs(torch.zeros(10, 1)), offset[:10])


@pytest.mark.parametrize("loss", ["gaussian", "bernoulli", "multinomial"])
def test_a_term_is_fitted_to_a_stationary_point(loss):
    """Not convex: but where the steps end, no direction of any inner or outer curve goes down."""
    n = 80
    x = uniform(n, 2)
    h = torch.sin(5 * x[:, 0]) + 3 * x[:, 1] - 1.5
    f = 2 * (h**2 - 1)
    y = {
        "gaussian": f + 0.1 * normal(n),
        "bernoulli": classes(3 * f),
        "multinomial": classes(3 * torch.stack([f, -f, 0 * f], 1)),
    }[loss]
    n_outputs = 3 if loss == "multinomial" else 1
    design = design_of(numbers(x, 5), x, n_outputs=n_outputs, terms=((0, 1),))
    problem = problem_of(y, loss)
    solution = solve(design, problem, start_of(design, seed=1), iterations=40)
    state = polish(design, problem, solution.state)
    slope = gradient(design, problem, state)
    left = 0.5 * slope @ (solution.covariance / solution.state.noise) @ slope  # Newton decrement
    assert left < 1e-2 * state.noise  # nats; a class of rows told apart is approached slowly
    fitted = design.predict(state.theta)
    before = problem.value(torch.zeros_like(fitted) + problem.loss.start(y, problem.weight))
    assert problem.value(fitted) < 0.6 * before


def test_the_decrement_is_that_of_a_whole_newton_step():
    """Also where steps are cut and damped: a short step does not mean the end is near."""
    n = 80
    x = uniform(n, 2)
    y = torch.cos(9 * x.sum(1)) + 0.01 * normal(n)
    design, problem = design_of(numbers(x, 5), x, terms=((0, 1),)), problem_of(y)
    start, cut = start_of(design, seed=2), 0
    for i in range(2, 12):
        solution = solve(design, problem, start, iterations=i, tolerance=0)
        earlier = solve(design, problem, start, iterations=i - 1, tolerance=0)
        before = State(earlier.state.theta, solution.state.rho)
        slope = gradient(design, problem, before)
        newton = solution.covariance / solution.state.noise @ slope
        left = 0.5 * float(slope @ newton) / solution.state.noise
        assert solution.decrement == pytest.approx(left, rel=1e-6)
        cut += not torch.allclose(solution.state.theta, before.theta - newton, rtol=1e-3)
    assert cut > 0


@pytest.mark.parametrize("what", [torch.nan, torch.inf])
def test_a_broken_target_is_an_error_not_an_endless_loop(what):
    design, problem = convex()
    problem.y[3] = what
    with pytest.raises(ArithmeticError, match="finite"):
        solve(design, problem, start_of(design))


def test_nearly_collinear_columns_are_solved():
    """The same column ten times over, and hardly any prior: the fit is that of one."""
    x = uniform(40, 1)
    y = torch.sin(5 * x[:, 0]) + 0.1 * normal(40)
    attributes = numbers(x.expand(-1, 10))
    design = design_of(attributes, x.expand(-1, 10))
    solution = solve(design, problem_of(y), start_of(design, rho=-14.0), iterations=1)
    alone = design_of(attributes[:1], x)
    single = solve(alone, problem_of(y), start_of(alone, rho=-14.0), iterations=1)
    f, g = design.predict(solution.state.theta), alone.predict(single.state.theta)
    assert (f - g).abs().max() < 1e-4


def test_a_target_without_noise_converges_at_the_edge():
    """The evidence asks for ever less smoothing; where that ends, nothing more can be gained."""
    x = uniform(60, 2)
    design = design_of(numbers(x), x)
    y = design.fixed @ normal(design.fixed.shape[1], 3)
    solution = solve(design, problem_of(y / y.std()), start_of(design), tolerance=1e-3)
    assert solution.converged
    f = design.predict(solution.state.theta)[:, 0]
    assert (f - y / y.std()).abs().max() < 1e-2
