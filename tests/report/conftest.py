"""The hand-made fit of the explain tests, as fixtures."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import torch


def _load():
    """Tests are no package, so the module beside them is loaded by its path, once."""
    name = "superpose_fake_fit"
    if name not in sys.modules:
        path = Path(__file__).parents[1] / "explain" / "fake_fit.py"
        spec = spec_from_file_location(name, path)
        sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="session")
def fake():
    """The module `fake_fit`."""
    return _load()


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
