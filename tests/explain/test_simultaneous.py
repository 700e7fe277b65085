"""Bands that hold a whole curve: against draws from the posterior, limits, and figures."""

import json

import numpy as np
import pytest
import torch
from scipy import stats
from tests.explain.made_tables import fitted

from superpose.errors import InputError
from superpose.explain import simultaneous_bands
from superpose.explain.draw_simultaneous import _reach
from superpose.plots import CurveDisplay


@pytest.fixture(scope="module", params=["numbers", "three classes"])
def model(request):
    return fitted(request.param)[0]


def chance():
    return torch.Generator().manual_seed(0)


def test_the_reach_is_that_of_one_normal_or_of_many() -> None:
    line = torch.ones(50, 1).double()  # a curve that moves as a whole
    nothing = torch.zeros(50).double()
    assert _reach(line, nothing, 0.95, 10_000, chance()) == pytest.approx(1.96, abs=0.05)
    many = stats.norm.isf(
        (1 - 0.95 ** (1 / 50)) / 2
    )  # of 50 places that know nothing of each other
    assert _reach(0 * line, nothing + 1, 0.95, 10_000, chance()) == pytest.approx(many, abs=0.05)
    straight = torch.stack([torch.ones(200), torch.linspace(-1, 1, 200)], 1).double()
    found = _reach(straight, torch.zeros(200).double(), 0.95, 20_000, chance())
    # a line over [-1, 1] is an arc of length π/2: Naiman's bound for one is exact below a circle
    arc = lambda c: (np.pi / 2 / np.pi) * np.exp(-(c**2) / 2) + 2 * stats.norm.sf(c) - 0.05  # noqa: E731
    from scipy.optimize import brentq

    assert found == pytest.approx(brentq(arc, 1, 4), abs=0.04)


def test_factor_and_variance_agree(model) -> None:
    posterior = model.fit_.posterior
    width = len(model.fit_.network.attributes)
    u = torch.rand(20, width, generator=chance(), dtype=torch.float64)
    u[:, 1] = torch.randint(0, 3, (20,), generator=chance())
    for i in range(len(posterior.shares)):
        factor, left = posterior.part_factor(i, u)
        torch.testing.assert_close((factor**2).sum(2).mT + left, posterior.part_variance(i, u))


def test_curves_drawn_from_the_posterior_stay_inside_as_often_as_said(model) -> None:
    found = simultaneous_bands(model.fit_, model.summary_, level=0.9, draws=4_000)
    for index, (name, curve) in enumerate(found.items()):
        seen, band = curve.seen(), curve.simultaneous
        values = curve.x if curve.kind == "number" else np.arange(len(curve.x))
        u = torch.zeros(int(seen.sum()), len(found), dtype=torch.float64)
        rows = np.full((len(u), len(found)), np.nan)
        rows[:, index] = np.asarray(values, dtype=float)[seen]
        u = model.fit_.network.encode(torch.as_tensor(rows))
        factor, left = model.fit_.posterior.part_factor(index, u)
        for k, (own, alone) in enumerate(zip(factor, left.mT, strict=True)):
            draws = own @ torch.randn(own.shape[1], 2_000, dtype=torch.float64, generator=chance())
            draws += alone.sqrt()[:, None] * torch.randn(
                len(own), 2_000, dtype=torch.float64, generator=chance().manual_seed(9)
            )
            shape = (len(seen), -1)
            reach = (np.asarray(band.upper) - curve.mean).reshape(shape)[seen, k]
            inside = (draws.abs().numpy() <= reach[:, None]).all(0).mean()
            assert inside == pytest.approx(0.9, abs=0.025), name
        beyond = np.asarray(band.upper).reshape(len(seen), -1)[~seen]
        assert np.isnan(beyond).all()
        assert (band.upper >= curve.upper)[seen].all()


def test_the_same_seed_gives_the_same_band_and_json_takes_it(model) -> None:
    one, two = (simultaneous_bands(model.fit_, model.summary_, draws=500) for _ in range(2))
    assert json.dumps(one["age"].to_dict()) == json.dumps(two["age"].to_dict())
    assert one["age"].to_dict()["simultaneous"]["error"] == pytest.approx(0.0097, abs=1e-4)
    assert "band of the whole curve" in repr(one["hue"])
    if not isinstance(one["age"].units, str):
        alone = one["age"].of(1).simultaneous
        np.testing.assert_array_equal(alone.upper, one["age"].simultaneous.upper[:, 1])


def test_a_level_and_draws_that_say_nothing_are_refused(model) -> None:
    for wrong in ({"level": 1.0}, {"draws": 10}):
        with pytest.raises(InputError, match="level must be between 0 and 1"):
            simultaneous_bands(model.fit_, **wrong)


def test_a_pair_has_one_too() -> None:
    model = fitted("numbers", pairs=[("age", "bmi")])[0]
    surface = simultaneous_bands(model.fit_, model.summary_, draws=200)["age × bmi"]
    seen = surface.seen()
    assert (surface.simultaneous.lower[seen] <= surface.lower[seen]).all()
    assert np.isnan(surface.simultaneous.lower[~seen]).all()


def test_a_figure_has_the_outer_band_and_names_it(model) -> None:
    import matplotlib.pyplot as plt

    outputs = len(np.atleast_1d(model.fit_.network.bias))
    for name in ("age", "hue"):
        display = CurveDisplay.from_estimator(model, name, simultaneous=True).plot()
        assert len(display.whole_bands_) == outputs
        said = [text.get_text() for text in display.ax_.texts]
        assert "outer band holds the whole curve, 95 %" in said
        assert not CurveDisplay.from_estimator(model, name).plot().whole_bands_
        plt.close("all")
