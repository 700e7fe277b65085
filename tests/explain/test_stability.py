"""Stability is what refits say, no more and no less."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from tests.explain.made_tables import fitted, made

from superpose import KSTRegressor
from superpose.errors import ConvergenceWarning, InputError
from superpose.estimators import base
from superpose.explain import stability
from superpose.fitting import fit_superposition


def test_it_is_the_refits_by_hand() -> None:
    """One half, drawn and fitted here; the spread and the share inside counted with loops."""
    model, X, y = fitted("numbers")
    found = stability(model, X, y, n_resamples=1, random_state=3)
    weight = np.zeros(len(X))
    weight[np.random.default_rng(3).permutation(len(X))[: len(X) // 2]] = 1.0
    refit = clone(model).fit(X[weight > 0], np.asarray(y)[weight > 0])
    one, other = model.explain(X), refit.explain(X)
    for j, name in enumerate(("age", "hue", "bmi")):
        gap = other.values[:, j, 0] - one.values[:, j, 0]
        gap -= gap.mean()
        spread = found.curves[name]
        assert spread.spread == pytest.approx(np.sqrt((gap**2).mean()), rel=1e-9)
        reach = (one.upper - one.values)[:, j, 0]
        assert spread.inside == pytest.approx(np.mean(np.abs(gap) <= reach))
        i = list(found.names).index(name)
        assert found.importances[0, i] == pytest.approx(refit.importances_[name].value)
    at = np.interp(50.0, refit.curves_["age"].x, refit.curves_["age"].mean)
    here = np.interp(50.0, found.curves["age"].curve.x, found.curves["age"].refits[0, :, 0])
    shift = (other.values - one.values)[:, 0, 0].mean()
    assert here == pytest.approx(at - shift, abs=1e-3)


@pytest.mark.parametrize("kind", ["two classes", "three classes"])
def test_classes(kind: str) -> None:
    model, X, y = fitted(kind)
    found = stability(model, X, y, n_resamples=2)
    outputs = model.fit_.network.n_outputs
    for name, spread in found.curves.items():
        assert spread.refits.shape == (2, len(model.curves_[name].x), outputs)
        assert 0 <= spread.inside <= 1
    assert "rank correlation" in repr(found)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_and_another_another() -> None:
    model, X, y = fitted("numbers")
    first, again, other = (
        stability(model, X, y, n_resamples=2, random_state=seed) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first.importances, again.importances)
    assert (first.importances != other.importances).any()


@pytest.mark.slow
def test_refits_stand_at_the_model_dial_unless_they_may_grow() -> None:
    """There is no pair in the truth, so which one is found is luck."""
    model, X, y = fitted("numbers", pairs=1)
    (pair,) = model.pairs_
    held = stability(model, X, y, n_resamples=4)
    assert held.pairs == {pair: 1.0}
    free = stability(model, X, y, n_resamples=4, grow=True)
    assert len(free.pairs) > 1
    assert sum(free.pairs.values()) == pytest.approx(1.0)
    assert (held.grown, free.grown) == (False, True)


@pytest.mark.slow
def test_a_level_that_a_resample_does_not_have_is_left_out() -> None:
    X, y = made()
    X["hue"] = ["rare"] + ["red", "blue"] * 74 + ["red"]
    model = KSTRegressor(pairs=0, terms=0).fit(X, y)
    found = stability(model, X, y, n_resamples=6, share=0.4).curves["hue"]
    rare = list(found.curve.x).index("rare")
    gone = np.isnan(found.refits[:, rare, 0])
    assert 0 < gone.sum() < 6
    assert np.isfinite(np.delete(found.refits, rare, 1)).all()
    assert np.isfinite(found.spread)


@pytest.mark.slow
def test_bands_of_a_true_model_hold_the_refits() -> None:
    """Where the model is right, halves scatter as the band says."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (600, 2))
    y = np.sin(3 * x[:, 0]) + x[:, 1] + rng.normal(0, 0.5, 600)
    found = stability(KSTRegressor(pairs=0, terms=0).fit(x, y), x, y, n_resamples=30)
    assert 0.88 < np.mean([it.inside for it in found.curves.values()]) <= 1.0


@pytest.mark.slow
def test_a_share_is_scaled_to_new_data() -> None:
    """σ²(1/m - 1/n) at every share becomes σ²/n."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (400, 1))
    y = x[:, 0] + rng.normal(0, 0.5, 400)
    model = KSTRegressor(pairs=0, terms=0, knots=2).fit(x, y)
    spreads = [
        stability(model, x, y, n_resamples=60, share=s).curves["x0"].spread for s in (0.25, 0.8)
    ]
    assert spreads[0] == pytest.approx(spreads[1], rel=0.35)


@pytest.mark.slow
def test_refits_that_did_not_converge_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model, X, y = fitted("numbers")
    stopped = lambda *a, **k: replace(fit_superposition(*a, **k), converged=False)  # noqa: E731
    monkeypatch.setattr(base, "fit_superposition", stopped)
    sentence = "every refit should have converged; 2 of 2 stopped before"
    with pytest.warns(ConvergenceWarning, match=sentence) as caught:
        stability(model, X, y, n_resamples=2)
    assert len(caught) == 1


def test_refusals() -> None:
    model, X, y = fitted("numbers")
    with pytest.raises(InputError, match="n_resamples must be 1 or more; found 0; 20 show"):
        stability(model, X, y, n_resamples=0)
    with pytest.raises(InputError, match="share must be between 0 and 1; found 1; pass 0.5"):
        stability(model, X, y, share=1.0)
