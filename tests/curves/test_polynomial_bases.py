"""Bases against textbook definitions; orthogonality and conditioning by quadrature."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from tests.oracles.polynomial_curves import BASES

from superpose.curves import POLYNOMIAL_BASES, condition_number
from superpose.curves.polynomial_bases import (
    basis_elements,
    element_slopes,
    empirical_table,
    recurrence_table,
    stieltjes,
)
from superpose.errors import InputError


def elements(t, basis, k):
    table = recurrence_table(basis, k)
    if basis == "empirical":
        table = empirical_table(stieltjes(t.unsqueeze(1), k))
        return basis_elements(t.unsqueeze(1), basis, table).squeeze(2)
    return basis_elements(t, basis, table)


def normal_places():
    x, w = np.polynomial.hermite_e.hermegauss(120)
    return torch.tensor(x), torch.tensor(w / w.sum())


def uniform_places():
    x, w = np.polynomial.legendre.leggauss(200)
    return torch.tensor(x), torch.tensor(w / 2)


@pytest.mark.parametrize("basis", POLYNOMIAL_BASES)
def test_elements_are_those_of_the_textbook(basis):
    t = torch.tensor(np.random.default_rng(0).normal(size=500))
    expected = BASES[basis](t.numpy(), 7)
    found = elements(t, basis, 7).numpy()
    assert np.abs(found - expected).max() < 1e-9 * np.abs(expected).max()


@pytest.mark.parametrize("basis", POLYNOMIAL_BASES)
def test_slopes_are_the_gradients(basis):
    t = torch.linspace(-2, 2.5, 40, dtype=torch.float64).unsqueeze(1).requires_grad_()
    table = recurrence_table(basis, 6)
    if basis == "empirical":
        table = empirical_table(stieltjes(t, 6))
    slopes = element_slopes(t, basis, table)
    for g, slope in zip(basis_elements(t, basis, table), slopes, strict=True):
        (gradient,) = torch.autograd.grad(g.sum(), t, retain_graph=True, allow_unused=True)
        expected = torch.zeros_like(t) if gradient is None else gradient
        assert (slope - expected).abs().max() < 1e-10 * (1 + expected.abs().max())


def test_hermite_is_orthonormal_on_a_normal_place():
    x, w = normal_places()
    g = elements(x, "hermite", 10)
    assert ((g * w) @ g.T - torch.eye(11)).abs().max() < 1e-10


@pytest.mark.parametrize("draw", ["normal", "lognormal", "uniform"])
def test_empirical_is_orthonormal_on_its_rows(draw):
    rows = getattr(np.random.default_rng(1), draw)(size=2000)
    t = torch.tensor((rows - rows.mean()) / rows.std())
    g = elements(t, "empirical", 6)
    assert (g @ g.T / len(t) - torch.eye(7)).abs().max() < 1e-8


def test_empirical_becomes_hermite_over_the_nodes_of_a_normal_quadrature():
    """Rows repeated by their weight: the recurrence of the sample is that of the density."""
    x, w = np.polynomial.hermite_e.hermegauss(6)
    counts = np.round(w / w.sum() * 4e5).astype(int)
    alpha, beta = stieltjes(torch.tensor(np.repeat(x, counts)).unsqueeze(1), 4)
    assert alpha.abs().max() < 1e-3
    assert (beta.ravel() - torch.arange(1.0, 5.0).sqrt()).abs().max() < 1e-3


def test_elements_that_rows_cannot_tell_apart_are_zero():
    t = torch.tensor([-1.0, 0.0, 1.0, 1.0], dtype=torch.float64)  # three places: a parabola
    g = elements(t, "empirical", 5)
    assert g[3:].abs().max() == 0
    assert ((g[:3] @ g[:3].T) / 4 - torch.eye(3)).abs().max() < 1e-12


#: Sheet "slaf", section 7: raw powers, powers, Hermite, Chebyshev at degrees 4, 6, 10; two digits.
CONDITION = {
    "N(0,1)": (
        ("raw", (2.8e2, 5.4e4, 1.05e10)),
        ("powers", (13.9, 1.43e2, 1.16e4)),
        ("hermite", (1, 1, 1)),
        ("chebyshev", (2.3, 3.5, 6.9)),
    ),
    "N(1,1)": (
        ("raw", (4.6e3, 1.4e6, 7.1e11)),
        ("powers", (2.7e2, 4.2e3, 7.1e5)),
        ("hermite", (1, 1, 1)),
        ("chebyshev", (2.3, 3.5, 6.9)),
    ),
    "U(-1,1)": (
        ("raw", (77, 3.0e3, 3.6e6)),
        ("powers", (47, 1.7e3, 1.8e6)),
        ("hermite", (82, 1.95e4, 3.75e9)),
        ("chebyshev", (3.0, 9.75, 1.29e2)),  # the last is 1.2e2 with T_1 in place of the line
    ),
}


@pytest.mark.parametrize("law", CONDITION)
def test_condition_numbers_by_quadrature(law):
    x, w = uniform_places() if law == "U(-1,1)" else normal_places()
    x = x + 1 if law == "N(1,1)" else x
    t = (x - x @ w) / ((x - x @ w) ** 2 @ w).sqrt()
    for name, expected in CONDITION[law]:
        basis, raw = ("powers", True) if name == "raw" else (name, False)
        place = x if basis == "powers" else t
        for k, number in zip((4, 6, 10), expected, strict=True):
            found = condition_number(elements(place, basis, k)[1:], w, standardise=not raw)
            assert found == pytest.approx(number, rel=0.03), (name, k)


def test_chebyshev_stays_well_conditioned_in_a_sample():
    rows = np.random.default_rng(2).normal(size=20_000)
    t = torch.tensor((rows - rows.mean()) / rows.std())
    found = [condition_number(elements(t, "chebyshev", k)[1:]) for k in (4, 6, 10)]
    assert found == pytest.approx([2.3, 3.5, 6.9], rel=0.1)


def test_a_line_beside_t1_would_spoil_it():
    x, w = normal_places()
    g = elements(x, "chebyshev", 4)[1:]
    both = torch.cat([g, x.tanh().unsqueeze(0)])
    assert condition_number(both, w) == pytest.approx(2.5e2, rel=0.03)


def test_errors_say_what_to_do():
    with pytest.raises(InputError, match=re.escape("got basis='legendre'")):
        recurrence_table("legendre", 3)
    with pytest.raises(InputError, match="degree must be at least 1; got degree=0"):
        recurrence_table("powers", 0)
