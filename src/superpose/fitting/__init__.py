"""Fitting: how curves are learned. Newton's method, evidence, growth of the dial, posterior."""

from superpose.fitting.dial import DialStep
from superpose.fitting.edit import Edit
from superpose.fitting.fit import Fit, fit_superposition
from superpose.fitting.posterior import MovedHeights, Posterior, Share

__all__ = ["DialStep", "Edit", "Fit", "MovedHeights", "Posterior", "Share", "fit_superposition"]
