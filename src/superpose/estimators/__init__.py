"""Estimators in the manner of scikit-learn; the only room that checks tables.

A model is kept with ``model.save(path)`` and read back with `load`.
"""

from superpose.estimators.classifier import KSTClassifier
from superpose.estimators.editing import PartEditor
from superpose.estimators.loading import load
from superpose.estimators.regressor import KSTRegressor

__all__ = ["KSTClassifier", "KSTRegressor", "PartEditor", "load"]
