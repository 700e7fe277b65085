"""Steps, draws and freedom under a shape, against general solvers and brute force."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import LinearConstraint, minimize

from superpose.curves import Axis
from superpose.fitting.superposition.apart import fit_apart
from superpose.fitting.superposition.bounds import DRAWS, Bounds, conditions_on, kept
from superpose.fitting.superposition.evidence import membership
from superpose.fitting.superposition.growth import Growth, Rows
from superpose.fitting.superposition.losses import loss_named
from superpose.fitting.superposition.newton import Solution
from superpose.fitting.superposition.problem import Problem
from superpose.networks import Attribute, InputBasis

N = 60


def grown(
    loss: str,
    shapes: list[tuple[str, ...]],
    seed: int = 0,
    knots: int = 5,
    of: tuple[int, ...] = (),
) -> Growth:
    """A growth whose data contradict some of the shapes, not yet fitted."""
    rng = np.random.default_rng(seed)
    x = torch.from_numpy(rng.uniform(size=(N, len(shapes))))
    f = torch.sin(5 * x).sum(1)
    noise = torch.from_numpy(rng.normal(size=N))
    y = {
        "gaussian": f + 0.3 * noise,
        "student_t": f + 0.3 * noise**3,
        "poisson": torch.from_numpy(rng.poisson(f.exp().numpy())).double(),
        "gamma": (f + 0.3 * noise).exp(),
        "bernoulli": (f + noise > 0).double(),
        "multinomial": torch.stack([f, -f, noise, f**2 - 1], 1).argmax(1).double(),
    }[loss]
    attributes = tuple(
        Attribute(f"x{i}", "number", Axis.from_data(x[:, i], n_knots=knots), None, False, shape, of)
        for i, shape in enumerate(shapes)
    )
    u = torch.stack([a.encode(x[:, i]) for i, a in enumerate(attributes)], 1)
    problem = Problem(y, torch.ones(N, dtype=torch.float64), loss_named(loss, y))
    return Growth.additive(Rows(attributes, u, problem, "matern32"), torch.ones(N).bool())


def precision_of(growth: Growth, solution: Solution) -> torch.Tensor:
    return membership(*growth.design.groups()) @ solution.state.rho.exp()


def conditions(bounds: Bounds, size: int) -> np.ndarray:
    full = torch.zeros(len(bounds.rows), size, dtype=torch.float64)
    full[:, bounds.places] = bounds.rows
    return full.numpy()


SHAPES = [
    [("increasing",), ()],
    [("convex",), ("decreasing",)],
    [("increasing", "concave"), ("decreasing", "convex")],
]


@pytest.mark.parametrize(
    ("loss", "of"),
    [
        *((loss, ()) for loss in ("gaussian", "student_t", "poisson", "gamma", "bernoulli")),
        ("multinomial", (1,)),
        ("multinomial", (1, 0)),
    ],
)
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_the_mode_is_that_of_a_general_solver(
    loss: str, of: tuple[int, ...], shapes: list[tuple[str, ...]]
) -> None:
    """Minimise the same penalised loss under G θ ≥ 0 by sequential quadratic programming."""
    growth = grown(loss, shapes, of=of)
    solution = growth.fit(60, 1e-6)
    bounds, theta = Bounds.of(growth.design), solution.state.theta
    precision = precision_of(growth, solution)
    problem = growth.rows.problem

    def objective(values: np.ndarray) -> tuple[float, np.ndarray]:
        at = torch.from_numpy(values).requires_grad_()
        f = growth.design.fixed @ at.view(growth.design.n_outputs, -1).mT
        value = problem.weight @ problem.loss.value(f, problem.y)
        value = value + 0.5 * (precision * at * at).sum()
        value.backward()
        assert at.grad is not None
        return value.item(), at.grad.numpy().copy()

    rows = conditions(bounds, len(theta))
    found = minimize(
        objective,
        np.zeros(len(theta)),
        jac=True,
        method="SLSQP",
        constraints={"type": "ineq", "fun": lambda z: rows @ z, "jac": lambda z: rows},
        options={"maxiter": 500, "ftol": 1e-13},
    )
    assert solution.converged
    best = objective(theta.numpy())[0]
    assert best <= found.fun + 1e-6 * max(1.0, abs(found.fun))
    assert float((rows @ theta.numpy()).min()) > -1e-9
    assert (rows @ theta.numpy() < 1e-7).any(), "no condition is felt; the test tells nothing"
    f, other = growth.design.predict(theta), growth.design.predict(torch.from_numpy(found.x))
    np.testing.assert_allclose(f.numpy(), other.numpy(), atol=2e-3)


def test_classes_fitted_apart_start_within_the_shape_and_move_no_more_than_that() -> None:
    growth = grown("multinomial", SHAPES[2], of=(1, 2))
    bounds = Bounds.of(growth.design)
    theta = torch.randn(
        growth.design.n_coefficients, generator=torch.Generator().manual_seed(0)
    ).double()
    inside = bounds.nearest(theta)
    assert float((bounds.rows @ theta[bounds.places]).min()) < -0.1
    assert float((bounds.rows @ inside[bounds.places]).min()) > -1e-8
    rest = torch.ones(len(theta)).bool()
    rest[bounds.places] = False
    assert torch.equal(inside[rest], theta[rest])
    # the nearest point of a cone: what is left is at right angles to it, and points away from it
    left, further = (inside - theta)[bounds.places], torch.rand(50, len(bounds.rows)).double()
    assert float(left @ inside[bounds.places]) == pytest.approx(0, abs=1e-6)
    assert float((further @ torch.linalg.pinv(bounds.rows).mT @ left).min()) > -1e-6
    apart = fit_apart(*growth.training, growth.state)
    assert float((bounds.rows @ apart.theta[bounds.places]).min()) > -1e-8


@pytest.mark.parametrize(
    ("n_outputs", "of", "n_compared"), [(1, (), 1), (3, (2,), 2), (4, (1, 3), 4)]
)
@pytest.mark.parametrize("shape", [("increasing",), ("decreasing", "convex")], ids=" ".join)
def test_what_rounding_broke_is_put_right(
    shape: tuple[str, ...], n_outputs: int, of: tuple[int, ...], n_compared: int
) -> None:
    axis = Axis.from_data(np.linspace(0, 1, 50), n_knots=6)
    basis = InputBasis(Attribute("x", "number", axis, None, True, shape, of), missing=True)
    conditions = conditions_on(basis, n_outputs)
    assert conditions.shape == (
        n_compared * len(basis.basis.conditions),
        n_outputs,
        8 + (len(shape) > 1),
    )
    rows = conditions.flatten(1)
    inside = (torch.linalg.pinv(rows) @ rows.new_ones(len(rows))).view(n_outputs, -1)
    first, last = inside[of[0] if of else 0], inside[of[-1]] if len(of) > 1 else 0 * inside[0]
    assert float((basis.basis.conditions @ (first - last)[:-1]).min()) > 0
    edge = inside - (torch.linalg.pinv(rows) @ (rows @ inside.flatten() + 1e-9)).view_as(inside)
    assert float((rows @ edge.flatten()).min()) < -1e-10
    put = kept(conditions, edge)
    assert float((rows @ put.flatten()).min()) > -1e-13
    assert float((put - edge).abs().max()) < 1e-7
    assert torch.allclose(kept(conditions, inside), inside, rtol=0, atol=1e-11)


def unfelt(bounds: Bounds, solution: Solution) -> torch.Tensor:
    """The draws before they were projected: those about a mean far inside, moved back."""
    inward = torch.zeros_like(solution.target)
    inward[bounds.places] = 1e6 * torch.linalg.pinv(bounds.rows).sum(1)
    found = bounds.draws(solution.target + inward, solution.covariance)
    return found - inward[bounds.places]


def test_every_draw_is_the_nearest_point_of_the_cone() -> None:
    growth = grown("gaussian", SHAPES[1])
    solution = growth.fit(60, 1e-6)
    bounds = Bounds.of(growth.design)
    draws = bounds.draws(solution.target, solution.covariance)
    assert draws.shape == (DRAWS, len(bounds.places))
    scale = float(draws.abs().max())
    assert float((draws @ bounds.rows.mT).min()) > -1e-8 * scale
    free = unfelt(bounds, solution)
    own = solution.covariance[bounds.places][:, bounds.places]
    inverse = torch.linalg.inv(own).numpy()
    rows = bounds.rows.numpy()
    for i in range(0, DRAWS, 57):
        start, at = free[i].numpy(), draws[i].numpy()
        found = minimize(
            lambda z, start=start: 0.5 * (z - start) @ inverse @ (z - start),
            at,
            jac=lambda z, start=start: inverse @ (z - start),
            method="trust-constr",
            constraints=LinearConstraint(rows, 0, np.inf),
            options={"gtol": 1e-9, "xtol": 1e-12},
        )
        nearest = 0.5 * (at - start) @ inverse @ (at - start)
        assert nearest <= found.fun * (1 + 1e-4) + 1e-6


def test_where_no_condition_is_felt_nothing_changes() -> None:
    """Draws are normal, to six standard errors, and a step is Newton's own."""
    growth = grown("gaussian", SHAPES[1])
    solution = growth.fit(60, 1e-6)
    bounds = Bounds.of(growth.design)
    draws = unfelt(bounds, solution)
    own = solution.covariance[bounds.places][:, bounds.places]
    np.testing.assert_allclose(draws.mean(0), solution.target[bounds.places], atol=1e-9)
    variance = (draws - draws.mean(0)).square().mean(0)
    assert float((variance / own.diagonal() - 1).abs().max()) < 6 * (4 / DRAWS) ** 0.5
    theta, inward = torch.zeros_like(solution.target), torch.zeros_like(solution.target)
    inward[bounds.places] = torch.linalg.pinv(bounds.rows).sum(1)
    assert torch.equal(bounds.step(theta, inward, solution.covariance.matmul), inward)


def test_the_covariance_is_that_of_projected_draws_of_everything() -> None:
    """Draw all coefficients, project each draw, and count: six standard errors of a variance."""
    growth = grown("gaussian", SHAPES[1])
    solution = growth.fit(60, 1e-6)
    bounds, covariance = Bounds.of(growth.design), solution.covariance
    mode = solution.state.theta
    found = bounds.spread(covariance, bounds.draws(solution.target, covariance), mode)
    factor = torch.linalg.cholesky(covariance)
    white = torch.randn(500, len(mode), generator=torch.Generator().manual_seed(1)).double()
    points = [
        start + bounds.step(start, 0 * start, covariance.matmul)
        for start in solution.target + white @ factor.mT
    ]
    away = growth.design.fixed @ (torch.stack(points) - mode).mT  # [N, D]
    brute = away.square().mean(1)
    ours = ((growth.design.fixed @ found) * growth.design.fixed).sum(1)
    np.testing.assert_allclose(ours, brute, rtol=6 * (4 / DRAWS) ** 0.5)
    assert float(torch.linalg.eigvalsh(found).min()) > -1e-10
    plain = ((growth.design.fixed @ covariance) * growth.design.fixed).sum(1)
    assert float((plain / brute).max()) > 1.5, "the shape changes nothing; the test tells nothing"


def test_freedom_is_how_far_the_fit_follows_the_targets() -> None:
    """tr ∂f/∂y at the smoothness that was found, by finite differences (Stein's lemma)."""
    growth = grown("gaussian", SHAPES[2])
    solution = growth.fit(60, 1e-6)
    bounds, precision = Bounds.of(growth.design), precision_of(growth, solution)
    columns, y = growth.design.fixed, growth.rows.problem.y
    inverse = torch.linalg.inv(columns.mT @ columns + torch.diag(precision))

    def fitted(targets: torch.Tensor) -> torch.Tensor:
        free = inverse @ columns.mT @ targets
        return columns @ (free + bounds.step(0 * free, free, inverse.matmul) - free)

    h = 1e-5
    slope = sum(
        float((fitted(y + h * e) - fitted(y - h * e)) @ e) / (2 * h)
        for e in torch.eye(N, dtype=torch.float64)
    )
    free = inverse @ columns.mT @ y
    plain = 1 - precision * inverse.diagonal()
    lost = bounds.lost_freedom(free, inverse, precision)
    assert float((plain - lost).sum()) == pytest.approx(slope, abs=1e-3)
    assert float(plain.sum()) > slope + 0.5
