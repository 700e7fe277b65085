"""The hand-made fit of `fake_fit` as fixtures, for the tests of explain, plots and report."""

from __future__ import annotations

import pytest
import torch
from tests.explain import fake_fit


@pytest.fixture(scope="session")
def fake():
    """The module `fake_fit`."""
    return fake_fit


@pytest.fixture(scope="session", params=["gaussian", "bernoulli", "multinomial"])
def loss(request):
    return request.param


@pytest.fixture(scope="session")
def fit(fake, loss):
    return fake.fake_fit(loss)


@pytest.fixture(scope="session")
def rows(fake):
    return fake.fake_rows()


@pytest.fixture(scope="session")
def outputs(loss):
    from superpose.explain import Outputs

    classes = {"gaussian": (), "bernoulli": ("no", "yes"), "multinomial": ("a", "b", "c")}
    return Outputs("outcome", classes[loss])


@pytest.fixture(scope="session")
def summary(fake, fit, rows, outputs):
    from superpose.explain import score_held_out, summarise

    y = fake.fake_target(fit, rows)
    new = fake.fake_rows(seed=7)
    explained = outputs.inverse_link(fit.network(torch.as_tensor(new)).numpy())
    held_out = score_held_out(
        fake.fake_target(fit, new, seed=8),
        explained,
        source="300 rows left out of the fit",
        target=outputs.target,
        classes=outputs.classes,
    )
    return summarise(fit, rows, y, outputs=outputs, held_out=held_out)
