"""Fitting: how curves are learned. Newton's method, evidence, growth of the dial, posterior."""

from superpose.fitting.batches import RowBatch
from superpose.fitting.dial import DialStep
from superpose.fitting.edit import Edit
from superpose.fitting.fit import Fit, fit_superposition
from superpose.fitting.posterior import Posterior, Share

__all__ = ["DialStep", "Edit", "Fit", "Posterior", "RowBatch", "Share", "fit_superposition"]
