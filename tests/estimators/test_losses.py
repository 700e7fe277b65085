"""Losses of the regressor, offsets and exposures, class weights: laws and messages."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.metrics import mean_poisson_deviance
from sklearn.model_selection import KFold, cross_validate
from sklearn.utils.class_weight import compute_class_weight

from superpose import KSTClassifier, KSTRegressor
from superpose.errors import InputError
from superpose.estimators import load
from superpose.estimators.links import mean_of, observation_variance

N = 160
ADDITIVE = {"pairs": 0, "terms": 0}


def table(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {"age": rng.uniform(18, 80, N), "site": rng.choice(["north", "south", "west"], N)}
    )


def target(loss: str, X: pd.DataFrame, exposure: np.ndarray | float = 1.0) -> pd.Series:
    rng = np.random.default_rng(1)
    mean = exposure * np.exp(np.sin(X["age"] / 12) + 0.7 * (X["site"] == "south"))
    if loss == "poisson":
        y = rng.poisson(mean)
    elif loss == "gamma":
        y = rng.gamma(4, mean / 4)
    else:
        y = np.log(mean) + 0.3 * rng.standard_t(4, N)
    return pd.Series(np.asarray(y, dtype=float), name="cost")


LOSSES = ["gaussian", "poisson", "gamma", "student_t"]


@pytest.mark.parametrize("loss", LOSSES)
def test_parts_add_up_on_the_link_and_predictions_are_means(loss: str) -> None:
    X = table()
    model = KSTRegressor(loss=loss, **ADDITIVE).fit(X, target(loss, X))
    explanation = model.explain(X)
    total = (explanation.baseline + explanation.values.sum(axis=1))[:, 0]
    log = loss in ("poisson", "gamma")
    np.testing.assert_allclose(np.exp(total) if log else total, model.predict(X), rtol=1e-12)
    assert explanation.units == ("log of cost" if log else "cost")
    assert model.curves_["age"].units == explanation.units
    mean = explanation.outputs.inverse_link(explanation.prediction)[:, 0]
    np.testing.assert_allclose(mean, model.predict(X), rtol=1e-12)
    text = repr(explanation)
    assert ("factor" in text) == log
    if log:
        factor = float(text.split("prediction")[-1].split("×")[1].split()[0])
        assert factor == pytest.approx(model.predict(X)[2], rel=1e-2)  # the last row shown


@pytest.mark.parametrize("loss", LOSSES)
def test_the_standard_deviation_is_that_of_observations(loss: str) -> None:
    """Posterior and noise, drawn at random and put through the link."""
    rng, link, variance, noise = np.random.default_rng(0), 3.0, 0.01, 0.3
    f = link + np.sqrt(variance) * rng.normal(size=400_000)
    mean = np.exp(f)
    y = {
        "gaussian": f + noise * rng.normal(size=len(f)),
        "student_t": f + noise * rng.standard_t(4, len(f)),
        "poisson": rng.poisson(mean).astype(float),
        "gamma": rng.gamma(1 / noise**2, mean * noise**2),
    }[loss]
    given = None if loss == "poisson" else noise
    at = mean_of(np.array([link]), loss)
    found = observation_variance(at, np.array([variance]), given, loss)
    assert found[0] == pytest.approx(y.var(), rel=0.03)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_report_speaks_of_factors_where_the_link_is_a_log(loss: str, tmp_path: Path) -> None:
    X = table()
    model = KSTRegressor(loss=loss, **ADDITIVE).fit(X, target(loss, X))
    model.report(tmp_path / "report.html")
    text = re.sub(r"\s+", " ", (tmp_path / "report.html").read_text(encoding="utf-8"))
    log = loss in ("poisson", "gamma")
    assert ("changes cost by a factor of" in text) == log
    words = "Contributions are in units of log of cost. Adding 0.1 multiplies cost by"
    assert (words in text) == log
    assert ("mean deviance" in text) == log
    assert "the odds" not in text
    assert (f'"log":{"true" if log else "false"}') in text


def test_quality_is_the_deviance_of_rows_left_out() -> None:
    X = table()
    y = target("poisson", X)
    model = KSTRegressor(loss="poisson", **ADDITIVE).fit(X, y)
    metrics = {it.name: it for it in model.summary_.held_out.metrics}
    deviance, explained = metrics["mean deviance"], metrics["share of deviance explained"]
    constant = mean_poisson_deviance(y, np.full(N, y.mean()))
    assert deviance.constant == pytest.approx(constant)
    assert deviance.value == pytest.approx(model.complexity_path_[0].loss)
    assert explained.value == pytest.approx(1 - deviance.value / constant)
    assert 0.2 < explained.value < 1


def test_an_exposure_is_an_offset_of_its_logarithm() -> None:
    X, years = table(), np.random.default_rng(5).uniform(0.1, 5, N)
    y = target("poisson", X, years)
    model = KSTRegressor(loss="poisson", **ADDITIVE)
    one = model.fit(X, y, exposure=years).predict(X, exposure=years)
    std = model.predict(X, return_std=True, exposure=years)[1]
    rate = model.predict(X)
    np.testing.assert_allclose(one, years * rate, rtol=1e-12)
    two = model.fit(X, y, offset=np.log(years))
    np.testing.assert_array_equal(two.predict(X, offset=np.log(years)), one)
    np.testing.assert_array_equal(two.predict(X, return_std=True, offset=np.log(years))[1], std)
    both = model.fit(X, y, offset=np.log(years) / 2, exposure=np.sqrt(years))
    half = both.predict(X, offset=np.log(years) / 2, exposure=np.sqrt(years))
    np.testing.assert_allclose(half, one, rtol=1e-6)
    truth = np.exp(np.sin(X["age"] / 12) + 0.7 * (X["site"] == "south"))
    assert np.corrcoef(np.log(rate), np.log(truth))[0, 1] > 0.95


@pytest.mark.parametrize("loss", ["gaussian", "poisson"])
def test_equal_rows_of_different_offset_stay_apart(loss: str) -> None:
    """Rows in any order, weights as repetitions: to the bit, with an offset, too."""
    X = table().round({"age": -1})
    rng = np.random.default_rng(2)
    known, times = rng.integers(0, 2, N).astype(float), rng.integers(0, 3, N)
    y = target("poisson", X, np.exp(known))
    model = KSTRegressor(loss=loss, **ADDITIVE)
    first = model.fit(X, y, sample_weight=times, offset=known).predict(X)
    order = rng.permutation(np.repeat(np.arange(N), times))
    again = model.fit(X.iloc[order], y[order], offset=known[order]).predict(X)
    np.testing.assert_array_equal(again, first)
    without = model.fit(X, y, sample_weight=times).predict(X)
    assert np.abs(without - first).max() > 0.1


@pytest.mark.parametrize("classes", [2, 3])
def test_a_classifier_takes_an_offset(classes: int) -> None:
    X, rng = table(), np.random.default_rng(3)
    signal = np.sin(X["age"] / 12).to_numpy()
    y = np.digitize(2 * signal + rng.logistic(size=N), [0.0] if classes == 2 else [-1.0, 1.0])
    known = 2 * signal if classes == 2 else np.outer(signal, [-2.0, 0.0, 2.0])
    model = KSTClassifier(**ADDITIVE).fit(X, y, offset=known)
    moved = KSTClassifier(**ADDITIVE).fit(X, y, offset=known + 7)  # a level, alike in all rows
    np.testing.assert_allclose(
        moved.predict_proba(X, offset=known + 7), model.predict_proba(X, offset=known), atol=1e-6
    )
    without = KSTClassifier(**ADDITIVE).fit(X, y)
    assert np.ptp(model.curves_["age"].mean) < 0.5 * np.ptp(without.curves_["age"].mean)
    probability = model.predict_proba(X, offset=known)
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X, offset=known)), probability)
    best = model.classes_[probability.argmax(axis=1)]
    np.testing.assert_array_equal(model.predict(X, offset=known), best)
    assert model.score(X, y, offset=known) == np.mean(best == y)


@pytest.mark.parametrize("labels", [["no", "yes"], [0, 1, 2]], ids=["text", "numbers"])
def test_class_weights_are_sample_weights_to_the_bit(labels: list, tmp_path: Path) -> None:
    X, rng = table(), np.random.default_rng(4)
    y = np.array(labels)[np.minimum(rng.poisson(0.7, N), len(labels) - 1)]
    own = rng.integers(1, 4, N)
    chosen = {labels[0]: 0.5, labels[1]: 2}
    by_row = own * np.array([chosen.get(label, 1.0) for label in y.tolist()])
    one = KSTClassifier(class_weight=chosen, **ADDITIVE).fit(X, y, sample_weight=own)
    two = KSTClassifier(**ADDITIVE).fit(X, y, sample_weight=by_row)
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))
    one.save(tmp_path / "a")
    assert load(tmp_path / "a").get_params()["class_weight"] == chosen
    balanced = KSTClassifier(class_weight="balanced", **ADDITIVE).fit(X, y)
    each = compute_class_weight("balanced", classes=np.unique(y), y=y)
    other = KSTClassifier(class_weight=dict(zip(labels, each, strict=True)), **ADDITIVE).fit(X, y)
    np.testing.assert_array_equal(balanced.predict_proba(X), other.predict_proba(X))
    assert balanced.predict_proba(X).mean(axis=0) == pytest.approx(1 / len(labels), abs=0.1)


def test_balanced_counts_weights_as_repetitions() -> None:
    X, rng = table(), np.random.default_rng(4)
    y, times = rng.random(N) < 0.2, rng.integers(0, 3, N)
    model = KSTClassifier(class_weight="balanced", **ADDITIVE)
    one = model.fit(X, y, sample_weight=times).predict_proba(X)
    rows = np.repeat(np.arange(N), times)
    two = model.fit(X.iloc[rows], y[rows]).predict_proba(X)
    np.testing.assert_allclose(two, one, atol=1e-9)


def test_metadata_is_routed() -> None:
    """cross_validate hands exposure and weights to fit and to score, row by row."""
    X, years = table(), np.random.default_rng(5).uniform(0.1, 5, N)
    y = target("poisson", X, years)
    with sklearn.config_context(enable_metadata_routing=True):
        model = KSTRegressor(loss="poisson", **ADDITIVE)
        model = model.set_fit_request(exposure=True, sample_weight=True)
        model = model.set_score_request(exposure=True, sample_weight=False)
        given = {"exposure": years, "sample_weight": np.ones(N)}
        folds = KFold(2)
        routed = cross_validate(model, X, y, cv=folds, params=given)["test_score"]
    half = N // 2
    by_hand = KSTRegressor(loss="poisson", **ADDITIVE)
    by_hand.fit(X[half:], y[half:], exposure=years[half:])
    expected = by_hand.score(X[:half], y[:half], exposure=years[:half])
    assert routed[0] == pytest.approx(expected)
    assert expected > 0.3


@pytest.mark.parametrize(
    ("loss", "change", "sentence"),
    [
        (
            "poisson",
            {"y": -1.0},
            'y must hold counts, 0 or above, for loss="poisson"; found less than 0 in row 1; '
            "correct or drop these rows",
        ),
        (
            "gamma",
            {"y": 0.0},
            'y must hold numbers above 0 for loss="gamma"; found 0 or less in row 1; correct or '
            "drop these rows",
        ),
        (
            "gaussian",
            {"exposure": np.ones(N)},
            'exposure needs a log link: loss="poisson" or "gamma"; found loss=\'gaussian\'; pass '
            "what is known of the sum as offset, or take another loss",
        ),
        (
            "poisson",
            {"exposure": np.zeros(N)},
            f"exposure must hold finite numbers above 0; found another in row 0 and {N - 1} more; "
            "correct or drop these rows",
        ),
        (
            "poisson",
            {"exposure": np.ones(3)},
            f"exposure must have one number for each of the {N} rows; found the shape (3,); pass a "
            "one-dimensional array as long as X",
        ),
        (
            "gaussian",
            {"offset": np.ones((N, 2))},
            f"offset must have the shape ({N},): one number for each row and output; found the "
            f"shape ({N}, 2); pass as many rows as X has, and a column for each of three or more "
            "classes",
        ),
        (
            "gaussian",
            {"offset": np.r_[np.ones(N - 1), np.nan]},
            f"offset must hold finite numbers; found others in row {N - 1}; correct or drop these "
            "rows",
        ),
    ],
    ids=str,
)
def test_what_a_loss_cannot_use_is_refused(loss: str, change: dict, sentence: str) -> None:
    X = table()
    y = target(loss, X)
    if "y" in change:
        y[1] = change.pop("y")
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        KSTRegressor(loss=loss, **ADDITIVE).fit(X, y, **change)


def test_counts_that_are_all_zero_are_refused() -> None:
    with pytest.raises(InputError, match='^y must hold a count above 0 for loss="poisson"; found'):
        KSTRegressor(loss="poisson").fit(table(), np.zeros(N))


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ({"c": 1.0}, "class_weight must have labels of y as keys; found 'c'; take from 'a', 'b'"),
        (
            {"a": 0.0},
            "class_weight must hold finite numbers above 0; found [0.0, 1.0]; leave the rows of a "
            "class out to give it no weight",
        ),
    ],
    ids=str,
)
def test_class_weights_that_cannot_be_used_are_refused(chosen: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        KSTClassifier(class_weight=chosen).fit(table(), np.array(["a", "b"] * (N // 2)))


def test_far_outside_the_data_a_log_link_stays_finite() -> None:
    X = pd.DataFrame({"x": np.arange(N) / N})
    model = KSTRegressor(loss="gamma", **ADDITIVE).fit(X, np.exp(5 * X["x"]))
    found = model.predict(pd.DataFrame({"x": [-1e9, 1e9]}))
    assert np.isfinite(found).all()
    assert found[0] < 1e-100
    assert found[1] > 1e100
