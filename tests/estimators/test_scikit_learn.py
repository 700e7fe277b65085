"""scikit-learn's own checks: every one passes, none is skipped, none is expected to fail."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from typing import Any

import joblib
import numpy as np
import pandas as pd
import polars
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.inspection import permutation_importance
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from superpose import KSTClassifier, KSTRegressor

# One check needs SCIPY_ARRAY_API before SciPy is imported, hence a process of its own.
RUN = """
import json, sys, warnings
from sklearn.utils.estimator_checks import check_estimator
import superpose
warnings.simplefilter("ignore")
estimator = getattr(superpose, sys.argv[1])(**json.loads(sys.argv[2]))
found = check_estimator(estimator, on_fail=None, on_skip=None)
print(json.dumps([(it["check_name"], it["status"], repr(it["exception"])) for it in found]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"pairs": 0, "terms": 0}], ids=["defaults", "additive"])
@pytest.mark.parametrize(("name", "count"), [("KSTClassifier", 60), ("KSTRegressor", 57)])
def test_every_check_passes_and_none_is_skipped(name: str, count: int, options: dict) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUN, name, json.dumps(options)],
        env={**os.environ, "SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [it for it in found if it[1] != "passed"] == []
    assert len(found) >= count


@pytest.mark.parametrize("model", [KSTClassifier(), KSTRegressor()])
def test_the_tags_say_what_is_accepted(model: KSTClassifier | KSTRegressor) -> None:
    tags = model.__sklearn_tags__()
    assert tags.input_tags.allow_nan
    assert tags.input_tags.categorical
    assert not tags.input_tags.sparse


@pytest.mark.parametrize("cls", [KSTClassifier, KSTRegressor])
@pytest.mark.parametrize(
    "wrong",
    [{"pairs": "all"}, {"terms": -1}, {"kernel": "rbf"}, {"knots": 1}, {"random_state": None}],
    ids=str,
)
def test_parameters_are_checked_in_fit(cls: type, wrong: dict) -> None:
    model = cls(**wrong)
    name = next(iter(wrong))
    with pytest.raises(ValueError, match=f"The '{name}' parameter of {cls.__name__} must be"):
        model.fit([[0.0], [1.0]], [0, 1])


ADDITIVE = {"pairs": 0, "terms": 0, "knots": 6}
KINDS = [KSTClassifier, KSTRegressor]


def mixed_table(n: int = 60) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Numbers, a category and holes; labels; weights."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=n), "b": rng.choice(["u", "v"], n)})
    labels = np.where(X["a"] + (X["b"] == "u") + 0.3 * rng.normal(size=n) > 0.5, "yes", "no")
    X.loc[::8, "a"] = np.nan
    return X, labels, rng.integers(1, 4, n).astype(float)


def target_of(kind: type, labels: np.ndarray) -> np.ndarray:
    return labels if kind is KSTClassifier else (labels == "yes").astype(float)


def scaled(estimator: Any) -> Pipeline:
    """A category beside numbers that are filled and scaled."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = ColumnTransformer([("n", numbers, ["a"]), ("c", "passthrough", ["b"])])
    return Pipeline([("columns", columns), ("model", estimator)])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("container", ["default", "pandas", "polars"])
def test_a_pipeline_of_any_container(kind: type, container: str) -> None:
    """Scaling moves no curve: predictions are those of the table filled by hand."""
    X, labels, _ = mixed_table()
    y = target_of(kind, labels)
    model = scaled(kind(**ADDITIVE)).set_output(transform=container)
    given = polars.from_pandas(X) if container == "polars" else X
    found = model.fit(given, y).predict(given)
    by_hand = X.assign(a=X["a"].fillna(X["a"].mean()))
    wanted = kind(**ADDITIVE).fit(by_hand, y).predict(by_hand)
    if kind is KSTClassifier:
        np.testing.assert_array_equal(found, wanted)
    else:
        np.testing.assert_allclose(found, wanted, atol=1e-8)
    names = getattr(model[-1], "feature_names_in_", None)
    assert (None if names is None else list(names)) == (
        None if container == "default" else ["n__a", "c__b"]
    )


def test_one_hot_columns_and_other_estimators_beside() -> None:
    X, labels, _ = mixed_table()
    encode = ColumnTransformer(
        [("hot", OneHotEncoder(sparse_output=False), ["b"])], remainder="passthrough"
    )
    vote = VotingClassifier([("a", KSTClassifier(**ADDITIVE))], voting="soft")
    assert make_pipeline(encode, vote).fit(X, labels).score(X, labels) > 0.8


def test_searches_over_a_step_of_a_pipeline() -> None:
    X, labels, _ = mixed_table()
    grid = [{"model__knots": [4], "model__kernel": ["matern52"]}, {"model__knots": [8]}]
    search = GridSearchCV(scaled(KSTClassifier(**ADDITIVE)), grid, cv=2, scoring="neg_log_loss")
    search.fit(X, labels)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    chosen = search.best_estimator_.get_params()
    assert chosen | search.best_params_ == chosen


def test_cross_validated_predictions_are_those_of_the_folds() -> None:
    X, labels, _ = mixed_table()
    folds = StratifiedKFold(3)
    found = cross_val_predict(
        KSTClassifier(**ADDITIVE), X, labels, cv=folds, method="predict_proba"
    )
    for train, test in folds.split(X, labels):
        model = KSTClassifier(**ADDITIVE).fit(X.iloc[train], labels[train])
        np.testing.assert_array_equal(found[test], model.predict_proba(X.iloc[test]))


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration(method: str) -> None:
    X, labels, weight = mixed_table()
    model = CalibratedClassifierCV(KSTClassifier(**ADDITIVE), method=method, cv=2)
    shares = model.fit(X, labels, sample_weight=weight).predict_proba(X)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    assert model.classes_.tolist() == ["no", "yes"]
    assert ((shares[:, 1] > 0.5) == (labels == "yes")).mean() > 0.8


def test_a_transformed_target_and_permutation_importance() -> None:
    X, labels, _ = mixed_table()
    y = 1.0 + target_of(KSTRegressor, labels)
    model = TransformedTargetRegressor(KSTRegressor(**ADDITIVE), func=np.log, inverse_func=np.exp)
    model.fit(X, y)
    found = permutation_importance(model, X, y, n_repeats=2, random_state=0)
    assert (found.importances_mean > 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_routed(kind: type) -> None:
    """Through a search and a pipeline to fit, and only where they were asked for."""
    X, labels, weight = mixed_table()
    y = target_of(kind, labels)
    with sklearn.config_context(enable_metadata_routing=True):
        asked = kind(**ADDITIVE).set_fit_request(sample_weight=True)
        asked.set_score_request(sample_weight=True)
        whole = make_pipeline(FunctionTransformer(), asked).fit(X, y, sample_weight=weight)
        search = GridSearchCV(asked, {"knots": [6]}, cv=2).fit(X, y, sample_weight=weight)
        silent = kind(**ADDITIVE).set_fit_request(sample_weight=False)
        silent.set_score_request(sample_weight=False)
        with pytest.raises(TypeError, match="sample_weight"):
            cross_validate(silent, X, y, cv=2, params={"sample_weight": weight})
    direct = kind(**ADDITIVE).fit(X, y, sample_weight=weight)
    plain = kind(**ADDITIVE).fit(X, y)
    for model in (whole, search.best_estimator_):
        np.testing.assert_array_equal(model.predict(X), direct.predict(X))
        assert model.score(X, y) == direct.score(X, y)
    score = "decision_function" if kind is KSTClassifier else "predict"
    assert not np.allclose(getattr(direct, score)(X), getattr(plain, score)(X))


@pytest.mark.parametrize("kind", KINDS)
def test_names_of_columns(kind: type) -> None:
    X, labels, _ = mixed_table()
    model = kind(**ADDITIVE).fit(X, target_of(kind, labels))
    assert model.feature_names_in_.tolist() == ["a", "b"]
    assert model.feature_names_in_.dtype == object
    assert model.n_features_in_ == 2
    with pytest.raises(ValueError, match="the feature names should match those of fit"):
        model.predict(X[["b", "a"]])
    model.fit(X[["a"]].to_numpy(), target_of(kind, labels))
    assert not hasattr(model, "feature_names_in_")


@pytest.mark.parametrize("kind", KINDS)
def test_clone_and_pickle_keep_everything_or_nothing(kind: type, tmp_path: Any) -> None:
    """A pickle keeps the fit bit for bit, by pickle and by joblib; a clone keeps the parameters."""
    X, labels, _ = mixed_table()
    model = kind(**ADDITIVE, kernel="matern52", random_state=3)
    for unfitted in (clone(model), pickle.loads(pickle.dumps(model))):
        assert unfitted.get_params() == model.get_params()
        with pytest.raises(NotFittedError):
            unfitted.predict(X)
    model.fit(X, target_of(kind, labels))
    with pytest.raises(NotFittedError):
        clone(model).predict(X)
    joblib.dump(model, tmp_path / "m.joblib")
    for again in (pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "m.joblib")):
        np.testing.assert_array_equal(again.predict(X), model.predict(X))
        np.testing.assert_array_equal(again.explain(X).lower, model.explain(X).lower)
        assert again.summary_ == model.summary_
        again.save(tmp_path / "a")
    model.save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    np.testing.assert_array_equal(
        clone(model).fit(X, target_of(kind, labels)).predict(X), model.predict(X)
    )


def test_folds_in_threads_give_the_same() -> None:
    X, labels, _ = mixed_table()
    model = KSTClassifier(**ADDITIVE)
    with joblib.parallel_config("threading"):
        both = cross_val_score(model, X, labels, cv=2, n_jobs=2)
    np.testing.assert_array_equal(both, cross_val_score(model, X, labels, cv=2))
