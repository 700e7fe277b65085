"""Classes fitted apart, against the joint fit."""

import torch
from tests.fitting.made_growths import classes, growth_of
from tests.fitting.made_problems import uniform

from superpose.fitting.superposition.apart import fit_apart
from superpose.fitting.superposition.evidence import membership
from superpose.fitting.superposition.newton import solve


def objective(design, problem, theta, rho):
    precision = membership(*design.groups()) @ rho.exp()
    loss = problem.value(design.predict(theta))
    return loss + 0.5 * float((precision * theta**2).sum())


def test_it_ends_near_the_joint_fit():
    x = uniform(500, 3)
    design, problem = growth_of(x, classes(x), "multinomial").training
    start = growth_of(x, classes(x), "multinomial").state
    near = fit_apart(design, problem, start)
    mode = solve(design, problem, near, iterations=30, tolerance=1e-6)
    at_start = objective(design, problem, start.theta, mode.state.rho)
    at_mode = objective(design, problem, mode.state.theta, mode.state.rho)
    reached = objective(design, problem, near.theta, mode.state.rho)
    assert reached - at_mode < 0.03 * (at_start - at_mode)
    useful = mode.freedom > 1.0
    assert float((near.rho - mode.state.rho)[useful].abs().max()) < 2.0


def test_the_end_is_that_of_a_flat_start():
    x = uniform(300, 2)
    design, problem = growth_of(x, classes(x), "multinomial").training
    start = growth_of(x, classes(x), "multinomial").state
    ends = [
        solve(design, problem, state, iterations=60, tolerance=1e-7)
        for state in (start, fit_apart(design, problem, start))
    ]
    outputs = [design.predict(end.state.theta) for end in ends]
    assert torch.allclose(*outputs, atol=1e-2)
