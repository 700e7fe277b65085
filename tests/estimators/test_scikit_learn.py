"""scikit-learn's own checks: every one passes, none is skipped, none is expected to fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

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


def test_search_pipeline_and_clone() -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=80), "b": rng.choice(["u", "v"], 80)})
    y = X["a"] ** 2 + (X["b"] == "u") + 0.1 * rng.normal(size=80)
    model = make_pipeline(FunctionTransformer(), KSTRegressor(pairs=0, terms=0))
    assert cross_val_score(model, X, y, cv=3).mean() > 0.5
    search = GridSearchCV(KSTRegressor(pairs=0, terms=0), {"knots": [8, 16]}, cv=3).fit(X, y)
    assert search.best_params_["knots"] in (8, 16)
    assert clone(search.best_estimator_).get_params() == search.best_estimator_.get_params()
