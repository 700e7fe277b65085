"""Draw docs/_static/readme.png: the model of the README, its main curves in order of importance.

Run `make readme` after a change that moves the curves.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

from superpose import KSTRegressor
from superpose.plots import CurveDisplay

FILE = Path(__file__).parent / "_static" / "readme.png"
SHOWN = 6
WORDS = {
    "age": "age (years)",
    "bmi": "body mass index (kg/m²)",
    "bp": "mean blood pressure (mmHg)",
    "s1": "s1: total cholesterol (mg/dl)",
    "s2": "s2: LDL cholesterol (mg/dl)",
    "s3": "s3: HDL cholesterol (mg/dl)",
    "s4": "s4: total / HDL cholesterol",
    "s5": "s5: log of triglycerides",
    "s6": "s6: blood sugar (mg/dl)",
    "sex": "sex (code 1 or 2)",
}


def fitted() -> KSTRegressor:
    """The model of the README, on the same rows."""
    X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    X_train, _, y_train, _ = train_test_split(X, y, random_state=0)
    return KSTRegressor().fit(X_train, y_train)


def draw(model: KSTRegressor) -> plt.Figure:
    """The most important main curves on one vertical scale."""
    curves = sorted(model.curves_.values(), key=lambda c: c.importance.value, reverse=True)
    figure, axes = plt.subplots(
        2, SHOWN // 2, figsize=(10, 5.2), sharey=True, layout="constrained", dpi=150
    )
    for ax, curve in zip(axes.flat, curves, strict=False):
        CurveDisplay(curve).plot(ax)
        ax.set_xlabel(WORDS[curve.name])
        ax.set_ylabel("")
    figure.supylabel("adds to disease progression after one year", fontsize=10)
    return figure


if __name__ == "__main__":
    draw(fitted()).savefig(FILE)
    print(f"wrote {FILE}")
