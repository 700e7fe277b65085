"""Wide tables: attributes that tell nothing get no curve, and the others the curve they would."""

import math

import pytest
import torch
from tests.fitting.made_problems import normal, numbers, uniform

from superpose.fitting import fit_superposition
from superpose.fitting.superposition import relevant
from superpose.fitting.superposition.covariance import partial_evidence
from superpose.fitting.superposition.growth import Rows
from superpose.fitting.superposition.losses import loss_named
from superpose.fitting.superposition.problem import Problem

N, TELLING = 300, [1, 5, 6]


def wide(columns=12, loss="gaussian"):
    x = uniform(N, max(columns, 7), seed=2)
    f = torch.sin(6 * x[:, 1]) + 6 * (x[:, 5] - 0.5) ** 2 + x[:, 6]
    x = x[:, :columns]
    return x, f + 0.2 * normal(N) if loss == "gaussian" else (f + 0.3 * normal(N) > 1).double()


def rows_of(x, y, loss="gaussian"):
    attributes = tuple(numbers(x))
    u = torch.stack([a.encode(x[:, p]) for p, a in enumerate(attributes)], 1)
    problem = Problem(y, torch.ones(len(y)).double(), loss_named(loss, y))
    return Rows(attributes, u, problem, "matern32")


@pytest.mark.parametrize("loss", ["gaussian", "bernoulli"])
def test_the_attributes_that_tell_are_found(loss):
    assert relevant.relevant(rows_of(*wide(loss=loss), loss)) == TELLING


def test_a_copy_is_superfluous():
    """Of two attributes that say the same, both gain by themselves; noise beside them does not."""
    x, y = wide(6)
    copies = torch.cat([x, x[:, 1:2]], 1)
    found = relevant.relevant(rows_of(copies, y))
    assert found == [1, 5] or found == [5, 6] or found == [1, 5, 6]


def test_what_must_be_kept_is_kept():
    assert 0 in relevant.relevant(rows_of(*wide()), [0])


def test_room_is_never_exceeded(monkeypatch):
    monkeypatch.setattr(relevant, "WIDE", 20)  # two curves of eight control points
    assert len(relevant.relevant(rows_of(*wide()))) == 2


def test_the_gain_is_the_evidence_against_no_curve():
    """It is log N(r; 0, I + ZΛ⁻¹Zᵀ) - log N(r; 0, I), by the oracle over the rows."""
    rows = rows_of(*wide(2))
    block, r = rows.main(1), rows.problem.y[:, None]
    gain = partial_evidence(block, r, torch.ones_like(r), 1.0)
    best = -math.inf
    for strength in torch.linspace(-6, 14, 11).tolist():
        variance = torch.tensor(
            [math.exp(-strength) if it == "smooth" else 1.0 for it in block.labels]
        ).double()
        covariance = torch.eye(N).double() + (block.columns * variance) @ block.columns.mT
        normal_ = torch.distributions.MultivariateNormal
        zero = torch.zeros(N).double()
        here = normal_(zero, covariance).log_prob(r[:, 0])
        best = max(best, float(here - normal_(zero, torch.eye(N).double()).log_prob(r[:, 0])))
    assert gain == pytest.approx(best, abs=1e-6)


def test_a_wide_fit_is_the_fit_of_what_tells(monkeypatch):
    """Network, bands and evidence are those of the table of these attributes alone."""
    x, y = wide()
    narrow = x[:, TELLING]
    common = dict(loss="gaussian", pairs=1, terms=0)
    right = fit_superposition(numbers(narrow), narrow, y, **common)
    monkeypatch.setattr(relevant, "WIDE", 60)
    fit = fit_superposition(numbers(x), x, y, **common)
    parts = [part.attributes for part in fit.network.parts]
    assert parts == [tuple(TELLING[p] for p in part.attributes) for part in right.network.parts]
    assert torch.allclose(fit.network(x), right.network(narrow), atol=1e-8)
    bands = fit.posterior.variance(fit.network.encode(x))
    assert torch.allclose(bands, right.posterior.variance(right.network.encode(narrow)), atol=1e-8)
    assert fit.evidence == pytest.approx(right.evidence, abs=1e-6)


def test_a_named_pair_keeps_its_attributes(monkeypatch):
    x, y = wide()
    monkeypatch.setattr(relevant, "WIDE", 60)
    fit = fit_superposition(numbers(x), x, y, loss="gaussian", pairs=[(8, 1)], terms=0)
    assert (1, 8) in [part.attributes for part in fit.network.parts]
