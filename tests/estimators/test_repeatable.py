"""The same data and seed give the same model in another process, bit for bit."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import hashlib, warnings
import numpy as np
from superpose import KSTClassifier, KSTRegressor
from superpose.estimators import base

warnings.simplefilter("ignore")
base.SAMPLE = 200
rng = np.random.default_rng(0)
X = rng.uniform(size=(300, 3))
f = np.sin(6 * X[:, 0]) + np.tanh(8 * (X[:, 1] - 0.5) * (X[:, 2] - 0.5))
y = f + 0.1 * rng.normal(size=300)
labels = np.array(["low", "middle", "high"])[np.digitize(y, [0.0, 0.6])]
models = [
    KSTRegressor(pairs=1, terms=1, knots=8).fit(X[:200], y[:200]),
    KSTClassifier(pairs=0, terms=0, knots=8).fit(X[:200], labels[:200]),
    KSTRegressor(pairs=0, terms=0, knots=8).fit_batches([(X[:170], y[:170]), (X[170:], y[170:])]),
]
for model in models:
    model.save("model.superpose")
    predicted = model.predict_proba(X) if hasattr(model, "classes_") else model.predict(X)
    with open("model.superpose", "rb") as file:
        print(hashlib.sha256(file.read() + predicted.tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_a_fit_is_the_same_in_another_process(tmp_path):
    """Files and predictions agree in every byte; the hashes of text differ between the two."""
    runs = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            check=True,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        ).stdout.split()
        for seed in ("1", "2")
    ]
    assert len(set(runs[0])) == 3
    assert runs[0] == runs[1]
