"""A squared error asks the rows once, and says of them what asking every time says."""

import numpy as np
import torch
from tests.fitting.made_problems import design_of, normal, numbers, uniform

from superpose.fitting.superposition.equations import (
    NormalEquations,
    QuadraticEquations,
    equations_of,
)
from superpose.fitting.superposition.losses import Gaussian, StudentT
from superpose.fitting.superposition.problem import Problem


def made(noise=0.1, offset=True):
    x, weight = uniform(90, 3), uniform(90, 1, 1)[:, 0]
    design = design_of(numbers(x), x, pairs=((0, 1),))
    truth = normal(design.n_coefficients, 3)
    known = 5 + normal(90, 5)[:, None] if offset else None
    y = design.fixed @ truth + noise * normal(90, 4) + (known[:, 0] if offset else 0)
    return design, Problem(y, weight, Gaussian(), known), truth


def test_value_information_and_right_hand_side_are_those_of_the_rows():
    design, problem, _ = made()
    origin, theta = normal(design.n_coefficients, 1), normal(design.n_coefficients, 2)
    once, always = QuadraticEquations(design, problem, origin), NormalEquations(design, problem)
    np.testing.assert_allclose(once.value(theta), always.value(theta), rtol=1e-12)
    for ours, rows in zip(once.at(theta), always.at(theta), strict=True):
        np.testing.assert_allclose(ours, rows, rtol=1e-9, atol=1e-10)


def test_a_loss_that_has_all_but_gone_is_not_a_difference_of_large_numbers():
    design, problem, truth = made(noise=1e-9)
    once = QuadraticEquations(design, problem, torch.zeros_like(truth))
    exact = NormalEquations(design, problem).value(truth)
    assert exact < 1e-15
    np.testing.assert_allclose(once.value(truth), exact, rtol=1e-6)
    np.testing.assert_allclose(once.value(truth), exact, rtol=1e-6)  # and from there on


def test_only_a_squared_error_without_terms_is_asked_once():
    design, problem, truth = made(offset=False)
    assert isinstance(equations_of(design, problem, truth), QuadraticEquations)
    robust = Problem(problem.y, problem.weight, StudentT())
    assert isinstance(equations_of(design, robust, truth), NormalEquations)
    x = uniform(90, 3)
    bent = design_of(numbers(x), x, terms=((0, 1),))
    assert isinstance(equations_of(bent, problem, truth), NormalEquations)
